package history

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// MarshalLine appends e's JSON line without line feed; ParseLine is its inverse.
// Fields that are zero are left out, and always stand in the same order.
// Bytes that are not UTF-8 become U+FFFD.
func MarshalLine(dst []byte, e *Event) []byte {
	dst = append(dst, `{"t":`...)
	dst = strconv.AppendInt(dst, e.T, 10)
	dst = appendText(dst, `,"src":`, string(e.Src))
	dst = appendText(dst, `,"proc":`, e.Proc)
	dst = appendText(dst, `,"type":`, string(e.Type))
	dst = appendText(dst, `,"op":`, string(e.Op))
	dst = appendID(dst, e)
	dst = appendInt(dst, `,"txn":`, e.Txn)
	dst = appendText(dst, `,"group":`, e.Group)
	if e.TP.Topic != "" {
		dst = append(dst, `,"tp":"`...)
		dst = appendEscaped(dst, e.TP.Topic)
		dst = appendTP(dst, TopicPartition{Part: e.TP.Part})
		dst = append(dst, '"')
	}
	if len(e.Off) > 0 {
		dst = appendOffsets(append(dst, `,"off":`...), e.Off)
	}
	if len(e.Key) > 0 {
		dst = appendKeys(append(dst, `,"key":`...), e.Key)
	}
	if len(e.Val) > 0 {
		dst = appendValues(append(dst, `,"val":`...), e.Val)
	}
	if len(e.From) > 0 {
		dst = appendInputs(append(dst, `,"from":`...), e.From)
	}
	if e.HasPID {
		dst = append(dst, `,"pid":`...)
		dst = strconv.AppendInt(dst, e.PID, 10)
		dst = append(dst, `,"epoch":`...)
		dst = strconv.AppendInt(dst, int64(e.Epoch), 10)
	}
	if e.InTxn {
		dst = append(dst, `,"in-txn":true`...)
	}
	dst = appendText(dst, `,"marker":`, e.Marker)
	dst = appendText(dst, `,"meta":`, e.Meta)
	if e.Err != nil {
		dst = appendError(append(dst, `,"err":`...), e.Err)
	}
	dst = appendText(dst, `,"note":`, e.Note)
	if len(e.Data) > 0 {
		dst = appendAny(append(dst, `,"data":`...), e.Data, 0)
	}
	return append(dst, '}')
}

// appendID writes the number, or the range of numbers of a run.
func appendID(dst []byte, e *Event) []byte {
	if !e.Run || len(e.Val) < 2 {
		return appendInt(dst, `,"id":`, e.ID)
	}
	dst = strconv.AppendInt(append(dst, `,"id":"`...), e.ID, 10)
	dst = strconv.AppendInt(append(dst, ".."...), e.ID+int64(len(e.Val))-1, 10)
	return append(dst, '"')
}

func appendText(dst []byte, name, s string) []byte {
	if s == "" {
		return dst
	}
	return appendString(append(dst, name...), s)
}

func appendInt(dst []byte, name string, n int64) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendInt(append(dst, name...), n, 10)
}

func appendError(dst []byte, e *Error) []byte {
	dst = appendString(append(dst, `{"name":`...), e.Name)
	dst = appendText(dst, `,"class":`, string(e.Class))
	dst = appendInt(dst, `,"code":`, int64(e.Code))
	dst = appendText(dst, `,"text":`, e.Text)
	return append(dst, '}')
}

// A batch is written as runs: one run alone, several in an array. Runs of one or
// two stay single elements, since a range would save nothing.

func appendOffsets(dst []byte, off []int64) []byte {
	return appendRuns(dst, len(off), func(i int) bool { return off[i] > off[i-1] && off[i] == off[i-1]+1 },
		func(dst []byte, i, n int) []byte {
			if n == 1 {
				return strconv.AppendInt(dst, off[i], 10)
			}
			dst = strconv.AppendInt(append(dst, '"'), off[i], 10)
			dst = strconv.AppendInt(append(dst, ".."...), off[i+n-1], 10)
			return append(dst, '"')
		})
}

func appendValues(dst []byte, val []Value) []byte {
	return appendRuns(dst, len(val), func(i int) bool { return follows(val[i-1], val[i]) },
		func(dst []byte, i, n int) []byte {
			if val[i] == (Value{}) {
				return append(dst, `""`...)
			}
			dst = appendEscaped(append(dst, '"'), val[i].Proc)
			dst = strconv.AppendInt(append(dst, '#'), val[i].N, 10)
			if n > 1 {
				dst = strconv.AppendInt(append(dst, ".."...), val[i+n-1].N, 10)
			}
			return append(dst, '"')
		})
}

func follows(a, b Value) bool {
	return b.N > a.N && b.N == a.N+1 && b.Proc == a.Proc && a != (Value{}) && b != (Value{})
}

func appendInputs(dst []byte, from []Input) []byte {
	return appendRuns(dst, len(from), func(i int) bool { return behind(from[i-1], from[i]) },
		func(dst []byte, i, n int) []byte {
			if from[i] == (Input{}) {
				return append(dst, `""`...)
			}
			dst = appendEscaped(append(dst, '"'), from[i].TP.Topic)
			dst = appendTP(dst, TopicPartition{Part: from[i].TP.Part})
			dst = strconv.AppendInt(append(dst, '@'), from[i].Off, 10)
			if n > 1 {
				dst = strconv.AppendInt(append(dst, ".."...), from[i+n-1].Off, 10)
			}
			return append(dst, '"')
		})
}

func behind(a, b Input) bool {
	return b.Off > a.Off && b.Off == a.Off+1 && b.TP == a.TP && a != (Input{}) && b != (Input{})
}

func appendKeys(dst []byte, key []string) []byte {
	return appendRuns(dst, len(key), func(int) bool { return false },
		func(dst []byte, i, _ int) []byte { return appendString(dst, key[i]) })
}

// appendRuns cuts 0..n-1 into runs of consecutive elements and writes each by one.
func appendRuns(dst []byte, n int, consecutive func(i int) bool, one func(dst []byte, i, n int) []byte) []byte {
	if n == 1 {
		return one(dst, 0, 1)
	}
	open := len(dst)
	dst = append(dst, '[')
	runs := 0
	for i := 0; i < n; {
		end := i + 1
		for end < n && consecutive(end) {
			end++
		}
		if end-i < 3 {
			end = i + 1
		}
		if runs > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, i, end-i)
		runs++
		i = end
	}
	if runs == 1 {
		return slices.Delete(dst, open, open+1)
	}
	return append(dst, ']')
}

func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

const hex = "0123456789abcdef"

func appendEscaped(dst []byte, s string) []byte {
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[plain:i]...)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c >= utf8.RuneSelf:
			dst = append(dst, "\ufffd"...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		plain = i
	}
	return append(dst, s[plain:]...)
}

// appendAny writes facts. What JSON cannot say is written as text, since an
// event must never be lost for its decoration.
func appendAny(dst []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return appendString(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int16:
		return strconv.AppendInt(dst, int64(v), 10)
	case int32:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case map[string]any:
		return appendMap(dst, v, depth)
	}
	b, err := json.Marshal(v)
	if err != nil || len(b) > MaxLine/4 || nesting(b)+depth > maxDepth {
		return appendString(dst, fmt.Sprintf("%.1000v", v))
	}
	return append(dst, b...)
}

func appendMap(dst []byte, m map[string]any, depth int) []byte {
	if m == nil {
		return append(dst, "null"...)
	}
	if depth >= maxDepth {
		return appendString(dst, fmt.Sprintf("%.1000v", m))
	}
	names := make([]string, 0, 8)
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	dst = append(dst, '{')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, name), ':')
		dst = appendAny(dst, m[name], depth+1)
	}
	return append(dst, '}')
}

// nesting is the depth of brackets in a JSON text.
func nesting(b []byte) int {
	depth, most, quoted := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case !quoted && (c == '[' || c == '{'):
			depth++
			most = max(most, depth)
		case !quoted && (c == ']' || c == '}'):
			depth--
		}
	}
	return most
}
