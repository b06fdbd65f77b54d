package suite

import (
	"context"
	"slices"
)

// buildWorkers hands the libraries that the jobs need to o.BuildWorkers, if there is one.
func (o Options) buildWorkers(ctx context.Context, jobs []Job) error {
	if o.BuildWorkers == nil {
		return nil
	}
	var libraries []string
	for _, j := range jobs {
		for _, c := range j.Scenario.Clients {
			if len(c.Command)+len(c.Program) == 0 && !slices.Contains(libraries, c.Library) {
				libraries = append(libraries, c.Library)
			}
		}
	}
	return o.BuildWorkers(ctx, libraries)
}
