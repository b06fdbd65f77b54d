package scenario

import (
	"bytes"
	"encoding/json"
	"sync"
)

// Schema is the JSON Schema (draft 2020-12) of the scenario file, for editors
// that complete and check YAML. It is made from the tables that parse it, and is
// stricter than them nowhere; what must hold between fields it does not know.
func Schema() []byte { return bytes.Clone(schema()) }

var schema = sync.OnceValue(func() []byte {
	root := map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"$id":         "https://raw.githubusercontent.com/onceproof/onceproof/main/scenarios/schema.json",
		"title":       "onceproof scenario",
		"description": "One experiment: a cluster, the clients on it, the faults that strike, and what is expected of each guarantee.",
	}
	for k, v := range scenarioRecord.schema {
		root[k] = v
	}
	root["$defs"] = map[string]any{
		"broker": map[string]any{"enum": PropertyNames("broker")},
		"topic":  map[string]any{"enum": PropertyNames("topic")},
		"client": map[string]any{"enum": PropertyNames("producer", "consumer")},
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil { // maps of strings always encode
		return []byte("{}\n")
	}
	return b.Bytes()
})
