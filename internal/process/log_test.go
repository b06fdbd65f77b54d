package process

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLogTellsWhenEachLineCame: a long line that comes in parts is one line, and
// the last lines that an error quotes have no times.
func TestLogTellsWhenEachLineCame(t *testing.T) {
	name := filepath.Join(t.TempDir(), "shop-0.log")
	l, err := openLog(name, "shop/0/1")
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 6000)
	l.copy(strings.NewReader("one\n" + long + "\ntwo"))
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	stamp := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z `)
	if d := cmp.Diff("--- shop/0/1\none\n"+long+"\ntwo", stamp.ReplaceAllString(string(text), "")); d != "" {
		t.Errorf("without its times the log is not what came (-want +got):\n%s", d)
	}
	if n := len(stamp.FindAllString(string(text), -1)); n != 3 {
		t.Errorf("%d times on 3 lines", n)
	}
	if last := l.lastLines(); last[0] != "one" || last[len(last)-1] != "two" {
		t.Errorf("last lines %.20q", last)
	}
}
