package settings

import (
	"slices"
	"strings"
	"testing"
)

// TestEveryDocumentedKeyIsKnown: of no framework or library is a documented key unknown,
// and what a key becomes is a property that Kafka has.
func TestEveryDocumentedKeyIsKnown(t *testing.T) {
	names, source := Dialects()
	if len(names) < 20 {
		t.Fatalf("only %d dialects: %v", len(names), names)
	}
	for _, d := range names {
		keys := Documented(d)
		if len(keys) < 10 || source[d] == "" {
			t.Errorf("%s: %d keys, from %q", d, len(keys), source[d])
		}
		if n := Fates(d)[Unknown]; n > 0 {
			t.Errorf("%s: %d keys are unknown", d, n)
		}
		for _, key := range keys {
			m, _ := tables()[d].find(key, exactly)
			if !slices.Contains([]string{"producer", "consumer", "broker", "topic", "both", "streams", "fact", "-", "@"}, m.becomes.kind) {
				t.Errorf("%s: %s becomes %q", d, key, m.becomes.kind)
			}
			if _, isPart := tables()[m.becomes.kind]; isPart && !strings.HasSuffix(m.becomes.rest, "*") {
				if _, ok := tables()[m.becomes.kind].find(m.becomes.rest, exactly); !ok {
					t.Errorf("%s: %s becomes %s, which %s has not", d, key, m.becomes.rest, m.becomes.kind)
				}
			}
		}
	}
}
