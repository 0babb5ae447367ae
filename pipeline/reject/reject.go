// Package reject writes refused records to disk as they come, so that no number of them needs memory.
//
// A partner gets two files. NAME.rejects.EXT has what the file began with (its header), then the refused records byte for byte
// as they were delivered, then what the file ended with: mended and dropped into the inbox again, it loads. NAME.rejects.jsonl
// has a line for each reason, for people and for programs. Nothing is written before the first reject, and nothing has a name
// before Finish.
package reject

import (
	"bytes"
	"context"
	"errors"
	"path"
	"slices"

	"chute/connectors"
)

// Writer writes the rejects of one file. It isn't safe for concurrent use. After an error only Discard is of use.
type Writer struct {
	folder creator
	dir    string // in the store's work folder
	file   string // named in each reason of a list that may be of several files
	names  Names
	max    uint64 // reasons that are listed

	preamble []byte
	lineEnd  []byte
	ends     [][]byte // what a record that is whole ends with, one of them

	records   file
	reasons   file
	unended   bool // the last record lacks its line end: the next thing written brings it
	withoutIt bool // there is no file of records
	line      []byte
	counts    Counts
}

// creator is what a Writer needs of a folder.
type creator interface {
	Create(ctx context.Context, name string) (connectors.PendingFile, error)
}

// Counts says what was refused.
type Counts struct {
	Records  uint64            // refused records
	Reasons  uint64            // all of them, listed or not
	ByCode   map[string]uint64 // reasons by their code
	ByColumn map[string]uint64 // reasons by column; "" counts those that mean the whole record
}

// maxColumns bounds ByColumn, for files whose records have any number of columns: further ones are counted as "…".
const maxColumns = 1000

// Output is a finished file.
type Output struct {
	Path string // where it lies, in the store
	Name string // what it is to be called beside the file it belongs to
}

// New prepares for the rejects of the file called fileName: they are written into dir, which is below the store's work folder.
// maxDetails is how many reasons are listed; all are counted.
func New(folder connectors.Folder, dir, fileName string, maxDetails int) *Writer {
	return &Writer{
		folder: folder, dir: dir, names: NamesFor(fileName), max: uint64(max(0, maxDetails)), lineEnd: []byte("\n"),
		counts: Counts{ByCode: map[string]uint64{}, ByColumn: map[string]uint64{}},
	}
}

// Begin says what the file of records begins with, and what ends a record that lacks its line end. It is called before the first Add and writes nothing.
func (w *Writer) Begin(preamble, lineEnd []byte) {
	w.preamble = bytes.Clone(preamble)
	if len(lineEnd) > 0 {
		w.lineEnd = bytes.Clone(lineEnd)
	}
}

// Ends says what a record that is whole may end with, in the file's own bytes. It is called before the first Add. Without it that is the last byte of
// the line end: where lines end with CRLF one with LF alone is taken as well, since files mix them.
func (w *Writer) Ends(ends [][]byte) { w.ends = ends }

// ReasonsOnly says that there is to be no file of records: for a file that can't be cut into records, or is refused as a
// whole. It is called before the first Add; FinishReasons does the same afterwards.
func (w *Writer) ReasonsOnly() { w.withoutIt = true }

// Add writes one refused record and why it was refused. Its memory may be used again when Add returns.
func (w *Writer) Add(ctx context.Context, raw []byte, reasons []connectors.Reason) error {
	w.counts.Records++
	if !w.withoutIt {
		if err := w.addRecord(ctx, raw); err != nil {
			return err
		}
	}
	for i := range reasons {
		if err := w.addReason(ctx, &reasons[i]); err != nil {
			return err
		}
	}
	return nil
}

// Continue writes more bytes of the record that was added last: for records too long to be held.
func (w *Writer) Continue(raw []byte) error {
	if w.withoutIt || len(raw) == 0 {
		return nil
	}
	if !w.records.open() {
		return errors.New("reject: a record is continued that wasn't begun")
	}
	w.unended = !w.ended(raw)
	return w.records.write(raw)
}

func (w *Writer) addRecord(ctx context.Context, raw []byte) error {
	if !w.records.open() {
		if err := w.records.create(ctx, w.folder, path.Join(w.dir, w.names.recordsPath)); err != nil {
			return err
		}
		if err := w.records.write(w.preamble); err != nil {
			return err
		}
	}
	if err := w.endRecord(); err != nil {
		return err
	}
	w.unended = !w.ended(raw)
	return w.records.write(raw)
}

// endRecord gives the last record the line end that it lacks. That is the last record of the file, which needn't be the last to be refused.
func (w *Writer) endRecord() error {
	if !w.unended {
		return nil
	}
	w.unended = false
	return w.records.write(w.lineEnd)
}

// ended tells whether a record has its line end.
func (w *Writer) ended(raw []byte) bool {
	if len(w.ends) == 0 {
		return bytes.HasSuffix(raw, w.lineEnd[len(w.lineEnd)-1:])
	}
	return slices.ContainsFunc(w.ends, func(end []byte) bool { return bytes.HasSuffix(raw, end) })
}

func (w *Writer) addReason(ctx context.Context, r *connectors.Reason) error {
	w.count(r)
	if w.counts.Reasons > w.max {
		return nil
	}
	w.line = appendReason(w.line[:0], w.file, r)
	return w.addLine(ctx)
}

// addLine writes w.line to the list.
func (w *Writer) addLine(ctx context.Context) error {
	if !w.reasons.open() {
		if err := w.reasons.create(ctx, w.folder, path.Join(w.dir, w.names.reasonsPath)); err != nil {
			return err
		}
	}
	return w.reasons.write(w.line)
}

func (w *Writer) count(r *connectors.Reason) {
	w.counts.Reasons++
	w.counts.ByCode[r.Code]++
	column := r.Column
	if _, known := w.counts.ByColumn[column]; !known && len(w.counts.ByColumn) >= maxColumns {
		column = "…"
	}
	w.counts.ByColumn[column]++
}

// Counts returns what was refused so far. The maps are the writer's own.
func (w *Writer) Counts() Counts { return w.counts }

// Finish ends both files with their names in dir and returns those that there are; making the names durable is left to Folder.Sync of dir.
// footer is what the file ended with after its records.
func (w *Writer) Finish(ctx context.Context, footer []byte) ([]Output, error) {
	if w.records.open() {
		if err := w.endRecord(); err != nil {
			return nil, err
		}
		if err := w.records.write(footer); err != nil {
			return nil, err
		}
	}
	return w.commit(ctx)
}

// FinishReasons ends the list of reasons and gives up the file of records: for a file that is rejected as a whole, which
// is itself what to mend.
func (w *Writer) FinishReasons(ctx context.Context) ([]Output, error) {
	if err := w.records.discard(); err != nil {
		return nil, err
	}
	return w.commit(ctx)
}

func (w *Writer) commit(ctx context.Context) ([]Output, error) {
	if more := w.counts.Reasons; more > w.max {
		w.line = appendRest(w.line[:0], w.file, more-w.max)
		if err := w.addLine(ctx); err != nil {
			return nil, err
		}
	}
	var made []Output
	for _, f := range []struct {
		*file
		path, name string
	}{{&w.records, w.names.recordsPath, w.names.Records}, {&w.reasons, w.names.reasonsPath, w.names.Reasons}} {
		if !f.open() {
			continue
		}
		if err := f.commit(ctx); err != nil {
			return nil, err
		}
		made = append(made, Output{Path: path.Join(w.dir, f.path), Name: f.name})
	}
	return made, nil
}

// Discard gives up what isn't finished. After Finish it does nothing, so it can be deferred.
func (w *Writer) Discard() error {
	return errors.Join(w.records.discard(), w.reasons.discard())
}
