package reports

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/onceproof/onceproof/checker"
)

// JSON writes verdict.json: what `check --json` prints. The same report gives
// the same bytes. Lists that are empty are written as [], so that a reader need
// not tell null from none.
func JSON(w io.Writer, r *checker.Report) error {
	out := *r
	out.Guarantees = append([]checker.Result{}, r.Guarantees...)
	out.Faults = append([]checker.FaultEvidence{}, r.Faults...)
	for i := range out.Guarantees {
		if out.Guarantees[i].Examined == nil {
			out.Guarantees[i].Examined = map[string]int64{}
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&out); err != nil {
		return fmt.Errorf("write the verdict as JSON: %w", err)
	}
	return nil
}
