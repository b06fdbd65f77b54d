package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestManagerOf(t *testing.T) {
	for release, want := range map[string]Manager{
		"ID=debian\nVERSION_ID=\"12\"\n":                              Apt,
		"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n":                   Apt,
		"NAME=\"Rocky Linux\"\nID=\"rocky\"\nID_LIKE=\"rhel fedora\"": Dnf,
		"ID=alpine\n": Apk,
		"ID=opensuse-leap\nID_LIKE=\"suse opensuse\"": Zypper,
		"ID=nixos\nDEBIAN=debian\n":                   "",
		"":                                            "",
	} {
		if got := managerOf(release); got != want {
			t.Errorf("%q: %q, want %q", release, got, want)
		}
	}
}

// TestMissing: a tool that is there, one that is too old, one that does not work, and
// one that is not there.
func TestMissing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	t.Setenv("PYTHON", "")
	program := func(name, script string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program("node", "echo v20.20.2")
	program("javac", "echo javac 11.0.2 >&2")
	program("python3", "exit 1")
	program("pypy", "echo 3.10.1")
	program("go", "echo go1.27rc1")
	for _, tt := range []struct {
		tool Tool
		want string
	}{
		{Node, ""}, {Go, ""},
		{JDK, "a Java development kit is too old (" + dir + "/javac is 11.0.2; want 17 or newer)"},
		{Python, "Python with venv and pip is missing (" + dir + "/python3 does not work: exit status 1)"},
		{Maven, "Maven is missing (no mvn in the path)"},
		{C, "a C compiler is missing (no cc, gcc, clang in the path)"},
	} {
		if got := tt.tool.Missing(t.Context()); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.tool.Name, got, tt.want)
		}
	}
	t.Setenv("PYTHON", "pypy")
	if got := Python.Missing(t.Context()); got != "" {
		t.Errorf("PYTHON=pypy: %q", got)
	}
}

func TestInstall(t *testing.T) {
	debian, mac := Computer{OS: "linux", Manager: Apt}, Computer{OS: "darwin", Manager: Brew}
	for _, tt := range []struct {
		tool Tool
		on   Computer
		want string
	}{
		{Maven, debian, "sudo apt-get install -y maven"},
		{Maven, Computer{OS: "linux", Manager: Apk, Root: true}, "apk add maven"},
		{Maven, mac, "brew install maven"},
		{C, mac, "see your system's packages; on macOS: xcode-select --install"},
		{Go, debian, "see https://go.dev/dl/"}, // its packages are too old
		{Docker, debian, "sudo apt-get install -y docker.io"},
		{Docker, mac, "install Docker Desktop, or: brew install colima docker && colima start"},
		{Docker, Computer{OS: "linux"}, "see https://docs.docker.com/engine/install/"},
	} {
		if got := tt.tool.Install(tt.on); got != tt.want {
			t.Errorf("%s on %+v: %q, want %q", tt.tool.Name, tt.on, got, tt.want)
		}
	}
	if got := Docker.Install(Computer{OS: "linux", Manager: Apt, WSL: true}); !strings.Contains(got, "WSL") || !strings.Contains(got, "docker.io") {
		t.Errorf("in WSL: %q", got)
	}
}

// TestEngineHint: an engine that is installed is started, not installed.
func TestEngineHint(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	debian := Computer{OS: "linux", Manager: Apt}
	if got := EngineHint(t.Context(), debian); got != "sudo apt-get install -y docker.io" {
		t.Errorf("no engine: %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		on   Computer
		want string
	}{{debian, "systemctl start docker"}, {Computer{OS: "darwin"}, "colima start"}, {Computer{OS: "linux", WSL: true}, "WSL"}} {
		if got := EngineHint(t.Context(), tt.on); !strings.Contains(got, tt.want) || strings.Contains(got, "install") {
			t.Errorf("%+v: %q", tt.on, got)
		}
	}
}

func TestAtLeast(t *testing.T) {
	for version, want := range map[string]bool{"3.9": true, "3.9.7": true, "3.8.20": false, "4": true, "3": true, "2.99": false, "": true} {
		if got := atLeast(version, []int{3, 9}); got != want {
			t.Errorf("%q at least 3.9: %v", version, got)
		}
	}
}
