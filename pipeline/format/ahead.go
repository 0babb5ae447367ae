package format

import "io"

// Blocks that are read ahead: so many of such a size.
const (
	aheadBlocks = 4
	aheadSize   = 256 << 10
)

// Ahead reads from a reader in a goroutine of its own, a little ahead of who reads from it: so that two cores unpack and cut at once. Close ends
// the goroutine; then the reader below isn't used any more.
type Ahead struct {
	full chan aheadBlock // closed behind the last one
	free chan []byte
	stop chan struct{}
	done chan struct{}
	now  aheadBlock
	rest []byte // of now
}

type aheadBlock struct {
	memory []byte
	n      int
	err    error // that came with its end
}

// NewAhead begins to read from r.
func NewAhead(r io.Reader) *Ahead {
	a := &Ahead{full: make(chan aheadBlock, aheadBlocks), free: make(chan []byte, aheadBlocks), stop: make(chan struct{}), done: make(chan struct{})}
	for range aheadBlocks {
		a.free <- nil
	}
	go a.run(r)
	return a
}

func (a *Ahead) run(r io.Reader) {
	defer close(a.done)
	for {
		var b aheadBlock
		select {
		case <-a.stop:
			return
		case b.memory = <-a.free:
		}
		if b.memory == nil {
			b.memory = make([]byte, aheadSize)
		}
		b.n, b.err = io.ReadFull(r, b.memory)
		if b.err == io.ErrUnexpectedEOF {
			b.err = io.EOF
		}
		a.full <- b // there are no more blocks than places
		if b.err != nil {
			return
		}
	}
}

// Read gives what the reader below gave, and its error behind that.
func (a *Ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.memory != nil {
			a.free <- a.now.memory
		}
		a.now = <-a.full
		a.rest = a.now.memory[:a.now.n]
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// Close waits until nothing is read any more.
func (a *Ahead) Close() error {
	close(a.stop)
	<-a.done
	return nil
}
