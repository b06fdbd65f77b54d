package roles

// HandOff is the thread to which an application hands its records: it works off what
// it is given, in order, while its caller goes on (client.HabitHandOff).
type HandOff struct {
	last chan struct{} // closed when all that was given is done; nil before there is any
}

// Go has work done behind all that was given before.
func (h *HandOff) Go(work func()) {
	before, done := h.last, make(chan struct{})
	h.last = done
	go func() {
		defer close(done)
		if before != nil {
			<-before
		}
		work()
	}()
}

// Wait waits until everything is done.
func (h *HandOff) Wait() {
	if h.last != nil {
		<-h.last
	}
}
