package history

import "strings"

// nemesis is what the faults of a history have told so far.
type nemesis struct {
	id     int64
	open   bool // it told a beginning
	killed bool // :start means a restart
}

// fault tells what the nemesis did. It says each thing twice, before and after.
func (j *jepsen) fault(what *rareParts) {
	n := &j.nemesis
	e := Event{Src: SrcFault, Proc: "fault/nemesis", Type: Info, Op: OpInject,
		Data: map[string]any{"kind": what.f, "value": what.text}}
	switch healing := n.heals(what.f); {
	case n.open && healing:
		e.Op = OpGone
	case n.open:
		e.Op = OpEffect
	case healing:
		e.Op = OpRecover
	}
	if !n.open {
		n.id++
	}
	n.open = !n.open
	n.killed = n.killed || what.f == "kill"
	e.ID = n.id
	j.put(e)
}

// heals says whether f ends a fault, by the names that Jepsen's own nemeses use:
// :start restarts what :kill ended, but begins what :stop ends.
func (n *nemesis) heals(f string) bool {
	switch f {
	case "stop", "resume", "heal", "recover", "reset":
		return true
	case "start":
		return n.killed
	}
	return strings.HasPrefix(f, "stop-") || strings.HasPrefix(f, "heal-")
}
