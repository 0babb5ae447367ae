package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// JSON is the text of <state>/runs/RUN/report.json.
func (r *Report) JSON() ([]byte, error) {
	n := *r
	n.Partner = *r.normal()
	return encode(&n)
}

// Log is the text of <state>/runs/RUN/log: the partner's log and what is internal.
func (r *Report) Log() []byte {
	b := bytes.NewBuffer(r.Partner.Log())
	fmt.Fprint(b, "\nFor operators only\n")
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, l := range [][2]string{
		{"ledger", r.Ledger}, {"store", visible(r.Store)}, {"path", visible(r.Path)}, {"job hash", r.JobHash},
		{"server", visible(r.Server)}, {"version", r.Version}, {"table", visible(r.Table)}, {"stage", visible(r.Stage)},
		{"promise", visible(r.Promise)},
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
		fmt.Fprintf(b, "  %s (%v): %s\n", visible(s.ID), s.Took.Round(time.Microsecond), visible(s.SQL))
	}
	for i, f := range r.Failures {
		title(b, i, "Errors after which it was tried again")
		fmt.Fprintf(b, "  %s  %s: %s\n", moment(f.Time), f.Step, visible(f.Error))
	}
	return b.Bytes()
}

// title heads a list before its first line.
func title(b *bytes.Buffer, i int, text string) {
	if i == 0 {
		fmt.Fprintf(b, "\n%s\n", text)
	}
}

// WriteOperator writes report.json and log into dir, which is made, private, when it is missing. Each appears whole or not at all and, when
// WriteOperator has returned nil, survives a power cut. Called again, after a restart, it replaces what it wrote.
func (r *Report) WriteOperator(dir string) error {
	text, err := r.JSON()
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = errors.Join(replace(dir, "report.json", text), replace(dir, "log", r.Log()))
	}
	if err == nil {
		// The parent as well: the folder may be new.
		err = errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
	}
	if err != nil {
		return fmt.Errorf("write the report of run %d: %w", r.Run, err)
	}
	return nil
}

// replace writes under a name of its own, syncs and renames. A temporary file left by a crash is overwritten by the next call.
func replace(dir, name string, text []byte) error {
	temporary := filepath.Join(dir, "."+name+".tmp")
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temporary, filepath.Join(dir, name))
	}
	if err != nil {
		os.Remove(temporary) // best effort: its error would hide the one that matters
	}
	return err
}

// syncDir makes the entries of a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
