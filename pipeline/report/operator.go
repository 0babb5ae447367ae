package report

import (
	"bytes"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"
)

// JSON is the text of <state>/runs/RUN/report.json.
func (r *Report) JSON() ([]byte, error) {
	n := *r
	n.Partner = *r.normal()
	return Encode(&n, "  ")
}

// Log is the text of <state>/runs/RUN/log: the partner's log and what is internal.
func (r *Report) Log() []byte {
	b := bytes.NewBuffer(r.Partner.Log())
	fmt.Fprint(b, "\nFor operators only\n")
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, l := range [][2]string{
		{"ledger", r.Ledger}, {"lineage", lineage(r.Lineage)}, {"store", Visible(r.Store)}, {"path", Visible(r.Path)}, {"job hash", r.JobHash},
		{"server", Visible(r.Server)}, {"version", r.Version}, {"table", Visible(r.Table)}, {"stage", Visible(r.Stage)},
		{"promise", Visible(r.Promise)},
	} {
		if l[1] != "" {
			fmt.Fprintf(w, "  %s\t%s\n", l[0], l[1])
		}
	}
	w.Flush() // into memory: can't fail
	for i, s := range r.Steps {
		title(b, i, "Steps")
		fmt.Fprintf(b, "  %s  %-10s %v\n", s.Began.UTC().Format("15:04:05.000"), s.Name, s.Took.Round(time.Microsecond))
	}
	for i, s := range r.Statements {
		title(b, i, "Statements")
		fmt.Fprintf(b, "  %s (%v): %s\n", Visible(s.ID), s.Took.Round(time.Microsecond), Visible(s.SQL))
	}
	for i, f := range r.Failures {
		title(b, i, "Errors after which it was tried again")
		fmt.Fprintf(b, "  %s  %s: %s\n", moment(f.Time), f.Step, Visible(f.Error))
	}
	return b.Bytes()
}

// lineage is "" for none.
func lineage(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// title heads a list before its first line.
func title(b *bytes.Buffer, i int, text string) {
	if i == 0 {
		fmt.Fprintf(b, "\n%s\n", text)
	}
}
