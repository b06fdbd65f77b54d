package proxy

// The layouts of the responses that carry addresses, in the order of
// Kafka's message definitions. Each method walks one response from its body's
// beginning at least to its last address.

func (r *rewriter) metadata(version int16, flexible bool) {
	c := &r.c
	if version >= 3 {
		c.int32() // throttle
	}
	for n := c.array(flexible); n > 0 && !c.bad; n-- {
		r.endpoint(c.int32(), flexible)
		if version >= 1 {
			c.str(flexible) // rack
		}
		c.tags(flexible)
	}
	if version >= 10 {
		r.topicIDs()
	}
}

// topicIDs goes on with a Metadata response of version 10 or newer, past its
// brokers, and learns the names of topic ids.
func (r *rewriter) topicIDs() {
	c := &r.c
	c.str(true) // cluster id
	c.int32()   // controller
	for n := c.array(true); n > 0 && !c.bad; n-- {
		c.int16() // error
		name := c.str(true)
		id := c.uuid()
		c.int8() // internal
		for p := c.array(true); p > 0 && !c.bad; p-- {
			c.take(2 + 4 + 4 + 4) // error, partition, leader, leader epoch
			c.int32s(true)        // replicas
			c.int32s(true)        // in-sync replicas
			c.int32s(true)        // offline replicas
			c.tags(true)
		}
		c.int32() // authorized operations
		c.tags(true)
		if !c.bad && len(name) > 0 && id != [16]byte{} {
			r.to.topic(id, name)
		}
	}
}

func (r *rewriter) findCoordinator(version int16, flexible bool) {
	c := &r.c
	if version >= 1 {
		c.int32() // throttle
	}
	if version <= 3 {
		c.int16() // error
		if version >= 1 {
			c.str(flexible) // error message
		}
		r.endpoint(c.int32(), flexible)
		return
	}
	for n := c.array(true); n > 0 && !c.bad; n-- {
		c.str(true) // key
		r.endpoint(c.int32(), true)
		c.int16()   // error
		c.str(true) // error message
		c.tags(true)
	}
}

func (r *rewriter) describeCluster(version int16) {
	c := &r.c
	c.take(4 + 2) // throttle, error
	c.str(true)   // error message
	if version >= 1 {
		c.int8() // endpoint type
	}
	c.str(true) // cluster id
	c.int32()   // controller
	for n := c.array(true); n > 0 && !c.bad; n-- {
		r.endpoint(c.int32(), true)
		c.str(true) // rack
		if version >= 2 {
			c.int8() // fenced
		}
		c.tags(true)
	}
}

func (r *rewriter) produce(version int16, flexible bool) {
	c := &r.c
	for n := c.array(flexible); n > 0 && !c.bad; n-- {
		c.topicName(version >= 13, flexible)
		for p := c.array(flexible); p > 0 && !c.bad; p-- {
			c.take(4 + 2 + 8 + 8 + 8) // partition, error, base offset, append time, log start
			for e := c.array(flexible); e > 0 && !c.bad; e-- {
				c.int32() // relative offset
				c.str(flexible)
				c.tags(flexible)
			}
			c.str(flexible) // error message
			c.tags(flexible)
		}
		c.tags(flexible)
	}
	c.int32() // throttle
	r.endpointTag()
}

func (r *rewriter) fetch(version int16, flexible bool) {
	c := &r.c
	c.take(4 + 2 + 4) // throttle, error, session
	for n := c.array(flexible); n > 0 && !c.bad; n-- {
		c.topicName(version >= 13, flexible)
		for p := c.array(flexible); p > 0 && !c.bad; p-- {
			c.take(4 + 2 + 8 + 8 + 8) // partition, error, high watermark, last stable offset, log start
			for a := c.array(flexible); a > 0 && !c.bad; a-- {
				c.take(8 + 8) // producer id, first offset
				c.tags(flexible)
			}
			c.int32()         // preferred read replica
			c.bytes(flexible) // record batches
			c.tags(flexible)
		}
		c.tags(flexible)
	}
	r.endpointTag()
}

func (r *rewriter) shareFetch(version int16) {
	c := &r.c
	c.take(4 + 2) // throttle, error
	c.str(true)   // error message
	if version >= 1 {
		c.int32() // acquisition lock timeout
	}
	for n := c.array(true); n > 0 && !c.bad; n-- {
		c.uuid()
		for p := c.array(true); p > 0 && !c.bad; p-- {
			c.take(4 + 2) // partition, error
			c.str(true)
			c.int16() // acknowledge error
			c.str(true)
			c.take(4 + 4) // current leader and its epoch
			c.tags(true)
			c.bytes(true) // record batches
			for a := c.array(true); a > 0 && !c.bad; a-- {
				c.take(8 + 8 + 2) // first offset, last offset, delivery count
				c.tags(true)
			}
			c.tags(true)
		}
		c.tags(true)
	}
	r.nodeEndpoints()
}

func (r *rewriter) shareAcknowledge(version int16) {
	c := &r.c
	c.take(4 + 2) // throttle, error
	c.str(true)   // error message
	if version >= 2 {
		c.int32() // acquisition lock timeout
	}
	for n := c.array(true); n > 0 && !c.bad; n-- {
		c.uuid()
		for p := c.array(true); p > 0 && !c.bad; p-- {
			c.take(4 + 2) // partition, error
			c.str(true)
			c.take(4 + 4) // current leader and its epoch
			c.tags(true)
			c.tags(true)
		}
		c.tags(true)
	}
	r.nodeEndpoints()
}

// topicName reads a topic's name, or its id in versions that have one instead.
func (c *cursor) topicName(byID, flexible bool) (name []byte, id [16]byte) {
	if byID {
		return nil, c.uuid()
	}
	return c.str(flexible), id
}
