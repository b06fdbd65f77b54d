package scenario

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
	"time"
)

// values.tsv says what the values of Kafka's properties are called in each library:
// library, property, the library's value, Kafka's. docs/lint.md has it as a table.
//
//go:embed values.tsv
var valuesTSV string

// OwnValue is one row of the table of values.
type OwnValue struct{ Library, Property, Own, Kafkas string }

// OwnValues is the table of values.
var OwnValues = sync.OnceValue(func() []OwnValue {
	var all []OwnValue
	for _, line := range strings.Split(strings.TrimSpace(valuesTSV), "\n")[1:] {
		f := strings.Split(line, "\t")
		all = append(all, OwnValue{f[0], f[1], f[2], f[3]})
	}
	return all
})

// KafkasValue is Kafka's value for what library calls value. byOwnName says that the
// property was given under the library's own name: only then do values mean what the
// library means by them. A value that the table does not have stays, but for its form:
// a duration as milliseconds, a word without its package.
func KafkasValue(library, property, value string, byOwnName bool) string {
	bare := bareValue(value)
	lib := Column(library)
	if byOwnName || lib == librdkafka {
		for _, v := range OwnValues() {
			if v.Library == lib && v.Property == property && strings.EqualFold(v.Own, bare) {
				return v.Kafkas
			}
		}
	}
	if strings.HasSuffix(property, ".ms") {
		if ms, ok := milliseconds(lib, bare, byOwnName); ok {
			return ms
		}
	}
	switch strings.ToLower(bare) {
	case "true", "false", "earliest", "latest", "read_committed", "read_uncommitted", "all":
		return strings.ToLower(bare)
	case "read-committed", "read-uncommitted":
		return strings.ReplaceAll(strings.ToLower(bare), "-", "_")
	}
	return value
}

// bareValue is a value without quotes, the package that it is written with, and the
// parentheses of a call: "kgo.AllISRAcks()" is AllISRAcks.
func bareValue(value string) string {
	v := strings.Trim(strings.TrimSpace(value), `"'`)
	v = strings.TrimSuffix(v, "()")
	if at := strings.LastIndexByte(v, '.'); at > 0 && v[0] >= 'A' && v[len(v)-1] >= 'A' {
		v = v[at+1:]
	}
	return v
}

// milliseconds reads "10s", "PT10S", "10 s" and, under a Go library's own name, a number
// of nanoseconds.
func milliseconds(library, value string, byOwnName bool) (string, bool) {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		if byOwnName && (library == "sarama" || library == "kafka-go" || library == "franz-go") && n >= int64(time.Millisecond) {
			return strconv.FormatInt(n/int64(time.Millisecond), 10), true
		}
		return "", false
	}
	if d, ok := Duration(value); ok {
		return strconv.FormatInt(d.Milliseconds(), 10), true
	}
	return "", false
}

// Duration reads a duration as Go, ISO 8601, Spring and Flink write it: "1m30s", "PT5M",
// "10 s", "5 min".
func Duration(value string) (time.Duration, bool) {
	v := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(value), " ", ""))
	v = strings.TrimPrefix(v, "pt")
	for _, unit := range []struct{ long, short string }{{"milliseconds", "ms"}, {"millis", "ms"}, {"seconds", "s"}, {"second", "s"}, {"secs", "s"}, {"sec", "s"}, {"minutes", "m"}, {"minute", "m"}, {"min", "m"}, {"hours", "h"}, {"hour", "h"}} {
		if strings.HasSuffix(v, unit.long) {
			v = strings.TrimSuffix(v, unit.long) + unit.short
			break
		}
	}
	if days, ok := strings.CutSuffix(v, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		return time.Duration(n * 24 * float64(time.Hour)), err == nil
	}
	d, err := time.ParseDuration(v)
	return d, err == nil
}
