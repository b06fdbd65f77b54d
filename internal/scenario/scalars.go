package scenario

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// scalar is the codec of a value that is written as one word. parse's error
// completes the sentence `"x" …`; write returns "" for what need not be written.
func scalar[V any](kind string, schema map[string]any, parse func(string) (V, error), write func(V) string) codec[V] {
	return codec[V]{
		kind: kind, schema: schema,
		decode: func(d *decoder, n *node, v *V) {
			if !d.is(n, scalarNode, kind) {
				return
			}
			got, err := parse(n.text)
			if err != nil {
				d.fail(n.pos, "%q %v", n.text, err)
				return
			}
			*v = got
		},
		encode: func(v *V) *node {
			if text := write(*v); text != "" {
				return &node{kind: scalarNode, text: text}
			}
			return nil
		},
	}
}

func textSchema(pattern string) map[string]any {
	s := map[string]any{"type": "string"}
	if pattern != "" {
		s["pattern"] = pattern
	}
	return s
}

// oneOrMore is the codec of a word, or of a list of words.
func oneOrMore(kind string, c codec[string]) codec[Causes] {
	words := list(kind, c)
	schema := maps.Clone(c.schema) // what is said of words is not said of lists, and the other way round
	schema["type"], schema["items"] = []string{"string", "array"}, c.schema
	return codec[Causes]{
		kind: kind, schema: schema,
		decode: func(d *decoder, n *node, v *Causes) {
			if n.kind == listNode {
				words.decode(d, n, (*[]string)(v))
				return
			}
			*v = make(Causes, 1)
			d.where[&(*v)[0]] = n.pos
			if c.decode(d, n, &(*v)[0]); (*v)[0] == "" { // it was refused
				*v = nil
			}
		},
		encode: func(v *Causes) *node {
			if len(*v) == 1 {
				return c.encode(&(*v)[0])
			}
			return words.encode((*[]string)(v))
		},
	}
}

// str takes any text.
var str = codec[string]{
	kind: "text", schema: textSchema(""),
	decode: func(d *decoder, n *node, v *string) {
		if d.is(n, scalarNode, "text") {
			*v = n.text
		}
	},
	encode: func(v *string) *node {
		if *v == "" {
			return nil
		}
		return &node{kind: scalarNode, text: *v, quoted: true}
	},
}

// asText marks a codec whose value is text even where it looks like a number.
func (c codec[V]) asText() codec[V] {
	inner := c.encode
	c.encode = func(v *V) *node {
		n := inner(v)
		if n != nil {
			n.quoted = true
		}
		return n
	}
	return c
}

// word takes any text but none at all.
var word = scalar("a word", map[string]any{"type": "string", "minLength": 1}, func(s string) (string, error) {
	if s == "" {
		return "", fmt.Errorf("is empty")
	}
	return s, nil
}, func(s string) string { return s }).asText()

// value is the value of a Kafka property: any scalar, kept as written.
var value = codec[string]{
	kind: "a value", schema: map[string]any{"type": []string{"string", "number", "boolean"}},
	decode: str.decode,
	encode: func(v *string) *node { return &node{kind: scalarNode, text: *v} },
}

func named(kind, pattern string) codec[string] {
	re := regexp.MustCompile(pattern)
	return scalar(kind, textSchema(pattern), func(s string) (string, error) {
		if !re.MatchString(s) {
			return "", fmt.Errorf("is not %s: letters, digits and -_. only", kind)
		}
		return s, nil
	}, func(s string) string { return s }).asText()
}

var (
	name      = named("a name", `^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	topicName = named("a topic's name", topicPattern)
)

const topicPattern = `^[A-Za-z0-9._-]{1,249}$`

func oneOf(kind string, values ...string) codec[string] {
	return scalar(kind, map[string]any{"enum": values}, func(s string) (string, error) {
		for _, v := range values {
			if v == s {
				return s, nil
			}
		}
		return "", fmt.Errorf("is not %s%s", kind, didYouMean(s, values))
	}, func(s string) string { return s })
}

func whole[V int | int16 | int32 | int64](kind string, least, most int64) codec[V] {
	schema := map[string]any{"type": "integer", "minimum": least}
	schema["maximum"] = most
	return scalar(kind, schema, func(s string) (V, error) {
		n, err := strconv.ParseInt(s, 10, 64)
		switch {
		case err != nil:
			return 0, fmt.Errorf("is not a whole number (%s)", kind)
		case n < least:
			return 0, fmt.Errorf("is too few: at least %d (%s)", least, kind)
		case n > most:
			return 0, fmt.Errorf("is too many: at most %d (%s)", most, kind)
		}
		return V(n), nil
	}, func(v V) string {
		if v == 0 {
			return ""
		}
		return strconv.FormatInt(int64(v), 10)
	})
}

const durationPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h|us|ns))+$`

var duration = scalar("a duration such as 30s", textSchema(durationPattern), parseDuration, formatDuration)

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil && s != "" && strings.Trim(s, "0123456789.") == "":
		return 0, fmt.Errorf("is no duration: it has no unit; write %ss or %sms", s, s)
	case err != nil:
		return 0, fmt.Errorf("is no duration; write it as 500ms, 30s or 1m30s")
	case d < 0:
		return 0, fmt.Errorf("is a negative duration")
	}
	return d, nil
}

// formatDuration is time.Duration's form without its zeros: 1m, not 1m0s.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	s := strings.ReplaceAll(d.String(), "µ", "u")
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

var span = scalar("a duration or a range such as 6s..10s", textSchema(`^[0-9.]+(ms|s|m|h|us|ns)[0-9.a-z]*$`), parseSpan, func(s Span) string { return s.text() })

func parseSpan(s string) (Span, error) {
	lo, hi, ranged := strings.Cut(s, "..")
	low, err := parseDuration(lo)
	if err != nil {
		if ranged {
			return Span{}, fmt.Errorf("is no range of durations; write it as 6s..10s")
		}
		return Span{}, err
	}
	if !ranged {
		return Span{low, low}, nil
	}
	high, err := parseDuration(hi)
	if err != nil {
		return Span{}, fmt.Errorf("is no range of durations; write it as 6s..10s")
	}
	if high < low {
		return Span{}, fmt.Errorf("is a range that ends before it begins; write %s..%s", hi, lo)
	}
	return Span{low, high}, nil
}

func (s Span) text() string {
	if s == (Span{}) {
		return ""
	}
	if s.Min == s.Max {
		return formatDuration(s.Min)
	}
	return zeroOr(s.Min) + ".." + zeroOr(s.Max)
}

// String is the span as the scenario file writes it; "0s" if it is zero.
func (s Span) String() string {
	if t := s.text(); t != "" {
		return t
	}
	return "0s"
}

func zeroOr(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	return formatDuration(d)
}

// zeroDuration writes 0 too, for fields whose default is not 0.
var zeroDuration = scalar(duration.kind, duration.schema, parseDuration, zeroOr)

var percent = scalar("a share such as 40%", map[string]any{"type": []string{"string", "number"}, "pattern": `^[0-9.]+%$`, "minimum": 0, "maximum": 1},
	parsePercent, formatPercent)

func parsePercent(s string) (float64, error) {
	num, ok := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(num, 64)
	if ok {
		v /= 100
	}
	switch {
	case err != nil || math.IsNaN(v):
		return 0, fmt.Errorf("is no share; write it as 40%% or 0.4")
	case v < 0 || v > 1:
		return 0, fmt.Errorf("is not between 0%% and 100%%; write it as 40%% or 0.4")
	}
	return v, nil
}

func formatPercent(v float64) string {
	if v == 0 {
		return ""
	}
	short := strconv.FormatFloat(v*100, 'g', 12, 64) + "%"
	if back, err := parsePercent(short); err == nil && back == v {
		return short
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

var rate = scalar("a rate such as 200/s", textSchema(`^[0-9.]+/s$`), func(s string) (float64, error) {
	num, ok := strings.CutSuffix(s, "/s")
	v, err := strconv.ParseFloat(num, 64)
	switch {
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		return 0, fmt.Errorf("is no rate; write it as 200/s (records a second and instance)")
	case !ok:
		return 0, fmt.Errorf("is a rate without its unit; write %s/s (records a second and instance)", num)
	case v <= 0:
		return 0, fmt.Errorf("is a rate of nothing; leave rate out to go as fast as it can")
	}
	return v, nil
}, func(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64) + "/s"
})

// boolean is written only when it is true.
var boolean = scalar("true or false", map[string]any{"type": "boolean"}, func(s string) (bool, error) {
	switch s {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("is neither true nor false")
}, func(v bool) string {
	if v {
		return "true"
	}
	return ""
})

// byteRate is kept in bytes a second.
var byteRate = scalar("a rate such as 64KiB/s", textSchema(`^[0-9]+(B|KiB|MiB|GiB)/s$`), func(s string) (int64, error) {
	num, ok := strings.CutSuffix(s, "/s")
	if !ok {
		return 0, fmt.Errorf("is no rate of bytes; write it as 5B/s, 64KiB/s or 1MiB/s")
	}
	return parseBytes(num)
}, func(v int64) string {
	if v == 0 {
		return ""
	}
	return formatBytes(v) + "/s"
})

var byteSize = scalar("a size such as 256MiB", textSchema(`^[0-9]+(B|KiB|MiB|GiB)$`), parseBytes, func(v int64) string {
	if v == 0 {
		return ""
	}
	return formatBytes(v)
}).asText() // some YAML reader takes 1B for a number

// byteUnits have the greatest first, and the suffix of none last.
var byteUnits = []struct {
	name string
	size int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

func parseBytes(s string) (int64, error) {
	for _, u := range byteUnits {
		num, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(num, 10, 64)
		if err != nil || n <= 0 || n > math.MaxInt64/u.size {
			break
		}
		return n * u.size, nil
	}
	return 0, fmt.Errorf("is no number of bytes; write it as 500B, 64KiB or 256MiB")
}

func formatBytes(v int64) string {
	for _, u := range byteUnits {
		if v%u.size == 0 {
			return strconv.FormatInt(v/u.size, 10) + u.name
		}
	}
	return ""
}

var seed = scalar("a seed, a whole number from 0", map[string]any{"type": "integer", "minimum": 0}, func(s string) (uint64, error) {
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("is no seed: a whole number from 0 to 18446744073709551615")
	}
	return v, nil
}, func(v uint64) string { return strconv.FormatUint(v, 10) })
