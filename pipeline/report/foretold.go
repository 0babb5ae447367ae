package report

import (
	"bytes"
	"fmt"
	"text/tabwriter"
)

// Foretold is the log, for operators, of a run that hasn't been: what would become of the file. statements are what would be sent to the database, unjudged
// is what only a run finds out.
func (r *Report) Foretold(statements, unjudged []string) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, l := range [][2]string{
		{"File", Quote(r.File.Name, maxMessage) + ", " + number(r.File.Size, "byte")}, {"SHA-256", r.File.SHA256}, {"Job", r.jobName()},
		{"Read as", r.readAs()}, {"Table", Visible(r.Table)}, {"Promise", Visible(r.Promise)}, {"Result", "would be " + string(r.Result)},
	} {
		if l[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", l[0], l[1])
		}
	}
	w.Flush() // into memory: can't fail
	switch r.Result {
	case Rejected:
		fmt.Fprintf(&b, "\nNothing would be loaded: %s [%s]\n", Visible(r.Rejection.Message), r.Rejection.Code)
	case Skipped:
		fmt.Fprintf(&b, "\nNothing would be loaded, because run %d loaded this file: as %s, on %s.\n", r.SameAs.Run, Quote(r.SameAs.Name, maxMessage), moment(r.SameAs.Finished))
	}
	r.counts(&b)
	r.reasons(&b)
	r.examples(&b)
	r.warnings(&b)
	for i, u := range unjudged {
		title(&b, i, "Only a run finds out")
		fmt.Fprintf(&b, "  %s\n", Visible(u))
	}
	for i, s := range statements {
		title(&b, i, "Statements that would be sent; RUN is the run's number")
		fmt.Fprintf(&b, "  %s\n", Visible(s))
	}
	return b.Bytes()
}
