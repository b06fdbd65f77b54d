package scenario

import "testing"

func TestWithLibraryLeavesTheScenarioAsItWas(t *testing.T) {
	s, err := Load("exactly-once")
	if err != nil {
		t.Fatal(err)
	}
	s.Clients[0].Command, s.Clients[0].Library = []string{"./own"}, ""
	other := s.WithLibrary("sarama")
	for i, c := range other.Clients {
		if want := map[bool]string{true: "", false: "sarama"}[len(c.Command) > 0]; c.Library != want {
			t.Errorf("client %s has library %q, want %q", c.Name, c.Library, want)
		}
		if i > 0 && s.Clients[i].Library != DefaultLibrary {
			t.Errorf("the original's %s has library %q", c.Name, s.Clients[i].Library)
		}
	}
}
