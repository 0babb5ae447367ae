package pipeline

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"slices"
	"sync"

	"chute/pipeline/convert"
	"chute/pipeline/format"
)

// pump turns a file's records into blocks on several cores, and hands the results on in the file's order. One goroutine cuts the file into portions
// of whole records, some convert them, and the caller's takes them; a fixed number of portions goes round, each of which has its share of the memory.
type pump struct {
	plan   *convert.Plan
	fields []int // for each column that isn't constant the index of its field
	run    uint64
	cores  int
	memory int64 // about what it may take

	// Not nil: the file is small, and goes through this portion alone, without goroutines, whose handing over would cost more than they win.
	single *portion

	columnar bool // the plan converts whole stretches of records
	width    int  // fields of their records
}

// LimitMemory keeps the process to about so many bytes, and returns what each of so many files that are read at a time may take: a half is for what isn't
// collected yet and for all else. Garbage is collected the sooner the nearer three quarters come; the last one, which is programSize at least, is for the
// program itself.
func LimitMemory(bytes int64, files int) (each int64) {
	debug.SetMemoryLimit(max(bytes-max(bytes/4, programSize), bytes/2))
	return bytes / 2 / int64(max(files, 1))
}

// programSize is what the kernel counts besides what Go's runtime manages: the program's text and what threads and libraries take.
const programSize = 56 << 20

// defaultMemory is for who sets none.
const defaultMemory = 128 << 20

// room is what a file may take of memory: a quarter, but no more than helps, for blocks that wait for the engine, the rest for the pump.
func (im *Importer) room() (backlog, pump int64) {
	memory := im.Memory
	if memory <= 0 {
		memory = defaultMemory
	}
	backlog = min(ahead, memory/4)
	return backlog, memory - backlog
}

func (im *Importer) backlogRoom() int {
	backlog, _ := im.room()
	return int(backlog)
}

// circling is how many portions go round: one for each core, one being cut and one being taken.
func (p *pump) circling() int { return p.cores + 2 }

// share is the memory of one portion. Two more are the reader's.
func (p *pump) share() int64 { return p.memory / int64(p.circling()+2) }

// chunk is how many bytes of a file make a portion. Its records need several times as much, converted or with the reasons why they are refused.
func (p *pump) chunk() int { return int(min(max(p.share()/16, 16<<10), 1<<20)) }

// most is what the results of a portion may have before they are handed on, with the rest of the portion to come.
func (p *pump) most() int { return int(p.share() / 4) }

// pour runs the whole file through the pump. take is called for each portion, in order, and by this goroutine. An error of the reader comes
// after the last portion before it.
func (p *pump) pour(ctx context.Context, r *format.Reader, take func(*portion) error) error {
	p.width = r.Width()
	p.columnar = p.plan.Columnar() && p.width > 0 && !slices.ContainsFunc(p.fields, func(i int) bool { return i >= p.width })
	if p.single != nil {
		return p.pourSingle(ctx, r, take)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := newCircle(p.circling())
	var reading error
	var busy sync.WaitGroup
	busy.Go(func() {
		defer close(c.order)
		defer close(c.todo)
		reading = p.read(ctx, r, c)
	})
	for range p.cores {
		busy.Go(func() {
			for x := range c.todo {
				p.convert(x)
				close(x.ready)
			}
		})
	}
	taking := p.takeAll(c, take)
	cancel(taking)
	busy.Wait()
	if taking != nil {
		return taking
	}
	return reading
}

// pourSingle is pour for a small file.
func (p *pump) pourSingle(ctx context.Context, r *format.Reader, take func(*portion) error) error {
	x := p.single
	x.rows.Run = p.run
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := r.Next(&x.chunk); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		p.convert(x)
		if err := p.takeWhole(x, take); err != nil {
			return err
		}
	}
}

// circle is the way of portions: free, cut and waiting for a core, waiting for their turn.
type circle struct {
	free, todo, order chan *portion

	// Touched by read only:
	spare []*portion // taken out of free before they were needed
	bytes int64      // cut, and not free again
}

func newCircle(n int) *circle {
	c := &circle{free: make(chan *portion, n), todo: make(chan *portion, n), order: make(chan *portion, n)}
	for range n {
		c.free <- nil // made when needed: most files are small
	}
	return c
}

// wait returns a free portion.
func (c *circle) wait(ctx context.Context) (*portion, error) {
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case x := <-c.free:
		if x != nil {
			c.bytes -= x.size
		}
		return x, nil
	}
}

// makeRoom waits until so many bytes more are no more than there may be on their way, or nothing else is.
func (c *circle) makeRoom(ctx context.Context, size, most int64) error {
	for c.bytes > 0 && c.bytes+size > most {
		x, err := c.wait(ctx)
		if err != nil {
			return err
		}
		c.spare = append(c.spare, x)
	}
	return nil
}

// read cuts the file. Records may be much longer than a portion usually is: then fewer portions are on their way.
func (p *pump) read(ctx context.Context, r *format.Reader, c *circle) error {
	last := int64(0) // size of the last portion
	for {
		if err := c.makeRoom(ctx, last, p.share()); err != nil { // the next one may be as long
			return err
		}
		var x *portion
		if n := len(c.spare); n > 0 {
			x, c.spare = c.spare[n-1], c.spare[:n-1]
		} else {
			var err error
			if x, err = c.wait(ctx); err != nil {
				return err
			}
		}
		if x == nil || x.size > 2*int64(p.chunk()) { // such memory isn't kept
			x = &portion{rows: p.plan.NewRows()}
			x.rows.Run = p.run
		}
		if err := r.Next(&x.chunk); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		x.size = int64(len(x.chunk.Bytes()))
		if err := c.makeRoom(ctx, x.size, p.share()); err != nil {
			return err
		}
		c.bytes += x.size
		last = x.size
		x.ready = make(chan struct{})
		c.todo <- x // neither send blocks: there are no more portions than places
		c.order <- x
	}
}

func (p *pump) takeAll(c *circle, take func(*portion) error) error {
	for x := range c.order {
		<-x.ready
		if err := p.takeWhole(x, take); err != nil {
			return err
		}
		c.free <- x
	}
	return nil
}

// takeWhole hands a converted portion on, in parts where it didn't fit into its room.
func (p *pump) takeWhole(x *portion, take func(*portion) error) error {
	for {
		if err := take(x); err != nil || !x.more {
			return err
		}
		p.convert(x)
	}
}
