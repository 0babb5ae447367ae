package report

import (
	"bytes"
	"fmt"
	"text/tabwriter"
	"time"
)

// JSON is the text of NAME.report.json.
func (p *Partner) JSON() ([]byte, error) { return Encode(p.normal(), "  ") }

// normal returns the report with its schema set and its times in UTC, to the millisecond.
func (p *Partner) normal() *Partner {
	n := *p
	n.Schema = Schema
	for _, t := range []*time.Time{&n.Started, &n.Finished, &n.File.Received} {
		*t = t.UTC().Truncate(time.Millisecond)
	}
	if p.SameAs != nil {
		same := *p.SameAs
		same.Finished = same.Finished.UTC().Truncate(time.Millisecond)
		n.SameAs = &same
	}
	return &n
}

// Log is the text of NAME.log: what JSON says, for a person.
func (p *Partner) Log() []byte {
	var b bytes.Buffer
	p.head(&b)
	fmt.Fprintf(&b, "\n%s\n", p.outcome())
	if p.Result != Skipped { // the file wasn't read to be loaded: noughts would be a riddle
		p.counts(&b)
	}
	p.reasons(&b)
	p.examples(&b)
	p.warnings(&b)
	if next := p.next(); next != "" {
		fmt.Fprintf(&b, "\nWhat to do\n%s", next)
	}
	return b.Bytes()
}

func (p *Partner) head(b *bytes.Buffer) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	line := func(key, value string) { fmt.Fprintf(w, "%s\t%s\n", key, value) }
	line("File", Quote(p.File.Name, maxMessage)+", "+number(p.File.Size, "byte"))
	if p.File.SHA256 != "" {
		line("SHA-256", p.File.SHA256)
	}
	line("Job", p.jobName())
	line("Run", fmt.Sprint(p.Run))
	line("Received", moment(p.File.Received))
	line("Finished", moment(p.Finished))
	if p.Dialect != nil {
		line("Read as", p.readAs())
	}
	line("Result", string(p.Result))
	w.Flush() // into memory: can't fail
}

// jobName is the job's label, with its name behind it.
func (p *Partner) jobName() string {
	if p.Label == "" {
		return Visible(p.Job)
	}
	return Visible(p.Label) + " (" + Visible(p.Job) + ")"
}

// readAs says how the file was read, "" if it wasn't.
func (p *Partner) readAs() string {
	if p.Dialect == nil {
		return ""
	}
	return p.Dialect.String()
}

// String describes a dialect in a line.
func (d *Dialect) String() string {
	s := d.Type
	if d.Compression != "" && d.Compression != "none" {
		s += ", " + d.Compression
	}
	s += ", " + d.Encoding
	if d.Delimiter != "" {
		s += ", delimiter " + Quote(d.Delimiter, maxValue)
	}
	header := "without a header"
	if d.Header {
		header = "with a header"
	}
	return s + ", " + header + ", " + number(len(d.Columns), "column")
}

// outcome is the one sentence to read when there is time for one.
func (p *Partner) outcome() string {
	c := p.Counts
	switch p.Result {
	case Rejected:
		if p.cancelled() {
			return Visible(p.Rejection.Message) + " [" + p.Rejection.Code + "]"
		}
		return "The file was refused and nothing of it was loaded: " + Visible(p.Rejection.Message) + " [" + p.Rejection.Code + "]"
	case Skipped:
		return fmt.Sprintf("Nothing was loaded, because this file was loaded before: as %s, by run %d, on %s.",
			Quote(p.SameAs.Name, maxMessage), p.SameAs.Run, moment(p.SameAs.Finished))
	case LoadedWithRejects:
		return fmt.Sprintf("Loaded %d of %s, refused %d.", c.Success, number(c.Total, "record"), c.Rejects)
	default:
		return fmt.Sprintf("Loaded %d of %s, refused none.", c.Success, number(c.Total, "record"))
	}
}

// counts lists total, processed, success and rejects always and the others where they aren't zero.
func (p *Partner) counts(b *bytes.Buffer) {
	c := p.Counts
	fmt.Fprint(b, "\nRecords\n")
	for _, l := range []struct {
		name   string
		n      uint64
		always bool
	}{
		{"total", c.Total, true}, {"empty", c.Empty, false}, {"processed", c.Processed, true},
		{"success", c.Success, true}, {"inserted", c.Inserted, false}, {"updated", c.Updated, false},
		{"deleted", c.Deleted, false}, {"unchanged", c.Unchanged, false}, {"rejects", c.Rejects, true}, {"skipped", c.Skipped, false},
		{"doubles", c.Doubles, false}, {"duplicates", c.Duplicates, false}, {"errors", c.Errors, false}, {"warnings", c.Warnings, false},
	} {
		if l.always || l.n > 0 {
			fmt.Fprintf(b, "  %-10s %12d\n", l.name, l.n)
		}
	}
}

func (p *Partner) reasons(b *bytes.Buffer) {
	if len(p.Reasons) == 0 {
		return
	}
	fmt.Fprint(b, "\nWhy records were refused\n")
	for _, r := range p.Reasons {
		fmt.Fprintf(b, "  %s%s: %s, first on line %d\n", Visible(r.Code), inColumn(r.Column), number(r.Count, "time"), r.FirstLine)
	}
}

func inColumn(column Text) string {
	if column == "" {
		return ""
	}
	return " in column " + Quote(column, maxValue)
}

func (p *Partner) examples(b *bytes.Buffer) {
	if len(p.Examples) == 0 {
		return
	}
	title := fmt.Sprintf("The first %d of %s", len(p.Examples), number(p.Counts.Errors, "error"))
	if uint64(len(p.Examples)) == p.Counts.Errors {
		title = "The errors"
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, e := range p.Examples {
		fmt.Fprintf(b, "  line %d%s: %s (found %s)\n", e.Line, inColumn(e.Column), Visible(e.Message), Quote(e.Value, maxValue))
	}
}

func (p *Partner) warnings(b *bytes.Buffer) {
	if len(p.Warnings) == 0 {
		return
	}
	fmt.Fprint(b, "\nWarnings\n")
	for _, w := range p.Warnings {
		where := ""
		if w.Line > 0 {
			where = fmt.Sprintf("line %d: ", w.Line)
		}
		fmt.Fprintf(b, "  %s%s (%s)\n", where, Visible(w.Message), number(w.Count, "time"))
	}
}

// cancelled tells whether the file went back because somebody wanted that, and not for what is in it.
func (p *Partner) cancelled() bool { return p.Rejection != nil && p.Rejection.Code == "cancelled" }

// next says what the partner can do, a line or more, or nothing.
func (p *Partner) next() string {
	var s string
	f := p.RejectFiles
	switch p.Result {
	case LoadedWithRejects:
		if f != nil && f.Records != "" {
			s = "  Mend the records in " + Quote(f.Records, maxMessage) + " and deliver that file; it has only the refused ones.\n"
			if p.Counts.Success > 0 {
				s += "  The others are loaded: don't deliver them again.\n"
			}
		}
	case Rejected:
		if p.cancelled() {
			return "  Nothing is wrong with the file. Ask the operators, and name the run, whether to deliver it again.\n"
		}
		if p.Rejection != nil && p.Rejection.Code == "unmatched" {
			return "  Give the file a name that is expected here, which the operators know, or put it into the folder that it is for. Under this name it would be refused again.\n"
		}
		s = "  Mend the file and deliver it again, whole. It may have the same name.\n"
	case Skipped:
		s = "  Nothing. If it was meant to be loaded once more, ask the operators and name the run.\n"
	}
	if f != nil && f.Reasons != "" {
		if f.Omitted > 0 {
			s += "  The first reasons are listed in " + Quote(f.Reasons, maxMessage) + "; there are too many to list: " + number(f.Omitted, "further reason") + " left out.\n"
		} else {
			s += "  Each refused record is listed with its reason in " + Quote(f.Reasons, maxMessage) + ".\n"
		}
	}
	return s
}
