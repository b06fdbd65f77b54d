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
	const hint = "start one (Debian, as root: .ci/engine), or use backend: embedded"
	p, err := testcontainers.NewDockerProvider()
	if err != nil {
		return nil, fmt.Errorf("%w: no Docker engine answers: %w; %s", ErrUnavailable, err, hint)
	}
	e := &engine{provider: p, api: p.Client()}
	// testcontainers tries other sockets where DOCKER_HOST does not answer; whoever
	// sets it means that one.
	if want := os.Getenv("DOCKER_HOST"); want != "" && e.api.DaemonHost() != want {
		return nil, errors.Join(fmt.Errorf("%w: no Docker engine answers at DOCKER_HOST=%s; %s", ErrUnavailable, want, hint), p.Close())
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	v, err := e.api.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: no Docker engine answers: %w; %s", ErrUnavailable, err, hint), p.Close())
	}
	e.version = v.Version
	if u, err := url.Parse(e.api.DaemonHost()); err == nil && u.Scheme != "unix" && u.Scheme != "npipe" && !isLoopback(u.Hostname()) {
		return nil, errors.Join(fmt.Errorf("%w: the Docker engine is on %s, but brokers listen on loopback only; use an engine of this machine", ErrUnavailable, u.Host), p.Close())
	}
	return e, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (e *engine) close() error { return e.provider.Close() }

// image makes sure that an image is there and returns the name to use. Where
// the one that was asked for is not, the local build of the same Kafka version
// stands in for it; only then is a pull tried. why tells which it was.
func (e *engine) image(ctx context.Context, want string, progress func(string)) (name, why string, err error) {
	if ok, err := e.hasImage(ctx, want); err != nil || ok {
		return want, want, err
	}
	_, version, _ := strings.Cut(want[strings.LastIndex(want, "/")+1:], ":")
	local := "onceproof/kafka:" + version
	if version != "" && want != local {
		if ok, err := e.hasImage(ctx, local); err != nil {
			return "", "", err
		} else if ok {
			return local, fmt.Sprintf("%s in place of %s, which is not here", local, want), nil
		}
	}
	out := "make images"
	if version != "" {
		out += " KAFKA=" + version
	}
	out += " builds onceproof/kafka from published jars"
	if strings.HasPrefix(want, "onceproof/") { // nobody publishes it
		return "", "", fmt.Errorf("%w: image %s is not here; %s", ErrUnavailable, want, out)
	}
	progress("pulling " + want)
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	resp, err := e.api.ImagePull(ctx, want, client.ImagePullOptions{})
	if err == nil {
		err = resp.Wait(ctx)
	}
	if err != nil {
		return "", "", fmt.Errorf("%w: image %s is not here and cannot be pulled: %w; %s", ErrUnavailable, want, err, out)
	}
	return want, want + ", pulled", nil
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
