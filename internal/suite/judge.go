package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/reports"
)

// judge checks the history in dir, writes the pages, and prints the verdict.
func judge(ctx context.Context, out io.Writer, o Options, j Job, dir string, runErr error) Outcome {
	result := Outcome{Job: j, Dir: dir, Code: ExitUnjudged, Err: runErr}
	report, in, err := JudgeDir(ctx, dir, checker.Options{})
	if err != nil && runErr != nil && errors.Is(err, fs.ErrNotExist) {
		err = nil // it ended before there was a history
	}
	if err != nil || report == nil {
		result.Why = errors.Join(runErr, err).Error()
		return result
	}
	if runErr != nil {
		why := strings.TrimPrefix(runErr.Error(), harness.ErrInfrastructure.Error()+": ") // the report says that itself
		report.Infra, report.Exit, report.Why = why, ExitUnjudged, why
	}
	if o.Explore && !j.Control {
		permit(j.Scenario, report)
	}
	result.Code, result.Why, result.Report, result.Input = report.Exit, report.Why, report, in
	if err := o.Gate.Weigh(&result); err != nil {
		result.Code, result.Why = ExitUnjudged, err.Error()
	}
	if err := Publish(out, result.Input, o.JSON); err != nil {
		result.Code, result.Why = ExitUnjudged, err.Error()
	}
	if o.Server != nil {
		if err := o.Server.End(result.Input); err != nil {
			fmt.Fprintln(os.Stderr, "onceproof:", err)
		}
	}
	return result
}

// JudgeDir checks the history of a run folder and gathers what its pages are made from.
func JudgeDir(ctx context.Context, dir string, opt checker.Options) (*checker.Report, reports.Input, error) {
	r, err := history.Open(dir)
	if err != nil {
		return nil, reports.Input{}, err
	}
	defer r.Close()
	opt.View = func(name string) (io.Writer, error) { return os.Create(filepath.Join(dir, name)) }
	report, err := checker.Check(ctx, r, opt)
	if err != nil {
		return nil, reports.Input{}, err
	}
	in := reports.Input{
		Report: report, Header: r.Header(), Dir: dir, Replay: "onceproof replay " + dir,
		History: func() (*history.Reader, error) { return history.Open(dir) },
		Default: KafkaDefault,
	}
	if yaml, err := os.ReadFile(filepath.Join(dir, harness.ScenarioFile)); err == nil {
		in.Scenario = string(yaml)
	}
	if p, err := ReadPlan(dir); err == nil {
		in.Plan = p.String()
	}
	return report, in, nil
}

// KafkaDefault is Kafka's own default of a property.
func KafkaDefault(kind, name string) (string, bool) {
	p, ok := scenario.LookupProperty(kind, name)
	return p.Default, ok && p.Default != ""
}

func ReadPlan(dir string) (*plan.Plan, error) {
	data, err := os.ReadFile(filepath.Join(dir, harness.PlanFile))
	if err != nil {
		return nil, err
	}
	p := new(plan.Plan)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, harness.PlanFile), err)
	}
	return p, nil
}

// Publish writes the pages into the run folder and prints the verdict.
func Publish(out io.Writer, in reports.Input, asJSON bool) error {
	if err := reports.Write(in); err != nil {
		return err
	}
	if asJSON {
		return reports.JSON(out, in.Report)
	}
	return reports.Terminal(out, in, IsTerminal(out))
}
