// Package lineage finds which input each record of a program was made from: by the
// value ids of onceproof's own producers, wherever they stand in a record, and by what
// the scenario declares.
//
//	audit: every record ──> Partition ──> Join ──> edges: output ──> input
//
// Nothing here knows a broker or a history's events; it is a pure join.
package lineage

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"github.com/onceproof/onceproof/history"
)

// Finder finds value ids ("shop/0/1#41") of known clients in any bytes: text, JSON,
// Avro and Protobuf strings. Not safe for concurrent use; the zero value finds nothing.
type Finder struct {
	clients [][]byte          // the longest name first
	procs   map[string]string // what was found, so that it is allocated once
}

// NewFinder makes a Finder of the value ids that the named clients send.
func NewFinder(clients []string) *Finder {
	f := &Finder{procs: map[string]string{}}
	for _, c := range clients {
		f.clients = append(f.clients, []byte(c))
	}
	slices.SortFunc(f.clients, func(a, b []byte) int { return cmp.Compare(len(b), len(a)) })
	return f
}

// Find appends the value ids in b to dst, each once.
func (f *Finder) Find(dst []history.Value, b []byte) []history.Value {
	if len(f.clients) == 0 {
		return dst
	}
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '#')
		if i < 0 {
			return dst
		}
		hash := at + i
		at = hash + 1
		n, ok := number(b[at:])
		if !ok {
			continue
		}
		proc, ok := f.proc(b[:hash])
		if !ok {
			continue
		}
		if v := (history.Value{Proc: proc, N: n}); !slices.Contains(dst, v) {
			dst = append(dst, v)
		}
	}
}

// number reads the digits that b begins with.
func number(b []byte) (int64, bool) {
	end := 0
	for end < len(b) && end < 18 && isDigit(b[end]) {
		end++
	}
	n, err := strconv.ParseInt(string(b[:end]), 10, 64)
	return n, err == nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// proc reads the name of a process, "shop/0/1", that b ends with. JSON may write a
// slash as `\/`.
func (f *Finder) proc(b []byte) (string, bool) {
	rest, incarnation, ok := cutNumber(b)
	if !ok {
		return "", false
	}
	rest, instance, ok := cutNumber(rest)
	if !ok {
		return "", false
	}
	for _, c := range f.clients {
		if !bytes.HasSuffix(rest, c) {
			continue
		}
		var key [128]byte
		name := append(append(append(append(append(key[:0], c...), '/'), instance...), '/'), incarnation...)
		if proc, ok := f.procs[string(name)]; ok {
			return proc, true
		}
		f.procs[string(name)] = string(name)
		return f.procs[string(name)], true
	}
	return "", false
}

// cutNumber takes "/12" or `\/12` off the end of b.
func cutNumber(b []byte) (rest, digits []byte, ok bool) {
	i := len(b)
	for i > 0 && isDigit(b[i-1]) {
		i--
	}
	digits = b[i:]
	if len(digits) == 0 || i == 0 || b[i-1] != '/' {
		return nil, nil, false
	}
	return bytes.TrimSuffix(b[:i-1], []byte{'\\'}), digits, true
}
