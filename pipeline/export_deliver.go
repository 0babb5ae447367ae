package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// companion is a small file that goes out with the exported one, or once with all of them.
type companion struct {
	own    string // its name in the work folder; made anew, it has a number behind it
	suffix string // behind the file's name
	text   func(d *outgoing) ([]byte, error)
}

var (
	checksum = companion{"checksum", ".sha256", checksumText}
	manifest = companion{"manifest", ".manifest.json", manifestText}
	marker   = companion{"marker", ".done", func(*outgoing) ([]byte, error) { return nil, nil }}
)

// companions are those that the job wants, in the order in which they go out.
func (ex *Exporter) companions() (all []companion) {
	if ex.Job.Checksum == "sha256" {
		all = append(all, checksum)
	}
	if ex.Job.Manifest {
		all = append(all, manifest)
	}
	if ex.Job.Done {
		all = append(all, marker)
	}
	return all
}

// companionOf tells by its name in the work folder what a companion is.
func companionOf(own string) companion {
	name, _, _ := strings.Cut(path.Base(own), ".")
	for _, c := range []companion{checksum, manifest} {
		if c.own == name {
			return c
		}
	}
	return marker
}

// checksumText has lines as sha256sum writes them. A name with a backslash or line end, which it escapes, can't come out of a job's file pattern but for backslashes.
func checksumText(d *outgoing) (text []byte, err error) {
	for _, p := range d.parts {
		escaped, mark := strings.ReplaceAll(p.to, `\`, `\\`), ""
		if escaped != p.to {
			mark = `\`
		}
		text = fmt.Appendf(text, "%s%s  %s\n", mark, p.sha256, escaped)
	}
	return text, nil
}

func manifestText(d *outgoing) ([]byte, error) {
	m := d.manifest(d.whole)
	return m.JSON()
}

func (d *outgoing) manifest(name string) report.Manifest {
	j := d.ex.Job
	m := report.Manifest{
		Schema: report.Schema, Run: d.run.ID, Job: report.Text(j.Name), Label: report.Text(j.Label), File: report.Text(name), Seq: d.is.Seq, Copy: d.ex.Place != "",
		Size: d.run.File.Size, SHA256: d.run.SHA256, Rows: d.run.Records, Columns: []report.ExportedColumn{}, Written: d.written,
		Since: d.is.Since, Until: d.is.Until, Type: j.Format.Type, Encoding: j.Format.Encoding, Packed: j.Format.Compression,
	}
	for _, p := range d.parts {
		if p.own != dataFile {
			m.Files = append(m.Files, report.ExportedFile{File: report.Text(p.to), Value: report.Text(p.value), Size: p.size, SHA256: p.sha256, Rows: p.rows})
		}
	}
	for _, c := range d.columns {
		m.Columns = append(m.Columns, report.ExportedColumn{Name: report.Text(c.Name), Type: report.Text(c.Type.String())})
	}
	return m
}

// accompany chooses names, makes what goes out with the files, and records that from now on they are being delivered.
func (ex *Exporter) accompany(ctx context.Context, d *outgoing) error {
	if err := ex.freeNames(ctx, d); err != nil {
		return err
	}
	if err := ex.plan(ctx, d); err != nil {
		return err
	}
	if err := ex.tell(d, report.Delivered, nil); err != nil {
		return err
	}
	d.run.State = ledger.Delivering
	err := ex.effect("delivering", func() error { return ex.Ledger.UpdateExport(ctx, d.run, d.is) })
	if err != nil {
		d.run.State = ledger.Writing // whether it was recorded, the ledger knows: the next try asks it
	}
	return err
}

// freeNames gives the files their names or, where one of them or of what goes with them is taken, all of them ones with the run's number.
func (ex *Exporter) freeNames(ctx context.Context, d *outgoing) error {
	there := map[string]bool{}
	files, err := ex.Store.List(ctx, d.run.Inbox)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look into the outbox: %w", err)
	}
	for _, f := range files {
		there[f.Name] = true
	}
	for try, taken := 0, true; taken; try++ {
		d.call(try)
		taken = false
		for _, p := range d.parts {
			taken = taken || there[p.to]
		}
		for _, c := range ex.companions() {
			taken = taken || there[d.whole+c.suffix]
		}
	}
	return nil
}

// call gives everything its name at a try: the first is without the run's number.
func (d *outgoing) call(try int) {
	name := func(name string) string {
		if try > 0 {
			return numbered(name, d.run.ID, try)
		}
		return name
	}
	d.whole = name(d.run.File.Name)
	for i := range d.parts {
		d.parts[i].to = name(d.parts[i].name)
	}
}

// plan makes the companions, and notes the moves: the files first, the marker last.
func (ex *Exporter) plan(ctx context.Context, d *outgoing) error {
	d.run.Moves = nil
	for _, p := range d.parts {
		d.run.Moves = append(d.run.Moves, ledger.Move{From: d.file(p.own), To: path.Join(d.run.Inbox, p.to)})
	}
	for _, c := range ex.companions() {
		d.run.Moves = append(d.run.Moves, ledger.Move{From: d.file(c.own), To: path.Join(d.run.Inbox, d.whole+c.suffix)})
	}
	return ex.accompanied(ctx, d)
}

// accompanied makes the companions that the moves are about.
func (ex *Exporter) accompanied(ctx context.Context, d *outgoing) error {
	return ex.effect("companions", func() error {
		for _, m := range d.run.Moves[len(d.parts):] {
			c := companionOf(m.From)
			text, err := c.text(d)
			if err == nil {
				err = ex.put(ctx, m.From, text)
			}
			if err != nil {
				return err
			}
		}
		return ex.Store.Sync(ctx, d.folder())
	})
}

// put makes a small file in the work folder; one that is there is of an earlier try, and no moves that the ledger has are about it.
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
			_, err := ex.site().present(ctx)
			return err // moved now, whatever the answer says, or before a crash: unless the whole store went away
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

func (ex *Exporter) look(ctx context.Context, name string) (connectors.File, error) {
	f, err := ex.Store.Open(ctx, name)
	if err != nil {
		return connectors.File{}, err
	}
	file, err := f.Stat()
	return file, errors.Join(err, f.Close())
}
