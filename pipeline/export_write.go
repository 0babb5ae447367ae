package pipeline

import (
	"bufio"
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
)

// dataFile is the name of the file in its delivery's work folder.
const dataFile = "data"

// write makes the file in the work folder.
func (ex *Exporter) write(ctx context.Context, d *outgoing) error {
	if err := d.session.Kill(ctx, d.asked.ID); err != nil { // of an earlier try
		return err
	}
	pending, err := ex.Store.Create(ctx, d.file(dataFile))
	if err != nil {
		return err
	}
	defer pending.Discard()
	out := &exported{sum: sha256.New(), to: pending}
	if err := ex.encode(ctx, d, out); err != nil {
		return err
	}
	if err := ex.enough(d); err != nil || d.skipped {
		return err
	}
	d.written = now()
	d.run.File.Size, d.run.SHA256 = out.size, hex.EncodeToString(out.sum.Sum(nil))
	return ex.effect("write", func() error { return pending.Commit(ctx) })
}

// encode asks, and writes the answer in the job's format.
func (ex *Exporter) encode(ctx context.Context, d *outgoing, out io.Writer) error {
	buffer := bufio.NewWriterSize(out, 256<<10)
	packed, err := format.Compress(buffer, ex.Job.Format.Packing())
	if err != nil {
		return err
	}
	var inside records
	defer func() {
		if inside != nil {
			inside.close()
		}
	}()
	var window *held
	d.run.Records = 0
	err = d.session.Query(ctx, d.asked, func(b *native.Block) error {
		if inside == nil {
			if inside, err = ex.head(d, b, packed); err == nil {
				window, err = ex.hold(d)
			}
			if err != nil {
				return err
			}
		}
		d.run.Records += uint64(b.Rows)
		if most := ex.Job.MaxRows; most > 0 && d.run.Records > uint64(most) {
			return refuse("too_many_rows", "the answer has more rows than max_rows = %d: nothing is delivered", most)
		}
		if err := window.check(b); err != nil {
			return err
		}
		return inside.take(b)
	})
	if err == nil && inside == nil {
		err = errors.New("the server gave no answer: not even columns")
	}
	if err == nil {
		err = inside.tail()
	}
	if err != nil {
		return refusedText(err)
	}
	return errors.Join(packed.Close(), buffer.Flush())
}

// head begins the file once the columns are known.
func (ex *Exporter) head(d *outgoing, b *native.Block, out io.Writer) (records, error) {
	d.columns = nil
	for _, c := range b.Columns {
		d.columns = append(d.columns, native.Column{Name: c.Name, Type: c.Type})
	}
	inside, err := ex.newRecords(out, d.columns)
	if err != nil {
		return nil, err
	}
	return inside, nil
}

// refusedText makes a refusal of a text that can't be written as the job wants it: it is the same the next time.
func refusedText(err error) error {
	var unfit *format.Unfit
	switch {
	case errors.As(err, &unfit):
		return refuse(unfit.Code, "%s", unfit.Message)
	case errors.Is(err, convert.ErrUnprinted):
		return refuse("type", "%v: such values can't be written", err)
	case errors.Is(err, format.ErrUnmappable):
		return refuse("unmappable", "%v: choose another encoding, or unmappable = \"replace\"", err)
	case errors.Is(err, format.ErrUnquoted):
		return refuse("unquoted", "%v", err)
	}
	return err
}

// enough judges how many rows there are.
func (ex *Exporter) enough(d *outgoing) error {
	rows := d.run.Records
	d.run.Accepted = rows
	switch {
	case rows == 0 && ex.Job.Empty == "fail":
		return refuse("empty", "the answer has no rows, and empty_result is \"fail\": nothing is delivered")
	case rows == 0 && ex.Job.Empty == "skip":
		d.skipped = true
	case rows > 0 && rows < uint64(ex.Job.MinRows):
		return refuse("too_few_rows", "the answer has %d rows, fewer than min_rows = %d: nothing is delivered", rows, ex.Job.MinRows)
	}
	return nil
}

// exported counts and hashes what goes into the file.
type exported struct {
	to   connectors.PendingFile
	sum  hash.Hash
	size int64
}

func (e *exported) Write(p []byte) (int, error) {
	n, err := e.to.Write(p)
	e.sum.Write(p[:n])
	e.size += int64(n)
	return n, err
}

// verify reads the file again: what was written must be there.
func (ex *Exporter) verify(ctx context.Context, d *outgoing) error {
	f, err := ex.Store.Open(ctx, d.file(dataFile))
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return fmt.Errorf("read the written file again: %w", err)
	}
	if have := hex.EncodeToString(sum.Sum(nil)); size != d.run.File.Size || have != d.run.SHA256 {
		return fmt.Errorf("the written file isn't what was written: %d bytes with SHA-256 %s instead of %d with %s; look at the disk", size, have, d.run.File.Size, d.run.SHA256)
	}
	return checkInside(&ex.Job.Format, f, size, d.run.Records, len(d.columns))
}
