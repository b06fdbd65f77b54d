// Package buildinfo says which onceproof this program is: its version, its commit,
// the Go that built it, and the platform that it was built for.
//
//	fmt.Println(buildinfo.Read()) // onceproof v0.3.0 (commit 1f2e3d4c5b6a)
package buildinfo

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
)

// The linker sets these, as in
//
//	go build -ldflags "-X github.com/onceproof/onceproof/internal/buildinfo.version=v0.3.0 …"
//
// They win over what Go recorded, because a build may have been told to record nothing
// (-buildvcs=false), and an archive without .git has nothing to record.
var version, commit string

// Development is the version of a program that nobody gave a version.
const Development = "devel"

// Info is what is known of this program. An empty Commit means that it is not known.
type Info struct {
	Version  string `json:"version"`          // "v0.3.0", a pseudo-version, or Development
	Commit   string `json:"commit,omitempty"` // hexadecimal, at least 12 digits
	Modified bool   `json:"modified"`         // built from files that differ from Commit
	Go       string `json:"go"`               // "go1.26.8"
	Platform string `json:"platform"`         // "linux/amd64"
}

// Read reports on the program that runs.
func Read() Info {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		build = &debug.BuildInfo{}
	}
	return merge(build, version, commit)
}

// pseudo finds the commit in a version that Go made from one:
// v0.0.0-20261201030225-c26060f3b1aa, v0.3.1-0.20261201030225-c26060f3b1aa.
var pseudo = regexp.MustCompile(`[-.]\d{14}-([0-9a-f]{12})(\+.*)?$`)

// merge makes one answer of what Go recorded and what the linker was given.
func merge(build *debug.BuildInfo, version, commit string) Info {
	settings := map[string]string{}
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	recorded := build.Main.Version
	if recorded == "(devel)" {
		recorded = ""
	}
	info := Info{
		Version:  cmp.Or(version, recorded, Development),
		Commit:   cmp.Or(commit, settings["vcs.revision"]),
		Go:       cmp.Or(build.GoVersion, runtime.Version()),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if m := pseudo.FindStringSubmatch(info.Version); info.Commit == "" && m != nil {
		info.Commit = m[1]
	}
	// git describe --dirty marks a version with "-dirty", Go with "+dirty".
	info.Modified = strings.HasSuffix(info.Version, "dirty") || commit == "" && settings["vcs.modified"] == "true"
	return info
}

// commitText is the commit for people, in the length that git shows by default for a
// pseudo-version.
func (i Info) commitText() string {
	switch short := i.Commit[:min(len(i.Commit), 12)]; {
	case short == "":
		return "unknown commit"
	case i.Modified:
		return "commit " + short + " with changes"
	default:
		return "commit " + short
	}
}

// String names the program in one line, as in a verdict: "onceproof v0.3.0 (commit 1f2e3d4c5b6a)".
func (i Info) String() string {
	return fmt.Sprintf("onceproof %s (%s)", i.Version, i.commitText())
}

// Print writes all of it, one fact a line.
func (i Info) Print(w io.Writer) error {
	commit, found := strings.CutPrefix(i.commitText(), "commit ")
	if !found {
		commit = "unknown: it was built without one"
	}
	_, err := fmt.Fprintf(w, "onceproof %s\ncommit    %s\ngo        %s\nplatform  %s\n", i.Version, commit, strings.TrimPrefix(i.Go, "go"), i.Platform)
	return err
}
