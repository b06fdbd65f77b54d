package cluster

import (
	"context"
	"errors"
	"fmt"
)

// defaultImage is taken where a scenario names none.
const defaultImage = "apache/kafka:4.1.1"

// startAuto takes docker if an engine answers and the image is to be had, else
// embedded. Once an engine and an image are there, a cluster that fails to start
// is an error: another backend would answer another question.
func startAuto(ctx context.Context, spec Spec) (Cluster, string, error) {
	e, image, why, err := prepareDocker(ctx, spec)
	if err != nil {
		if ctx.Err() != nil {
			return nil, "", err
		}
		c, embeddedErr := startEmbedded(ctx, spec)
		return result(c, fmt.Sprintf("embedded: %v", err), embeddedErr)
	}
	c, err := startDocker(ctx, e, image, spec)
	if err != nil {
		err = errors.Join(err, e.close())
	}
	return result(c, why, err)
}

func openDocker(ctx context.Context, spec Spec) (*docker, string, error) {
	e, image, why, err := prepareDocker(ctx, spec)
	if err != nil {
		return nil, "", err
	}
	d, err := startDocker(ctx, e, image, spec)
	if err != nil {
		return nil, "", errors.Join(err, e.close())
	}
	return d, why, nil
}

// prepareDocker finds the engine and the image, and clears away what dead runs
// left.
func prepareDocker(ctx context.Context, spec Spec) (e *engine, image, why string, err error) {
	if e, err = connect(ctx); err != nil {
		return nil, "", "", err
	}
	if removed, err := e.reap(ctx); err != nil {
		progress(spec)(fmt.Sprintf("leftovers of dead runs: %v", err))
	} else if len(removed) > 0 {
		progress(spec)(fmt.Sprintf("removed %d leftovers of dead runs", len(removed)))
	}
	want := spec.Image
	if want == "" {
		want = defaultImage
	}
	image, which, err := e.image(ctx, want, progress(spec))
	if err != nil {
		return nil, "", "", errors.Join(err, e.close())
	}
	return e, image, fmt.Sprintf("docker: engine %s answers, image %s", e.version, which), nil
}

// result keeps a nil pointer from becoming a Cluster that is not nil.
func result[C Cluster](c C, why string, err error) (Cluster, string, error) {
	if err != nil {
		return nil, "", err
	}
	return c, why, nil
}

func progress(spec Spec) func(string) {
	if spec.Progress == nil {
		return func(string) {}
	}
	return spec.Progress
}
