package main

import (
	"os"
	"strings"
	"testing"
)

// What init cannot do is said before anything starts, with the way out.
func TestInitProgramRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("app.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"--program --input orders":                        "name the command after --",
		"--program -- ./app":                              "say which topic it reads with --input",
		"--program --input orders -- ./app":               "app.yaml is there already; give another --name",
		"exactly-once guide-recipe":                       "name one scenario",
		"--program --name x --input or/ders -- ./nowhere": "or/ders",
	} {
		cmd := initCommand()
		cmd.SetArgs(strings.Fields(args))
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("init %s: %v, want %q", args, err, want)
		}
	}
}
