package pipeline

import (
	"encoding/binary"
	"slices"

	"chute/connectors/native"
)

// held makes sure that the rows of a query lie in the window. A query that doesn't keep to it would deliver rows twice, or never.
type held struct {
	column int
	name   string
	number func(data []byte, i int) int64 // the stored number of a value; nil: nothing is held
	lo, hi int64                          // values lie above lo and up to hi
	rows   int                            // of the blocks before
	first  bool                           // there was no delivery before: nothing is too early
}

// hold begins to look at an answer with these columns.
func (ex *Exporter) hold(d *outgoing) (*held, error) {
	from := ex.Job.Watermark.From
	if ex.Job.Query == "" || from == "" {
		return &held{}, nil
	}
	at := slices.IndexFunc(d.columns, func(c native.Column) bool { return c.Name == from })
	if at < 0 {
		return nil, refuse("outside_window", "watermark.from: the answer has no column %q", from)
	}
	h := &held{column: at, name: from, first: d.is.Since.IsZero()}
	t := d.columns[at].Type
	since, until, unit := d.is.Since, d.is.Until, int64(1)
	switch t.Kind {
	case native.Date:
		h.number = func(data []byte, i int) int64 { return int64(binary.LittleEndian.Uint16(data[2*i:])) }
	case native.Date32:
		h.number = func(data []byte, i int) int64 { return int64(int32(binary.LittleEndian.Uint32(data[4*i:]))) }
	case native.DateTime:
		h.number = func(data []byte, i int) int64 { return int64(binary.LittleEndian.Uint32(data[4*i:])) }
	case native.DateTime64:
		h.number = func(data []byte, i int) int64 { return int64(binary.LittleEndian.Uint64(data[8*i:])) }
		for range t.Scale {
			unit *= 10
		}
	default:
		return nil, refuse("type", "watermark.from: %s isn't a type for it: Date and DateTime types are", t)
	}
	if t.Kind == native.Date || t.Kind == native.Date32 {
		h.lo, h.hi = ex.wholeDay(since).Unix()/86400, ex.wholeDay(until).Unix()/86400
	} else {
		h.lo, h.hi = since.Unix()*unit, until.Unix()*unit
	}
	return h, nil
}

// check looks at the rows of a block.
func (h *held) check(b *native.Block) error {
	if h.number == nil {
		return nil
	}
	data := b.Data[h.column]
	for i := range b.Rows {
		if v := h.number(data, i); v > h.hi || v <= h.lo && !h.first {
			return refuse("outside_window", "row %d of the answer has in %s what isn't to be delivered: the query must hold it above {since} and up to {until}", h.rows+i+1, h.name)
		}
	}
	h.rows += b.Rows
	return nil
}
