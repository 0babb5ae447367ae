package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// companion is a small file that goes out with the exported one.
type companion struct {
	own    string // its name in the work folder
	suffix string // behind the file's name
	text   func(d *outgoing, name string) ([]byte, error)
}

// companions are those that the job wants, in the order in which they go out.
func (ex *Exporter) companions() (all []companion) {
	if ex.Job.Checksum == "sha256" {
		all = append(all, companion{"checksum", ".sha256", checksumText})
	}
	if ex.Job.Manifest {
		all = append(all, companion{"manifest", ".manifest.json", manifestText})
	}
	if ex.Job.Done {
		all = append(all, companion{"marker", ".done", func(*outgoing, string) ([]byte, error) { return nil, nil }})
	}
	return all
}

// checksumText is a line as sha256sum writes it. A name with a backslash or line end, which it escapes, can't come out of a job's file pattern but for backslashes.
func checksumText(d *outgoing, name string) ([]byte, error) {
	escaped := ""
	for _, c := range []byte(name) {
		if c == '\\' {
			escaped += `\`
		}
		escaped += string(c)
	}
	mark := ""
	if escaped != name {
		mark = `\`
	}
	return fmt.Appendf(nil, "%s%s  %s\n", mark, d.run.SHA256, escaped), nil
}

func manifestText(d *outgoing, name string) ([]byte, error) {
	m := d.manifest(name)
	return m.JSON()
}

func (d *outgoing) manifest(name string) report.Manifest {
	j := d.ex.Job
	m := report.Manifest{
		Schema: report.Schema, Run: d.run.ID, Job: report.Text(j.Name), Label: report.Text(j.Label), File: report.Text(name), Seq: d.is.Seq,
		Size: d.run.File.Size, SHA256: d.run.SHA256, Rows: d.run.Records, Columns: []report.ExportedColumn{}, Written: d.written,
		Since: d.is.Since, Until: d.is.Until, Type: j.Format.Type, Encoding: j.Format.Encoding, Packed: j.Format.Compression,
	}
	for _, c := range d.columns {
		m.Columns = append(m.Columns, report.ExportedColumn{Name: report.Text(c.Name), Type: report.Text(c.Type.String())})
	}
	return m
}

// accompany chooses names, makes what goes out with the file, and records that from now on the file is being delivered.
func (ex *Exporter) accompany(ctx context.Context, d *outgoing) error {
	name, err := ex.freeName(ctx, d)
	if err != nil {
		return err
	}
	if err := ex.plan(ctx, d, name); err != nil {
		return err
	}
	if err := ex.tell(d, report.Delivered, nil); err != nil {
		return err
	}
	d.run.State = ledger.Delivering
	err = ex.effect("delivering", func() error { return ex.Ledger.UpdateExport(ctx, d.run, d.is) })
	if err != nil {
		d.run.State = ledger.Writing // whether it was recorded, the ledger knows: the next try asks it
	}
	return err
}

// freeName is the file's name or, where it or one that goes with it is taken, one with the run's number.
func (ex *Exporter) freeName(ctx context.Context, d *outgoing) (string, error) {
	there := map[string]bool{}
	files, err := ex.Store.List(ctx, d.run.Inbox)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look into the outbox: %w", err)
	}
	for _, f := range files {
		there[f.Name] = true
	}
	for try := 0; ; try++ {
		name := d.run.File.Name
		if try > 0 {
			name = numbered(name, d.run.ID, try)
		}
		taken := there[name]
		for _, c := range ex.companions() {
			taken = taken || there[name+c.suffix]
		}
		if !taken {
			return name, nil
		}
	}
}

// plan makes the companions for a name, and notes the moves: the file first, the marker last.
func (ex *Exporter) plan(ctx context.Context, d *outgoing, name string) error {
	d.run.Moves = []ledger.Move{{From: d.file(dataFile), To: path.Join(d.run.Inbox, name)}}
	return ex.effect("companions", func() error {
		for _, c := range ex.companions() {
			text, err := c.text(d, name)
			if err == nil {
				err = ex.put(ctx, d.file(c.own), text)
			}
			if err != nil {
				return err
			}
			d.run.Moves = append(d.run.Moves, ledger.Move{From: d.file(c.own), To: path.Join(d.run.Inbox, name+c.suffix)})
		}
		return ex.Store.Sync(ctx, d.folder())
	})
}

// put makes a small file in the work folder; one that is there is an earlier try's.
func (ex *Exporter) put(ctx context.Context, name string, text []byte) error {
	if err := ex.Store.Remove(ctx, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := ex.Store.Create(ctx, name)
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Commit(ctx)
}

// deliver moves everything to the outbox. It can be repeated: what isn't in the work folder any more was delivered, even if it isn't in the outbox either,
// for whoever it is meant for may have fetched and removed it.
func (ex *Exporter) deliver(ctx context.Context, d *outgoing) error {
	for i := range d.run.Moves {
		if err := ex.moveOut(ctx, d, i); err != nil {
			return fmt.Errorf("deliver %q: %w", path.Base(d.run.Moves[i].To), err)
		}
	}
	return ex.effect("sync folders", func() error {
		// The outbox first: the other way round a power cut might leave the file without a name.
		return ex.Store.Sync(ctx, d.run.Inbox, d.folder())
	})
}

func (ex *Exporter) moveOut(ctx context.Context, d *outgoing, i int) error {
	for try := 1; ; try++ {
		m := d.run.Moves[i]
		err := ex.effect("move", func() error { return ex.Store.Rename(ctx, m.From, m.To) })
		if err == nil {
			return nil
		}
		from, lookErr := ex.look(ctx, m.From)
		switch {
		case errors.Is(lookErr, fs.ErrNotExist):
			return nil // moved now, whatever the answer says, or before a crash
		case !errors.Is(err, fs.ErrExist) || lookErr != nil || try > 9:
			return errors.Join(err, lookErr)
		}
		if to, err := ex.look(ctx, m.To); err == nil && from.Inode != 0 && to.Inode == from.Inode {
			return ex.Store.Remove(ctx, m.From) // one file with both names: a power cut came in the middle of a rename
		}
		if err := ex.rename(ctx, d, i, try); err != nil {
			return err
		}
	}
}

// rename gives what is still to be moved other names, for one was taken meanwhile, and records them before they are used.
func (ex *Exporter) rename(ctx context.Context, d *outgoing, i, try int) error {
	if i > 0 {
		d.run.Moves[i].To = numbered(d.run.Moves[i].To, d.run.ID, try)
	} else if err := ex.renameAll(ctx, d, try); err != nil {
		return err
	}
	return ex.effect("delivering", func() error { return ex.Ledger.UpdateExport(ctx, d.run, d.is) })
}

// renameAll gives the file another name, and makes what goes with it anew: the name is in it. The checksum and the size are known from the ledger, the
// columns from the manifest that lies ready.
func (ex *Exporter) renameAll(ctx context.Context, d *outgoing, try int) error {
	name := numbered(d.run.File.Name, d.run.ID, try)
	if d.columns == nil && ex.Job.Manifest {
		if err := ex.recall(d); err != nil {
			return err
		}
	}
	return ex.plan(ctx, d, name)
}

func (ex *Exporter) look(ctx context.Context, name string) (connectors.File, error) {
	f, err := ex.Store.Open(ctx, name)
	if err != nil {
		return connectors.File{}, err
	}
	file, err := f.Stat()
	return file, errors.Join(err, f.Close())
}
