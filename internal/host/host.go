// Package host knows the computer that onceproof runs on: which tools are in its path,
// and how its users install one that is not.
//
//	if why := host.Maven.Missing(ctx); why != "" {
//		fmt.Println(why, "–", host.Maven.Install(host.System()))
//	}
package host

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// A Manager is a package manager, by the name of its command: "apt-get", "brew".
type Manager string

// The package managers that Install has a command for.
const (
	Apt    Manager = "apt-get"
	Dnf    Manager = "dnf"
	Apk    Manager = "apk"
	Pacman Manager = "pacman"
	Zypper Manager = "zypper"
	Brew   Manager = "brew"
)

// families are the package managers by what /etc/os-release calls a distribution, or
// says that it is like.
var families = []struct {
	id      string
	manager Manager
}{
	{"debian", Apt}, {"ubuntu", Apt}, {"fedora", Dnf}, {"rhel", Dnf}, {"amzn", Dnf},
	{"alpine", Apk}, {"arch", Pacman}, {"suse", Zypper},
}

// Computer is what hints depend on.
type Computer struct {
	OS      string  // runtime.GOOS
	Manager Manager // "" if it is none that we know
	Root    bool    // the user is root: no sudo
	WSL     bool    // Linux in the Windows Subsystem for Linux
}

// System describes the computer that this program runs on.
func System() Computer {
	c := Computer{OS: runtime.GOOS, Root: os.Geteuid() == 0}
	switch runtime.GOOS {
	case "darwin":
		c.Manager = Brew
	case "linux":
		release, _ := os.ReadFile("/etc/os-release") // without it, no manager is known
		c.Manager = managerOf(string(release))
		kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
		c.WSL = strings.Contains(strings.ToLower(string(kernel)), "microsoft")
	}
	return c
}

// managerOf finds the package manager by the text of /etc/os-release.
func managerOf(release string) Manager {
	var ids []string
	for line := range strings.Lines(release) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "ID" || key == "ID_LIKE" {
			ids = append(ids, strings.Fields(strings.Trim(value, `"'`))...)
		}
	}
	for _, f := range families {
		if slices.Contains(ids, f.id) {
			return f.manager
		}
	}
	return ""
}

// install is the command that installs packages.
func (c Computer) install(packages string) string {
	verb := map[Manager]string{
		Apt: "apt-get install -y", Dnf: "dnf install -y", Apk: "apk add", Pacman: "pacman -S --needed",
		Zypper: "zypper install -y", Brew: "brew install",
	}[c.Manager]
	if c.Root || c.Manager == Brew {
		return verb + " " + packages
	}
	return "sudo " + verb + " " + packages
}

// inPath tells whether one of the programs is in the path, and which.
func inPath(programs ...string) (string, bool) {
	for _, p := range programs {
		if found, err := exec.LookPath(p); err == nil {
			return found, true
		}
	}
	return "", false
}
