package lint

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestFixIsADiffThatMends: patch takes it, comments and order stay, and what is left
// has none of the errors that a line can mend.
func TestFixIsADiffThatMends(t *testing.T) {
	for _, tt := range []struct {
		name, library, text, part string
		want                      []string
	}{
		{"p.properties", "java", "# ours\nclient.id=x\nacks=1\n\n# tuned\nlinger.ms=5\nbatch.size=1\n", "producer", []string{"-acks=1", "+acks=all", "+enable.idempotence=true", " # ours"}},
		{"c.properties", "kafkajs", "groupId=g\nfromBeginning=false\nreadUncommitted=true\n", "consumer", []string{"-fromBeginning=false", "+fromBeginning=true", "# c.properties: "}},
		{"s.properties", "sarama", "Producer.RequiredAcks=WaitForLocal\nNet.MaxOpenRequests=1\n", "producer", []string{"+Producer.RequiredAcks=WaitForAll", "+enable.idempotence=true"}},
		{"application.yml", "java", "spring:\n  kafka:\n    consumer:\n      group-id: g\n      auto-offset-reset: latest # old\n", "config", []string{"-      auto-offset-reset: latest # old", "+      auto-offset-reset: earliest # old"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile(tt.name, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			fs := Files{Library: tt.library}
			switch tt.part {
			case "producer":
				fs.Producer = tt.name
			case "consumer":
				fs.Consumer = tt.name
			default:
				fs.Config = []string{tt.name}
			}
			before := fixed(t, fs)
			for _, line := range tt.want {
				if !strings.HasPrefix(line, "#") && !strings.Contains(before, line+"\n") {
					t.Errorf("the diff has no line %q:\n%s", line, before)
				}
			}
			patch := exec.Command("patch", "-p0")
			patch.Stdin = strings.NewReader(before)
			if out, err := patch.CombinedOutput(); err != nil {
				t.Fatalf("patch: %v\n%s\n%s", err, out, before)
			}
			if after := fixed(t, fs); strings.Contains(after, "@@") {
				t.Errorf("mended, there is still something to change:\n%s", after)
			}
		})
	}
}

func fixed(t *testing.T, fs Files) string {
	t.Helper()
	o, err := fs.Open()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Fix(&b, o.Apps, Lint(o.Apps)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
