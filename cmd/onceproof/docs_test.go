package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
)

// pages are all Markdown pages of the repository, by their path in it.
func pages(t *testing.T) map[string]string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md")
	cmd.Dir = top
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	all := map[string]string{}
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		if _, err := os.Stat(filepath.Join(top, name)); err == nil { // else deleted and not committed yet
			all[name] = read(t, filepath.Join(top, name))
		}
	}
	if len(all) < 20 || all["README.md"] == "" || all["docs/ci.md"] == "" {
		t.Fatalf("only %d pages are found", len(all))
	}
	return all
}

var (
	codeBlock  = regexp.MustCompile("(?ms)^[ >]*```[a-z]*\n(.*?)^[ >]*```")
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	mdLink     = regexp.MustCompile(`\]\(([^)\s]+)(?: "[^"]*")?\)`)
	mdHeading  = regexp.MustCompile(`(?m)^#+ +(.*?) *$`)
	ofMake     = regexp.MustCompile(`^make((?: +[^\s]+)*)`)
	ofPath     = regexp.MustCompile(`^[@.a-z][\w.@-]*(?:/[\w.@-]+)+/?$`)
	makeTarget = regexp.MustCompile(`(?m)^([a-z-]+):`)
	makeVar    = regexp.MustCompile(`(?m)^([A-Z]+) *[?:]?=`)
)

// TestLinks: every relative link leads to a file, and its anchor to a heading.
func TestLinks(t *testing.T) {
	all, seen := pages(t), 0
	for page, text := range all {
		prose := codeSpan.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "")
		for _, m := range mdLink.FindAllStringSubmatch(prose, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			seen++
			if why := deadLink(page, m[1], all); why != "" {
				t.Errorf("%s: the link %s is dead: %s", page, m[1], why)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d links were looked at", seen)
	}
}

func deadLink(page, link string, all map[string]string) string {
	file, anchor, _ := strings.Cut(link, "#")
	target := page
	if file != "" {
		target = filepath.ToSlash(filepath.Join(filepath.Dir(page), file))
	}
	if _, err := os.Stat(filepath.Join(top, target)); err != nil {
		return "there is no " + target
	}
	if text, ok := all[target]; anchor != "" && ok && !slices.Contains(anchors(text), anchor) {
		return target + " has no such heading"
	}
	return ""
}

// anchors are those that GitHub gives the headings of a page.
func anchors(text string) []string {
	var all []string
	for _, m := range mdHeading.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		var b strings.Builder
		for _, r := range strings.ToLower(m[1]) {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				b.WriteRune(r)
			case r == ' ':
				b.WriteByte('-')
			}
		}
		name := b.String()
		for n := 1; slices.Contains(all, name); n++ { // the same heading again is numbered
			name = fmt.Sprintf("%s-%d", b.String(), n)
		}
		all = append(all, name)
	}
	return all
}

// commandsOf are the command lines of a page: the lines of its code blocks, and what
// its prose has between backquotes.
func commandsOf(text string) (lines []string) {
	for _, block := range codeBlock.FindAllStringSubmatch(text, -1) {
		joined := strings.ReplaceAll(block[1], "\\\n", " ")
		for line := range strings.Lines(joined) {
			line = strings.TrimLeft(line, " >-$")
			line = strings.TrimPrefix(line, "run: ")
			lines = append(lines, strings.FieldsFunc(line, func(r rune) bool { return r == ';' || r == '&' || r == '|' })...)
		}
	}
	for _, span := range codeSpan.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		lines = append(lines, strings.Join(strings.Fields(span[1]), " "))
	}
	for i, line := range lines {
		line, _, _ = strings.Cut(line, " #")
		lines[i] = strings.TrimSpace(line)
	}
	return lines
}

// TestCommandsOnPages: every `onceproof …` has a command and flags that there are.
func TestCommandsOnPages(t *testing.T) {
	seen := 0
	for page, text := range pages(t) {
		for _, line := range commandsOf(text) {
			words := strings.Fields(line)
			for len(words) > 0 && assignment.MatchString(words[0]) { // ONCEPROOF_X=y onceproof …
				words = words[1:]
			}
			if len(words) < 2 || words[0] != "onceproof" && !strings.HasSuffix(words[0], "bin/onceproof") {
				continue
			}
			seen++
			if why := deadCommand(words[1:]); why != "" {
				t.Errorf("%s: %q: %s", page, line, why)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d commands were looked at", seen)
	}
}

var (
	assignment = regexp.MustCompile(`^[A-Z_]+=`)
	isVersion  = regexp.MustCompile(`^v\d`)
	flagName   = regexp.MustCompile(`^--([a-z-]+)`)
)

func deadCommand(words []string) string {
	if isVersion.MatchString(words[0]) { // what `onceproof version` prints
		return ""
	}
	r := root()
	r.InitDefaultHelpCmd()
	r.InitDefaultCompletionCmd(words...)
	cmd, rest := r, words
	for len(rest) > 0 && cmd.HasSubCommands() {
		i := slices.IndexFunc(cmd.Commands(), func(c *cobra.Command) bool { return c.Name() == rest[0] })
		if i < 0 {
			break
		}
		cmd, rest = cmd.Commands()[i], rest[1:]
	}
	if cmd == r && !strings.HasPrefix(words[0], "-") && !strings.HasPrefix(words[0], "…") {
		return "there is no command " + words[0]
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	for _, w := range rest {
		m := flagName.FindStringSubmatch(strings.TrimLeft(w, "[("))
		if m != nil && cmd.Flag(m[1]) == nil {
			return fmt.Sprintf("%s has no flag --%s", cmd.CommandPath(), m[1])
		}
		if w == "--" {
			break
		}
	}
	return ""
}

// TestTargetsOnPages: every `make …` has targets and variables that there are.
func TestTargetsOnPages(t *testing.T) {
	makefile := read(t, filepath.Join(top, "Makefile"))
	names := func(re *regexp.Regexp) (all []string) {
		for _, m := range re.FindAllStringSubmatch(makefile, -1) {
			all = append(all, m[1])
		}
		return all
	}
	targets, variables, seen := names(makeTarget), names(makeVar), 0
	for page, text := range pages(t) {
		for _, line := range commandsOf(text) {
			m := ofMake.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			seen++
			for _, word := range strings.Fields(m[1]) {
				variable, _, assigned := strings.Cut(word, "=")
				switch {
				case assigned && slices.Contains(variables, variable), slices.Contains(targets, word):
				default:
					t.Errorf("%s: %q: the Makefile has no %s", page, line, word)
				}
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d calls of make were looked at", seen)
	}
}

// TestPathsOnPages: a path between backquotes that begins in a folder of the repository
// is there.
func TestPathsOnPages(t *testing.T) {
	seen := 0
	for page, text := range pages(t) {
		for _, m := range codeSpan.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			span := m[1]
			if below, ok := strings.CutPrefix(span, "./"); ok { // from the page's own folder
				span = filepath.ToSlash(filepath.Join(filepath.Dir(page), below))
			}
			if why, looked := deadPath(span); looked {
				if seen++; why != "" {
					t.Errorf("%s: `%s`: %s", page, m[1], why)
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d paths were looked at", seen)
	}
}

// toWrite are files that a guide has its reader write.
var toWrite = []string{"faults/touch.go", "checker/touch.go", "checker/empty.go", "checker/empty_test.go"}

func deadPath(span string) (why string, looked bool) {
	first, _, _ := strings.Cut(span, "/")
	if !ofPath.MatchString(span) || slices.Contains(toWrite, span) {
		return "", false
	}
	if info, err := os.Stat(filepath.Join(top, first)); err != nil || !info.IsDir() || slices.Contains([]string{"bin", "build", "dist", "runs"}, first) {
		return "", false // another repository's, or no path at all
	}
	for _, part := range strings.Split(span, "/") { // built, or a placeholder
		if part == "out" || part == "target" || part == "node_modules" || part != "" && part == strings.ToUpper(part) && unicode.IsLetter(rune(part[0])) && !strings.Contains(part, ".") {
			return "", false
		}
	}
	if _, err := os.Stat(filepath.Join(top, span)); err != nil {
		return "there is no such file or folder", true
	}
	return "", true
}

// TestDeadOnesAreFound: these tests see what is dead.
func TestDeadOnesAreFound(t *testing.T) {
	all := map[string]string{"docs/a.md": "# A page\n## Twice\n## Twice\n"}
	for link, dead := range map[string]bool{"../README.md": false, "../NONE.md": true, "#a-page": true, "../docs": false} {
		if why := deadLink("docs/b.md", link, all); (why != "") != dead {
			t.Errorf("link %s: %q", link, why)
		}
	}
	if got := anchors(all["docs/a.md"]); !slices.Equal(got, []string{"a-page", "twice", "twice-1"}) {
		t.Errorf("anchors %q", got)
	}
	for line, dead := range map[string]bool{
		"run x --seed 7": false, "run x --sed 7": true, "clients build java": false, "client build": true, "--version": false,
		"completion bash": false, "history export x --format edn": false, "v0.3.0 (commit 1f2e)": false, "help run": false,
	} {
		if why := deadCommand(strings.Fields(line)); (why != "") != dead {
			t.Errorf("onceproof %s: %q", line, why)
		}
	}
	for span, dead := range map[string]bool{"internal/clients": false, "internal/client": true, "clients/sarama/out/worker": false, "a/b": false} {
		if why, _ := deadPath(span); (why != "") != dead {
			t.Errorf("path %s: %q", span, why)
		}
	}
	got := commandsOf("Say `onceproof run\nx`.\n\n```sh\n$ onceproof check a | jq .   # judge\nonceproof lint \\\n  --producer p\n```\n")
	want := []string{"onceproof check a", "jq .", "onceproof lint    --producer p", "onceproof run x"}
	if !slices.Equal(got, want) {
		t.Errorf("commands %q, want %q", got, want)
	}
}
