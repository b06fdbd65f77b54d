// Package clients builds the workers of client libraries from the sources that this
// program carries, into the user's cache folder, so that an installed program needs no
// checkout. How a worker is built is its own build script's to say; this package finds
// the tools, lays the sources out, and runs the script.
package clients

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/host"
)

// Library is a client library that a worker can be built for.
type Library struct {
	Name     string // "java", "@platformatic/kafka"
	Language string // "Java"
	needs    []host.Tool
	tagged   bool // its versions begin with v
}

// libraries are all, in the order of their names; a test compares them with the folders.
var libraries = []Library{
	{"@confluentinc/kafka-javascript", "JavaScript (librdkafka)", []host.Tool{host.Node, host.NPM}, false},
	{"@platformatic/kafka", "JavaScript", []host.Tool{host.Node, host.NPM}, false},
	{"aiokafka", "Python", []host.Tool{host.Python}, false},
	{"confluent-kafka", "Python (librdkafka)", []host.Tool{host.Python}, false},
	{"confluent-kafka-go", "Go (librdkafka)", []host.Tool{host.Go, host.C}, true},
	{"franz-go", "Go", []host.Tool{host.Go}, true},
	{"java", "Java", []host.Tool{host.Maven, host.JDK}, false},
	{"kafka-go", "Go", []host.Tool{host.Go}, true},
	{"kafka-python", "Python", []host.Tool{host.Python}, false},
	{"kafkajs", "JavaScript", []host.Tool{host.Node, host.NPM}, false},
	{"rdkafka", "Rust (librdkafka)", []host.Tool{host.Cargo, host.C, host.Make}, false},
	{"sarama", "Go", []host.Tool{host.Go}, true},
}

// Libraries returns all libraries that a worker can be built for.
func Libraries() []Library { return slices.Clone(libraries) }

// Find returns the library of a name.
func Find(name string) (Library, bool) {
	i := slices.IndexFunc(libraries, func(l Library) bool { return l.Name == name })
	if i < 0 {
		return Library{}, false
	}
	return libraries[i], true
}

// Lack is a tool that is not there, and how to get it.
type Lack struct {
	Why     string `json:"why"`
	Install string `json:"install"`
}

func (l Lack) String() string { return l.Why + ": " + l.Install }

// Lacks are the tools that this computer lacks to build l; it asks each for its version.
func (l Library) Lacks(ctx context.Context) []Lack {
	var lacks []Lack
	for _, tool := range l.needs {
		if why := tool.Missing(ctx); why != "" {
			lacks = append(lacks, Lack{why, tool.Install(host.System())})
		}
	}
	return lacks
}

var versionShape = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]*$`)

// checkVersion refuses what cannot be a version of l, before anything is fetched.
func (l Library) checkVersion(version string) error {
	digits := strings.TrimPrefix(version, "v")
	switch {
	case version == "":
		return nil
	case !versionShape.MatchString(version):
		return fmt.Errorf("%w: %q is no version of %s", ErrVersion, version, l.Name)
	case l.tagged && version[0] >= '0' && version[0] <= '9':
		return fmt.Errorf("%w: versions of %s begin with v: give v%s", ErrVersion, l.Name, version)
	case !l.tagged && digits != version && digits != "" && digits[0] >= '0' && digits[0] <= '9':
		return fmt.Errorf("%w: versions of %s have no v before them: give %s", ErrVersion, l.Name, digits)
	}
	return nil
}

// ErrVersion: what was given is no version of the library.
var ErrVersion = errors.New("wrong version")

// ErrLacks: a tool that the build needs is missing; the text says which and how to get it.
var ErrLacks = errors.New("cannot be built here")
