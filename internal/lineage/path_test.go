package lineage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPath(t *testing.T) {
	m := Message{
		Key:     []byte("k1"),
		Value:   []byte(`{"order":{"id":41,"lines":[{"sku":"a"},{"sku":"b"}]},"ok":true,"none":null}`),
		Headers: []Header{{"x.y", []byte("h1")}, {"j", []byte(`{"a":"b"}`)}, {"x.y", []byte("h2")}},
	}
	for path, want := range map[string][]string{
		"key":                        {"k1"},
		"value.$.order.id":           {"41"},
		"value.$.order.lines[*].sku": {"a", "b"},
		"value.$.order.lines[1].sku": {"b"},
		"value.$.order.lines[2].sku": nil,
		"value.$.ok":                 {"true"},
		"value.$.none":               nil,
		"value.$.order":              nil,
		"header.x.y":                 {"h1", "h2"},
		"header.j.$.a":               {"b"},
		"header.absent":              nil,
		`value ~ "id":(\d+)`:         {"41"},
		`value ~ "id":\d+`:           {`"id":41`},
		"key[1:]":                    {"1"},
		"key[0:1]":                   {"k"},
		"key[0:9]":                   nil,
		"key.$.a":                    nil,
	} {
		p, err := ParsePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if diff := cmp.Diff(want, p.Texts(m)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	for path, want := range map[string]string{
		"":             "no place in a record",
		"orderId":      "begins with key, value or header.NAME",
		"$.orderId":    "begins with key, value or header.NAME",
		"value.":       "want nothing",
		"value.$":      "want a field",
		"value.$..a":   "a field without a name",
		"value.$.a[x]": "[n] or [*]",
		"value ~ (":    "missing closing",
		"value[3:2]":   "no range of bytes",
		"header.":      "names no header",
	} {
		if _, err := ParsePath(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", path, err, want)
		}
	}
}

func FuzzPath(f *testing.F) {
	f.Add("value.$.a[*].b", []byte(`{"a":[{"b":1}]}`))
	f.Add("header.x ~ (a)", []byte("a"))
	f.Fuzz(func(t *testing.T, path string, value []byte) {
		p, err := ParsePath(path)
		if err == nil {
			p.Texts(Message{Key: value, Value: value, Headers: []Header{{"x", value}}})
		}
	})
}
