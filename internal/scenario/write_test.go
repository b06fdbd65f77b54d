package scenario

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/onceproof/onceproof/guarantee"
)

// places are what a written scenario has elsewhere than the file it was read from.
var places = cmp.Options{
	cmpopts.IgnoreTypes(Pos{}),
	cmpopts.IgnoreFields(Cluster{}, "ConfigPos"),
	cmpopts.IgnoreFields(Client{}, "ConfigPos", "ConfigFile"),
	cmpopts.IgnoreFields(Control{}, "ClientsPos"),
	cmpopts.IgnoreFields(Scenario{}, "File"),
	cmpopts.EquateEmpty(),
}

func TestMarshalParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		text, err := Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse("back.yaml", text)
		if err != nil {
			t.Fatalf("does not parse back: %v\n%s", err, text)
		}
		if diff := cmp.Diff(s, back, places); diff != "" {
			t.Fatalf("(-written +read):\n%s\n%s", diff, text)
		}
		if s.Control != nil {
			if _, err := s.WithControl(); err != nil {
				t.Fatalf("control: %v", err)
			}
		}
		again, err := Marshal(back)
		if err != nil || string(again) != string(text) {
			t.Fatalf("written again differs (%v):\n%s", err, cmp.Diff(string(text), string(again)))
		}
	})
}

func TestShippedScenariosParseBack(t *testing.T) {
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("nothing is shipped")
	}
	for _, s := range all {
		for _, s := range append(twins(t, s), s) {
			text, err := Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Parse("back.yaml", text)
			if err != nil {
				t.Fatalf("%s does not parse back: %v\n%s", s.Metadata.Name, err, text)
			}
			if diff := cmp.Diff(s, back, places); diff != "" {
				t.Errorf("%s (-written +read):\n%s", s.Metadata.Name, diff)
			}
		}
	}
}

// TestTwinStrikesWhatItSends: a twin that sends another request is struck at that one,
// and the scenario itself where it was.
func TestTwinStrikesWhatItSends(t *testing.T) {
	s, err := Load("late-commit")
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := s.WithFixed()
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Faults {
		if on, twin := s.Faults[i].When.On, fixed.Faults[i].When.On; on.Request != "OffsetCommit" || twin.Request != "TxnOffsetCommit" || on.Nth != twin.Nth {
			t.Errorf("%v is struck, and in the twin %v", on, twin)
		}
	}
}

// twins are the scenarios that s's control and its fixed twin make of it.
func twins(t *testing.T, s *Scenario) (out []*Scenario) {
	t.Helper()
	for what, twin := range map[string]func() (*Scenario, error){"control": s.WithControl, "fixed": s.WithFixed} {
		if what == "control" && s.Control == nil || what == "fixed" && s.Fixed == nil {
			continue
		}
		c, err := twin()
		if err != nil {
			t.Fatalf("%s: %v", s.Metadata.Name, err)
		}
		out = append(out, c)
		named, err := Load(s.Metadata.Name + "-" + what)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, named); diff != "" {
			t.Errorf("%s by its name (-want +got):\n%s", c.Metadata.Name, diff)
		}
	}
	return out
}

func TestFaultRoundTripsThroughJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		for _, f := range s.Faults {
			text, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			var back Fault
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(f, back, places); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", text, diff)
			}
		}
	})
}

// drawScenario draws a scenario without mistakes: the forms of every value
// rather than a sensible experiment.
func drawScenario(t *rapid.T) *Scenario {
	text := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[A-Za-z ':#{}\[\],&*!|>%@"-]{0,20}`),
		rapid.SampledFrom([]string{"true", "null", "~", "12", "1e3", "0x10", "- a", "a: b", " x", "x ", "a\nb", "a\n\nb\n", "a\n  b\n", "a\n\n", "\n", "é", "\u2028", "x #y", "---", "no", "on", ".5", "+1", "%a", "a\tb"}),
	)
	ms := func(least, most int) time.Duration {
		return time.Duration(rapid.IntRange(least, most).Draw(t, "ms")) * time.Millisecond
	}
	spanOf := func(least, most int) Span {
		low := ms(least, most)
		return Span{low, low + ms(0, 50)}
	}
	props := func(names ...string) map[string]string {
		out := map[string]string{}
		for _, n := range names {
			if rapid.Bool().Draw(t, n) {
				out[n] = strings.ReplaceAll(text.Draw(t, "value"), "${", "$")
			}
		}
		return out
	}
	s := &Scenario{
		APIVersion: APIVersion,
		Metadata:   Metadata{Name: rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9_-]{0,20}`).Draw(t, "name"), Description: text.Draw(t, "description")},
		Cluster: Cluster{
			Backend: rapid.SampledFrom([]string{"auto", "docker", "embedded"}).Draw(t, "backend"),
			Brokers: 3, Controllers: rapid.IntRange(0, 3).Draw(t, "controllers"), Disk: int64(rapid.IntRange(1, 128).Draw(t, "disk")) * smallestDisk, Image: text.Draw(t, "image"),
			Config: props("listener.security.protocol.map", "broker.rack"),
			Topics: []Topic{
				{Name: "in", Partitions: int32(rapid.IntRange(1, 1000).Draw(t, "partitions")), Replicas: 3, Config: props("follower.replication.throttled.replicas")},
				{Name: "out", Partitions: 1, Replicas: int16(rapid.IntRange(1, 3).Draw(t, "replicas"))},
			},
		},
		Run: Run{Duration: time.Hour, Warmup: ms(0, 5000), Drain: ms(1, 5000)},
	}
	if rapid.Bool().Draw(t, "seeded") {
		s.Run.Seed, s.Run.HasSeed = rapid.Uint64().Draw(t, "seed"), true
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "labels") {
		s.Metadata.Labels = append(s.Metadata.Labels, fmt.Sprint("label", i))
	}
	s.Clients = []Client{
		{
			Name: "p", Role: guarantee.Producer, Library: "franz-go", Count: rapid.IntRange(1, 9).Draw(t, "count"), Topic: "in",
			Rate: rapid.Float64Range(0.001, 1e9).Draw(t, "rate"), Size: rapid.IntRange(0, 5000).Draw(t, "size"), Unsupported: "error",
			Max:    rapid.Int64Range(0, 1<<40).Draw(t, "max"),
			Config: props("client.id", "sasl.jaas.config"),
		},
		{
			Name: "c", Role: guarantee.Processor, Library: "java", Count: 1, Input: "in", Output: "out", Commit: guarantee.CommitBatch, Unsupported: "warn",
			Process: Process{Min: ms(0, 50), Fail: rapid.Float64Range(0, 1).Draw(t, "fail")},
			Retry:   Retry{Attempts: rapid.IntRange(0, 9).Draw(t, "attempts"), Backoff: ms(0, 50), Topic: "out"},
			Config:  map[string]string{"group.id": "g " + rapid.StringMatching(`[a-z:#'" ]{1,8}`).Draw(t, "group")},
		},
	}
	s.Clients[1].Process.Max = s.Clients[1].Process.Min + ms(0, 50)
	if rapid.Bool().Draw(t, "habit") {
		s.Clients[1].Habits = []string{guarantee.HabitDedupInMemory}
	}
	if rapid.Bool().Draw(t, "command") {
		s.Clients[0].Library, s.Clients[0].Command = "", []string{"x" + text.Draw(t, "program"), text.Draw(t, "argument") + "y"}
	}
	for range rapid.IntRange(0, 4).Draw(t, "faults") {
		s.Faults = append(s.Faults, drawFault(t, s, len(s.Faults), spanOf))
	}
	for _, g := range Guarantees {
		if rapid.Bool().Draw(t, g) {
			if s.Expect == nil {
				s.Expect = map[string]string{}
			}
			s.Expect[g] = rapid.SampledFrom([]string{"holds", "not-exercised", "unknown", Any}).Draw(t, "verdict")
		}
	}
	if rapid.Bool().Draw(t, "control") {
		s.Control = &Control{
			Description: text.Draw(t, "why"),
			Clients:     map[string]map[string]string{"p": {"acks": rapid.SampledFrom([]string{"", "0", "1"}).Draw(t, "acks"), "count": "2"}},
			Expect:      map[string]string{"order": "violated"},
		}
	}
	return s
}

func drawFault(t *rapid.T, s *Scenario, i int, spanOf func(int, int) Span) Fault {
	var f Fault
	if rapid.Bool().Draw(t, "named") {
		f.Name = fmt.Sprint("f", i)
	}
	switch rapid.IntRange(0, 4).Draw(t, "when") {
	case 0:
		at := s.Run.Warmup + time.Duration(rapid.IntRange(0, 100000).Draw(t, "at"))
		f.When.At = &at
	case 1:
		every := spanOf(5000, 9000)
		f.When.Every = &every
	case 2:
		p := rapid.Float64Range(0.01, 0.9).Draw(t, "progress")
		f.When.Progress = &p
	case 3:
		f.When.On = &Match{
			Request: rapid.SampledFrom([]string{"", "Produce", "Fetch"}).Draw(t, "request"), Client: "c/0", Phase: PhaseRequest,
			TP: rapid.SampledFrom([]string{"", "in", "in/0"}).Draw(t, "tp"), Nth: rapid.IntRange(1, 9).Draw(t, "nth"),
		}
	}
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 5:
		f.When = Trigger{}
		one, two := spanOf(1, 4000), spanOf(1, 4000)
		f.Random = &Random{Every: spanOf(5000, 9000), From: []Fault{
			{Kind: KindCrash, Args: FaultArgs{Client: "c/0"}, For: one},
			{Kind: KindDrop, When: Trigger{On: &Match{Request: "Produce", Phase: PhaseResponse, Nth: 1}}},
			{Kind: KindThrottle, Args: FaultArgs{Client: "p", Rate: rapid.Int64Range(1, 1<<40).Draw(t, "rate"), Way: ToClient}, For: two},
		}}
		if rapid.Bool().Draw(t, "quiet") {
			f.Random.Burst, f.Random.Quiet = rapid.IntRange(1, 9).Draw(t, "burst"), spanOf(1, 4000)
		}
		if rapid.Bool().Draw(t, "own seed") {
			f.Random.Seed, f.Random.HasSeed = rapid.Uint64().Draw(t, "seed"), true
		}
	case 6:
		f.When = Trigger{On: &Match{Event: rapid.SampledFrom(Events).Draw(t, "event"), Client: "c", Nth: rapid.IntRange(1, 9).Draw(t, "nth")}}
		f.Kind, f.Args, f.For = KindSqueeze, FaultArgs{Broker: "any", Memory: rapid.Int64Range(1, 1<<50).Draw(t, "memory")}, spanOf(1, 4000)
	case 7:
		f.Kind, f.Args, f.For = KindShrinkISR, FaultArgs{TP: "in/0", Keep: rapid.IntRange(0, 2).Draw(t, "keep")}, spanOf(1, 4000)
	case 0:
		f.Kind, f.Args, f.For = KindKill, FaultArgs{Broker: "leader(in/0)"}, spanOf(1, 4000)
	case 1:
		f.Kind, f.Args, f.For = KindPartition, FaultArgs{Split: [][]int32{{1}, {2, 3}}}, spanOf(1, 4000)
	case 2:
		f.Kind, f.Args, f.For = KindCrash, FaultArgs{Client: "p/*"}, spanOf(1, 4000)
	case 3:
		f.Kind = KindRestart
		f.Args = FaultArgs{Broker: "coordinator(group " + Target(s.Clients[1].Config["group.id"]) + ")"}
	case 4:
		f.When = Trigger{On: &Match{Request: "Produce", Phase: PhaseResponse, Prob: rapid.Float64Range(0.0001, 1).Draw(t, "probability")}}
		f.Kind = KindDrop
	}
	return f
}
