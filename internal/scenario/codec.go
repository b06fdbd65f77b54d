package scenario

import (
	"fmt"
	"slices"
)

// codec reads and writes one kind of value. The file format is tables of these:
// they parse, they write the resolved scenario, and they print the JSON Schema
// and the reference, so that none of the four can drift from the others.
type codec[V any] struct {
	kind   string // for people: "a duration such as 30s"
	schema map[string]any
	decode func(d *decoder, n *node, v *V)
	encode func(v *V) *node // nil if v need not be written
}

// field is one field of a T in the file.
type field[T any] struct {
	name, doc string
	kind      string
	schema    map[string]any
	required  bool
	decode    func(d *decoder, n *node, t *T)
	encode    func(t *T) *node
	zero      func(t *T)
}

// put is the field of a T that at points to.
func put[T, V any](name, doc string, c codec[V], at func(*T) *V) field[T] {
	return field[T]{
		name: name, doc: doc, kind: c.kind, schema: c.schema,
		decode: func(d *decoder, n *node, t *T) {
			d.where[at(t)] = n.pos
			c.decode(d, n, at(t))
		},
		encode: func(t *T) *node { return c.encode(at(t)) },
		zero: func(t *T) {
			var v V
			*at(t) = v
		},
	}
}

// placed makes each value remember where it stands.
func placed[V any](at func(*V) *Pos, c codec[V]) codec[V] {
	inner := c.decode
	c.decode = func(d *decoder, n *node, v *V) {
		*at(v) = n.pos
		inner(d, n, v)
	}
	return c
}

// must marks a field that has to be given.
func must[T any](f field[T]) field[T] {
	f.required = true
	return f
}

// decoder collects what is wrong, and where each value stood.
type decoder struct {
	errs  Errors
	where map[any]Pos       // pointer to a field of the scenario -> its value's place
	keys  map[any]keyPlaces // pointer to a map -> its keys' places
}

type keyPlaces map[string]Pos

// inside is where the keys of a map's value of kind map are kept.
type inside struct {
	ptr any
	key string
}

func newDecoder() *decoder {
	return &decoder{where: map[any]Pos{}, keys: map[any]keyPlaces{}}
}

func (d *decoder) fail(p Pos, format string, args ...any) {
	d.errs = append(d.errs, &Error{Pos: p, Text: fmt.Sprintf(format, args...)})
}

// is reports whether n has the wanted kind, and says so if not.
func (d *decoder) is(n *node, want nodeKind, what string) bool {
	if n.kind == want {
		return true
	}
	got := string(n.kind)
	if n.kind == scalarNode {
		got = fmt.Sprintf("%q", n.text)
	}
	d.fail(n.pos, "expected %s, found %s", what, got)
	return false
}

// record is the codec of a T with fields. label names one in errors: `client "till"`.
func record[T any](what string, fields []field[T]) codec[T] {
	names := fieldNames(fields)
	return codec[T]{
		kind:   what,
		schema: recordSchema(fields),
		decode: func(d *decoder, n *node, t *T) {
			if !d.is(n, mappingNode, "a mapping ("+what+")") {
				return
			}
			label := what
			if name := n.get("name"); name != nil && name.kind == scalarNode {
				label = fmt.Sprintf("%s %q", what, name.text)
			}
			for _, e := range n.entries {
				i := slices.IndexFunc(fields, func(f field[T]) bool { return f.name == e.key })
				if i < 0 {
					d.fail(e.pos, "unknown field %q in %s%s", e.key, label, didYouMean(e.key, names))
					continue
				}
				fields[i].decode(d, e.val, t)
			}
			for _, f := range fields {
				if f.required && n.get(f.name) == nil {
					d.fail(n.pos, "%s has no %q (%s)", label, f.name, f.kind)
				}
			}
		},
		encode: func(t *T) *node {
			out := &node{kind: mappingNode}
			for _, f := range fields {
				if v := f.encode(t); v != nil {
					out.entries = append(out.entries, entry{key: f.name, val: v})
				}
			}
			if len(out.entries) == 0 {
				return nil
			}
			return out
		},
	}
}

// optional is the codec of a *V that is nil when not given.
func optional[V any](c codec[V]) codec[*V] {
	return codec[*V]{
		kind: c.kind, schema: c.schema,
		decode: func(d *decoder, n *node, v **V) {
			*v = new(V)
			c.decode(d, n, *v)
		},
		encode: func(v **V) *node {
			if *v == nil {
				return nil
			}
			if n := c.encode(*v); n != nil {
				return n
			}
			return &node{kind: mappingNode}
		},
	}
}

// list is the codec of a []V.
func list[V any](kind string, c codec[V]) codec[[]V] {
	return codec[[]V]{
		kind: kind, schema: map[string]any{"type": "array", "items": c.schema},
		decode: func(d *decoder, n *node, v *[]V) {
			if !d.is(n, listNode, kind) || len(n.items) == 0 {
				return
			}
			if len(n.items) > maxItems {
				d.fail(n.pos, "%s with %d entries; at most %d are read", kind, len(n.items), maxItems)
				return
			}
			*v = make([]V, len(n.items)) // at once: places are kept by pointer
			for i, item := range n.items {
				d.where[&(*v)[i]] = item.pos
				c.decode(d, item, &(*v)[i])
			}
		},
		encode: func(v *[]V) *node {
			if len(*v) == 0 {
				return nil
			}
			out := &node{kind: listNode}
			for i := range *v {
				item := c.encode(&(*v)[i])
				if item == nil {
					item = &node{kind: mappingNode}
				}
				out.items = append(out.items, item)
			}
			return out
		},
	}
}

// mapping is the codec of a map with free keys. key says what is wrong with a
// key, nil = nothing ever is.
func mapping[V any](kind string, c codec[V], keys map[string]any, key func(string) string) codec[map[string]V] {
	schema := map[string]any{"type": "object", "additionalProperties": c.schema}
	if keys != nil {
		schema["propertyNames"] = keys
	}
	return codec[map[string]V]{
		kind: kind, schema: schema,
		decode: func(d *decoder, n *node, v *map[string]V) {
			if !d.is(n, mappingNode, "a mapping ("+kind+")") || len(n.entries) == 0 {
				return
			}
			*v = map[string]V{}
			d.keys[v] = keyPlaces{}
			for _, e := range n.entries {
				d.keys[v][e.key] = e.pos
				if key != nil {
					if wrong := key(e.key); wrong != "" {
						d.fail(e.pos, "%s", wrong)
						continue
					}
				}
				var one V
				c.decode(d, e.val, &one)
				(*v)[e.key] = one
				if inner, ok := d.keys[&one]; ok {
					d.keys[inside{v, e.key}] = inner
				}
			}
		},
		encode: func(v *map[string]V) *node {
			if len(*v) == 0 {
				return nil
			}
			out := &node{kind: mappingNode}
			for _, k := range sortedKeys(*v) {
				one := (*v)[k]
				val := c.encode(&one)
				if val == nil {
					val = &node{kind: mappingNode}
				}
				out.entries = append(out.entries, entry{key: k, val: val})
			}
			return out
		},
	}
}

func fieldNames[T any](fields []field[T]) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

func recordSchema[T any](fields []field[T]) map[string]any {
	props, required := map[string]any{}, []string{}
	for _, f := range fields {
		s := map[string]any{}
		for k, v := range f.schema {
			s[k] = v
		}
		s["description"] = f.doc
		props[f.name] = s
		if f.required {
			required = append(required, f.name)
		}
	}
	out := map[string]any{"type": "object", "additionalProperties": false, "properties": props}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
