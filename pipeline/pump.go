package pipeline

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/format"
)

// pump turns a file's records into blocks on several cores, and hands the results on in the file's order. One goroutine cuts the file into portions
// of whole records, some convert them, and the caller's takes them; a fixed number of portions goes round, which bounds the memory.
type pump struct {
	plan   *convert.Plan
	fields []int // for each column that isn't constant the index of its field
	run    uint64
	cores  int

	columnar bool // the plan converts whole stretches of records
	width    int  // fields of their records
}

// portion is some records of a file, before and after conversion. Its memory is used again and again.
type portion struct {
	chunk   format.Chunk
	rows    *convert.Rows
	block   native.Block
	records uint64 // in it
	good    uint64 // records converted
	first   uint64 // number of the first good record
	refused []refusal
	reasons []connectors.Reason
	fatal   *connectors.Reason // set: the file is to be refused; records behind it aren't looked at
	ready   chan struct{}      // closed when converted

	stretch format.Stretch
	table   convert.Table
	bad     []int

	record format.Record
	row    [][]byte
	quoted []bool
}

// refusal is a refused record. raw belongs to the portion's chunk.
type refusal struct {
	raw       []byte
	continued bool // a further piece of the record before
	from, to  int  // its reasons, in the portion
}

// pour runs the whole file through the pump. take is called for each portion, in order, and by this goroutine. An error of the reader comes
// after the last portion before it.
func (p *pump) pour(ctx context.Context, r *format.Reader, take func(*portion) error) error {
	p.width = r.Width()
	p.columnar = p.plan.Columnar() && p.width > 0 && !slices.ContainsFunc(p.fields, func(i int) bool { return i >= p.width })
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	circling := p.cores + 2
	free := make(chan *portion, circling)
	for range circling {
		x := &portion{rows: p.plan.NewRows()}
		x.rows.Run = p.run
		free <- x
	}
	todo, order := make(chan *portion, circling), make(chan *portion, circling)
	var reading error
	var busy sync.WaitGroup
	busy.Go(func() {
		defer close(order)
		defer close(todo)
		reading = p.read(ctx, r, free, todo, order)
	})
	for range p.cores {
		busy.Go(func() {
			for x := range todo {
				p.convert(x)
				close(x.ready)
			}
		})
	}
	taking := takeAll(order, free, take)
	cancel(taking)
	busy.Wait()
	if taking != nil {
		return taking
	}
	return reading
}

func (p *pump) read(ctx context.Context, r *format.Reader, free <-chan *portion, todo, order chan<- *portion) error {
	for {
		var x *portion
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case x = <-free:
		}
		if err := r.Next(&x.chunk); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		x.ready = make(chan struct{})
		todo <- x // neither send blocks: there are no more portions than places
		order <- x
	}
}

func takeAll(order <-chan *portion, free chan<- *portion, take func(*portion) error) error {
	for x := range order {
		<-x.ready
		if err := take(x); err != nil {
			return err
		}
		free <- x
	}
	return nil
}

// convert scans the portion's records and converts them, keeping the refused ones with their reasons.
func (p *pump) convert(x *portion) {
	x.rows.Reset()
	x.records, x.good, x.first = 0, 0, 0
	x.refused, x.reasons, x.fatal = x.refused[:0], x.reasons[:0], nil
	for x.fatal == nil {
		if p.columnar && x.chunk.Stretch(p.width, &x.stretch) {
			p.convertStretch(x)
		} else if x.chunk.Scan(&x.record) {
			p.convertRecord(x)
		} else {
			break
		}
	}
	x.rows.Block(&x.block)
}

// convertStretch converts records column by column, and looks again at those that are refused.
func (p *pump) convertStretch(x *portion) {
	s := &x.stretch
	x.table = convert.Table{Text: x.chunk.Bytes(), Starts: s.Starts, Ends: s.Ends, Width: p.width, Quote: s.Quote, First: s.Number}
	x.bad = x.rows.AppendTable(&x.table, p.fields, x.bad[:0])
	good := len(s.Starts) - len(x.bad)
	x.records += uint64(good)
	x.good += uint64(good)
	if good > 0 && (x.first == 0 || x.first > s.Number) {
		i := 0
		for i < len(x.bad) && x.bad[i] == i {
			i++
		}
		x.first = s.Number + uint64(i)
	}
	for _, i := range x.bad {
		x.chunk.ScanAgain(s, i, &x.record)
		p.convertRecord(x)
	}
}

// convertRecord converts the record that was scanned last.
func (p *pump) convertRecord(x *portion) {
	if !x.record.Continued {
		x.records++
	}
	if x.record.Reason != nil {
		p.plan.Mask(x.record.Reason)
		x.refuse(append(x.reasons, *x.record.Reason))
		return
	}
	p.pick(x)
	x.rows.Line = x.record.Line
	reasons, ok := x.rows.Append(x.record.Number, x.row, x.quoted, x.reasons)
	if !ok {
		x.refuse(reasons)
		if x.fatal = x.rows.Fatal(); x.fatal != nil {
			x.fatal.Line = x.record.Line
		}
		return
	}
	if x.good == 0 {
		x.first = x.record.Number
	}
	x.good++
}

// pick puts the record's fields in the order of the columns.
func (p *pump) pick(x *portion) {
	x.row, x.quoted = x.row[:0], x.quoted[:0]
	for _, i := range p.fields {
		if i >= len(x.record.Fields) {
			x.row, x.quoted = append(x.row, nil), append(x.quoted, false)
			continue
		}
		x.row, x.quoted = append(x.row, x.record.Fields[i]), append(x.quoted, x.record.Quoted[i])
	}
}

// refuse keeps the record with the reasons that were appended for it.
func (x *portion) refuse(reasons []connectors.Reason) {
	from := len(x.reasons)
	for i := from; i < len(reasons); i++ {
		r := &reasons[i]
		r.Record, r.Line = x.record.Number, x.record.Line
		if r.Offset == 0 {
			r.Offset = x.record.Offset
		}
	}
	x.reasons = reasons
	x.refused = append(x.refused, refusal{raw: x.record.Raw, continued: x.record.Continued, from: from, to: len(reasons)})
}
