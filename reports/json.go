package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"

	"github.com/onceproof/onceproof/checker"
)

// JSON writes verdict.json: what `check --json` prints. The same report gives
// the same bytes. Every list is there, be it empty, so that a reader need not tell
// null or absent from none.
func JSON(w io.Writer, r *checker.Report) error {
	out := filled(reflect.ValueOf(*r)).Interface()
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("write the verdict as JSON: %w", err)
	}
	return nil
}

// filled is a copy of v in which no list and no map is nil, however deep.
func filled(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(filled(v.Field(i)))
			}
		}
	case reflect.Slice:
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(filled(v.Index(i)))
		}
	case reflect.Map:
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for k, e := range v.Seq2() {
			out.SetMapIndex(k, filled(e))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(filled(v.Elem()))
		}
	default:
		out.Set(v)
	}
	return out
}
