package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/onceproof/onceproof/internal/cluster/sidecar"
)

// inNetworkOf lets a sidecar change the packet filter of a network namespace: of
// "none", its own, or "container:ID".
func inNetworkOf(network string) func(*container.HostConfig) {
	return func(h *container.HostConfig) {
		h.NetworkMode = container.NetworkMode(network)
		h.CapAdd = []string{"NET_ADMIN"}
	}
}

// startSidecar starts a container beside others, in which commands are executed. Its
// image is only a file system to stand on; this process's own program, copied, is all
// that runs.
func (e *engine) startSidecar(ctx context.Context, prog sidecar.Program, image, name string, labels map[string]string, beside func(*container.HostConfig)) (id string, err error) {
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	ctx, cancel := making(ctx)
	defer cancel()
	c, err := e.provider.CreateContainer(ctx, testcontainers.ContainerRequest{
		Image:          image,
		Name:           name,
		Entrypoint:     append(slices.Clone(prog.Argv), "hold"),
		Env:            map[string]string{sidecar.Env: "1"},
		Labels:         maps.Clone(labels), // testcontainers adds its own
		ConfigModifier: func(c *container.Config) { c.User = "0" },
		HostConfigModifier: func(h *container.HostConfig) {
			beside(h)
			h.LogConfig.Type = "none"
		},
	})
	if c != nil {
		id = c.GetContainerID()
	}
	if err == nil {
		err = e.copyProgram(ctx, prog, id)
	}
	if err == nil {
		_, err = e.api.ContainerStart(ctx, id, client.ContainerStartOptions{})
	}
	if err != nil && id != "" {
		err = errors.Join(err, e.removeContainer(ctx, id))
	}
	if err != nil {
		return "", err
	}
	return id, nil
}

func (e *engine) copyProgram(ctx context.Context, prog sidecar.Program, id string) error {
	r, w := io.Pipe()
	var packing sync.WaitGroup
	packing.Go(func() { w.CloseWithError(prog.Archive(w)) })
	_, err := e.api.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: "/", Content: r})
	r.Close()
	packing.Wait()
	return err
}

// execSidecar runs one command of sidecarMain and returns what it printed.
func (e *engine) execSidecar(ctx context.Context, prog sidecar.Program, id string, args ...string) (_ string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", strings.Join(args, " "), err)
		}
	}()
	x, err := e.api.ExecCreate(ctx, id, client.ExecCreateOptions{
		User: "0", Cmd: append(slices.Clone(prog.Argv), args...), AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return "", err
	}
	att, err := e.api.ExecAttach(ctx, x.ID, client.ExecAttachOptions{})
	if err != nil {
		return "", err
	}
	defer att.Close()
	stop := context.AfterFunc(ctx, att.Close)
	defer stop()
	var out, errOut bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &errOut, att.Reader); err != nil {
		return "", errors.Join(err, ctx.Err())
	}
	done, err := e.api.ExecInspect(ctx, x.ID, client.ExecInspectOptions{})
	if err != nil {
		return "", err
	}
	if done.ExitCode != 0 {
		return "", fmt.Errorf("exit code %d: %s", done.ExitCode, strings.TrimSpace(errOut.String()))
	}
	return strings.TrimSpace(out.String()), nil
}
