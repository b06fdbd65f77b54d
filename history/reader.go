package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// FileName is the history's name in a run folder.
const FileName = "history.jsonl.zst"

// Reader reads a history: ours (plain, zstd or gzip), or Jepsen's EDN. Not safe
// for concurrent use. It reads ahead: close it, else its goroutines stay.
type Reader struct {
	name   string
	file   io.Closer // what Open opened
	stdin  bool      // its Read may wait for ever, and nothing ends it
	events source
	header Header
	line   int64
	run    run
	err    error // sticky
	closed bool
}

// source yields events, whatever the format.
type source interface {
	next(e *Event) (line int64, err error)
	truncated() bool
	close(wait bool)
}

// NewReader reads the header. name is used in errors. Errors of a file that is
// no history, or of a newer version, say so.
func NewReader(name string, r io.Reader) (*Reader, error) { return NewReaderFormat(name, r, "") }

// NewReaderFormat is NewReader for a format that is known: FormatName or
// JepsenFormat; "" finds out.
func NewReaderFormat(name string, r io.Reader, format string) (*Reader, error) {
	rd := &Reader{name: name, stdin: r == os.Stdin, line: 1}
	text, stop, err := decompress(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	b := bufio.NewReader(text)
	switch {
	case format == JepsenFormat, format == "" && looksLikeEDN(b):
		rd.header = jepsenHeader(name)
		rd.events = newJepsenReader(b, stop)
		return rd, nil
	case format != "" && format != FormatName:
		stop()
		return nil, fmt.Errorf("history: no format %.40q; want %s or %s", format, FormatName, JepsenFormat)
	}
	c := &chunker{r: b}
	first := c.next(nil)
	if len(first.text) == 0 && first.err != nil {
		stop()
		return nil, rd.at(1, first.err)
	}
	line, rest, _ := cutLine(first.text)
	if rd.header, err = parseHeader(line); err != nil {
		stop()
		return nil, rd.at(1, err)
	}
	first.text = rest
	first.line++
	rd.events = newPipeline(first, c, stop)
	return rd, nil
}

// looksLikeEDN tells EDN from JSON by how a file begins: JSON's names are
// strings, EDN's here keywords, and our JSON is one object a line.
func looksLikeEDN(b *bufio.Reader) bool {
	if _, err := b.Peek(1); err != nil {
		return false
	}
	head, _ := b.Peek(b.Buffered()) // no more: the next line may be long in coming
	head = bytes.TrimLeft(head, " \t\r\n,")
	if len(head) == 0 {
		return false
	}
	switch head[0] {
	case '[', '(', ';', '#':
		return true
	case '{':
		return bytes.HasPrefix(bytes.TrimLeft(head[1:], " \t\r\n,"), []byte(":"))
	}
	return false
}

// Open opens a run folder, a file, or "-" for standard input.
func Open(name string) (*Reader, error) { return OpenFormat(name, "") }

// OpenFormat is Open for a format that is known, as in NewReaderFormat.
func OpenFormat(name, format string) (*Reader, error) {
	if name == "-" {
		return NewReaderFormat("standard input", os.Stdin, format)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	if info.IsDir() {
		if name, err = within(name); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	r, err := NewReaderFormat(name, f, format)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.file = f
	return r, nil
}

// within finds the history of a run folder.
func within(dir string) (string, error) {
	for _, name := range []string{FileName, "history.jsonl", "history.edn", "history.edn.gz"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", noHistory(fmt.Sprintf("history: no %s in %s; is it a run folder?", FileName, dir))
}

// noHistory is fs.ErrNotExist with a text of its own.
type noHistory string

func (n noHistory) Error() string { return string(n) }
func (noHistory) Unwrap() error   { return fs.ErrNotExist }

// Header returns the first line.
func (r *Reader) Header() Header { return r.header }

// Next fills e with the next event, or returns io.EOF. Slices in e are
// overwritten by the next call; strings stay. An error names the file and the
// line, and is final.
func (r *Reader) Next(e *Event) error {
	if r.err != nil {
		return r.err
	}
	if r.run.next(e) {
		return nil
	}
	line, err := r.events.next(e)
	switch {
	case err == nil:
		r.line = line
		if e.Run {
			r.run.take(e)
			r.run.next(e)
		}
	case err == io.EOF:
		r.err = err
	default:
		r.err = r.at(line, err)
	}
	return r.err
}

// Limit bounds what the import of another format remembers of a history (its
// processes, keys and values), in bytes; without it, 128 MiB. A history that needs
// more ends with an error. Call it before the first Next. A history of ours needs
// no such memory.
func (r *Reader) Limit(bytes int64) {
	if j, ok := r.events.(*jepsenReader); ok {
		j.limit = bytes
	}
}

// Line is the number of the line that Next read last.
func (r *Reader) Line() int64 { return r.line }

// Truncated says that the end was cut off (a crash of the harness): what stands
// before it was read. It is known when Next has returned io.EOF.
func (r *Reader) Truncated() bool { return r.events.truncated() }

// Close stops reading and closes what Open opened.
func (r *Reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	var err error
	if r.file != nil {
		err = r.file.Close() // first: it ends a Read that waits
	}
	r.events.close(!r.stdin)
	return err
}

func (r *Reader) at(line int64, err error) error {
	var p *placed
	if errors.As(err, &p) {
		return fmt.Errorf("%s:%w", r.name, err)
	}
	return fmt.Errorf("%s:%d: %w", r.name, line, err)
}

func parseHeader(line []byte) (Header, error) {
	if blank(line) {
		return Header{}, errors.New("empty; want a history, whose first line is its header")
	}
	var h struct {
		Format *string `json:"format"`
		Header
	}
	if err := json.Unmarshal(line, &h); err != nil || h.Format == nil {
		return Header{}, fmt.Errorf("no header; a history begins with {\"format\":\"%s/%d\",…}", FormatName, FormatMajor)
	}
	h.Header.Format = *h.Format
	name, version, _ := strings.Cut(*h.Format, "/")
	version, _, _ = strings.Cut(version, ".")
	major, err := strconv.Atoi(version)
	switch {
	case name != FormatName || err != nil || major < 1:
		return Header{}, fmt.Errorf("format %.80q; want \"%s/%d\"", *h.Format, FormatName, FormatMajor)
	case major > FormatMajor:
		return Header{}, fmt.Errorf("format %.80q is newer than this program, which reads \"%s/%d\"; update onceproof", *h.Format, FormatName, FormatMajor)
	}
	return h.Header, nil
}

func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}
