// Package settings reads the configuration files of the field, whatever framework or
// library they belong to, as one list of Kafka's properties with their places.
//
//	a file ──> settings with dotted names ──> its dialect ──> each key's fate ──> clients
//
// Nothing is dropped: each key ends as used, as of no bearing on delivery (with the
// reason), as somebody else's, or as unknown (with the nearest name that there is).
package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
)

// Fate is what became of a key.
type Fate string

const (
	Used      Fate = "used"
	NoBearing Fate = "no bearing"
	Elsewhere Fate = "belongs elsewhere"
	Unknown   Fate = "unknown"
)

// Key is one key of a file and what became of it.
type Key struct {
	Property        // as the file has it
	Fate     Fate   // of the key
	Why      string // the properties that it became, the reason, the owner, or the nearest name
	Matters  bool   // of an unknown key: by its name it may bear on delivery
	Client   string // whose it is, where a file has several
}

// Client is one client of a file: what its producer, consumer and brokers are told.
type Client struct {
	Name                              string
	Producer, Consumer, Broker, Topic *File
	Facts                             map[string]Property // what the framework is told, by the names of keys.tsv
}

// Reading is a file as it was read.
type Reading struct {
	Path    string
	Dialect string
	Keys    []Key
	Clients []*Client
	Notes   []string
}

// client is the one of that name, made at first mention.
func (r *Reading) client(name string) *Client {
	for _, c := range r.Clients {
		if c.Name == name {
			return c
		}
	}
	c := &Client{Name: name, Facts: map[string]Property{}}
	r.Clients = append(r.Clients, c)
	return c
}

// set gives a client's part a property, under Kafka's name and with Kafka's value.
func (c *Client) set(path, library, part, name string, p Property) {
	own := p.Written() != name
	if v := scenario.KafkasValue(library, name, p.Value, own); v != p.Value && !Open(p.Value) {
		p.Raw, p.Value = p.Value, v
	}
	to := map[string]**File{"producer": &c.Producer, "consumer": &c.Consumer, "broker": &c.Broker, "topic": &c.Topic}[part]
	if *to == nil {
		*to = &File{Path: path}
	}
	if p.Name != name {
		p.Key, p.Name = p.Written(), name
	}
	(*to).Properties = append((*to).Properties, p)
}

// Count says how many keys had each fate: "9 keys: 5 used, 3 of no bearing, 1 unknown".
func Count(keys []Key) string {
	n := map[Fate]int{}
	for _, k := range keys {
		n[k.Fate]++
	}
	parts := []string{fmt.Sprintf("%d used", n[Used])}
	for _, f := range []struct {
		fate Fate
		word string
	}{{NoBearing, "of no bearing"}, {Elsewhere, "of others"}, {Unknown, "unknown"}} {
		if n[f.fate] > 0 || f.fate == Unknown {
			parts = append(parts, fmt.Sprintf("%d %s", n[f.fate], f.word))
		}
	}
	keysOf := "keys"
	if len(keys) == 1 {
		keysOf = "key"
	}
	return fmt.Sprintf("%d %s: %s", len(keys), keysOf, strings.Join(parts, ", "))
}

// sorted puts keys in the order of the file.
func sorted(keys []Key) []Key {
	slices.SortStableFunc(keys, func(a, b Key) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return keys
}
