package sidecar

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

func TestProgramHoldsAllThatItNeeds(t *testing.T) {
	p, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	if err := p.Archive(&packed); err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for r := tar.NewReader(&packed); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Size == 0 || h.Mode&0o111 == 0 {
			t.Errorf("%s: %d bytes, mode %o", h.Name, h.Size, h.Mode)
		}
		have["/"+h.Name] = true
	}
	for _, arg := range p.Argv {
		if strings.HasPrefix(arg, dir+"/") && !have[arg] {
			t.Errorf("the program starts %s, which it does not bring", arg)
		}
	}
	if len(have) != len(p.Files) {
		t.Errorf("%d files packed of %v", len(have), p.Files)
	}
}

func TestProgramThatIsNone(t *testing.T) {
	t.Setenv("ONCEPROOF_SIDECAR", "main_test.go")
	if _, err := Self(); err == nil || !strings.Contains(err.Error(), "GOOS=linux") {
		t.Errorf("got %v, want the way out", err)
	}
}

func TestSidecarsAreForbidden(t *testing.T) {
	t.Setenv("ONCEPROOF_SIDECAR", "none")
	if _, err := Self(); err == nil || !strings.Contains(err.Error(), "ONCEPROOF_SIDECAR=none") {
		t.Errorf("forbidden: %v", err)
	}
}

func TestSidecarRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {"dance"}, {"drop", "broker-1"}, {"drop", "::1"}, {"reach"}} {
		var out, errOut bytes.Buffer
		if code := run(args, &out, &errOut); code == 0 || errOut.Len() == 0 {
			t.Errorf("%v: exit code %d, said %q", args, code, errOut.String())
		}
	}
}

// TestReach: a node whose broker does not listen yet is reached; only silence is none.
func TestReach(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	for _, who := range []string{"a listener", "nobody, and a refusal"} {
		var out, errOut bytes.Buffer
		if code := run([]string{"reach", addr}, &out, &errOut); code != 0 || out.String() != "true\n" {
			t.Errorf("%s: exit code %d, said %q %q, want true", who, code, out.String(), errOut.String())
		}
		l.Close()
	}
}
