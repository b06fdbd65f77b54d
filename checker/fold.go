package checker

import (
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// foldVerdict is what the audit compared of a program that aggregates.
type foldVerdict struct {
	keys, inputs, deleted int64
	with, from            string
}

// observeFold takes in what came of a fold: first how much was compared, then each key
// whose last result is wrong.
func (j *judge) observeFold(e *history.Event, line uint32) error {
	client, _ := e.Data["client"].(string)
	text := func(name string) string { s, _ := e.Data[name].(string); return s }
	count := func(name string) int64 { n, _ := number(e.Data[name]); return n }
	if e.Type == history.OK {
		j.folds[client] = foldVerdict{count("keys"), count("inputs"), count("deleted"), text("with"), text("from")}
		return nil
	}
	if j.folds[client].deleted > 0 {
		return nil // what was compared is not all
	}
	var at place
	if len(e.Off) == 1 {
		tp, err := j.tp(e.TP)
		if err != nil {
			return err
		}
		at = makePlace(tp, e.Off[0])
	}
	kind := guarantee.LostInput
	if more, _ := e.Data["more"].(bool); more {
		kind = guarantee.DuplicateOutput
	}
	key, expected, found, with, from, n, t := text("key"), text("expected"), text("found"), text("with"), text("from"), count("inputs"), e.T
	last := strings.Join(texts(e.Data["last"]), ", ")
	j.finds.report(kind, func() draft {
		d := draft{client: client}
		stands := "there is no committed result"
		if at != 0 {
			d.focus = append(d.focus, at)
			stands = fmt.Sprintf("the last committed result, %s, says %s", j.placeName(at), found)
		}
		d.text = fmt.Sprintf("Key %q of %s: the %s over its %d committed inputs in %s is %s, but %s. Its last inputs are %s.", key, client, with, n, from, expected, stands, last)
		d.legal = fmt.Sprintf("%s of key %q is %s", with, key, expected)
		d.events = append(d.events, j.event(t, "audit", line, at, history.Fail, history.OpFold, fmt.Sprintf("%s of key %q: expected %s, found %s", with, key, expected, orElse(found, "nothing"))))
		return d
	})
	return nil
}

// byFold is the verdict of a program whose results are a fold of its inputs: they
// account for all of them.
func (j *judge) byFold(c *history.ClientInfo, f foldVerdict) programVerdict {
	v := programVerdict{inputs: f.inputs}
	switch {
	case f.deleted > 0:
		v.loss = fmt.Sprintf("fold of %s: %d records of %s were deleted before the audit could read them; keep them (repartition.purge.interval.ms, retention), or fold from the program's input", c.Name, f.deleted, f.from)
	case f.inputs == 0:
		v.loss = fmt.Sprintf("fold of %s: no input of %s was examined: it committed no offset behind one that has a key", c.Name, f.from)
	}
	v.duplicates, v.given = v.loss, v.loss
	return v
}
