package settings

import (
	"fmt"
	"strings"
)

// parseSQL finds the settings of Flink SQL: the options of each CREATE TABLE … WITH
// ('name' = 'value', …) whose connector is Kafka's, and SET 'name' = 'value'. The name
// of the table goes before its options: "orders/sink.delivery-guarantee".
func parseSQL(path string, text []byte) ([]Property, error) {
	tokens, err := sqlTokens(path, string(text))
	if err != nil {
		return nil, err
	}
	var out []Property
	table, with, depth := "", false, 0
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch {
		case t.is("TABLE") && i+1 < len(tokens):
			if i++; tokens[i].is("IF") {
				i = min(i+3, len(tokens)-1) // IF NOT EXISTS
			}
			table, with = tokens[i].text, false
		case t.is("WITH"):
			with, depth = true, 0
		case t.is(";"):
			table, with = "", false
		case t.is("("):
			depth++
		case t.is(")"):
			if depth--; depth == 0 {
				with = false
			}
		case t.quoted && i+2 < len(tokens) && tokens[i+1].is("="):
			p := Property{Name: t.text, Value: tokens[i+2].text, Line: t.line, Column: t.column}
			if with {
				p.Name = table + "/" + p.Name
			}
			out = append(out, p)
			i += 2
		}
	}
	return out, nil
}

type sqlToken struct {
	text         string
	quoted       bool
	line, column int
}

func (t sqlToken) is(word string) bool { return !t.quoted && strings.EqualFold(t.text, word) }

func sqlTokens(path, text string) (out []sqlToken, err error) {
	line, start := 1, 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		at := sqlToken{line: line, column: i - start + 1}
		switch {
		case c == '\n':
			line, start = line+1, i+1
		case c == ' ' || c == '\t' || c == '\r':
		case strings.HasPrefix(text[i:], "--"):
			i += max(0, strings.IndexByte(text[i:]+"\n", '\n')-1)
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i:], "*/")
			if end < 0 {
				return nil, fmt.Errorf("%s:%d:%d: a comment does not end", path, at.line, at.column)
			}
			line += strings.Count(text[i:i+end], "\n")
			i += end + 1
		case c == '\'':
			value, next, ok := sqlString(text, i)
			if !ok {
				return nil, fmt.Errorf("%s:%d:%d: a string does not end", path, at.line, at.column)
			}
			at.text, at.quoted = value, true
			line += strings.Count(text[i:next], "\n")
			i = next - 1
			out = append(out, at)
		case strings.IndexByte("(),;=", c) >= 0:
			at.text = string(c)
			out = append(out, at)
		default:
			end := i
			for end < len(text) && strings.IndexByte(" \t\r\n(),;='", text[end]) < 0 {
				end++
			}
			at.text = strings.Trim(text[i:end], "`")
			i = end - 1
			out = append(out, at)
		}
	}
	return out, nil
}

// sqlString is the value of the string that begins at i, in which two quotes are one, and
// where it ends.
func sqlString(text string, i int) (value string, next int, ok bool) {
	for j := i + 1; j < len(text); j++ {
		if text[j] != '\'' {
			continue
		}
		if j+1 < len(text) && text[j+1] == '\'' {
			j++
			continue
		}
		return strings.ReplaceAll(text[i+1:j], "''", "'"), j + 1, true
	}
	return "", 0, false
}
