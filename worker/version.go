package worker

import (
	"runtime/debug"
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
