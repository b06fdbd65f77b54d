package process

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

// readEvents reads stdout to its end, also after a breach, so that a process
// that is being killed never blocks on a full pipe. A last line without a line
// feed is what a process was killed in the middle of: it is lost, alone.
func (inc *incarnation) readEvents() {
	in := lineReader{in: bufio.NewReaderSize(inc.streams.out, 64<<10)}
	take := inc.takeHello
	for {
		line, err := in.next()
		switch {
		case err == nil:
		case errors.Is(err, bufio.ErrBufferFull):
			inc.refuse(line[:80], fmt.Errorf("it printed a line of more than %d bytes", worker.MaxLine))
			drain(in.in)
			return
		default:
			if len(line) > 0 {
				inc.log.note(fmt.Sprintf("ended in the middle of a line: %.200q", line))
			}
			return
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if err := take(line); err != nil {
			inc.refuse(line, err)
			drain(in.in)
			return
		}
		take = inc.takeEvent
	}
}

// lineReader reads lines of up to worker.MaxLine.
type lineReader struct {
	in   *bufio.Reader
	long []byte // of a line that in has no room for
}

// next is the next line, which is good until the one after; bufio.ErrBufferFull says
// that it is longer than worker.MaxLine.
func (l *lineReader) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	l.long = l.long[:0]
	for errors.Is(err, bufio.ErrBufferFull) && len(l.long)+len(line) <= worker.MaxLine {
		l.long = append(l.long, line...)
		line, err = l.in.ReadSlice('\n')
	}
	l.long = append(l.long, line...)
	if err == nil && len(l.long) > worker.MaxLine {
		err = bufio.ErrBufferFull
	}
	return l.long, err
}

func (inc *incarnation) takeHello(line []byte) error {
	hello, err := parseHello(line)
	if err != nil {
		return err
	}
	inc.hello <- hello
	return nil
}

func (inc *incarnation) takeEvent(line []byte) error {
	var e history.Event
	if err := history.ParseLine(line, &e); err != nil {
		return fmt.Errorf("it printed a line that is no event: %w: %.200q", err, line)
	}
	e.Src, e.Proc = history.SrcClient, inc.proc
	if err := inc.ledger.take(&e); err != nil {
		return fmt.Errorf("%w: %.200q", err, line)
	}
	inc.counts.count(&e)
	inc.cfg.Record(e)
	return nil
}

func (inc *incarnation) refuse(line []byte, err error) {
	inc.log.note(fmt.Sprintf("refused: %.1000q", line))
	inc.breach(err)
}

func drain(in *bufio.Reader) {
	for {
		if _, err := in.Discard(worker.MaxLine); err != nil {
			return
		}
	}
}
