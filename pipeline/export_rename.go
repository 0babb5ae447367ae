package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"

	"chute/connectors/native"
	"chute/pipeline/report"
)

// rename gives what can't be moved another name, for its own was taken meanwhile, and records that before it is used.
func (ex *Exporter) rename(ctx context.Context, d *outgoing, i, try int) error {
	if d.parts == nil {
		if err := ex.recall(d); err != nil {
			return err
		}
	}
	if i >= len(d.parts) {
		d.run.Moves[i].To = numbered(d.run.Moves[i].To, d.run.ID, try)
	} else if err := ex.renamePart(ctx, d, i, try); err != nil {
		return err
	}
	return ex.effect("delivering", func() error { return ex.Ledger.UpdateExport(ctx, d.run, d.is) })
}

// renamePart gives a file another name, and makes what goes with it anew: the name is in it. Beside what lies ready, for until the ledger has the moves of
// the new ones a restart goes by those of the old. A single file's companions are called after it.
func (ex *Exporter) renamePart(ctx context.Context, d *outgoing, i, try int) error {
	d.parts[i].to = numbered(d.parts[i].name, d.run.ID, try)
	d.run.Moves[i].To = path.Join(d.run.Inbox, d.parts[i].to)
	alone := d.parts[i].own == dataFile
	if alone {
		d.whole = d.parts[i].to
	}
	for at := len(d.parts); at < len(d.run.Moves); at++ {
		m := &d.run.Moves[at]
		c := companionOf(m.From)
		number, _ := strconv.Atoi(strings.TrimPrefix(path.Ext(m.From), "."))
		if m.From = d.file(c.own + "." + strconv.Itoa(number+1)); alone {
			m.To = path.Join(d.run.Inbox, d.whole+c.suffix)
		}
	}
	return ex.accompanied(ctx, d)
}

// recall takes from the report that an earlier process made what was written. What is called how the moves tell.
func (ex *Exporter) recall(d *outgoing) error {
	var r report.Delivery
	if err := json.Unmarshal(d.run.Report, &r); err != nil {
		return fmt.Errorf("the report of run %d in the ledger: %w", d.run.ID, err)
	}
	d.columns = nil
	for _, c := range r.Columns {
		t, err := native.ParseType(string(c.Type))
		if err != nil {
			return err
		}
		d.columns = append(d.columns, native.Column{Name: string(c.Name), Type: t})
	}
	d.written, d.whole = r.Written, string(r.File)
	files := r.Files
	if len(files) == 0 {
		files = []report.ExportedFile{{File: report.Text(d.run.File.Name), Size: r.Size, SHA256: r.SHA256, Rows: r.Rows}}
	}
	if len(files) > len(d.run.Moves) {
		return fmt.Errorf("run %d in the ledger moves less than its report names", d.run.ID)
	}
	for i, f := range files {
		m := d.run.Moves[i]
		d.parts = append(d.parts, part{own: path.Base(m.From), name: string(f.File), value: string(f.Value), to: path.Base(m.To), rows: f.Rows, size: f.Size, sha256: f.SHA256})
	}
	return nil
}
