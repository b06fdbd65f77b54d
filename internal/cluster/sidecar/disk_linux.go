package sidecar

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// filler is the file that takes what room there is.
const filler = ".onceproof-filler"

// fillDisk takes every byte of the file system at dir, and returns how many those were.
// Again, it takes what has become free since.
func fillDisk(dir string) (took int64, err error) {
	f, err := os.OpenFile(filepath.Join(dir, filler), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for block := make([]byte, 1<<20); len(block) > 0; {
		n, err := f.Write(block)
		took += int64(n)
		switch {
		case errors.Is(err, unix.ENOSPC):
			block = block[:len(block)/2] // to the last byte
		case err != nil:
			return took, err
		}
	}
	return took, nil
}

func freeDisk(dir string) error {
	err := os.Remove(filepath.Join(dir, filler))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// spaceOf is what anybody may still write to the file system at dir.
func spaceOf(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * s.Bsize, nil
}
