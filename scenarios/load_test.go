package scenarios

import "testing"

func TestShippedScenariosLoad(t *testing.T) {
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Control == nil {
			t.Errorf("%s has no control", s.Metadata.Name)
			continue
		}
		c, err := s.WithControl()
		if err != nil {
			t.Errorf("%s: %v", s.Metadata.Name, err)
			continue
		}
		if b, err := Marshal(s); err != nil {
			t.Error(err)
		} else {
			t.Logf("%s", b)
		}
		t.Log(c.Clients[0].Config)
	}
}
