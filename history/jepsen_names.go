package history

import (
	"strconv"
	"strings"
)

// Bytes that an import remembers for each, about.
const (
	procBytes     = 300
	keyBytes      = 400
	positionBytes = 48 // one key of one process
)

func (j *jepsen) proc(n int64) (*jepsenProc, error) {
	slot := &j.recent[n&int64(len(j.recent)-1)]
	if *slot != nil && (*slot).number == n {
		return *slot, nil
	}
	p := j.procs[n]
	if p == nil {
		p = &jepsenProc{number: n}
		if err := j.start(p); err != nil {
			return nil, err
		}
		j.procs[n] = p
	}
	*slot = p
	return p, nil
}

// start begins an incarnation of p: its client is a new one.
func (j *jepsen) start(p *jepsenProc) error {
	p.lives++
	p.ended, p.adrift = false, false
	p.name = "process/" + strconv.FormatInt(p.number, 10) + "/" + strconv.FormatInt(p.lives, 10)
	p.index = int64(len(j.names))
	j.names = append(j.names, p.name)
	forgotten := len(p.keys) + len(p.read)
	p.mode, p.keys, p.read = unassigned, nil, nil
	return j.values.take(procBytes - positionBytes*int64(forgotten))
}

// key is what is known of a key: 11 is key/11, :x is x/0.
func (j *jepsen) key(n int64) (*jepsenKey, error) {
	const small = 1 << 12
	if n >= 0 && n < int64(len(j.numbers)) && j.numbers[n] != nil {
		return j.numbers[n], nil
	}
	var name string
	k, known := j.keys[n]
	if n < 0 {
		name = j.blk.texts[-1-n]
		k, known = j.named[name]
	}
	if known {
		return k, nil
	}
	if err := j.values.take(keyBytes + int64(len(name))); err != nil {
		return nil, err
	}
	k = &jepsenKey{id: int32(len(j.all)), tp: TopicPartition{Topic: "key", Part: int32(n)}, polledIn: -1, shakenIn: -1}
	switch {
	case n < 0:
		name = strings.Clone(name)
		j.named[name] = k
		if k.tp = (TopicPartition{Topic: name}); name == "key" {
			k.tp.Topic = ":key" // apart from the number 0
		}
	case n < small:
		for int64(len(j.numbers)) <= n {
			j.numbers = append(j.numbers, nil)
		}
		j.numbers[n] = k
	default:
		j.keys[n] = k
	}
	j.all = append(j.all, k)
	return k, nil
}
