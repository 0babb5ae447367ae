package pipeline

import (
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/format"
)

// portion is some records of a file, before and after conversion. Its memory is used again and again.
type portion struct {
	chunk format.Chunk
	size  int64         // of the chunk
	ready chan struct{} // closed when converted

	// What came of the records, or of the first of them:
	rows     *convert.Rows
	block    native.Block
	records  uint64 // in it
	good     uint64 // records converted
	first    uint64 // number of the first good record
	refused  []refusal
	reasons  []connectors.Reason
	explains int                // bytes of reasons
	fatal    *connectors.Reason // set: the file is to be refused; records behind it aren't looked at
	more     bool               // the results were as much as there is room for: convert goes on

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

// stretch is how many records are converted before a look at the memory: as many as take a tenth of the room, but not so many that the look would be missed.
func (p *pump) stretch() int { return min(max(p.most()/10/max(p.plan.RowSize(), 1), 1), 512) }

// convert scans the portion's records and converts them, keeping the refused ones with their reasons. With more it has to be called again for the rest.
func (p *pump) convert(x *portion) {
	x.rows.Reset()
	x.records, x.good, x.first, x.explains = 0, 0, 0, 0
	x.refused, x.reasons, x.fatal = x.refused[:0], x.reasons[:0], nil
	x.more = p.convertSome(x)
	x.rows.Block(&x.block)
}

// convertSome converts records until their chunk ends, which gives false, or there is no room for more.
func (p *pump) convertSome(x *portion) (more bool) {
	most, stretch := p.most(), p.stretch()
	for left := stretch; x.fatal == nil; left-- { // records until the next look
		if left <= 0 {
			if x.rows.Bytes()+x.explains > most {
				return true
			}
			left = stretch
		}
		switch {
		case p.columnar && x.chunk.Stretch(p.width, stretch, &x.stretch):
			p.convertStretch(x)
			left -= len(x.stretch.Starts)
		case x.chunk.Scan(&x.record):
			p.convertRecord(x)
		default:
			return false
		}
	}
	return false
}

// convertStretch converts records column by column, and looks again at those that are refused.
func (p *pump) convertStretch(x *portion) {
	s := &x.stretch
	x.table = convert.Table{Text: x.chunk.Bytes(), Starts: s.Starts, Ends: s.Ends, Width: p.width, Quote: s.Quote, First: s.Number}
	x.bad = x.rows.AppendTable(&x.table, p.fields, x.bad[:0])
	good := uint64(len(s.Starts) - len(x.bad))
	if good > 0 && x.good == 0 {
		for x.first = s.Number; int(x.first-s.Number) < len(x.bad) && x.bad[x.first-s.Number] == int(x.first-s.Number); x.first++ {
		}
	}
	x.records += good
	x.good += good
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

// reasonSize is about what a reason takes besides its texts.
const reasonSize = 200

// refuse keeps the record with the reasons that were appended for it.
func (x *portion) refuse(reasons []connectors.Reason) {
	from := len(x.reasons)
	for i := from; i < len(reasons); i++ {
		r := &reasons[i]
		r.Record, r.Line = x.record.Number, x.record.Line
		if r.Offset == 0 {
			r.Offset = x.record.Offset
		}
		x.explains += reasonSize + len(r.Value) + len(r.Message)
	}
	x.reasons = reasons
	x.refused = append(x.refused, refusal{raw: x.record.Raw, continued: x.record.Continued, from: from, to: len(reasons)})
}
