package format

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/parquet-go/parquet-go"
)

const (
	// rowGroup is how many bytes of values go into a row group: it is kept, compressed, until it is whole.
	rowGroup = 16 << 20
	// parquetSheetSize is how many of them are handed on together.
	parquetSheetSize = 2 << 20
)

// parquetSheet is the values of some rows, with memory of its own.
type parquetSheet struct {
	rows  int
	size  int
	data  [][]byte // of each column
	nulls [][]byte // empty for columns without NULLs
}

// begin has the sheet filled with so many rows.
func (s *parquetSheet) begin(rows, columns int) {
	s.rows, s.size = rows, 0
	if s.data == nil {
		s.data, s.nulls = make([][]byte, columns), make([][]byte, columns)
	}
}

// parquetGroup encodes row groups, one after the other, by a goroutine of its own. A library that several goroutines may use for one row group each promises nothing for the columns of a single one.
type parquetGroup struct {
	out     *parquet.ConcurrentRowGroupWriter
	columns []*parquetColumn
	todo    chan *parquetSheet // nil: the row group is whole
	whole   chan struct{}
}

// parquetGroups deals rows out to row groups that are encoded at the same time, and writes these in their order by a goroutine of its own. A fixed number of sheets goes round: one row group's
// worth for each but the last, so that the next one has something to do while the one before isn't through with its own.
type parquetGroups struct {
	most int                  // bytes of values in a row group
	make func() *parquetGroup // called for each of those that are there at a time
	open *parquetGroup        // that rows go to; nil: the next row begins one
	size int                  // of the values in it

	free   chan *parquetSheet
	idle   chan *parquetGroup
	order  chan *parquetGroup // those that are whole, or will be
	busy   sync.WaitGroup
	all    []*parquetGroup
	failed atomic.Pointer[error]
}

// mostGroups bounds memory: each has a row group as values and as what they have become.
const mostGroups = 3

// start makes what is needed before the first row.
func (p *parquetGroups) start() {
	groups := min(runtime.GOMAXPROCS(0), mostGroups)
	sheets := (groups-1)*(p.most/parquetSheetSize) + 2
	p.free, p.idle, p.order = make(chan *parquetSheet, sheets), make(chan *parquetGroup, groups), make(chan *parquetGroup, groups)
	for range sheets {
		p.free <- &parquetSheet{}
	}
	p.busy.Go(p.write)
}

// sheet waits for memory.
func (p *parquetGroups) sheet() (*parquetSheet, error) {
	if p.free == nil {
		p.start()
	}
	s := <-p.free
	if err := p.failed.Load(); err != nil {
		p.free <- s
		return nil, *err
	}
	return s, nil
}

// put hands rows on.
func (p *parquetGroups) put(s *parquetSheet) {
	if p.open == nil {
		p.open, p.size = p.next(), 0
	}
	p.size += s.size
	p.open.todo <- s
	if p.size >= p.most {
		p.end()
	}
}

// next is a row group that has nothing to do, or one more.
func (p *parquetGroups) next() *parquetGroup {
	select {
	case g := <-p.idle:
		return g
	default:
	}
	if len(p.all) == cap(p.idle) {
		return <-p.idle
	}
	g := p.make()
	g.todo = make(chan *parquetSheet, cap(p.free)+1) // putting never waits
	p.all = append(p.all, g)
	p.busy.Go(func() { p.encode(g) })
	return g
}

// end says that nothing more goes into the open row group.
func (p *parquetGroups) end() {
	if p.open != nil {
		p.open.todo <- nil
		p.order <- p.open
		p.open = nil
	}
}

func (p *parquetGroups) fail(err error) {
	if err != nil {
		p.failed.CompareAndSwap(nil, &err)
	}
}

// encode is the goroutine of a row group.
func (p *parquetGroups) encode(g *parquetGroup) {
	for s := range g.todo {
		well := p.failed.Load() == nil
		switch {
		case s == nil:
			if well {
				p.fail(g.out.Flush())
			}
			g.whole <- struct{}{}
			continue
		case well:
			p.fail(g.write(s))
		}
		if s.size > 2*parquetSheetSize { // rows were much larger than others of their block
			*s = parquetSheet{}
		}
		p.free <- s
	}
}

func (g *parquetGroup) write(s *parquetSheet) error {
	for i, c := range g.columns {
		if err := c.write(s.data[i], s.nulls[i], s.rows); err != nil {
			var why *Unfit
			if errors.As(err, &why) {
				return why
			}
			return fmt.Errorf("write column %q as Parquet: %w", c.name, err)
		}
	}
	return nil
}

// write is the goroutine that writes row groups.
func (p *parquetGroups) write() {
	for g := range p.order {
		<-g.whole
		if p.failed.Load() == nil {
			_, err := g.out.Commit()
			p.fail(err)
		}
		p.idle <- g
	}
}

// close writes what is left, and ends the goroutines.
func (p *parquetGroups) close() error {
	p.end()
	p.stop()
	if err := p.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// errGivenUp has what isn't written yet thrown away.
var errGivenUp = errors.New("the file was given up")

func (p *parquetGroups) discard() {
	p.fail(errGivenUp)
	p.stop()
}

func (p *parquetGroups) stop() {
	if p.free == nil {
		return
	}
	for _, g := range p.all {
		close(g.todo)
	}
	close(p.order)
	p.busy.Wait()
	p.free, p.all, p.open = nil, nil, nil
}
