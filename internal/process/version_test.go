package process

import "testing"

func TestVersions(t *testing.T) {
	for library, want := range map[string][2]string{
		"java": {"java", ""}, "java@3.9.1": {"java", "3.9.1"}, "sarama@v1.40.0": {"sarama", "v1.40.0"},
		"@platformatic/kafka": {"@platformatic/kafka", ""}, "@platformatic/kafka@2.0.0": {"@platformatic/kafka", "2.0.0"},
	} {
		if name, version := SplitVersion(library); name != want[0] || version != want[1] {
			t.Errorf("%s is %q at %q, want %q", library, name, version, want)
		}
	}
	for _, c := range []struct {
		told, asked string
		same        bool
	}{
		{"v1.40.0", "v1.40.0", true}, {"v1.40.0", "1.40.0", true}, {"2.16.1 (librdkafka 2.16.1)", "2.16.1", true}, {"4.1.1", "", true},
		{"v1.40.0", "v1.4", false}, {"unknown", "v1.4", false}, {"4.1.1", "3.9.1", false},
	} {
		if isVersion(c.told, c.asked) != c.same {
			t.Errorf("told %q, asked %q: want %v", c.told, c.asked, c.same)
		}
	}
}
