package clients

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onceproof/onceproof"
)

// Folder is the clients folder in the user's cache, whether it exists or not:
// …/onceproof/clients/<id>/clients. The id is that of the sources, so that a program
// never uses a worker that was built from other sources than its own.
func Folder() (string, error) {
	top, _, err := layout()
	if err != nil {
		return "", err
	}
	return filepath.Join(top, "clients"), nil
}

// layout is where the sources are laid out, and the sources.
func layout() (top string, files map[string][]byte, err error) {
	if files, err = onceproof.WorkerSources(); err != nil {
		return "", nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", nil, fmt.Errorf("no folder for built workers: %w; set HOME or XDG_CACHE_HOME", err)
	}
	return filepath.Join(cache, "onceproof", "clients", id(files)), files, nil
}

// id is the same for the same sources.
func id(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s\x00%d\x00", name, len(files[name]))
		h.Write(files[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// layOut writes the sources, all or nothing: another process may do the same.
func layOut() (clients string, err error) {
	top, files, err := layout()
	if err != nil {
		return "", err
	}
	clients = filepath.Join(top, "clients")
	if _, err := os.Stat(top); err == nil {
		return clients, nil
	}
	if err := os.MkdirAll(filepath.Dir(top), 0o755); err != nil {
		return "", fmt.Errorf("lay out the workers' sources: %w", err)
	}
	partial, err := os.MkdirTemp(filepath.Dir(top), ".partial-")
	if err != nil {
		return "", fmt.Errorf("lay out the workers' sources: %w", err)
	}
	defer os.RemoveAll(partial)
	for name, content := range files {
		if err := place(filepath.Join(partial, filepath.FromSlash(name)), content, mode(name)); err != nil {
			return "", fmt.Errorf("lay out the workers' sources: %w", err)
		}
	}
	if err := os.Chmod(partial, 0o755); err != nil {
		return "", fmt.Errorf("lay out the workers' sources: %w", err)
	}
	if err := os.Rename(partial, top); err != nil && !isThere(top, err) {
		return "", fmt.Errorf("lay out the workers' sources: %w", err)
	}
	return clients, nil
}

// isThere tells that err is another process's having been first.
func isThere(top string, err error) bool {
	_, statErr := os.Stat(filepath.Join(top, "clients"))
	return statErr == nil && (errors.Is(err, fs.ErrExist) || strings.Contains(err.Error(), "not empty"))
}

func place(file string, content []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, mode)
}

// mode makes build scripts executable: neither an embedded file nor our archive has a mode.
func mode(name string) fs.FileMode {
	if base := path.Base(name); base == "build" || strings.HasPrefix(base, "build-") {
		return 0o755
	}
	return 0o644
}
