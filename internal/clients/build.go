package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Build builds the worker of a library, at the version that this program pins or at
// another, and returns the worker's file. The build's output goes to log. folder is a
// clients folder to build in; "" is the one in the user's cache.
//
// A second build of the same library waits for the first.
func (l Library) Build(ctx context.Context, folder, version string, log io.Writer) (string, error) {
	if err := l.checkVersion(version); err != nil {
		return "", err
	}
	if lacks := l.Lacks(ctx); len(lacks) > 0 {
		all := make([]string, len(lacks))
		for i, lack := range lacks {
			all[i] = lack.String()
		}
		return "", fmt.Errorf("the worker of %s %w: %s", l.Name, ErrLacks, strings.Join(all, "; "))
	}
	if folder == "" {
		var err error
		if folder, err = layOut(); err != nil {
			return "", err
		}
	}
	dir := filepath.Join(folder, filepath.FromSlash(l.Name))
	unlock, err := lock(ctx, dir)
	if err != nil {
		return "", fmt.Errorf("build the worker of %s: %w", l.Name, err)
	}
	defer unlock()
	if err := runScript(ctx, dir, version, log); err != nil {
		return "", fmt.Errorf("build the worker of %s: %w", strings.TrimSpace(l.Name+" "+version), err)
	}
	worker := filepath.Join(dir, "out", version, "worker")
	if _, err := os.Stat(worker); err != nil {
		return "", fmt.Errorf("build the worker of %s: the build script ended well and made no worker: %w", l.Name, err)
	}
	return worker, nil
}

// stopping is how long a build has to end once it was told to.
const stopping = 5 * time.Second

func runScript(ctx context.Context, dir, version string, log io.Writer) error {
	args := []string{filepath.Join(dir, "build")}
	if version != "" {
		args = append(args, version)
	}
	// By sh, as a cache may be mounted noexec.
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Dir = dir
	// A workspace or a vendor folder of the user's is not about our modules.
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = stopping
	endGroup(cmd)
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var exited *exec.ExitError
	if errors.As(err, &exited) {
		return fmt.Errorf("its build script failed (%w); what it said is above", err)
	}
	return err
}
