package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/format"
	"chute/pipeline/reject"
	"chute/pipeline/report"
)

// result is what reading a file brought.
type result struct {
	compression string
	header      []string
	footer      []byte
	insert      []native.Column
	warnings    []report.Warning
	rejects     *reject.Writer
	outputs     []reject.Output // finished reject files
	rejected    int64           // bytes of refused records so far
	tally       report.Tally
	firstGood   uint64 // number of the first record that was accepted
}

// emitter takes a block of converted records; the block is only valid during the call.
type emitter func(insert []native.Column, block *native.Block) error

// readFile reads one file from its first byte to its last. A *connectors.Rejection says that the file is at fault.
func (im *Importer) readFile(ctx context.Context, b *batch, it *item, rejects *reject.Writer, emit emitter) error {
	it.run.Records, it.run.Accepted, it.run.Rejects, it.run.SHA256 = 0, 0, 0, ""
	it.result = result{rejects: rejects}
	defer rejects.Discard()
	f, err := im.openFile(ctx, b, it)
	if err != nil {
		return err
	}
	defer f.Close()
	im.follow(it)
	delivered := &delivery{ctx: ctx, from: f, hash: sha256.New(), progress: it.progress}
	err = im.readRecords(ctx, b, it, delivered, emit)
	if outcomeOf(err) == connectors.Later {
		return err
	}
	if unchanged := im.unchanged(it, f, delivered); unchanged != nil {
		return unchanged // also when the file seemed to be at fault: a growing file ends in the middle of a record
	}
	return errors.Join(err, im.finishRejects(ctx, it, err))
}

// finishRejects gives the reject files their names in the work folder: of a rejected file only the list of reasons.
func (im *Importer) finishRejects(ctx context.Context, it *item, rejection error) (err error) {
	if rejection != nil {
		it.result.outputs, err = it.result.rejects.FinishReasons(ctx)
	} else {
		it.result.outputs, err = it.result.rejects.Finish(ctx, it.result.footer)
	}
	return err
}

// openFile opens the claimed file and makes sure that nobody is writing to it.
func (im *Importer) openFile(ctx context.Context, b *batch, it *item) (connectors.OpenFile, error) {
	if im.far() != nil {
		return im.openSpooled(ctx, b, it)
	}
	folder, name := im.source(), b.sourceName(it)
	if seer, ok := folder.(connectors.WriterSeer); ok {
		if writing, err := seer.BeingWritten(ctx, name); err != nil {
			return nil, unreadable(im.gone(err))
		} else if writing {
			return nil, errChanged
		}
	}
	f, err := folder.Open(ctx, name)
	if err != nil {
		return nil, unreadable(im.gone(err))
	}
	return f, nil
}

// unchanged takes the rest of the file, for its hash, and compares the file with what was claimed. One that is too large to be read has
// no hash: it costs its sender nothing, and reading it might take days.
func (im *Importer) unchanged(it *item, f connectors.OpenFile, d *delivery) error {
	whole := it.run.File.Size <= int64(im.Job.Format.MaxBytes)
	if whole {
		if _, err := io.Copy(io.Discard, d); err != nil {
			return err
		}
	}
	after, err := im.stat(f, it)
	if err != nil {
		return err
	}
	if !after.Same(it.run.File) || whole && d.bytes != after.Size {
		return errChanged
	}
	if whole {
		it.run.SHA256 = hex.EncodeToString(d.hash.Sum(nil))
	}
	return nil
}

func (im *Importer) readRecords(ctx context.Context, b *batch, it *item, d *delivery, emit emitter) error {
	if err := im.checkName(it); err != nil {
		return err
	}
	if it.run.File.Size == 0 {
		return im.empty(it)
	}
	most := int64(im.Job.Format.MaxBytes)
	if it.run.File.Size > most {
		return format.TooLarge(most)
	}
	plain, kind, err := format.DecompressSize(d, im.Job.Format.Compression, it.run.File.Size)
	if err != nil {
		return err
	}
	defer plain.Close()
	plain.Max = most
	it.result.compression = kind
	_, memory := im.room()
	p := &pump{run: im.Ledger.Lineage(it.run.ID), cores: max(im.Cores, 1), memory: memory}
	text, chunk := io.Reader(plain), p.chunk()
	single := kind == "none" && it.run.File.Size < int64(chunk)
	switch {
	case single:
		chunk = int(it.run.File.Size + 1)
	case kind != "none":
		ahead := format.NewAhead(plain)
		defer ahead.Close()
		text = ahead
	}
	reader, err := format.NewReaderSize(text, im.Job.Format, chunk)
	if err != nil {
		return err
	}
	it.result.header = discreetHeader(im.Job, reader.Header())
	how, err := im.reading(b, it, it.result.header)
	if err != nil {
		return err
	}
	for _, w := range how.mapping.warnings {
		it.warn(w.Code, w.Text)
	}
	if reader.Header() == nil {
		reader.SetWidth(how.mapping.width(im.Job))
	}
	p.fields, p.plan = how.mapping.fields, how.plan
	if single {
		p.single = how.portion()
	}
	it.result.insert = p.plan.Columns()
	it.result.rejects.Begin(reader.Preamble(), reader.LineEnd())
	it.result.rejects.Ends(reader.LineEnds())
	return im.readAll(ctx, it, p, reader, emit)
}

func (im *Importer) readAll(ctx context.Context, it *item, p *pump, reader *format.Reader, emit emitter) error {
	err := p.pour(ctx, reader, func(x *portion) error {
		if err := im.count(ctx, it, x); err != nil {
			return err
		}
		return emit(it.result.insert, &x.block)
	})
	if err != nil {
		return err
	}
	if it.run.Records == 0 {
		return im.empty(it)
	}
	if !reader.Complete() {
		it.warn("no_final_line_end", "The last line has no line end: the file may have been cut short.")
	}
	it.result.footer = bytes.Clone(reader.Footer())
	return im.checkShare(it)
}

// count adds a portion up and writes its refused records to the reject file.
func (im *Importer) count(ctx context.Context, it *item, x *portion) error {
	for _, r := range x.refused {
		it.result.rejected += int64(len(r.raw))
		if r.continued {
			if err := it.result.rejects.Continue(r.raw); err != nil {
				return err
			}
			continue
		}
		reasons := x.reasons[r.from:r.to]
		if err := it.result.rejects.Add(ctx, r.raw, reasons); err != nil {
			return err
		}
		for _, reason := range reasons {
			it.result.tally.Add(reason)
		}
	}
	x.rows.Warnings(it.warnColumn)
	it.run.Records += x.records
	it.run.Accepted += x.good
	it.run.Rejects = it.run.Records - it.run.Accepted
	it.progress.count(it.run.Records, it.run.Rejects)
	if it.result.firstGood == 0 {
		it.result.firstGood = x.first
	}
	if r := x.fatal; r != nil {
		return &connectors.Rejection{Code: "value",
			Message: fmt.Sprintf("Line %d, column %.60q: %s. This column must be right everywhere; nothing of the file was loaded.", r.Line, r.Column, r.Message)}
	}
	return im.checkRejects(it)
}

// maxWarnings is how many kinds of warnings about columns are told apart: a file may have thousands of columns.
const maxWarnings = 200

// warnColumn adds up what was odd about values that were loaded all the same.
func (it *item) warnColumn(w convert.Warning) {
	code, column, message := w.Code, report.Text(w.Column), report.Text(w.Message)
	if len(it.result.warnings) >= maxWarnings {
		code, column, message = "other", "", "Further columns have odd values."
	}
	for i := range it.result.warnings {
		have := &it.result.warnings[i]
		if have.Code == w.Code && have.Column == report.Text(w.Column) && have.Column != "" || have.Code == code && have.Column == column {
			have.Count += w.Count
			return
		}
	}
	it.result.warnings = append(it.result.warnings, report.Warning{Code: code, Column: column, Message: message, Line: w.Line, Count: w.Count})
}

// countWarnings adds up single findings.
func (it *item) countWarnings() (n uint64) {
	for _, w := range it.result.warnings {
		n += w.Count
	}
	return n
}

// warn notes something odd that refuses nothing.
func (it *item) warn(code, message string) {
	it.result.warnings = append(it.result.warnings, report.Warning{Code: code, Message: report.Text(message), Count: 1})
}

// delivery reads the delivered bytes once for everybody: it hashes and counts what passes, and ends when ctx does.
type delivery struct {
	ctx      context.Context
	from     io.Reader
	hash     hash.Hash
	bytes    int64
	progress *Progress
}

func (d *delivery) Read(p []byte) (int, error) {
	if d.ctx.Err() != nil {
		return 0, context.Cause(d.ctx)
	}
	n, err := d.from.Read(p)
	d.hash.Write(p[:n])
	d.bytes += int64(n)
	d.progress.read(d.bytes)
	return n, err
}
