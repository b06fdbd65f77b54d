package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/clients"
	"github.com/onceproof/onceproof/worker"
)

// Builtin is the library whose worker is the onceproof binary itself.
const (
	Builtin       = "franz-go"
	builtinModule = "github.com/twmb/franz-go"
)

// What Lookup's errors wrap.
var (
	// ErrNoWorker: a library's worker is not built; the text says how to build it.
	ErrNoWorker = errors.New("no worker")
	// ErrNoLibrary: no library has this name.
	ErrNoLibrary = errors.New("no library is named")
)

// EnvClients names the environment variable that says where the workers' folders are.
// Without it: in the clients folder above the working directory or above the program,
// and then in the user's cache, where `onceproof clients build` builds.
const EnvClients = "ONCEPROOF_CLIENTS"

// Lookup returns the command of a library's worker: clients/<library>/out/worker,
// which clients/<library>/build makes, or of another version than the pinned one,
// as in "sarama@v1.40.0", clients/<library>/out/<version>/worker. For Builtin it is
// this program with the hidden subcommand `worker franz-go`.
func Lookup(library string) ([]string, error) {
	name, version := SplitVersion(library)
	if name == Builtin && (version == "" || version == worker.ModuleVersion(builtinModule)) {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("client: worker of %s: %w", library, err)
		}
		return []string{exe, "worker", name}, nil
	}
	dirs := clientDirs()
	for _, dir := range dirs {
		if worker := filepath.Join(dir, name, "out", version, "worker"); isProgram(worker) {
			return []string{worker}, nil
		}
	}
	for _, dir := range dirs {
		if build := filepath.Join(dir, name, "build"); isProgram(build) {
			return nil, fmt.Errorf("library %s: %w is built; build it with %s, or with %s",
				library, ErrNoWorker, buildCommand(name, version), strings.TrimSpace(near(build)+" "+version))
		}
	}
	if _, ok := clients.Find(name); ok && os.Getenv(EnvClients) == "" {
		return nil, fmt.Errorf("library %s: %w is built; build it with %s", library, ErrNoWorker, buildCommand(name, version))
	}
	return nil, fmt.Errorf("%w %q; there are %s", ErrNoLibrary, name, strings.Join(Libraries(), ", "))
}

// buildCommand is what a user types to have a worker built.
func buildCommand(name, version string) string {
	return strings.TrimSpace("onceproof clients build " + name + " " + version)
}

// BuiltWorker is a worker that was built.
type BuiltWorker struct {
	Version string `json:"version"` // "" is the one that the sources pin
	Path    string `json:"path"`
}

// BuiltWorkers are the built workers of a library, those that Lookup prefers first.
func BuiltWorkers(library string) []BuiltWorker {
	var all []BuiltWorker
	for _, dir := range clientDirs() {
		for _, pattern := range []string{"worker", "*/worker"} {
			found, _ := filepath.Glob(filepath.Join(dir, library, "out", pattern)) // the patterns are sound
			for _, path := range found {
				version := ""
				if pattern != "worker" {
					version = filepath.Base(filepath.Dir(path))
				}
				known := slices.ContainsFunc(all, func(b BuiltWorker) bool { return b.Version == version })
				if isProgram(path) && !known {
					all = append(all, BuiltWorker{version, path})
				}
			}
		}
	}
	return all
}

// Program is the command that args name: a library's worker by the library's name,
// also where a program of that name is in the path (java is), else a program.
func Program(args []string) ([]string, error) {
	name, _ := SplitVersion(args[0])
	if len(args) == 1 && slices.Contains(Libraries(), name) {
		return Lookup(args[0])
	}
	if _, err := exec.LookPath(args[0]); err == nil {
		return args, nil
	} else if len(args) > 1 || strings.HasPrefix(args[0], ".") || filepath.IsAbs(args[0]) {
		return nil, fmt.Errorf("client: %w", err)
	}
	return Lookup(args[0])
}

// SplitVersion takes the version off a library's name: "sarama@v1.40.0" is sarama
// at v1.40.0. A scope, as in "@platformatic/kafka", is part of the name.
func SplitVersion(library string) (name, version string) {
	if at := strings.LastIndexByte(library, '@'); at > 0 {
		return library[:at], library[at+1:]
	}
	return library, ""
}

// near names a file from the working directory, where that is shorter.
func near(file string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, file); err == nil && len(rel) < len(file) {
			return rel
		}
	}
	return file
}

// Libraries are the libraries that have a worker, built or not.
func Libraries() []string {
	all := []string{Builtin}
	if os.Getenv(EnvClients) == "" {
		for _, l := range clients.Libraries() {
			all = append(all, l.Name)
		}
	}
	for _, dir := range clientDirs() {
		for _, pattern := range []string{"*", "@*/*"} {
			builds, _ := filepath.Glob(filepath.Join(dir, pattern, "build")) // the patterns are sound
			for _, build := range builds {
				if name, err := filepath.Rel(dir, filepath.Dir(build)); err == nil && isProgram(build) {
					all = append(all, filepath.ToSlash(name))
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// clientDirs are the folders that may hold workers, the first the most specific.
func clientDirs() []string {
	if dir := os.Getenv(EnvClients); dir != "" {
		return []string{dir}
	}
	var dirs []string
	var starts []string
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	if exe, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(exe))
	}
	for _, dir := range starts {
		for ; ; dir = filepath.Dir(dir) {
			// The folder of the built-in worker tells our clients from others.
			folder := filepath.Join(dir, "clients")
			if _, err := os.Stat(filepath.Join(folder, Builtin)); err == nil && !slices.Contains(dirs, folder) {
				dirs = append(dirs, folder)
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if cache, err := clients.Folder(); err == nil { // else nothing can have been built there
		dirs = append(dirs, cache)
	}
	return dirs
}

func isProgram(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
