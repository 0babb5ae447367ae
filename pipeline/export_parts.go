package pipeline

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
	"path"
	"strconv"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/format"
	"chute/pipeline/ledger"
)

// dataFile is the name of a delivery's file in its work folder; of one of several, with its number behind it.
const dataFile = "data"

// part is a file of a delivery that is whole. There is one, unless the job splits.
type part struct {
	own    string // its name in the work folder
	name   string // what it is called, if nothing else is
	value  string // what its rows have in split.column
	to     string // what it will be called
	rows   uint64
	size   int64
	sha256 string
	seal   uint64 // of its bytes, by which they are known again
}

// seals are hashes of 64 bits of this process alone, and much quicker than SHA-256: a disk has no reason to look for another file of the same one.
var seals = maphash.MakeSeed()

// parts are the files of a delivery while they are written: one after the other, so one is open at a time.
type parts struct {
	ex    *Exporter
	d     *outgoing
	ctx   context.Context   // of the delivery
	names map[string]string // that are given, with the value that has each
	open  *openPart
}

// openPart is the file that is being written.
type openPart struct {
	part
	pending connectors.PendingFile
	sum     hash.Hash
	sealing maphash.Hash
	buffer  *bufio.Writer
	packed  io.WriteCloser
	text    int64 // bytes before they were compressed
}

// begin begins a file. value is what its rows have in split.column.
func (p *parts) begin(value string) error {
	split := &p.ex.Job.Split
	o := &openPart{part: part{own: dataFile, name: p.d.run.File.Name, value: value}, sum: sha256.New()}
	o.sealing.SetSeed(seals)
	if !split.IsZero() {
		n := len(p.d.parts) + 1
		if n > split.MaxFiles {
			return refuse("too_many_files", "the answer needs more files than split.max_files = %d: nothing is delivered", split.MaxFiles)
		}
		o.own += "." + strconv.Itoa(n)
		var err error
		if o.name, err = p.name(n, value); err != nil {
			return err
		}
	}
	pending, err := p.ex.Store.Create(p.ctx, p.d.file(o.own))
	if err != nil {
		return err
	}
	o.pending, p.open = pending, o
	o.buffer = bufio.NewWriterSize(writerFunc(o.write), 256<<10)
	o.packed, err = format.Compress(o.buffer, p.ex.Job.Format.Packing())
	return err
}

// number is that of the open file, from 1.
func (p *parts) number() int { return len(p.d.parts) + 1 }

// name is what the next file is called. Names come of values, so anything may be wrong with them.
func (p *parts) name(n int, value string) (string, error) {
	split := &p.ex.Job.Split
	piece := config.NameOf(value)
	if split.Column != "" && value == "" {
		if piece = split.Blank; piece == "" {
			return "", refuse("file_name", "a row has NULL or an empty text in %q, which files are called after: leave such rows out, or say by split.blank what stands for it in names", split.Column)
		}
	}
	vars := p.ex.variables(p.d.is)
	vars["part"], vars["value"] = strconv.Itoa(n), piece
	name, err := p.ex.Job.File.Expand(p.ex.moment(p.d.is, p.d.run.Started), vars)
	if err != nil {
		return "", errors.New("the pattern of the files' names doesn't take what is made for it") // values aren't told
	}
	if err := config.DeliveredName(name); err != nil {
		return "", refuse("file_name", "the name of file %d, of a value of %q, %v: nothing is delivered", n, split.Column, err)
	}
	if p.names == nil {
		p.names = map[string]string{}
		for _, c := range p.ex.companions() {
			p.names[p.d.run.File.Name+c.suffix] = ""
		}
	}
	switch other, taken := p.names[name]; {
	case taken && other == value && value != "":
		return "", refuse("file_name", "rows with one value in %q don't stand together, those of file %d: sort the query by it, or put {part} into the files' names", split.Column, n)
	case taken && split.Column != "" && value == "" && other == "":
		return "", refuse("file_name", "file %d would be called as another one: NULL and the empty text in %q are both %q by split.blank, and such rows don't stand together. Make one of the other in the query, as ifNull does", n, split.Column, split.Blank)
	case taken:
		return "", refuse("file_name", "file %d would be called as another one, or as what goes with them: put {part} into the files' names", n)
	}
	p.names[name] = value
	return name, nil
}

// Write takes what is written before it is compressed.
func (p *parts) Write(text []byte) (int, error) {
	p.open.text += int64(len(text))
	return p.open.packed.Write(text)
}

// write counts and hashes what goes into the file.
func (o *openPart) write(data []byte) (int, error) {
	n, err := o.pending.Write(data)
	o.sum.Write(data[:n])
	o.sealing.Write(data[:n])
	o.size += int64(n)
	return n, err
}

// end makes the open file whole.
func (p *parts) end() error {
	o := p.open
	if err := errors.Join(o.packed.Close(), o.buffer.Flush()); err != nil {
		return err
	}
	o.sha256, o.seal = hex.EncodeToString(o.sum.Sum(nil)), o.sealing.Sum64()
	if err := p.ex.effect("write", func() error { return o.pending.Commit(p.ctx) }); err != nil {
		return err
	}
	p.d.parts, p.open = append(p.d.parts, o.part), nil
	return nil
}

// discard gives up a file that isn't whole.
func (p *parts) discard() {
	if p.open != nil {
		_ = p.open.pending.Discard() // what it leaves lies in the work folder, which is cleared
	}
}

// writerFunc is a function that is an io.Writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Parts is how many files a run of a job that splits delivers; 0 for other runs.
func Parts(run ledger.Run) (n int) {
	for _, m := range run.Moves {
		if strings.HasPrefix(path.Base(m.From), dataFile+".") {
			n++
		}
	}
	return n
}

// Carried says what a run of kind export moves: "file", or what goes with files: "checksum", "manifest", "marker".
func Carried(m ledger.Move) string {
	own, _, _ := strings.Cut(path.Base(m.From), ".")
	if own == dataFile {
		return "file"
	}
	return own
}

// verify reads the files again: what was written must be there.
func (ex *Exporter) verify(ctx context.Context, d *outgoing) error {
	for _, p := range d.parts {
		if err := ex.verifyPart(ctx, d, p); err != nil {
			return err
		}
	}
	return nil
}

func (ex *Exporter) verifyPart(ctx context.Context, d *outgoing, p part) error {
	f, err := ex.Store.Open(ctx, d.file(p.own))
	if err != nil {
		return err
	}
	defer f.Close()
	var again maphash.Hash
	again.SetSeed(seals)
	size, err := io.CopyBuffer(struct{ io.Writer }{&again}, struct{ io.Reader }{f}, make([]byte, 1<<20))
	if err != nil {
		return fmt.Errorf("read the written file again: %w", err)
	}
	if size != p.size {
		return fmt.Errorf("the written file isn't what was written: %d bytes instead of %d; look at the disk", size, p.size)
	}
	if again.Sum64() != p.seal {
		return fmt.Errorf("the written file isn't what was written: of its %d bytes some are others; look at the disk", size)
	}
	return checkInside(&ex.Job.Format, f, size, p.rows, len(d.columns))
}
