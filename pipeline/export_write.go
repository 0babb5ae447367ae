package pipeline

import (
	"context"
	"errors"

	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/format"
)

// write makes the files in the work folder.
func (ex *Exporter) write(ctx context.Context, d *outgoing) error {
	if err := d.session.Kill(ctx, d.asked.ID); err != nil { // of an earlier try
		return err
	}
	if err := ex.site().fit(ctx, d.run.Inbox); err != nil {
		return err
	}
	d.parts = nil
	out := &parts{ex: ex, d: d, ctx: ctx}
	defer out.discard()
	if err := ex.encode(ctx, d, out); err != nil {
		return err
	}
	if err := ex.enough(d); err != nil || d.skipped {
		return err
	}
	if ex.Job.Split.IsZero() {
		out.open.rows = d.run.Records
	}
	d.written = now()
	if err := out.end(); err != nil {
		return err
	}
	d.run.File.Size, d.run.SHA256 = 0, ""
	for _, p := range d.parts {
		d.run.File.Size += p.size
	}
	if ex.Job.Split.IsZero() {
		d.run.SHA256 = d.parts[0].sha256
	}
	return ex.site().used(ctx)
}

// encode asks, and writes the answer in the job's format.
func (ex *Exporter) encode(ctx context.Context, d *outgoing, out *parts) (err error) {
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
			if inside, err = ex.head(d, b, out); err == nil {
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
	return refusedText(err)
}

// head begins to write once the columns are known.
func (ex *Exporter) head(d *outgoing, b *native.Block, out *parts) (records, error) {
	d.columns = nil
	for _, c := range b.Columns {
		d.columns = append(d.columns, native.Column{Name: c.Name, Type: c.Type})
	}
	if err := apart(d.columns); err != nil {
		return nil, err
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
	case errors.Is(err, convert.ErrUnlabelled):
		return refuse("unlabelled", "%v: nothing is delivered", err)
	case errors.Is(err, convert.ErrTwice):
		return refuse("ambiguous_time", "%v; nothing is delivered", err)
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
	switch {
	case rows == 0 && ex.Job.Empty == "fail":
		return refuse("empty", "the answer has no rows, and empty_result is \"fail\": nothing is delivered")
	case rows == 0 && ex.Job.Empty == "skip":
		d.skipped = true
	case rows < uint64(ex.Job.MinRows):
		return refuse("too_few_rows", "the answer has %d rows, fewer than min_rows = %d: nothing is delivered", rows, ex.Job.MinRows)
	}
	return nil
}
