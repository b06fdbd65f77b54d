package sidecar

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

// dir is where a sidecar's program lies in its container.
const dir = "/onceproof-sidecar"

// Program is this process's executable and what it needs to run in any Linux
// image: nothing if it is static, else the loader and libraries that it is
// linked with.
type Program struct {
	Files []string // on this host
	Argv  []string // how to start it in the container
}

// Self finds the program of this process. ONCEPROOF_SIDECAR names a Linux
// build of onceproof where the process itself is not one (macOS); "none" forbids it to
// run beside brokers at all.
func Self() (Program, error) {
	exe := os.Getenv("ONCEPROOF_SIDECAR")
	switch exe {
	case "none":
		return Program{}, errors.New("ONCEPROOF_SIDECAR=none forbids onceproof to run beside brokers; faults that need it are refused")
	case "":
		var err error
		if exe, err = os.Executable(); err != nil {
			return Program{}, err
		}
	}
	f, err := elf.Open(exe)
	if err != nil {
		return Program{}, fmt.Errorf("%s is no Linux program (%w); set ONCEPROOF_SIDECAR to a build of onceproof with GOOS=linux", exe, err)
	}
	defer f.Close()
	p := Program{Files: []string{exe}}
	inside := filepath.Join(dir, filepath.Base(exe))
	loader := interpreter(f)
	if loader == "" {
		p.Argv = []string{inside}
		return p, nil
	}
	libs, err := libraries(f, filepath.Dir(loader), []string{loader})
	if err != nil {
		return Program{}, fmt.Errorf("%s is linked dynamically: %w; build it with CGO_ENABLED=0", exe, err)
	}
	p.Files = append(p.Files, libs...)
	p.Argv = []string{filepath.Join(dir, filepath.Base(loader)), "--library-path", dir, inside}
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

// Archive writes the program as a tar stream to unpack at the root of a container.
func (p Program) Archive(w io.Writer) (err error) {
	t := tar.NewWriter(w)
	defer func() { err = errors.Join(err, t.Close()) }()
	for _, file := range p.Files {
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
	name := filepath.Join(dir, filepath.Base(path))[1:]
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: info.Size(), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}
