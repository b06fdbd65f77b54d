package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/history"
)

func loadSchema(t *testing.T) map[string]any {
	t.Helper()
	var buf bytes.Buffer
	if err := Schema(&buf); err != nil {
		t.Fatal(err)
	}
	golden(t, "verdict.schema.json", buf.Bytes())
	var s map[string]any
	if err := json.Unmarshal(buf.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerdictsAreValid(t *testing.T) {
	schema := loadSchema(t)
	for name, s := range samples() {
		var buf bytes.Buffer
		if err := JSON(&buf, s.in.Report); err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(buf.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if err := conforms(schema, doc, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	schema := loadSchema(t)
	var good bytes.Buffer
	if err := JSON(&good, violatedRun().in.Report); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"verdict": "holds"`, `"verdict": "passes"`, "/guarantees/0/verdict"},
		{`"exit": 1`, `"exit": "1"`, "/exit"},
		{`"seed": 7`, `"seed": -7`, "/seed"},
		{`"scenario": "guide-recipe",`, ``, "scenario"},
		{`"count": 3`, `"count": 3.5`, "/guarantees/1/anomalies/0/count"},
	} {
		bad := strings.Replace(good.String(), c.old, c.new, 1)
		if bad == good.String() {
			t.Fatalf("%q does not stand in the verdict", c.old)
		}
		var doc any
		if err := json.Unmarshal([]byte(bad), &doc); err != nil {
			t.Fatal(err)
		}
		if err := conforms(schema, doc, ""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one about %s", c.new, err, c.want)
		}
	}
}

// conforms checks the keywords that Schema writes.
func conforms(schema map[string]any, v any, at string) error {
	if t, ok := schema["type"]; ok && !slices.ContainsFunc(asList(t), func(t any) bool { return isType(t.(string), v) }) {
		return fmt.Errorf("%s: %v is no %v", at, v, t)
	}
	if e, ok := schema["enum"]; ok && !slices.Contains(asList(e), v) {
		return fmt.Errorf("%s: %v is none of %v", at, v, e)
	}
	if m, ok := schema["minimum"]; ok && v.(float64) < m.(float64) {
		return fmt.Errorf("%s: %v is below %v", at, v, m)
	}
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if err := conforms(schema["items"].(map[string]any), item, fmt.Sprintf("%s/%d", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, r := range asList(schema["required"]) {
			if _, ok := v[r.(string)]; !ok {
				return fmt.Errorf("%s lacks %s", at, r)
			}
		}
		properties, _ := schema["properties"].(map[string]any)
		for k, item := range v {
			s, ok := properties[k].(map[string]any)
			if !ok {
				if s, ok = schema["additionalProperties"].(map[string]any); !ok {
					return fmt.Errorf("%s: no property %s in the schema", at, k)
				}
			}
			if err := conforms(s, item, at+"/"+k); err != nil {
				return err
			}
		}
	}
	return nil
}

func asList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

func isType(t string, v any) bool {
	switch v := v.(type) {
	case nil:
		return t == "null"
	case string:
		return t == "string"
	case bool:
		return t == "boolean"
	case float64:
		return t == "integer" && v == float64(int64(v))
	case []any:
		return t == "array"
	default:
		return t == "object"
	}
}

// TestJudgedAreValid: what the checker says of real histories is as the schema says,
// and every list in it is one.
func TestJudgedAreValid(t *testing.T) {
	schema := loadSchema(t)
	files, err := filepath.Glob("../checker/testdata/jepsen/*.edn")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories: %v", err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := history.NewReader(file, f)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := checker.Check(t.Context(), r, checker.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		f.Close()
		var buf bytes.Buffer
		if err := JSON(&buf, rep); err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(buf.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if err := conforms(schema, doc, ""); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if bytes.Contains(buf.Bytes(), []byte(": null")) {
			t.Errorf("%s: something is null", file)
		}
	}
}
