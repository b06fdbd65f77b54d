package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Tool is something that has to be installed before a worker can be built or a
// cluster started.
type Tool struct {
	Name     string
	programs []string           // one of these must be in the path
	env      string             // a variable that names another program, if there is one
	version  []string           // arguments that print its version
	least    []int              // the oldest version that will do; nil: any
	packages map[Manager]string // what to install; Manager "" for none of the known
	page     string             // where it is to be had for any system
}

// The tools, each with the oldest version that will do.
var (
	Go = Tool{Name: "Go", programs: []string{"go"}, version: []string{"env", "GOVERSION"}, least: []int{1, 21},
		packages: map[Manager]string{Brew: "go", Apk: "go", Pacman: "go"}, page: "https://go.dev/dl/"}
	C = Tool{Name: "a C compiler", programs: []string{"cc", "gcc", "clang"}, env: "CC",
		packages: map[Manager]string{Apt: "gcc libc6-dev", Dnf: "gcc glibc-devel", Apk: "gcc musl-dev", Pacman: "gcc", Zypper: "gcc glibc-devel"},
		page:     "your system's packages; on macOS: xcode-select --install"}
	Make = Tool{Name: "make", programs: []string{"make", "gmake"},
		packages: map[Manager]string{Apt: "make", Dnf: "make", Apk: "make", Pacman: "make", Zypper: "make"}, page: "your system's packages; on macOS: xcode-select --install"}
	Maven = Tool{Name: "Maven", programs: []string{"mvn"},
		packages: map[Manager]string{Apt: "maven", Dnf: "maven", Apk: "maven", Pacman: "maven", Zypper: "maven", Brew: "maven"}, page: "https://maven.apache.org/install.html"}
	JDK = Tool{Name: "a Java development kit", programs: []string{"javac"}, version: []string{"-version"}, least: []int{17},
		packages: map[Manager]string{Apt: "openjdk-17-jdk-headless", Dnf: "java-21-openjdk-devel", Apk: "openjdk17", Pacman: "jdk21-openjdk", Zypper: "java-21-openjdk-devel", Brew: "openjdk@21"},
		page:     "https://adoptium.net"}
	Node = Tool{Name: "Node", programs: []string{"node"}, version: []string{"--version"}, least: []int{20},
		packages: map[Manager]string{Apk: "nodejs", Pacman: "nodejs", Brew: "node", Dnf: "nodejs"}, page: "https://nodejs.org/en/download"}
	NPM = Tool{Name: "npm", programs: []string{"npm"},
		packages: map[Manager]string{Apt: "npm", Apk: "npm", Pacman: "npm", Dnf: "nodejs-npm", Brew: "node"}, page: "https://nodejs.org/en/download"}
	Python = Tool{Name: "Python with venv and pip", programs: []string{"python3"}, env: "PYTHON",
		version: []string{"-c", "import venv, ensurepip, platform; print(platform.python_version())"}, least: []int{3, 9},
		packages: map[Manager]string{Apt: "python3-venv", Dnf: "python3-pip", Apk: "python3 py3-pip", Pacman: "python python-pip", Zypper: "python3-pip", Brew: "python"},
		page:     "https://www.python.org/downloads/"}
	Cargo = Tool{Name: "Cargo", programs: []string{"cargo"},
		packages: map[Manager]string{Apt: "cargo", Dnf: "cargo", Apk: "cargo", Pacman: "rust", Brew: "rust"}, page: "https://rustup.rs"}
	Docker = Tool{Name: "a Docker engine", programs: []string{"docker"},
		packages: map[Manager]string{Apt: "docker.io", Dnf: "moby-engine", Apk: "docker", Pacman: "docker", Zypper: "docker"}, page: "https://docs.docker.com/engine/install/"}
)

// asking is how long a tool may take to say its version; a JVM on a busy machine
// takes a second.
const asking = 20 * time.Second

var numbers = regexp.MustCompile(`\d+(\.\d+)*`)

// Missing says why the tool cannot be used, or "" if it can: not in the path, or too old.
func (t Tool) Missing(ctx context.Context) string {
	candidates := t.programs
	if named := os.Getenv(t.env); t.env != "" && named != "" {
		candidates = strings.Fields(named)[:1]
	}
	program, ok := inPath(candidates...)
	if !ok {
		return fmt.Sprintf("%s is missing (no %s in the path)", t.Name, strings.Join(candidates, ", "))
	}
	if t.version == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, t.version...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s is missing (%s does not work: %v)", t.Name, program, err)
	}
	if found := numbers.FindString(string(out)); !atLeast(found, t.least) {
		return fmt.Sprintf("%s is too old (%s is %s; want %s or newer)", t.Name, program, found, dotted(t.least))
	}
	return ""
}

// Install says how the tool is installed on c.
func (t Tool) Install(c Computer) string {
	if t.Name == Docker.Name {
		switch {
		case c.OS == "darwin":
			return "install Docker Desktop, or: brew install colima docker && colima start"
		case c.WSL:
			return "turn on WSL integration in Docker Desktop, or install an engine in this distribution: " + t.onLinux(c)
		}
	}
	return t.onLinux(c)
}

// EngineHint says what to do where no Docker engine answers: start the one that is
// installed, or install one.
func EngineHint(ctx context.Context, c Computer) string {
	if Docker.Missing(ctx) != "" {
		return Docker.Install(c)
	}
	switch {
	case c.OS == "darwin":
		return "start Docker Desktop, or: colima start"
	case c.WSL:
		return "start Docker Desktop with WSL integration, or this distribution's engine: sudo service docker start"
	default:
		return "start it (sudo systemctl start docker); where it runs and refuses you: sudo usermod -aG docker $USER, and log in anew"
	}
}

func (t Tool) onLinux(c Computer) string {
	if packages, ok := t.packages[c.Manager]; ok {
		return c.install(packages)
	}
	return "see " + t.page
}

// atLeast compares versions number by number; what cannot be read will do, as the
// tool itself will say better what it lacks.
func atLeast(version string, least []int) bool {
	for i, part := range strings.Split(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil || i >= len(least) || n > least[i] {
			return true
		}
		if n < least[i] {
			return false
		}
	}
	return true
}

func dotted(version []int) string {
	parts := make([]string, len(version))
	for i, n := range version {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ".")
}
