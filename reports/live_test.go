package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/onceproof/onceproof/guarantee"
)

// screen is as much of a terminal as Live's sequences need.
type screen struct {
	lines []string
	row   int
}

func (s *screen) Write(p []byte) (int, error) {
	text := string(p)
	for text != "" {
		switch {
		case strings.HasPrefix(text, "\x1b["):
			end := strings.IndexAny(text, "AJm")
			if text[end] == 'A' {
				n := 0
				for _, r := range text[2:end] {
					n = n*10 + int(r-'0')
				}
				s.row = max(0, s.row-n)
			} else if text[end] == 'J' {
				s.lines = s.lines[:s.row]
			}
			text = text[end+1:]
		case text[0] == '\r':
			text = text[1:]
		default:
			line, rest, _ := strings.Cut(text, "\n")
			s.lines = append(s.lines[:s.row], line)
			s.row++
			text = rest
		}
	}
	return len(p), nil
}

var sgr = regexp.MustCompile(`\x1b\[[0-9;]*m`)

type fakeClock struct{ t time.Time }

func (c *fakeClock) now() time.Time { return c.t }

func snapshots() []Snapshot {
	s := func(sec int, message string, faults ...string) Snapshot {
		return Snapshot{
			Phase: "load", Message: message, Elapsed: time.Duration(sec) * time.Second, Total: 30 * time.Second, Faults: faults, Open: sec % 3,
			Clients:    []ClientCounts{{Name: "shop/0", Sent: int64(200 * sec), Acked: int64(200*sec - 1)}, {Name: "till/0", Polled: int64(190 * sec), Processed: int64(180 * sec), Errors: int64(sec / 2)}},
			Guarantees: []SoFar{{guarantee.NoLoss, guarantee.Holds, ""}, {guarantee.NoDuplicates, guarantee.Violated, "3 messages were written twice"}},
		}
	}
	return []Snapshot{{Phase: "start", Message: "embedded, as asked"}, s(1, ""), s(2, "kill broker 2", "kill broker 2, leader of orders/0"), s(9, "it is over"), {Phase: "audit"}}
}

func TestLiveOnATerminal(t *testing.T) {
	clock := &fakeClock{time.Unix(0, 0)}
	scr := &screen{}
	l := NewLive(scr, LiveOptions{Terminal: true, Colour: true, Width: func() int { return 70 }, Now: clock.now})
	var at2 string
	for _, s := range snapshots() {
		clock.t = time.Unix(0, 0).Add(s.Elapsed)
		if err := l.Show(s); err != nil {
			t.Fatal(err)
		}
		if s.Elapsed == 2*time.Second {
			at2 = strings.Join(scr.lines, "\n")
		}
		for _, line := range scr.lines {
			if n := width(sgr.ReplaceAllString(line, "")); n > 69 {
				t.Errorf("a line of %d columns on a terminal of 70: %q", n, line)
			}
		}
	}
	golden(t, "live.txt", []byte(at2+"\n"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, line := range scr.lines {
		if strings.Contains(line, "█") || strings.Contains(line, "so far") {
			t.Errorf("a part of the block is left: %q", line)
		}
	}
	if !strings.Contains(strings.Join(scr.lines, "\n"), "kill broker 2\n") {
		t.Error("what happened is gone with the block")
	}
}

func TestLiveInAFile(t *testing.T) {
	clock := &fakeClock{time.Unix(0, 0)}
	var buf bytes.Buffer
	l := NewLive(&buf, LiveOptions{Now: clock.now})
	for _, s := range snapshots() {
		clock.t = time.Unix(0, 0).Add(s.Elapsed)
		if err := l.Show(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(buf.String(), "\x1b") {
		t.Errorf("escape sequences in a file: %q", buf.String())
	}
	golden(t, "live-plain.txt", buf.Bytes())
}

type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestLiveTellsOfAFailedWrite(t *testing.T) {
	l := NewLive(fullDisk{}, LiveOptions{})
	if err := l.Show(Snapshot{Phase: "load"}); !errors.Is(err, errFull) {
		t.Errorf("got %v, want %v", err, errFull)
	}
	if err := l.Close(); !errors.Is(err, errFull) {
		t.Errorf("Close: got %v, want the first error", err)
	}
}

func TestClipCountsColumns(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"abc", 5, "abc"}, {"abcdef", 4, "abc…"}, {"\x1b[1mabcdef\x1b[0m", 4, "\x1b[1mabc…\x1b[0m"}, {"ä█ö", 2, "ä…"}} {
		if got := clip(c.in, c.n); got != c.want {
			t.Errorf("clip(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

// TestLiveForMachines: one object a line, whatever happens in the run.
func TestLiveForMachines(t *testing.T) {
	clock := &fakeClock{time.Unix(0, 0)}
	var buf bytes.Buffer
	l := NewLive(&buf, LiveOptions{Now: clock.now, JSON: true, Scenario: "small"})
	for _, s := range snapshots() {
		clock.t = time.Unix(0, 0).Add(s.Elapsed)
		if err := l.Show(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	golden(t, "live.jsonl", buf.Bytes())
	for _, line := range strings.Split(strings.TrimSpace(buf.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}
