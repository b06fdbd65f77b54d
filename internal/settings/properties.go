package settings

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Property is one setting with its place. In a properties file it is a logical line,
// which may go on over several natural ones.
type Property struct {
	Name, Value string
	Line        int    // where it begins, from 1; 0 = it is not set
	Column      int    // of its name, from 1 in bytes; 0 = not known
	Key         string // the name as the file has it, where Name is Kafka's for it; "" = they are the same
	Raw         string // the value as the file has it, where Value is Kafka's for it; "" = they are the same
}

// Written is the name as the file has it.
func (p Property) Written() string { return cmp.Or(p.Key, p.Name) }

// File is a list of settings, in the order of the file that they stand in.
type File struct {
	Path       string
	Properties []Property
}

// Parse reads text as java.util.Properties.load does: `#` and `!` begin comments,
// the first unescaped `=`, `:` or white space ends the name, a backslash at the
// end of a line joins the next one to it, and \t \n \r \f \uXXXX are escapes. The
// text is UTF-8.
func Parse(path string, text []byte) (*File, error) {
	if bytes.HasPrefix(text, []byte("\uFEFF")) {
		return nil, fmt.Errorf("%s:1: begins with a byte order mark, which Java takes for part of the first property's name; save the file without one", path)
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%s: is not UTF-8 text", path)
	}
	f := &File{Path: path}
	for _, l := range logicalLines(string(text)) {
		name, value := split(l.text)
		p := Property{Line: l.number, Column: l.column}
		var err error
		if p.Name, err = unescape(name); err == nil {
			p.Value, err = unescape(value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, l.number, err)
		}
		f.Properties = append(f.Properties, p)
	}
	return f, nil
}

// Get is the property of that name that counts: the last one.
func (f *File) Get(name string) (Property, bool) {
	if f != nil {
		for i := len(f.Properties) - 1; i >= 0; i-- {
			if f.Properties[i].Name == name {
				return f.Properties[i], true
			}
		}
	}
	return Property{}, false
}

// Map is every property with the value that counts.
func (f *File) Map() map[string]string {
	all := map[string]string{}
	if f != nil {
		for _, p := range f.Properties {
			all[p.Name] = p.Value
		}
	}
	return all
}

type logicalLine struct {
	text   string
	number int
	column int
}

// blanks are what java.util.Properties takes for white space within a line.
const blanks = " \t\f"

// logicalLines joins continued lines and leaves out blank lines and comments,
// which are never continued.
func logicalLines(text string) []logicalLine {
	var lines []logicalLine
	open := false
	for i, natural := range strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n") {
		whole := len(natural)
		natural = strings.TrimLeft(natural, blanks)
		if !open && (natural == "" || natural[0] == '#' || natural[0] == '!') {
			continue
		}
		rest, continued := continues(natural)
		if open {
			lines[len(lines)-1].text += rest
		} else {
			lines = append(lines, logicalLine{rest, i + 1, whole - len(natural) + 1})
		}
		open = continued
	}
	return lines
}

// continues cuts the backslash off that joins the next line, if there is one: an
// odd number of them at the end.
func continues(line string) (string, bool) {
	n := len(line) - len(strings.TrimRight(line, `\`))
	if n%2 == 1 {
		return line[:len(line)-1], true
	}
	return line, false
}

// split parts a logical line at the first unescaped separator.
func split(line string) (name, value string) {
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\':
			i++
		case c == '=' || c == ':' || strings.IndexByte(blanks, c) >= 0:
			rest := strings.TrimLeft(line[i:], blanks)
			if rest != "" && (rest[0] == '=' || rest[0] == ':') {
				rest = strings.TrimLeft(rest[1:], blanks)
			}
			return line[:i], rest
		}
	}
	return line, ""
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			if s[i] != '\\' {
				b.WriteByte(s[i])
			}
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			code, err := strconv.ParseUint(s[i+1:min(len(s), i+5)], 16, 32)
			if err != nil || len(s) < i+5 {
				return "", fmt.Errorf(`\u is followed by four hexadecimal digits, not by %q`, s[i+1:min(len(s), i+5)])
			}
			b.WriteRune(rune(code))
			i += 4
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}
