package reports

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// place is file:line at the beginning of the configuration line that a witness names.
var placeOf = regexp.MustCompile(`([\w./-]+\.(?:ya?ml|properties)):(\d+)`)

// Annotations writes GitHub workflow commands: an error for each guarantee that
// differs from what was expected, a warning for each that could not be shown.
// They appear on the line of the scenario that a witness names, if it names one.
func Annotations(w io.Writer, in Input) error {
	var b strings.Builder
	r := in.Report
	if r.Infra != "" {
		annotate(&b, "error", "", r.Scenario+" could not be judged", r.Infra)
	}
	for _, g := range r.Guarantees {
		s := in.stand(g)
		if s.fine() {
			continue
		}
		level, title := "error", fmt.Sprintf("%s: %s %s, %s", r.Scenario, g.Guarantee, g.Verdict, s.words(g))
		if s == undecided {
			level = "warning"
		}
		if len(g.Anomalies) == 0 {
			annotate(&b, level, g.Permitted, title, reason(g))
		}
		for _, f := range g.Anomalies {
			text, at := findingWords(f), g.Permitted
			if len(f.Witnesses) > 0 {
				at = forfeit(g, f.Witnesses[0])
				text += "\n" + witnessText(g, f.Witnesses[0])
			}
			annotate(&b, level, at, title, text)
		}
	}
	if in.Slower != "" {
		annotate(&b, "error", "", r.Scenario+": recovery is slower", in.Slower)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write annotations: %w", err)
	}
	return nil
}

func annotate(b *strings.Builder, level, at, title, text string) {
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	message := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	where := ""
	if m := placeOf.FindStringSubmatch(at); m != nil {
		where = fmt.Sprintf("file=%s,line=%s,", property.Replace(m[1]), m[2])
	}
	fmt.Fprintf(b, "::%s %stitle=%s::%s\n", level, where, property.Replace(plain(title)), message.Replace(strings.TrimRight(text, "\n")))
}
