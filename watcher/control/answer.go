package control

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// maxAhead is how far an answer may be ahead of its reader: what lies on the disk is bounded, however much is printed.
const maxAhead = 16 << 20

// errGone is why a request's context ends when nobody waits for it any more.
var errGone = errors.New("the process that asked is gone")

// answer is a request being answered.
type answer struct {
	name           string
	folder         *folder
	request        Request
	owner          *os.File // its lock says that we are here
	stdout, stderr *os.File
	read           *os.File // how far the other side is
	done           chan struct{}
}

// refused stands for a request that isn't looked at again.
var refused = func() *answer {
	a := &answer{done: make(chan struct{})}
	close(a.done)
	return a
}()

// outputs makes the files for what the handler prints. Those of an owner that died just before it began are made again.
func (a *answer) outputs() (err error) {
	for name, file := range map[string]**os.File{stdoutFile: &a.stdout, stderrFile: &a.stderr} {
		if err := unix.Unlinkat(a.folder.fd, name, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if *file, err = a.folder.create(name); err != nil {
			return err
		}
	}
	a.read, err = a.folder.open(readFile, unix.O_RDONLY)
	return err
}

func (a *answer) close() {
	for _, f := range []*os.File{a.stdout, a.stderr, a.read, a.owner} {
		if f != nil {
			f.Close() // nothing in them has to last
		}
	}
}

func (a *answer) over() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// clear removes an answer that is over once nobody is there to read it.
func (a *answer) clear(s *Server) {
	if a == refused || !a.over() {
		return
	}
	f, err := openFolder(s.control.fd, a.name)
	if err != nil {
		return // read and removed
	}
	defer f.close()
	if !f.held(clientFile) {
		s.remove(a.name)
	}
}

// run calls the handler and writes the exit code, last of all.
func (a *answer) run(ctx context.Context, s *Server) {
	defer close(a.done)
	defer a.folder.close()
	defer a.close()
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for pause(ctx, lookEvery) == nil {
			if !a.folder.held(clientFile) {
				cancel(errGone)
			}
		}
	}()
	began := time.Now()
	code := s.Handle(ctx, a.request, &output{ctx, a, a.stdout, 0, 0}, &output{ctx, a, a.stderr, 8, 0})
	gone := errors.Is(context.Cause(ctx), errGone)
	cancel(nil)
	<-watched
	if err := a.finish(code); err != nil && !gone {
		s.Log.Warn().Err(err).Str("request", a.name).Msg("a request can't be answered")
	}
	s.Log.Info().Str("request", a.name).Int("exit", code).Bool("cancelled", gone).Dur("ms", time.Since(began)).Msg("request answered")
}

func (a *answer) finish(code int) error {
	hidden := "." + exitFile
	file, err := a.folder.create(hidden)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, strconv.Itoa(code))
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return unix.Renameat(a.folder.fd, hidden, a.folder.fd, exitFile)
}

// output is stdout or stderr of an answer.
type output struct {
	ctx     context.Context
	answer  *answer
	file    *os.File
	at      int64 // where in the file read its reader's progress is
	written int64
}

// Write waits when the reader is too far behind. It fails when the reader is gone.
func (o *output) Write(p []byte) (int, error) {
	for o.written-o.progress() > maxAhead {
		if err := pause(o.ctx, lookEvery/5); err != nil {
			return 0, err
		}
	}
	if o.ctx.Err() != nil {
		return 0, context.Cause(o.ctx)
	}
	n, err := o.file.Write(p)
	o.written += int64(n)
	return n, err
}

// progress is how much has been read. What can't be understood counts as nothing.
func (o *output) progress() int64 {
	if o.written <= maxAhead {
		return 0
	}
	var b [8]byte
	if _, err := o.answer.read.ReadAt(b[:], o.at); err != nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b[:]))
}
