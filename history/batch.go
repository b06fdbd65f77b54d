package history

import (
	"bytes"
	"fmt"
)

// A batch field is one element or an array of them; each may be a range.

func (p *parser) list(one func() error) error {
	if p.space(); p.i < len(p.b) && p.b[p.i] == '[' {
		p.i++
		for first := true; ; first = false {
			more, err := p.more(']', first)
			if err != nil || !more {
				return err
			}
			if err := one(); err != nil {
				return err
			}
		}
	}
	return one()
}

func (p *parser) offsets(dst []int64) ([]int64, error) {
	if p.space(); p.i < len(p.b) && p.b[p.i] != '[' && p.b[p.i] != '"' {
		n, err := p.int64()
		return append(dst, n), err
	}
	err := p.list(func() error {
		if p.space(); p.i < len(p.b) && p.b[p.i] != '"' {
			n, err := p.int64()
			if err == nil {
				err = room(len(dst), n, n)
			}
			dst = append(dst, n)
			return err
		}
		b, err := p.string()
		if err != nil {
			return err
		}
		a, z, ok := numbers(b)
		if !ok {
			return fmt.Errorf("off %.40q; want a number, or a range such as \"10..29\"", b)
		}
		if err := room(len(dst), a, z); err != nil {
			return err
		}
		for ; ; a++ {
			if dst = append(dst, a); a == z {
				return nil
			}
		}
	})
	return dst, err
}

func (p *parser) keys(dst []string) ([]string, error) {
	err := p.list(func() error {
		b, err := p.string()
		if err != nil {
			return err
		}
		dst = append(dst, p.intern.text(b))
		return room(len(dst)-1, 0, 0)
	})
	return dst, err
}

func (p *parser) values(dst []Value) ([]Value, error) {
	err := p.list(func() error {
		b, err := p.string()
		if err != nil {
			return err
		}
		if len(b) == 0 {
			dst = append(dst, Value{})
			return room(len(dst)-1, 0, 0)
		}
		hash := bytes.LastIndexByte(b, '#')
		if hash < 0 {
			return fmt.Errorf("val %.40q; want process#number, such as \"shop/0/1#41\" or \"shop/0/1#41..60\"", b)
		}
		a, z, ok := numbers(b[hash+1:])
		if !ok {
			return fmt.Errorf("val %.40q; want process#number, such as \"shop/0/1#41\" or \"shop/0/1#41..60\"", b)
		}
		if err := room(len(dst), a, z); err != nil {
			return err
		}
		proc := p.procName(b[:hash])
		for ; ; a++ {
			if dst = append(dst, Value{Proc: proc, N: a}); a == z {
				return nil
			}
		}
	})
	return dst, err
}

func (p *parser) inputs(dst []Input) ([]Input, error) {
	err := p.list(func() error {
		b, err := p.string()
		if err != nil {
			return err
		}
		if len(b) == 0 {
			dst = append(dst, Input{})
			return room(len(dst)-1, 0, 0)
		}
		at := bytes.LastIndexByte(b, '@')
		if at < 0 {
			return fmt.Errorf("from %.40q; want topic/partition@offset, such as \"orders/0@41\"", b)
		}
		a, z, ok := numbers(b[at+1:])
		if !ok {
			return fmt.Errorf("from %.40q; want topic/partition@offset, such as \"orders/0@41\" or \"orders/0@41..60\"", b)
		}
		if err := room(len(dst), a, z); err != nil {
			return err
		}
		tp, err := p.parseTP(b[:at])
		if err != nil {
			return err
		}
		for ; ; a++ {
			if dst = append(dst, Input{TP: tp, Off: a}); a == z {
				return nil
			}
		}
	})
	return dst, err
}

func (p *parser) topicPartition() (TopicPartition, error) {
	b, err := p.string()
	if err != nil {
		return TopicPartition{}, err
	}
	return p.parseTP(b)
}

// parseTP remembers the last answer: the events of a run name few partitions,
// mostly the same one twice.
func (p *parser) parseTP(b []byte) (TopicPartition, error) {
	if len(b) > 0 && bytes.Equal(b, p.lastTP) {
		return p.tp, nil
	}
	tp, err := ParseTopicPartition(p.intern.name(b))
	if err != nil {
		return TopicPartition{}, err
	}
	p.lastTP = append(p.lastTP[:0], b...)
	p.tp = tp
	return tp, nil
}

// room refuses a batch that would be longer than MaxRecords with a..z.
func room(have int, a, z int64) error {
	if z-a >= 0 && z-a < int64(MaxRecords-have) {
		return nil
	}
	return fmt.Errorf("more than %d records in one event; split it into several", MaxRecords)
}

// numbers reads "41" or "41..60".
func numbers(b []byte) (a, z int64, ok bool) {
	a, rest, ok := number(b)
	if !ok {
		return 0, 0, false
	}
	if len(rest) == 0 {
		return a, a, true
	}
	if !bytes.HasPrefix(rest, []byte("..")) {
		return 0, 0, false
	}
	z, rest, ok = number(rest[2:])
	return a, z, ok && len(rest) == 0 && z >= a
}
