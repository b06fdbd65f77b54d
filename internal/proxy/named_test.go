package proxy

import "testing"

func TestNamed(t *testing.T) {
	for want, names := range map[string]map[string]bool{
		"till":     {"till": true, "till-1": false},
		"~till-.*": {"till": false, "till-1": true, "my-till-1": false},
		"~a|b":     {"a": true, "b": true, "ab": false},
		"~(":       {"(": false},
	} {
		for name, match := range names {
			if named(want)(name) != match {
				t.Errorf("%s matches %s: %v", want, name, !match)
			}
		}
	}
}
