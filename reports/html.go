package reports

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed assets/report.html.tmpl
var reportTemplate string

//go:embed assets/report.css
var reportCSS string

// Fragments of one script; they share a scope, so their order matters.
//
//go:embed assets/js/*.js
var fragments embed.FS

var (
	reportJS = join("page", "view", "lanes", "curves", "timeline")
	followJS = join("page", "view", "lanes", "curves", "timeline", "follow") // of a page that is served
)

func join(names ...string) string {
	var b strings.Builder
	b.WriteString("(() => {\n")
	for _, n := range names {
		js, err := fragments.ReadFile("assets/js/" + n + ".js")
		if err != nil {
			panic(err) // the binary was built without it
		}
		b.Write(js)
	}
	b.WriteString("})();\n")
	return b.String()
}

//go:embed assets/uplot/uPlot.iife.min.js
var uplotJS string

//go:embed assets/uplot/uPlot.min.css
var uplotCSS string

//go:embed assets/uplot/LICENSE
var uplotLicence string

var pages = template.Must(template.New("report").Funcs(template.FuncMap{
	"symbol": symbol, "seconds": seconds, "when": when, "duration": duration, "count": count,
}).Parse(reportTemplate))

// HTML writes report.html: one file that needs no network. Everything that came
// out of the run is text to it: html/template escapes it, and the page's content
// policy lets no script run but the two that stand in it.
//
// When the history cannot be read to its end, the page is still written, with
// the timeline as far as it goes, and the error returned.
func HTML(w io.Writer, in Input) error {
	tl, broken := timelineOf(in)
	p, err := newPage(in, tl)
	if err != nil {
		return err
	}
	if broken != nil {
		p.Broken = strings.TrimSpace("The timeline is incomplete: " + broken.Error() + " " + p.Broken)
	}
	if err := pages.Execute(w, p); err != nil {
		return fmt.Errorf("write the HTML report: %w", err)
	}
	return broken
}

// timelineOf aggregates the history if there is one.
func timelineOf(in Input) (tl *Timeline, err error) {
	if in.History == nil {
		return nil, nil
	}
	r, err := in.History()
	if err != nil {
		return nil, fmt.Errorf("open the history: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return Aggregate(r, in.Header, in.Report)
}

// policy lets two scripts run, uPlot and script, and nothing else.
func policy(script string) string {
	return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src " + scriptHash(uplotJS) + " " + scriptHash(script)
}

// scriptHash is a script's source in the content policy: only these bytes run.
func scriptHash(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
