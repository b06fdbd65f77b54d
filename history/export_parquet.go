package history

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// rowGroup is how many rows are held in memory before they are written.
const rowGroup = 1 << 18

// parquetRow is one record of an event; an event without records is one row.
// What an event leaves out is null.
type parquetRow struct {
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

// ExportParquet writes the events of r as one Parquet table, one row a record,
// for DuckDB and the like. docs/history.md describes the columns. It reads r to
// its end, and holds one row group in memory.
func ExportParquet(w io.Writer, r *Reader) error {
	x := &parquetExport{w: parquet.NewGenericWriter[parquetRow](w, parquet.Compression(&parquet.Zstd),
		parquet.CreatedBy("onceproof", "", ""), parquet.KeyValueMetadata("onceproof.scenario", r.Header().Scenario))}
	var e Event
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
		return fmt.Errorf("history: export: %w", err)
	}
	return nil
}

type parquetExport struct {
	w    *parquet.GenericWriter[parquetRow]
	row  [1]parquetRow
	rows int
}

func (x *parquetExport) event(line int64, e *Event) error {
	row := parquetRow{
		Line: line, T: e.T, Src: string(e.Src), Proc: e.Proc, Type: string(e.Type), Op: string(e.Op), ID: e.ID, Txn: e.Txn,
		Group: e.Group, Topic: e.TP.Topic, InTxn: e.InTxn, Marker: e.Marker, Meta: e.Meta, Note: e.Note,
	}
	epoch, code := int32(e.Epoch), int32(0)
	if e.TP.Topic != "" && e.TP.Part >= 0 {
		row.Partition = &e.TP.Part
	}
	if e.HasPID {
		row.PID, row.Epoch = &e.PID, &epoch
	}
	if e.Err != nil {
		row.ErrName, row.ErrClass, row.ErrText = e.Err.Name, string(e.Err.Class), e.Err.Text
		if code = int32(e.Err.Code); code != 0 {
			row.ErrCode = &code
		}
	}
	if len(e.Data) > 0 {
		row.Data = string(appendAny(nil, e.Data, 0))
	}
	for i := range max(1, len(e.Off), len(e.Key), len(e.Val), len(e.From)) {
		row.Part = int32(i)
		row.record(e, i)
		if err := x.write(row); err != nil {
			return err
		}
	}
	return nil
}

func (row *parquetRow) record(e *Event, i int) {
	row.Off, row.Key, row.ValProc, row.ValN, row.FromTopic, row.FromPart, row.FromOff = nil, nil, nil, nil, nil, nil, nil
	if i < len(e.Off) {
		row.Off = &e.Off[i]
	}
	if i < len(e.Key) {
		row.Key = &e.Key[i]
	}
	if i < len(e.Val) && e.Val[i] != (Value{}) {
		row.ValProc, row.ValN = &e.Val[i].Proc, &e.Val[i].N
	}
	if i < len(e.From) && e.From[i] != (Input{}) {
		row.FromTopic, row.FromPart, row.FromOff = &e.From[i].TP.Topic, &e.From[i].TP.Part, &e.From[i].Off
	}
}

func (x *parquetExport) write(row parquetRow) error {
	x.row[0] = row
	if _, err := x.w.Write(x.row[:]); err != nil {
		return fmt.Errorf("history: export: %w", err)
	}
	if x.rows++; x.rows%rowGroup == 0 {
		if err := x.w.Flush(); err != nil {
			return fmt.Errorf("history: export: %w", err)
		}
	}
	return nil
}
