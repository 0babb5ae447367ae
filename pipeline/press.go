package pipeline

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"chute/connectors/native"
)

// sheetSize is the size of the largest block that is printed beside others. A larger one is printed in pieces, with nothing else at the same time.
const sheetSize = 2 << 20

// press prints blocks on several cores, and writes their text in the blocks' order by a goroutine of its own, which compresses and hashes meanwhile. A
// fixed number of sheets goes round.
type press struct {
	out       io.Writer
	split     *splitter   // makes several files of what is printed; nil: all goes to out
	printings []*Printing // one for each core
	rows      uint64      // taken so far

	free, todo, order chan *sheet
	busy              sync.WaitGroup
	failed            atomic.Pointer[error]
}

// sheet is a block on its way to be text.
type sheet struct {
	block  native.Block // with memory of its own
	before uint64       // rows before it
	text   []byte
	ends   []int // of rows, and where values change, for files that are split
	marks  marks
	err    error
	ready  chan struct{}
}

// newPress starts a press, which must be closed, and writes what comes before the first block.
func newPress(out io.Writer, printing func() (*Printing, error)) (*press, error) {
	p, err := startPress(&press{out: out}, printing)
	if err != nil {
		return nil, err
	}
	if err := p.still(func() error { return p.printings[0].Head(p.out) }); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// newSplittingPress starts a press for several files.
func newSplittingPress(s *splitter, printing func() (*Printing, error)) (*press, error) {
	return startPress(&press{split: s}, printing)
}

func startPress(p *press, printing func() (*Printing, error)) (*press, error) {
	cores := min(runtime.GOMAXPROCS(0), 8)
	p.printings = make([]*Printing, cores)
	for i := range p.printings {
		var err error
		if p.printings[i], err = printing(); err != nil {
			return nil, err
		}
	}
	n := 2*cores + 3 // one to print and one that waits for each core, one being filled, one being written and one that waits for it
	p.free, p.todo, p.order = make(chan *sheet, n), make(chan *sheet, n), make(chan *sheet, n)
	for range n {
		p.free <- &sheet{ready: make(chan struct{}, 1)}
	}
	for _, one := range p.printings {
		p.busy.Go(func() { p.print(one) })
	}
	p.busy.Go(p.write)
	return p, nil
}

// take takes a block, and leaves it other memory. An error may be one of an earlier block.
func (p *press) take(b *native.Block) error {
	s := <-p.free
	if err := p.failed.Load(); err != nil {
		p.free <- s
		return *err
	}
	if b.Size() > sheetSize {
		p.free <- s
		return p.alone(b)
	}
	s.block.Columns, s.block.Rows, s.before = append(s.block.Columns[:0], b.Columns...), b.Rows, p.rows
	for len(s.block.Data) < len(b.Data) {
		s.block.Data = append(s.block.Data, nil)
	}
	for i := range b.Data { // the sheet's memory for the next block
		s.block.Data[i], b.Data[i] = b.Data[i], s.block.Data[i]
	}
	p.rows += uint64(b.Rows)
	p.order <- s
	p.todo <- s
	return nil
}

// alone prints a large block when all before it are written.
func (p *press) alone(b *native.Block) error {
	return p.still(func() error {
		one := p.printings[0]
		if p.split != nil {
			s := &sheet{}
			if err := one.keys.read(b, &s.marks); err != nil {
				return err
			}
			return one.pieces(b, s, p.split.lay)
		}
		one.rows = p.rows
		p.rows += uint64(b.Rows)
		return one.Write(p.out, b)
	})
}

// still does something while nothing is printed or written.
func (p *press) still(do func() error) error {
	all := make([]*sheet, cap(p.free))
	for i := range all {
		all[i] = <-p.free
	}
	defer func() {
		for _, s := range all {
			p.free <- s
		}
	}()
	if err := p.failed.Load(); err != nil {
		return *err
	}
	return do()
}

func (p *press) print(one *Printing) {
	for s := range p.todo {
		if p.split == nil {
			s.text, s.err = one.print(s.text[:0], &s.block, s.before, nil)
		} else {
			s.ends = s.ends[:0]
			if s.text, s.err = one.print(s.text[:0], &s.block, 1, &s.ends); s.err == nil {
				s.err = one.keys.read(&s.block, &s.marks)
			}
		}
		s.ready <- struct{}{}
	}
}

func (p *press) write() {
	for s := range p.order {
		<-s.ready
		if p.failed.Load() == nil {
			err := s.err
			switch {
			case err != nil:
			case p.split != nil:
				err = p.split.lay(&piece{text: s.text, ends: s.ends, block: &s.block, marks: &s.marks})
			default:
				_, err = p.out.Write(s.text)
			}
			if err != nil {
				p.failed.Store(&err)
			}
		}
		p.free <- s
	}
}

// tail writes what comes after the last block.
func (p *press) tail() error {
	if p.split != nil {
		return p.still(p.split.finish)
	}
	return p.still(func() error { return p.printings[0].Tail(p.out) })
}

// close ends the goroutines. What was taken is written, or has failed.
func (p *press) close() {
	close(p.todo)
	close(p.order)
	p.busy.Wait()
}
