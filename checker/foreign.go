package checker

import "fmt"

// readForeign takes in a record that a program may have written: which send it is the
// offset tells, not its bytes.
func (j *judge) readForeign(p *proc, pt *part, row *record, read uint16, e earlyRead) {
	row.flags |= read
	if row.val == 0 {
		row.flags |= fForeign
	}
	if p.rc {
		j.early.add(e)
	}
}

// stood is where p stood in a partition before it sends its offset into a transaction:
// where its transaction before ended, or the committed offset that it was told since;
// -1 if that is not known.
func (p *proc) stood(tp int32) int64 {
	if off, ok := p.upTo[tp]; ok {
		return off
	}
	return -1
}

// covers says whether a transaction that sends the same offset as one before it covers
// any input of it: applications send the positions of all their partitions, also of
// those of which they were given nothing. Workers send only where they were.
func (j *judge) covers(s *stagedOffset) bool {
	if p := j.procs[j.txns.at(int64(s.txn)).proc]; p.info == nil || !p.info.Program {
		return true
	}
	if s.base >= 0 {
		return s.base < s.off
	}
	in := j.groups[s.group].inputs[s.tp]
	if in == nil {
		return false
	}
	const markers = 64 // that may stand between the offset and the last input before it
	for off := s.off - 1; off >= 0 && off >= s.off-markers; off-- {
		if row := in.rows.get(off); row != nil && row.attempts > 0 {
			return row.txn == s.txn+1
		}
	}
	return false
}

// program says whether a process is one that tells nothing itself.
func (p *liveProc) program() bool { return p.info != nil && p.info.Program }

// idlePrograms notes programs that did nothing in the whole run though input waited for
// them: whether they would have gone on after the faults, nobody knows.
func (j *judge) idlePrograms() {
	for i := range j.header.Clients {
		c := &j.header.Clients[i]
		if !c.Program || c.Role == "producer" || c.Input == "" || j.programs[c.Name].inputs > 0 {
			continue
		}
		name := c.Config["group.id"]
		if name == "" {
			name = c.Name
		}
		if g := j.groups[j.group(name)]; len(g.edges) > 0 || g.inTxn || j.worked(g) {
			continue
		}
		for _, pt := range j.parts {
			if off, ok := j.visibleIn(pt, 0, pt.logEnd-1, true); ok && pt.tp.Topic == c.Input {
				j.idle = append(j.idle, fmt.Sprintf("%s committed and wrote nothing in the whole run, though %s waits for it: see its log", c.Name, j.placeName(makePlace(pt.id, off))))
				break
			}
		}
	}
}
