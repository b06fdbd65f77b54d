package scenario

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestHostileFilesAreRefusedFast: nothing that fits the size limit takes long
// or deep to refuse.
func TestHostileFilesAreRefusedFast(t *testing.T) {
	fill := func(s string) []byte { return []byte(strings.Repeat(s, maxBytes/len(s))) }
	deeper := func() []byte {
		var b bytes.Buffer
		for i := 0; b.Len() < maxBytes-2000; i++ {
			b.WriteString(strings.Repeat(" ", i) + "a:\n")
		}
		return b.Bytes()
	}
	for name, text := range map[string][]byte{
		"too long":          append(fill("a"), make([]byte, maxBytes)...),
		"open brackets":     fill("["),
		"open braces":       fill("{a: "),
		"dashes":            fill("- "),
		"question marks":    fill("? "),
		"deeper and deeper": deeper(),
		"many fields":       fill("abcdefgh: 1\n"),
		"many items":        []byte("faults:\n" + string(fill("- {}\n"))[:maxBytes-100]),
		"one long word":     fill("a"),
		"anchors":           fill("- &a [*a]\n"),
		"NULs":              make([]byte, maxBytes),
		"not UTF-8":         fill("\xff"),
	} {
		began := time.Now()
		_, err := Parse("hostile.yaml", text)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		t.Logf("%s: %v", name, time.Since(began).Round(time.Millisecond))
	}
}
