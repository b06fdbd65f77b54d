package process

import (
	"bufio"
	"os"
	"path/filepath"
	"testing"

	"github.com/onceproof/onceproof/history"
)

// A program that ends after SIGTERM has ended in order whatever its exit code, as a
// JVM does with 143: that is no crash, and the usual codes are not worth a word.
func TestProgramObeysSIGTERM(t *testing.T) {
	for _, tc := range []struct {
		trap, note string
		complains  bool
	}{
		{"exit 143", "stopped: exit code 143", false},
		{"exit 130", "stopped: exit code 130", false},
		{"exit 0", "exit code 0", false},
		{"trap - TERM; kill -TERM $$", "stopped: SIGTERM", false},
		{"exit 3", "stopped: exit code 3", true},
	} {
		t.Run(tc.note, func(t *testing.T) {
			ready := filepath.Join(t.TempDir(), "ready")
			if err := mkfifo(ready); err != nil {
				t.Fatal(err)
			}
			inst, rec := newInstance(t, "", func(c *Config) {
				c.Program = true
				c.Command = []string{"/bin/sh", "-c", "trap '" + tc.trap + "' TERM; echo > \"" + ready + "\"; sleep 1000 & wait"}
			})
			mustStart(t, inst)
			fifo, err := os.Open(ready)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(fifo).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			fifo.Close()
			if err := inst.Stop(t.Context()); (err != nil) != tc.complains {
				t.Errorf("Stop says %v", err)
			}
			ends := rec.find(history.OpExit, history.Info)
			if len(ends) != 1 || ends[0].Note != tc.note {
				t.Errorf("ends: %+v, want one with the note %q", ends, tc.note)
			}
		})
	}
}
