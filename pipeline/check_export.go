package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/format"
	"chute/pipeline/ledger"
	"chute/pipeline/query"
)

// Misasked is why a job's question can't be asked, or its answer not be written: with the key of the job that says so.
type Misasked struct {
	Key string // "table", "filter", "query" …
	Err error
}

func (m *Misasked) Error() string {
	return m.Key + ": " + strings.TrimPrefix(m.Err.Error(), m.Key+": ")
}

func (m *Misasked) Unwrap() error { return m.Err }

// CheckExport asks a server for the columns of a job's answer, and for no row, and begins to write them in the job's format. Its error is a *Misasked where
// the job is to be mended.
func CheckExport(ctx context.Context, job *config.Export, s connectors.Session) ([]native.Column, error) {
	ex := &Exporter{Job: job}
	d, err := ex.describe(ctx, s)
	if err == nil {
		return d.columns, ex.fits(d)
	}
	if wrong := new(Misasked); errors.As(err, &wrong) {
		return nil, wrong
	}
	if said := new(connectors.DatabaseError); !errors.As(err, &said) && !errors.As(err, new(*query.Refused)) && !errors.As(err, new(*Refusal)) {
		return nil, err
	}
	return nil, &Misasked{ex.culprit(ctx, s), err}
}

// describe asks for the columns.
func (ex *Exporter) describe(ctx context.Context, s connectors.Session) (*outgoing, error) {
	at := now()
	d := &outgoing{ex: ex, session: s, is: ledger.Exporting{Since: at, Until: at}}
	sql, err := ex.narrowed(ctx, d)
	if err != nil {
		return nil, err
	}
	asked, err := query.Prepare(ctx, s, sql)
	if err != nil {
		return nil, err
	}
	if err := ex.named(ctx, s, asked); err != nil {
		return nil, err
	}
	asked.SQL = "SELECT * FROM (" + asked.SQL + "\n) LIMIT 0"
	err = s.Query(ctx, asked, func(b *native.Block) error {
		d.columns = b.Columns
		return nil
	})
	if err == nil && d.columns == nil {
		err = errors.New("the server gave no answer: not even columns")
	}
	return d, err
}

// culprit finds the key of a job with a table that the server doesn't understand: each is added to those that it does.
func (ex *Exporter) culprit(ctx context.Context, s connectors.Session) string {
	if ex.Job.Query != "" {
		return "query"
	}
	j := *ex.Job
	j.Columns, j.Filter, j.OrderBy, j.Watermark = nil, "", nil, config.Watermark{}
	bare := &Exporter{Job: &j}
	for _, part := range []struct {
		key string
		add func()
	}{
		{"table", func() {}},
		{"columns", func() { j.Columns = ex.Job.Columns }},
		{"filter", func() { j.Filter = ex.Job.Filter }},
		{"order_by", func() { j.OrderBy = ex.Job.OrderBy }},
	} {
		part.add()
		if _, err := bare.describe(ctx, s); err != nil {
			return part.key
		}
	}
	return "watermark"
}

// fits tells whether the columns can be written as the job wants it.
func (ex *Exporter) fits(d *outgoing) error {
	f := &ex.Job.Format
	key := "format"
	_, err := ex.hold(d)
	if err != nil {
		key = "watermark"
	}
	if err == nil {
		_, err = newKeys(ex, d.columns)
	}
	switch {
	case err != nil:
	case f.Type == "parquet":
		var file *format.Parquet
		if file, err = format.NewParquet(io.Discard, f, d.columns, new(format.Left)); err == nil {
			file.Discard()
		}
	case f.Type == "xlsx":
		var book *format.Workbook
		if book, err = format.NewWorkbook(io.Discard, f, d.columns, ""); err == nil {
			book.Discard()
		}
	default:
		err = ex.prints(d)
	}
	if err == nil && f.Binary() {
		_, err = convert.NewPrinter(d.columns, convert.PrintText, ex.Job.Timezone.Location())
	}
	if err == nil {
		return nil
	}
	return &Misasked{key, fmt.Errorf("the answer can't be written: %w", err)}
}

// prints tells whether columns can be written as text.
func (ex *Exporter) prints(d *outgoing) error {
	how, err := ex.writings(d.columns)
	if err == nil {
		_, err = newExportPrinting(&ex.Job.Format, d.columns, ex.Job.Timezone.Location(), how)
	}
	if err == nil {
		err = roomy(&ex.Job.Format, d.columns, how)
	}
	if err == nil {
		_, err = newEnvelope(ex, d, d.columns)
	}
	return err
}
