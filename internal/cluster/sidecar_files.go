package cluster

import (
	"archive/tar"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// sidecarDir is where a sidecar's program lies in its container.
const sidecarDir = "/onceproof-sidecar"

// program is this process's executable and what it needs to run in any Linux
// image: nothing if it is static, else the loader and libraries that it is
// linked with.
type program struct {
	files []string // on this host
	argv  []string // how to start it in the container
}

// selfProgram finds the program of this process. ONCEPROOF_SIDECAR names a Linux
// build of onceproof where the process itself is not one (macOS).
func selfProgram() (program, error) {
	exe := os.Getenv("ONCEPROOF_SIDECAR")
	if exe == "" {
		var err error
		if exe, err = os.Executable(); err != nil {
			return program{}, err
		}
	}
	f, err := elf.Open(exe)
	if err != nil {
		return program{}, fmt.Errorf("%s is no Linux program (%w); set ONCEPROOF_SIDECAR to a build of onceproof with GOOS=linux", exe, err)
	}
	defer f.Close()
	p := program{files: []string{exe}}
	inside := filepath.Join(sidecarDir, filepath.Base(exe))
	loader := interpreter(f)
	if loader == "" {
		p.argv = []string{inside}
		return p, nil
	}
	libs, err := libraries(f, filepath.Dir(loader), []string{loader})
	if err != nil {
		return program{}, fmt.Errorf("%s is linked dynamically: %w; build it with CGO_ENABLED=0", exe, err)
	}
	p.files = append(p.files, libs...)
	p.argv = []string{filepath.Join(sidecarDir, filepath.Base(loader)), "--library-path", sidecarDir, inside}
	return p, nil
}

// interpreter returns the dynamic loader that f asks for, "" if it is static.
func interpreter(f *elf.File) string {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			b, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
			if err == nil && len(b) > 1 {
				return string(b[:len(b)-1])
			}
		}
	}
	return ""
}

// libraries adds to have the paths of what f is linked with, and of what those are.
func libraries(f *elf.File, loaderDir string, have []string) ([]string, error) {
	names, err := f.ImportedLibraries()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if slices.ContainsFunc(have, func(h string) bool { return filepath.Base(h) == name }) {
			continue
		}
		path, err := findLibrary(name, loaderDir)
		if err != nil {
			return nil, err
		}
		have = append(have, path)
		lib, err := elf.Open(path)
		if err != nil {
			return nil, err
		}
		have, err = libraries(lib, loaderDir, have)
		lib.Close()
		if err != nil {
			return nil, err
		}
	}
	return have, nil
}

func findLibrary(name, loaderDir string) (string, error) {
	for _, pattern := range []string{loaderDir, "/lib/*-linux-*", "/usr/lib/*-linux-*", "/lib64", "/usr/lib64", "/lib", "/usr/lib"} {
		found, _ := filepath.Glob(filepath.Join(pattern, name))
		if len(found) > 0 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("library %s is not where libraries are", name)
}

// archive writes the program as a tar stream to unpack at the root of a container.
func (p program) archive(w io.Writer) (err error) {
	t := tar.NewWriter(w)
	defer func() { err = errors.Join(err, t.Close()) }()
	for _, file := range p.files {
		if err := addFile(t, file); err != nil {
			return err
		}
	}
	return nil
}

func addFile(t *tar.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat() // of what a link points to
	if err != nil {
		return err
	}
	name := filepath.Join(sidecarDir, filepath.Base(path))[1:]
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: info.Size(), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}
