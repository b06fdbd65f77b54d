package history

import (
	"fmt"
	"slices"
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
	err := p.list(func() (err error) {
		dst, err = p.appendOffsets(dst)
		return err
	})
	return dst, err
}

func (p *parser) appendOffsets(dst []int64) ([]int64, error) {
	if p.space(); p.i < len(p.b) && p.b[p.i] != '"' {
		n, err := p.int64()
		if err == nil {
			err = room(len(dst), n, n)
		}
		return append(dst, n), err
	}
	b, err := p.string()
	if err != nil {
		return dst, err
	}
	a, z, ok := numbers(b)
	if !ok {
		return dst, fmt.Errorf("off %.40q; want a number, or a range such as \"10..29\"", b)
	}
	if err := room(len(dst), a, z); err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, int(z-a)+1)
	for ; ; a++ {
		if dst = append(dst, a); a == z {
			return dst, nil
		}
	}
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
	err := p.list(func() (err error) {
		dst, err = p.appendValues(dst)
		return err
	})
	return dst, err
}

func (p *parser) appendValues(dst []Value) ([]Value, error) {
	b, err := p.string()
	if err != nil {
		return dst, err
	}
	if len(b) == 0 {
		return append(dst, Value{}), room(len(dst), 0, 0)
	}
	hash := lastByte(b, '#')
	a, z, ok := numbers(b[hash+1:])
	if hash < 0 || !ok {
		return dst, fmt.Errorf("val %.40q; want process#number, such as \"shop/0/1#41\" or \"shop/0/1#41..60\"", b)
	}
	if err := room(len(dst), a, z); err != nil {
		return dst, err
	}
	proc := p.procName(b[:hash])
	dst = slices.Grow(dst, int(z-a)+1)
	for ; ; a++ {
		if dst = append(dst, Value{Proc: proc, N: a}); a == z {
			return dst, nil
		}
	}
}

func (p *parser) inputs(dst []Input) ([]Input, error) {
	err := p.list(func() (err error) {
		dst, err = p.appendInputs(dst)
		return err
	})
	return dst, err
}

func (p *parser) appendInputs(dst []Input) ([]Input, error) {
	b, err := p.string()
	if err != nil {
		return dst, err
	}
	if len(b) == 0 {
		return append(dst, Input{}), room(len(dst), 0, 0)
	}
	at := lastByte(b, '@')
	a, z, ok := numbers(b[at+1:])
	if at < 0 || !ok {
		return dst, fmt.Errorf("from %.40q; want topic/partition@offset, such as \"orders/0@41\" or \"orders/0@41..60\"", b)
	}
	if err := room(len(dst), a, z); err != nil {
		return dst, err
	}
	tp, err := p.parseTP(b[:at])
	if err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, int(z-a)+1)
	for ; ; a++ {
		if dst = append(dst, Input{TP: tp, Off: a}); a == z {
			return dst, nil
		}
	}
}

// lastByte is bytes.LastIndexByte for text where it stands near the end.
func lastByte(b []byte, c byte) int {
	i := len(b) - 1
	for i >= 0 && b[i] != c {
		i--
	}
	return i
}

func (p *parser) topicPartition() (TopicPartition, error) {
	b, err := p.string()
	if err != nil {
		return TopicPartition{}, err
	}
	return p.parseTP(b)
}

func (p *parser) parseTP(b []byte) (TopicPartition, error) {
	known := &p.tps[slot(b)]
	if string(b) == known.text && len(b) > 0 {
		return known.tp, nil
	}
	text := p.intern.name(b)
	tp, err := ParseTopicPartition(text)
	if err == nil {
		*known = rememberedTP{text, tp}
	}
	return tp, err
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
	a, size, ok := number(b)
	if !ok || size == len(b) {
		return a, a, ok
	}
	if b = b[size:]; len(b) < 3 || b[0] != '.' || b[1] != '.' {
		return 0, 0, false
	}
	z, size, ok = number(b[2:])
	return a, z, ok && size == len(b)-2 && z >= a
}
