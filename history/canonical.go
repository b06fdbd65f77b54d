package history

// canonical reads a line that looks as MarshalLine writes the frequent events:
// single records, fields in order, no blanks, no escapes. It is several times as
// fast as the general way, which decides on every line that this one gives up on
// (it returns false then, and what is in e means nothing).
func (p *parser) canonical(b []byte, e *Event) bool {
	var ok bool
	i, end := 5, 0
	if len(b) < i || string(b[:i]) != `{"t":` {
		return false
	}
	if e.T, i, ok = digits(b, i); !ok {
		return false
	}
	switch {
	case follow(b, i, `,"src":"client","proc":"`):
		e.Src, i = SrcClient, i+24
	case follow(b, i, `,"src":"audit","proc":"`):
		e.Src, i = SrcAudit, i+23
	default:
		return false
	}
	if end = quote(b, i); end < 0 {
		return false
	}
	e.Proc, i = p.procName(b[i:end]), end
	switch {
	case follow(b, i, `","type":"ok","op":"`):
		e.Type, i = OK, i+20
	case follow(b, i, `","type":"invoke","op":"`):
		e.Type, i = Invoke, i+24
	default:
		return false
	}
	if end = quote(b, i); end < 0 {
		return false
	}
	e.Op = p.opName(b[i:end])
	return p.canonicalRest(b, end+1, e)
}

// canonicalRest reads the fields behind op, each at most once and in order.
func (p *parser) canonicalRest(b []byte, i int, e *Event) bool {
	for last := 0; ; {
		if i+1 == len(b) {
			return b[i] == '}'
		}
		field, ok := 0, false
		switch {
		case follow(b, i, `,"id":`):
			field = fID
			e.ID, i, ok = digits(b, i+6)
		case follow(b, i, `,"txn":`):
			field = fTxn
			e.Txn, i, ok = digits(b, i+7)
		case follow(b, i, `,"tp":"`):
			field = fTP
			i, ok = p.canonicalTP(b, i+7, &e.TP)
		case follow(b, i, `,"off":`):
			field = fOff
			var off int64
			off, i, ok = digits(b, i+7)
			e.Off = append(e.Off, off)
		case follow(b, i, `,"key":"`):
			field = fKey
			end := quote(b, i+8)
			if ok = end >= 0; ok {
				e.Key = append(e.Key, p.intern.text(b[i+8:end]))
				i = end + 1
			}
		case follow(b, i, `,"val":"`):
			field = fVal
			i, ok = p.canonicalValue(b, i+8, e)
		case follow(b, i, `,"from":"`):
			field = fFrom
			i, ok = p.canonicalInput(b, i+9, e)
		}
		if !ok || field <= last {
			return false
		}
		last = field
	}
}

func (p *parser) canonicalTP(b []byte, i int, tp *TopicPartition) (int, bool) {
	end := quote(b, i)
	if end < 0 {
		return 0, false
	}
	var err error
	*tp, err = p.parseTP(b[i:end])
	return end + 1, err == nil
}

func (p *parser) canonicalValue(b []byte, i int, e *Event) (int, bool) {
	end := quote(b, i)
	hash := end - 1
	for hash > i && b[hash] != '#' {
		hash--
	}
	if hash <= i {
		return 0, false
	}
	n, z, ok := digits(b, hash+1)
	if !ok || z != end {
		return 0, false
	}
	e.Val = append(e.Val, Value{Proc: p.procName(b[i:hash]), N: n})
	return end + 1, true
}

func (p *parser) canonicalInput(b []byte, i int, e *Event) (int, bool) {
	end := quote(b, i)
	at := end - 1
	for at > i && b[at] != '@' {
		at--
	}
	if at <= i {
		return 0, false
	}
	off, z, ok := digits(b, at+1)
	if !ok || z != end {
		return 0, false
	}
	tp, err := p.parseTP(b[i:at])
	e.From = append(e.From, Input{TP: tp, Off: off})
	return end + 1, err == nil
}

// follow says that s stands at b[i].
func follow(b []byte, i int, s string) bool {
	return len(b)-i >= len(s) && string(b[i:i+len(s)]) == s
}

// quote finds the end of a string that begins at i and has nothing special in
// it; -1 if it is another.
func quote(b []byte, i int) int {
	for i < len(b) && ordinary[b[i]] {
		i++
	}
	if i < len(b) && b[i] == '"' {
		return i
	}
	return -1
}

// digits reads a number without a sign that begins at i, and where it ends.
func digits(b []byte, i int) (n int64, end int, ok bool) {
	from := i
	for i < len(b) && b[i]-'0' <= 9 {
		n = n*10 + int64(b[i]-'0')
		i++
	}
	switch size := i - from; {
	case size == 0, size > 18, size > 1 && b[from] == '0':
		return 0, 0, false
	case i < len(b) && (b[i] == '.' || b[i]|0x20 == 'e'):
		return 0, 0, false
	}
	return n, i, true
}
