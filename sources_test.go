package onceproof

import (
	"archive/zip"
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "pack clients/modules.zip again")

// goWorkers are the workers that are modules of their own.
var goWorkers = []string{"confluent-kafka-go", "kafka-go", "sarama"}

// moduleFiles are the files of the Go workers that git knows, without tests.
func moduleFiles(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, w := range goWorkers {
		dirs = append(dirs, "clients/"+w)
	}
	var files []string
	for _, f := range tracked(t, dirs...) {
		if !strings.HasSuffix(f, "_test.go") {
			files = append(files, f)
		}
	}
	return files
}

// tracked lists the files below the folders that git knows or would add.
func tracked(t *testing.T, dirs ...string) []string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"}, dirs...)...).Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var files []string
	for f := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if _, err := os.Stat(f); err == nil { // else it was deleted and not committed yet
			files = append(files, f)
		}
	}
	return files
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func pack(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range moduleFiles(t) {
		// No time and no mode: the same sources make the same archive.
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(read(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWorkerSources holds what the binary carries against the checkout: each file of
// the clients' folders, and each file of our packages that a Go worker imports.
func TestWorkerSources(t *testing.T) {
	if *update {
		if err := os.WriteFile("clients/modules.zip", pack(t), 0o644); err != nil {
			t.Fatal(err)
		}
		modules = read(t, "clients/modules.zip")
	}
	carried, err := WorkerSources()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"go.mod": true, "go.sum": true}
	for _, f := range tracked(t, "clients") {
		if !strings.HasSuffix(f, "_test.go") && f != "clients/.gitignore" && f != "clients/modules.zip" {
			want[f] = true
		}
	}
	for _, f := range imported(t) {
		want[f] = true
	}
	if len(want) < 100 {
		t.Fatalf("only %d files are wanted: the checkout was not read", len(want))
	}
	for f := range want {
		got, ok := carried[f]
		switch {
		case !ok:
			t.Errorf("%s is needed to build workers and is not in the binary; name it in sources.go, or run make sources", f)
		case !bytes.Equal(got, read(t, f)):
			t.Errorf("%s differs in the binary; run make sources", f)
		}
	}
	for f := range carried {
		if _, err := os.Stat(f); err != nil {
			t.Errorf("%s is in the binary and not in the checkout; run make sources", f)
		}
	}
}

// imported are the files of this module's packages that a worker is linked from.
func imported(t *testing.T) []string {
	t.Helper()
	const format = `{{if and .Module .Module.Main}}{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .IgnoredGoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{end}}`
	out, err := exec.Command("go", "list", "-deps", "-f", format, "./worker/roles", "./clients/franz-go/worker").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range strings.Fields(string(out)) {
		rel, err := filepath.Rel(top, f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(rel, "_test.go") {
			files = append(files, filepath.ToSlash(rel))
		}
	}
	return files
}
