package harness

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/worker"
)

// readyPoll is how often a program is asked whether it is ready: neither its log nor a
// group has an event that tells.
const readyPoll = 100 * time.Millisecond

// hookTime is how long a command of before or after may run.
const hookTime = 2 * time.Minute

// application adds what a program of c needs to its process's configuration.
func (r *run) application(cfg *process.Config, c scenario.Client, name string) error {
	if len(c.Program) == 0 {
		return nil
	}
	dir, err := filepath.Abs(filepath.Join(r.cfg.Dir, "state", strings.ReplaceAll(name, "/", "-")))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of %s: %w", name, err)
	}
	cfg.RunDir, cfg.Forgets, cfg.StopWait = dir, c.App.State == scenario.StateLose, c.App.StopTimeout
	cfg.Dir = r.workingDir(c)
	for _, k := range slices.Sorted(maps.Keys(c.App.Env)) {
		cfg.Env = append(cfg.Env, k+"="+c.App.Env[k])
	}
	return nil
}

// workingDir is where a program of c runs: relative to the scenario's own folder.
func (r *run) workingDir(c scenario.Client) string {
	if c.App.Cwd == "" || filepath.IsAbs(c.App.Cwd) {
		return c.App.Cwd
	}
	return filepath.Join(filepath.Dir(r.cfg.Scenario.File), c.App.Cwd)
}

// startFleet runs what comes before, and then starts everybody: the load begins when
// who reads is ready.
func (r *run) startFleet(ctx context.Context) (map[string]worker.Hello, error) {
	if err := r.hooks(ctx, "before", func(a scenario.Application) []string { return a.Before }); err != nil {
		return nil, err
	}
	first := true
	return r.fleet.start(ctx, func(ctx context.Context) error {
		if !first {
			return nil
		}
		first = false
		return r.awaitReady(ctx)
	})
}

// hooks runs the commands that which picks, one for each client that has one, to their
// ends.
func (r *run) hooks(ctx context.Context, when string, which func(scenario.Application) []string) error {
	for _, c := range r.cfg.Scenario.Clients {
		command := which(c.App)
		if len(command) == 0 {
			continue
		}
		if err := r.hook(ctx, c, when, command); err != nil {
			return fmt.Errorf("%s of client %s: %w", when, c.Name, err)
		}
	}
	return nil
}

func (r *run) hook(ctx context.Context, c scenario.Client, when string, command []string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, hookTime, fmt.Errorf("did not end within %s", hookTime))
	defer cancel()
	var bootstrap string
	for _, m := range r.fleet.members {
		if m.spec.Name == c.Name && bootstrap == "" {
			bootstrap = m.bootstrap
		}
	}
	words := strings.NewReplacer("${bootstrap}", bootstrap, "${client}", c.Name, "${instance}", "0", "${incarnation}", "0",
		"${run}", filepath.Join(r.cfg.Dir, "state", c.Name+"-0"))
	args := make([]string, len(command))
	for i, a := range command {
		args[i] = words.Replace(a)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = r.workingDir(c), append(os.Environ(), "BOOTSTRAP_SERVERS="+bootstrap)
	for _, k := range slices.Sorted(maps.Keys(c.App.Env)) {
		cmd.Env = append(cmd.Env, k+"="+words.Replace(c.App.Env[k]))
	}
	out, err := cmd.CombinedOutput()
	file := filepath.Join(r.cfg.Dir, "logs", c.Name+"-"+when+".log")
	if werr := os.WriteFile(file, out, 0o644); werr != nil {
		return werr
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%w; its last lines:\n\t  %s\n\tall of them: %s", err, strings.Join(lines[max(0, len(lines)-5):], "\n\t  "), file)
	}
	return nil
}

// awaitReady waits until every program that says when it is ready is so.
func (r *run) awaitReady(ctx context.Context) error {
	for _, m := range r.fleet.members {
		ready := m.spec.App.Ready
		if ready == (scenario.Ready{}) {
			continue
		}
		within := ready.Within
		if within == 0 {
			within = scenario.DefaultReady
		}
		if err := r.awaitMember(ctx, m, within); err != nil {
			return err
		}
		r.status.log(m.Name() + " is ready")
	}
	return nil
}

func (r *run) awaitMember(ctx context.Context, m *member, within time.Duration) error {
	limit, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		missing := r.unready(limit, m)
		if missing == "" {
			return nil
		}
		if pause(limit, readyPoll) {
			select {
			case err := <-r.fleet.failed:
				return err
			default:
				continue
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("client %s was not ready within %s: %s%s", m.Name(), within, missing, lastLines(m.log))
	}
}

// unready says what m still lacks, "" if nothing.
func (r *run) unready(ctx context.Context, m *member) string {
	ready := m.spec.App.Ready
	if ready.Log != "" {
		re, err := regexp.Compile(ready.Log)
		if err != nil {
			return err.Error()
		}
		text, err := os.ReadFile(m.log)
		if err != nil || !slices.ContainsFunc(strings.Split(string(text), "\n"), re.MatchString) {
			return fmt.Sprintf("no line of its output matches %s", ready.Log)
		}
	}
	if ready.HTTP != "" {
		url := strings.ReplaceAll(ready.HTTP, "${instance}", instanceOf(m.Name()))
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err.Error()
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err.Error()
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Sprintf("%s answers %s", url, resp.Status)
		}
	}
	if ready.Group != "" {
		all, err := r.admin.kadm.DescribeGroups(ctx, ready.Group)
		if err != nil {
			return err.Error()
		}
		if g := all[ready.Group]; g.State != "Stable" || len(g.Members) < m.spec.Count {
			return fmt.Sprintf("group %s is %q with %s members", ready.Group, g.State, strconv.Itoa(len(g.Members)))
		}
	}
	return ""
}

func instanceOf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// lastLines are the last lines of a log, for an error; "" if there are none.
func lastLines(file string) string {
	text, err := os.ReadFile(file)
	if err != nil || len(text) == 0 {
		return "; it printed nothing"
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "\n\tthe last lines of its log:\n\t  " + strings.Join(lines[max(0, len(lines)-5):], "\n\t  ") + "\n\tits log: " + file
}

// silence is how long a program may consume nothing before the run says so.
const silence = 10 * time.Second

// watchSilence says once of each program that reads when it has committed and written
// nothing in its first ten seconds of load: often it never joined its group.
func (r *run) watchSilence(ctx context.Context) {
	if !pause(ctx, silence) {
		return
	}
	for _, m := range r.fleet.members {
		if len(m.spec.Program) == 0 || m.spec.Role == "producer" || m.Counts() != (process.Counts{}) {
			continue
		}
		r.status.log(fmt.Sprintf("%s wrote and committed nothing for %s%s", m.Name(), silence, lastLines(m.log)))
		r.rec.record(history.Event{T: history.Now(), Src: history.SrcHarness, Proc: "harness", Type: history.Info, Op: history.OpPhase,
			Note: "silent", Data: map[string]any{"client": m.Name()}})
	}
}
