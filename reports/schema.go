package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strings"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
)

// Schema writes the JSON Schema of verdict.json, made from the types that are
// written: the two cannot differ.
func Schema(w io.Writer) error {
	s := schemaOf(reflect.TypeFor[checker.Report]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = checker.Format
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("write the schema of %s: %w", FileVerdict, err)
	}
	return nil
}

// enums are the types that have a fixed set of values. Anomalies are not among
// them: a reader should expect new ones.
var enums = map[reflect.Type][]any{
	reflect.TypeFor[guarantee.Verdict]():   {guarantee.Holds, guarantee.Violated, guarantee.NotExercised, guarantee.Unknown},
	reflect.TypeFor[checker.Phase]():       anyOf(checker.Phases),
	reflect.TypeFor[checker.Role]():        anyOf(checker.Roles),
	reflect.TypeFor[guarantee.Guarantee](): {guarantee.NoLoss, guarantee.NoDuplicates, guarantee.Order, guarantee.Isolation, guarantee.Atomicity, guarantee.Agreement, guarantee.Offsets, guarantee.Fencing, guarantee.Progress},
}

func anyOf[V any](values []V) []any {
	var all []any
	for _, v := range values {
		all = append(all, v)
	}
	return all
}

func schemaOf(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.String:
		s := map[string]any{"type": "string"}
		if e, ok := enums[t]; ok {
			s["enum"] = e
		}
		return s
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		return schemaOfStruct(t)
	case reflect.Pointer: // left out where it is nil
		return schemaOf(t.Elem())
	default:
		return map[string]any{}
	}
}

func schemaOfStruct(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []any{}
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			inner := schemaOfStruct(t.Field(i).Type)
			maps.Copy(properties, inner["properties"].(map[string]any))
			required = append(required, inner["required"].([]any)...)
			continue
		}
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		properties[name] = schemaOf(t.Field(i).Type)
		if !strings.Contains(options, "omitempty") {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}
