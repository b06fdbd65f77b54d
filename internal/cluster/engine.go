package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"

	"github.com/onceproof/onceproof/internal/host"
)

const (
	pingTimeout = 5 * time.Second // for an engine to say that it is there
	pullTimeout = 5 * time.Minute
)

// engine is a Docker engine that answered.
type engine struct {
	provider *testcontainers.DockerProvider
	api      client.APIClient
	version  string // the engine's
}

// quiet is done once: testcontainers reads its settings once for the process.
var quiet = sync.OnceFunc(func() {
	tclog.SetDefault(tclog.NewNoopLogger()) // a library does not print
	// Reap is our reaper: it needs no image, and outlives neither us nor the run.
	os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
})

// connect finds the engine that testcontainers would use: DOCKER_HOST, the
// context's socket, a rootless one.
func connect(ctx context.Context) (*engine, error) {
	quiet()
	hint := engineHint(ctx)
	p, err := testcontainers.NewDockerProvider()
	if err != nil {
		return nil, fmt.Errorf("%w: no Docker engine answers: %w%s", ErrUnavailable, err, hint)
	}
	e := &engine{provider: p, api: p.Client()}
	// testcontainers tries other sockets where DOCKER_HOST does not answer; whoever
	// sets it means that one.
	if want := os.Getenv("DOCKER_HOST"); want != "" && e.api.DaemonHost() != want {
		return nil, errors.Join(fmt.Errorf("%w: no Docker engine answers at DOCKER_HOST=%s%s", ErrUnavailable, want, hint), p.Close())
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	v, err := e.api.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: no Docker engine answers: %w%s", ErrUnavailable, err, hint), p.Close())
	}
	e.version = v.Version
	if u, err := url.Parse(e.api.DaemonHost()); err == nil && u.Scheme != "unix" && u.Scheme != "npipe" && !isLoopback(u.Hostname()) {
		return nil, errors.Join(fmt.Errorf("%w: the Docker engine is on %s, but brokers listen on loopback only; use an engine of this machine", ErrUnavailable, u.Host), p.Close())
	}
	return e, nil
}

// engineHint ends the error of an engine that does not answer.
func engineHint(ctx context.Context) string {
	return "; " + host.EngineHint(ctx, host.System()) + "; or use backend: embedded"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (e *engine) close() error { return e.provider.Close() }

// image makes sure that an image is there and returns the name to use; what is
// not here is pulled. why tells which it was.
func (e *engine) image(ctx context.Context, want string, progress func(string)) (name, why string, err error) {
	if name, why, err = e.localImage(ctx, want); err != nil || name != "" {
		return name, why, err
	}
	if strings.HasPrefix(want, "onceproof/") { // nobody publishes it
		return "", "", fmt.Errorf("%w: image %s is not here; %s", ErrUnavailable, want, buildHint(want))
	}
	progress("pulling " + want)
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	resp, err := e.api.ImagePull(ctx, want, client.ImagePullOptions{})
	if err == nil {
		err = resp.Wait(ctx)
	}
	if err != nil {
		return "", "", fmt.Errorf("%w: image %s is not here and cannot be pulled: %w; %s", ErrUnavailable, want, err, buildHint(want))
	}
	return want, want + ", pulled", nil
}

// localImage returns want if it is here, or the local build of the same Kafka
// version, which stands in for it, or "".
func (e *engine) localImage(ctx context.Context, want string) (name, why string, err error) {
	if ok, err := e.hasImage(ctx, want); err != nil || ok {
		return want, want, err
	}
	local := "onceproof/kafka:" + versionOf(want)
	if ok, err := e.hasImage(ctx, local); err != nil || !ok {
		return "", "", err
	}
	return local, fmt.Sprintf("%s in place of %s, which is not here", local, want), nil
}

// versionOf returns an image's tag, "latest" if it has none.
func versionOf(image string) string {
	_, tag, ok := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	if !ok {
		return "latest"
	}
	return tag
}

func buildHint(image string) string {
	cmd := "make images"
	if v := versionOf(image); strings.Count(v, ".") == 2 {
		cmd += " KAFKA=" + v
	}
	return "in a checkout of onceproof, " + cmd + " builds onceproof/kafka from published jars"
}

func (e *engine) hasImage(ctx context.Context, name string) (bool, error) {
	_, err := e.api.ImageInspect(ctx, name)
	if err == nil {
		return true, nil
	}
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	return false, fmt.Errorf("%w: image %s: %w", ErrUnavailable, name, err)
}
