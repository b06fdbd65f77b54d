// Package parquet writes a history as one Parquet table, for DuckDB and the like. It
// stands apart so that what only reads and writes histories, the workers above all,
// does not carry a Parquet library.
//
//	history.Reader ──> parquet.Export ──> a table, one row a record
package parquet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/onceproof/onceproof/history"
)

// rowGroup is how many rows are held in memory before they are written.
const rowGroup = 1 << 18

// row is one record of an event; an event without records is one row.
// What an event leaves out is null.
type row struct {
	Line      int64   `parquet:"line,delta"` // in the history
	Part      int32   `parquet:"record"`     // number within the line
	T         int64   `parquet:"t,delta"`
	Src       string  `parquet:"src,dict"`
	Proc      string  `parquet:"proc,dict"`
	Type      string  `parquet:"type,dict"`
	Op        string  `parquet:"op,dict"`
	ID        int64   `parquet:"id"`
	Txn       int64   `parquet:"txn,optional"`
	Group     string  `parquet:"consumer_group,dict,optional"`
	Topic     string  `parquet:"topic,dict,optional"`
	Partition *int32  `parquet:"partition,optional"`
	Off       *int64  `parquet:"off,optional"`
	Key       *string `parquet:"key,optional"`
	ValProc   *string `parquet:"val_proc,dict,optional"`
	ValN      *int64  `parquet:"val_n,optional"`
	FromTopic *string `parquet:"from_topic,dict,optional"`
	FromPart  *int32  `parquet:"from_partition,optional"`
	FromOff   *int64  `parquet:"from_off,optional"`
	PID       *int64  `parquet:"pid,optional"`
	Epoch     *int32  `parquet:"epoch,optional"`
	InTxn     bool    `parquet:"in_txn"`
	Marker    string  `parquet:"marker,dict,optional"`
	Meta      string  `parquet:"meta,optional"`
	ErrName   string  `parquet:"err_name,dict,optional"`
	ErrClass  string  `parquet:"err_class,dict,optional"`
	ErrCode   *int32  `parquet:"err_code,optional"`
	ErrText   string  `parquet:"err_text,optional"`
	Note      string  `parquet:"note,dict,optional"`
	Data      string  `parquet:"data,optional"` // JSON
}

// Export writes the events of r as one table, one row a record. docs/history.md
// describes the columns. It reads r to its end, and holds one row group in memory.
func Export(w io.Writer, r *history.Reader) error {
	x := &export{w: parquet.NewGenericWriter[row](w, parquet.Compression(&parquet.Zstd),
		parquet.CreatedBy("onceproof", "", ""), parquet.KeyValueMetadata("onceproof.scenario", r.Header().Scenario))}
	var e history.Event
	for {
		err := r.Next(&e)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = x.event(r.Line(), &e)
		}
		if err != nil {
			_ = x.w.Close() // frees its buffers; the first error is the one to report
			return err
		}
	}
	if err := x.w.Close(); err != nil {
		return fmt.Errorf("export as parquet: %w", err)
	}
	return nil
}

type export struct {
	w    *parquet.GenericWriter[row]
	buf  [1]row
	rows int
}

func (x *export) event(line int64, e *history.Event) error {
	n := row{
		Line: line, T: e.T, Src: string(e.Src), Proc: e.Proc, Type: string(e.Type), Op: string(e.Op), ID: e.ID, Txn: e.Txn,
		Group: e.Group, Topic: e.TP.Topic, InTxn: e.InTxn, Marker: e.Marker, Meta: e.Meta, Note: e.Note,
	}
	epoch, code := int32(e.Epoch), int32(0)
	if e.TP.Topic != "" && e.TP.Part >= 0 {
		n.Partition = &e.TP.Part
	}
	if e.HasPID {
		n.PID, n.Epoch = &e.PID, &epoch
	}
	if e.Err != nil {
		n.ErrName, n.ErrClass, n.ErrText = e.Err.Name, string(e.Err.Class), e.Err.Text
		if code = int32(e.Err.Code); code != 0 {
			n.ErrCode = &code
		}
	}
	if len(e.Data) > 0 {
		data, err := facts(e.Data)
		if err != nil {
			return fmt.Errorf("export as parquet: line %d: %w", line, err)
		}
		n.Data = data
	}
	for i := range max(1, len(e.Off), len(e.Key), len(e.Val), len(e.From)) {
		n.Part = int32(i)
		n.record(e, i)
		if err := x.write(n); err != nil {
			return err
		}
	}
	return nil
}

func (n *row) record(e *history.Event, i int) {
	n.Off, n.Key, n.ValProc, n.ValN, n.FromTopic, n.FromPart, n.FromOff = nil, nil, nil, nil, nil, nil, nil
	if i < len(e.Off) {
		n.Off = &e.Off[i]
	}
	if i < len(e.Key) {
		n.Key = &e.Key[i]
	}
	if i < len(e.Val) && e.Val[i] != (history.Value{}) {
		n.ValProc, n.ValN = &e.Val[i].Proc, &e.Val[i].N
	}
	if i < len(e.From) && e.From[i] != (history.Input{}) {
		n.FromTopic, n.FromPart, n.FromOff = &e.From[i].TP.Topic, &e.From[i].TP.Part, &e.From[i].Off
	}
}

func (x *export) write(n row) error {
	x.buf[0] = n
	if _, err := x.w.Write(x.buf[:]); err != nil {
		return fmt.Errorf("export as parquet: %w", err)
	}
	if x.rows++; x.rows%rowGroup == 0 {
		if err := x.w.Flush(); err != nil {
			return fmt.Errorf("export as parquet: %w", err)
		}
	}
	return nil
}

// facts is an event's data as JSON, with its keys in order.
func facts(data map[string]any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(data); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}
