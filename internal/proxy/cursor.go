package proxy

import "encoding/binary"

// cursor walks the fields of a frame in memory without allocating. Past the
// first field that does not fit it is bad, and returns zero values only.
type cursor struct {
	buf []byte
	off int
	bad bool
}

func (c *cursor) left() int { return len(c.buf) - c.off }

func (c *cursor) take(n int) []byte {
	if c.bad || n < 0 || n > c.left() {
		c.bad = true
		return nil
	}
	b := c.buf[c.off : c.off+n : c.off+n]
	c.off += n
	return b
}

func (c *cursor) int8() int8 {
	if b := c.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (c *cursor) int16() int16 {
	if b := c.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) int32() int32 {
	if b := c.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *cursor) uuid() (id [16]byte) {
	copy(id[:], c.take(16))
	return id
}

func (c *cursor) uvarint() int {
	v, n := binary.Uvarint(c.buf[c.off:])
	if c.bad || n <= 0 || v > 1<<31-1 {
		c.bad = true
		return 0
	}
	c.off += n
	return int(v)
}

// str reads a string or a nullable string; null is nil.
func (c *cursor) str(flexible bool) []byte {
	n := 0
	if flexible {
		n = c.uvarint() - 1
	} else {
		n = int(c.int16())
	}
	if c.bad || n == -1 {
		return nil
	}
	return c.take(n)
}

// bytes reads bytes or nullable bytes; null is nil.
func (c *cursor) bytes(flexible bool) []byte {
	n := 0
	if flexible {
		n = c.uvarint() - 1
	} else {
		n = int(c.int32())
	}
	if c.bad || n == -1 {
		return nil
	}
	return c.take(n)
}

// array reads the length of an array; null is 0. A length that the bytes left
// cannot hold, at one byte an element, is bad.
func (c *cursor) array(flexible bool) int {
	n := 0
	if flexible {
		n = c.uvarint() - 1
	} else {
		n = int(c.int32())
	}
	if c.bad || n == -1 {
		return 0
	}
	if n < 0 || n > c.left() {
		c.bad = true
		return 0
	}
	return n
}

// int32s skips an array of int32.
func (c *cursor) int32s(flexible bool) { c.take(4 * c.array(flexible)) }

// tags skips tagged fields, where there are any.
func (c *cursor) tags(flexible bool) {
	if !flexible {
		return
	}
	for n := c.uvarint(); n > 0 && !c.bad; n-- {
		c.uvarint()
		c.take(c.uvarint())
	}
}
