package reports

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"
)

// Bounds of what a report quotes from logs.
const (
	logAround = 500 * time.Millisecond // to either side of a witness
	logLines  = 40                     // a witness and file
	logFiles  = 64
	logBytes  = 256 << 20 // of one file
	logWidth  = 400       // characters of one line
)

// excerpt is what one log said around a witness.
type excerpt struct {
	File  string // below the run folder
	Lines []logLine
	Left  int // lines that did not fit
}

type logLine struct {
	Stamp string
	Text  string
	Loud  bool // a warning or an error
}

// stamps are the ways in which brokers and workers write the time: Kafka's
// log4j pattern, RFC 3339 and its relatives.
var stamps = regexp.MustCompile(`^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)[.,](\d{1,9})(Z|[+-]\d\d:?\d\d)?\]?`)

var loud = regexp.MustCompile(`\b(WARN|WARNING|ERROR|FATAL|panic|\w*Exception)\b`)

// quoteLogs fills each witness's excerpts from the files in dir/logs. A file
// without times is not quoted: nobody knows which of its lines matter.
func quoteLogs(in Input, findings []finding) error {
	start, err := time.Parse(time.RFC3339Nano, in.Header.Started)
	if err != nil || in.Dir == "" || len(findings) == 0 {
		return nil // without the wall clock's start there is no moment to look for
	}
	files, err := logNames(filepath.Join(in.Dir, "logs"))
	if err != nil {
		return err
	}
	var quotes []*quote
	for i := range findings {
		for j := range findings[i].Witnesses {
			w := &findings[i].Witnesses[j]
			quotes = append(quotes, &quote{w, start.Add(time.Duration(w.From) - logAround), start.Add(time.Duration(w.To) + logAround)})
		}
	}
	var errs []error
	for _, name := range files {
		errs = append(errs, quoteFile(in.Dir, name, quotes))
	}
	return errors.Join(errs...)
}

// quote is a witness in wall-clock time.
type quote struct {
	*witness
	from, to time.Time
}

func logNames(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.Type().IsRegular() && len(names) < logFiles {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the logs: %w", err)
	}
	sort.Strings(names)
	return names, nil
}

func quoteFile(dir, name string, quotes []*quote) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("read the logs: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	shown, err := filepath.Rel(dir, name)
	if err != nil {
		shown = filepath.Base(name)
	}
	sc := bufio.NewScanner(f)
	sc.Buffer(make([]byte, 64<<10), 1<<20)
	var at time.Time
	read := 0
	for sc.Scan() && read < logBytes {
		read += len(sc.Bytes()) + 1
		line := sc.Text()
		stamp := ""
		if m := stamps.FindStringSubmatch(line); m != nil {
			if t, ok := stampTime(m); ok {
				at, stamp = t, strings.Trim(m[0], "[]")
				line = strings.TrimSpace(line[len(m[0]):])
			}
		}
		if at.IsZero() {
			continue
		}
		for _, q := range quotes {
			if !at.Before(q.from) && !at.After(q.to) {
				q.log(shown, stamp, line)
			}
		}
	}
	if err := sc.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// stampTime reads a stamp; one without a zone is UTC, as in containers.
func stampTime(m []string) (time.Time, bool) {
	zone := m[3]
	if zone == "" {
		zone = "Z"
	} else if len(zone) == 5 {
		zone = zone[:3] + ":" + zone[3:]
	}
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(m[1], " ", "T", 1)+"."+m[2]+zone)
	return t, err == nil
}

// say adds a line; when there are too many, quiet ones give way to loud ones.
func (q *quote) log(file, stamp, text string) {
	if len(q.Logs) == 0 || q.Logs[len(q.Logs)-1].File != file {
		q.Logs = append(q.Logs, excerpt{File: file})
	}
	x := &q.Logs[len(q.Logs)-1]
	if r := []rune(text); len(r) > logWidth {
		text = string(r[:logWidth]) + "…"
	}
	l := logLine{stamp, plain(text), loud.MatchString(text)}
	if len(x.Lines) < logLines {
		x.Lines = append(x.Lines, l)
		return
	}
	x.Left++
	if !l.Loud {
		return
	}
	for i := len(x.Lines) - 1; i >= 0; i-- {
		if !x.Lines[i].Loud {
			x.Lines = append(append(x.Lines[:i:i], x.Lines[i+1:]...), l)
			return
		}
	}
}
