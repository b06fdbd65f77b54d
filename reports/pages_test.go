package reports

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/onceproof/onceproof/history"
)

var pagesDir = flag.String("pages", "", "write each sample's run folder below this directory, for the browser tests")

// record writes a sample's events as a real history and lets its input read it.
func (s *sample) record(t testing.TB) {
	t.Helper()
	var buf bytes.Buffer
	w, err := history.NewWriter(&buf, s.in.Header)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.events {
		if err := w.Append(&s.events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.in.History = func() (*history.Reader, error) { return history.NewReader("sample", bytes.NewReader(buf.Bytes())) }
}

func TestPages(t *testing.T) {
	for name, s := range samples() {
		t.Run(name, func(t *testing.T) {
			s.record(t)
			s.in.Dir = filepath.Join(t.TempDir(), name)
			if *pagesDir != "" {
				s.in.Dir = filepath.Join(*pagesDir, name)
			}
			if err := os.MkdirAll(s.in.Dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if name == "violated" {
				writeLogs(t, s.in.Dir)
			}
			if err := Write(s.in); err != nil {
				t.Fatal(err)
			}
			page, err := os.ReadFile(filepath.Join(s.in.Dir, FileHTML))
			if err != nil {
				t.Fatal(err)
			}
			if len(page) > 2<<20 {
				t.Errorf("report.html has %d bytes, more than 2 MiB", len(page))
			}
			if bytes.Contains(page, []byte(alert)) {
				t.Error("a record's value stands in the page as HTML")
			}
			for _, outside := range []string{"http://", "https://", "//cdn", "url("} {
				if i := bytes.Index(page, []byte(outside)); i >= 0 && !bytes.Contains(page[max(0, i-4):i+60], []byte("github.com/leeoniya")) {
					t.Errorf("the page points outside: …%s…", page[max(0, i-40):min(len(page), i+80)])
				}
			}
		})
	}
}

func TestPageOfABrokenHistory(t *testing.T) {
	s := violatedRun()
	s.in.History = func() (*history.Reader, error) { return nil, os.ErrNotExist }
	var buf bytes.Buffer
	err := HTML(&buf, s.in)
	if err == nil {
		t.Error("no error for a history that cannot be opened")
	}
	if !bytes.Contains(buf.Bytes(), []byte("The timeline is incomplete")) || !bytes.Contains(buf.Bytes(), []byte("Not exactly once")) {
		t.Error("the page lacks its verdict, or does not say that the timeline is incomplete")
	}
}
