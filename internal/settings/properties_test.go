package settings

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// line is what matters of a property here.
type line struct {
	Name, Value string
	Line        int
}

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       []line
	}{
		{"separators", "a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf", []line{{"a", "1", 1}, {"b", "2", 2}, {"c", "3", 3}, {"d", "4", 4}, {"e", "5", 5}, {"f", "", 6}}},
		{"comments and blank lines", "# a=1\n  ! b=2\n\n \t\nacks=all # not a comment\n", []line{{"acks", "all # not a comment", 5}}},
		{"a line that goes on", "bootstrap.servers=one:9092,\\\n    two:9092\nacks=1", []line{{"bootstrap.servers", "one:9092,two:9092", 1}, {"acks", "1", 3}}},
		{"an even number of backslashes ends the line", "path=c:\\\\\nacks=1", []line{{"path", `c:\`, 1}, {"acks", "1", 2}}},
		{"a comment does not go on", "# x \\\nacks=1", []line{{"acks", "1", 2}}},
		{"within a line that goes on there is no comment", "a=1,\\\n#2", []line{{"a", "1,#2", 1}}},
		{"escapes", `a\=b\ c\:d=x\ty\u00e9\z`, []line{{"a=b c:d", "x\tyéz", 1}}},
		{"a value keeps its last blanks", "acks=all  ", []line{{"acks", "all  ", 1}}},
		{"CRLF and CR", "a=1\r\nb=2\rc=3", []line{{"a", "1", 1}, {"b", "2", 2}, {"c", "3", 3}}},
		{"the file ends within a line", `a=1\`, []line{{"a", "1", 1}}},
		{"twice", "a=1\na=2", []line{{"a", "1", 1}, {"a", "2", 2}}},
		{"no name", "=1", []line{{"", "1", 1}}},
		{"nothing", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse("p", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []line
			for _, p := range f.Properties {
				got = append(got, line{p.Name, p.Value, p.Line})
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("properties (-want +got):\n%s", d)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"acks=all\nx=\\u12":   "p:2: \\u is followed",
		"x=\\u12gh":           "p:1: \\u is followed",
		"\uFEFFacks=all":      "byte order mark",
		"acks=\xff\xfe\x00al": "UTF-8",
	} {
		if _, err := Parse("p", []byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Parse(%q) = %v, want an error that says %q", text, err, says)
		}
	}
}

// FuzzParse: whatever the file, no panic, and lines count up within it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a=1\\\nb", `\u00e9=\:`, "=\n:\n \\", "#\\\na"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse("p", text)
		if err != nil {
			return
		}
		natural := strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)), "\n") + 1
		last := 0
		for _, p := range file.Properties {
			if p.Line <= last || p.Line > natural {
				t.Fatalf("property %q in line %d, after %d, of %d", p.Name, p.Line, last, natural)
			}
			last = p.Line
		}
	})
}
