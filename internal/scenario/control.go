package scenario

import (
	"fmt"
	"maps"
	"slices"
)

// WithControl returns the scenario that s.Control describes, and an error if s has none.
// It is named "<name>-control", has no control of its own, and expects what s
// expects except where the control says otherwise.
func (s *Scenario) WithControl() (*Scenario, error) {
	if s.Control == nil {
		return nil, fmt.Errorf("scenario %q has no control", s.Metadata.Name)
	}
	return s.changed("control", s.Control)
}

// WithFixed returns the scenario that s.Fixed describes, and an error if s has
// none. It is named "<name>-fixed" and expects every guarantee to hold except
// where Fixed says otherwise.
func (s *Scenario) WithFixed() (*Scenario, error) {
	if s.Fixed == nil {
		return nil, fmt.Errorf("scenario %q has no fixed twin", s.Metadata.Name)
	}
	return s.changed("fixed", s.Fixed)
}

func (s *Scenario) changed(what string, c *Control) (*Scenario, error) {
	d := newDecoder()
	out := s.overlaid(d, what, c)
	check{d, out}.all()
	for _, e := range d.errs {
		e.File = s.File
	}
	if err := d.errs.sorted(); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return out, nil
}

// checkTwins reports what is wrong with the scenarios that s's control and its
// fixed twin make of it. d has read s.
func checkTwins(d *decoder, s *Scenario) {
	if c := s.Control; c != nil {
		checkTwin(d, s, "control", c, d.where[&s.Control])
		if !violatesMore(c.Expect, s.Expect) && len(c.Expect) > 0 {
			d.fail(d.where[&c.Expect], "control: expect names no guarantee that the control violates and the scenario does not; it would show nothing")
		}
	}
	if f := s.Fixed; f != nil {
		checkTwin(d, s, "fixed", f, d.where[&s.Fixed])
		if !violatesMore(s.Expect, f.Expect) {
			d.fail(d.where[&s.Fixed], "fixed: the scenario expects no guarantee violated: there is nothing to mend")
		}
	}
}

// checkTwin reports what is wrong at the change's own place where it has one,
// else at where the changes begin.
func checkTwin(d *decoder, s *Scenario, what string, c *Control, at Pos) {
	if len(c.Cluster)+len(c.Clients) == 0 {
		d.fail(at, "%s changes nothing: it would give the same result as the scenario", what)
	}
	before := len(d.errs)
	checkChanges(d, s, what, c)
	if len(d.errs) > before {
		return
	}
	inner := newDecoder()
	out := s.overlaid(inner, what, c)
	check{inner, out}.all()
	for _, e := range inner.errs {
		d.fail(at, "%s: %s", what, e.Text)
	}
}

// violatesMore reports whether with has a violation that without has not.
func violatesMore(with, without map[string]string) bool {
	for g, v := range with {
		if v == "violated" && without[g] != v {
			return true
		}
	}
	return false
}

// overlaid is a copy of s with the changes of c; d takes what is wrong with them.
func (s *Scenario) overlaid(d *decoder, what string, c *Control) *Scenario {
	out := *s
	out.Control, out.Fixed = nil, nil
	out.Metadata.Name = s.Metadata.Name + "-" + what
	if c.Description != "" {
		out.Metadata.Description = c.Description
	}
	config := maps.Clone(c.Cluster)
	if image, ok := config[imageChange]; ok {
		out.Cluster.Image = image
		delete(config, imageChange)
	}
	out.Cluster.Config = merged(s.Cluster.Config, config)
	out.Cluster.Topics = slices.Clone(s.Cluster.Topics)
	out.Faults = aimedAt(c.Requests, s.Faults)
	out.Expect = c.Expect
	if what == "control" {
		out.Expect = merged(s.Expect, c.Expect)
	}
	out.Clients = slices.Clone(s.Clients)
	for i := range out.Clients {
		cl := &out.Clients[i]
		config := map[string]string{}
		for key, val := range c.Clients[cl.Name] {
			if change, ok := changeable[key]; ok {
				change(d, cl, val)
			} else {
				config[key] = val
			}
		}
		cl.Config = merged(cl.Config, config)
		cl.ConfigPos = maps.Clone(cl.ConfigPos)
		for key, pos := range c.ClientsPos[cl.Name] {
			if cl.ConfigPos == nil {
				cl.ConfigPos = map[string]Pos{}
			}
			cl.ConfigPos[key] = pos
		}
	}
	return &out
}

// aimedAt are faults that strike other requests than they did, by those.
func aimedAt(other map[string]string, faults []Fault) []Fault {
	out := slices.Clone(faults)
	for i := range out {
		if on := out[i].When.On; on != nil && other[on.Request] != "" {
			aimed := *on
			aimed.Request = other[on.Request]
			out[i].When.On = &aimed
		}
	}
	return out
}

// imageChange among the cluster's changes is no property: the brokers' image.
const imageChange = "image"

// checkChanges checks each change for itself.
func checkChanges(d *decoder, s *Scenario, what string, c *Control) {
	for key, val := range c.Cluster {
		if key == imageChange {
			continue
		}
		if wrong := wrongProperty([]string{"broker"}, "a broker", key, val); wrong != "" && val != "" {
			d.fail(d.keys[&c.Cluster][key], "%s: %s", what, wrong)
		}
	}
	for request := range c.Requests {
		if !slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.When.On != nil && f.When.On.Request == request }) {
			d.fail(d.keys[&c.Requests][request], "%s: no fault strikes %s", what, request)
		}
	}
	roles := map[string]string{}
	for _, cl := range s.Clients {
		roles[cl.Name] = cl.Role
	}
	for name, changes := range c.Clients {
		if roles[name] == "" {
			d.fail(d.keys[&c.Clients][name], "%s: there is no client %q%s", what, name, didYouMean(name, sortedKeys(roles)))
			continue
		}
		for key, val := range changes {
			pos := d.keys[inside{&c.Clients, name}][key]
			roles, whose := propertyRoles(roles[name])
			if changeable[key] != nil || val == "" && isProperty(roles, key) {
				continue
			}
			wrong := wrongProperty(roles, whose, key, val)
			if n := Nearest(key, sortedKeys(changeable)); wrong != "" && n != "" {
				wrong = fmt.Sprintf("unknown field %q in client %q; did you mean %q?", key, name, n)
			}
			if wrong != "" {
				d.fail(pos, "%s: %s", what, wrong)
			}
		}
	}
}

// changeable are the fields of a client that a control may replace; every other
// key is a property.
var changeable = func() map[string]func(d *decoder, cl *Client, val string) {
	all := map[string]func(*decoder, *Client, string){}
	pick(all, "", clientFields, func(c *Client) *Client { return c },
		"library", "count", "rate", "size", "max", "topic", "input", "output", "commit", "transaction", "habits", "unsupported")
	pick(all, "process.", processFields, func(c *Client) *Process { return &c.Process }, "time", "fail")
	pick(all, "retry.", retryFields, func(c *Client) *Retry { return &c.Retry }, "attempts", "backoff", "topic")
	return all
}()

// pick adds to all, under its name with prefix, how each of the named fields is
// replaced; an empty value removes.
func pick[T any](all map[string]func(*decoder, *Client, string), prefix string, fields []field[T], at func(*Client) *T, names ...string) {
	for _, f := range fields {
		if slices.Contains(names, f.name) {
			all[prefix+f.name] = func(d *decoder, cl *Client, val string) {
				if val == "" {
					f.zero(at(cl))
					return
				}
				f.decode(d, &node{kind: scalarNode, text: val}, at(cl))
			}
		}
	}
}

// merged is base with over's values; an empty one removes.
func merged(base, over map[string]string) map[string]string {
	out := maps.Clone(base)
	if out == nil && len(over) > 0 {
		out = map[string]string{}
	}
	for k, v := range over {
		if v == "" {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}
