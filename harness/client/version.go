package client

import (
	"runtime/debug"
	"strings"
)

// ModuleVersion is the version of a module that this program was built with, for
// a Library's Name. A worker of another version than go.mod pins has it replaced.
func ModuleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		switch {
		case dep.Path != path:
		case dep.Replace != nil:
			return dep.Replace.Version
		default:
			return dep.Version
		}
	}
	return "unknown"
}

// isVersion says whether a hello's version, "2.16.1 (librdkafka 2.16.1)", is the
// one that was asked for. Some registries write a v before it, some do not.
func isVersion(told, asked string) bool {
	told, _, _ = strings.Cut(told, " ")
	return asked == "" || strings.TrimPrefix(told, "v") == strings.TrimPrefix(asked, "v")
}
