package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

const (
	lookEvery = 100 * time.Millisecond // one listing of a folder that is nearly always empty
	atOnce    = 8                      // requests answered at a time; more wait
	abandoned = time.Minute            // after which a folder that was never handed in is a leftover
)

// Server answers requests. Only the state's owner may have one.
type Server struct {
	Dir    string // the state's folder
	Handle Handler
	Log    zerolog.Logger
	// Stop, when it is closed, ends Serve as soon as the requests begun are answered. It may be nil.
	Stop <-chan struct{}

	control *folder
	root    *os.Root
	serving *os.File // locked
	turn    uint64   // of sayBusy; only touched by Serve
	slots   chan struct{}
	known   map[string]*answer // by folder; only touched by Serve
	busy    sync.WaitGroup
}

// Serve takes requests until ctx ends, which also cancels those being answered, and returns when all are over.
func (s *Server) Serve(ctx context.Context) error {
	var err error
	if s.serving, err = s.open(ctx); err != nil {
		return fmt.Errorf("take requests: %w", err)
	}
	s.slots, s.known = make(chan struct{}, atOnce), map[string]*answer{}
	defer func() { s.busy.Wait(); s.serving.Close(); s.root.Close(); s.control.close() }()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := s.look(ctx); err != nil {
			s.Log.Warn().Err(err).Msg("requests can't be looked at")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.Stop:
			return nil
		case <-tick.C:
		}
	}
}

// open makes the folder, checks that it is private, and tells by a lock that somebody looks at it.
func (s *Server) open(ctx context.Context) (serving *os.File, err error) {
	dir := filepath.Join(s.Dir, controlFolder)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if s.control, err = openFolder(unix.AT_FDCWD, dir); err != nil {
		return nil, err
	}
	if err = s.control.check(); err == nil {
		s.root, err = os.OpenRoot(dir)
	}
	if err == nil {
		serving, err = s.control.open(servingFile, unix.O_CREAT|unix.O_RDWR)
	}
	if err == nil {
		err = lockSoon(ctx, serving)
	}
	if err != nil {
		s.control.close()
	}
	return serving, err
}

// lockSoon takes a lock that others only hold for the moment in which they look whether somebody has it.
func lockSoon(ctx context.Context, file *os.File) error {
	for tries := 0; ; tries++ {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil || !errors.Is(err, unix.EWOULDBLOCK) || tries == 100 {
			return err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// look takes what is new, in the order of the names, which begin with the time, and clears away what nobody waits for.
func (s *Server) look(ctx context.Context) error {
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, e := range entries {
		name := e.Name()
		there[name] = true
		switch a := s.known[name]; {
		case name == servingFile:
		case strings.HasPrefix(name, "."):
			s.sweep(name, e)
		case a != nil:
			a.clear(s)
		case ctx.Err() == nil:
			s.take(ctx, name)
		}
	}
	for name, a := range s.known {
		if !there[name] && a.over() {
			delete(s.known, name)
		}
	}
	return nil
}

// sweep removes what a process left that died while it wrote its request.
func (s *Server) sweep(name string, e fs.DirEntry) {
	info, err := e.Info()
	if err == nil && time.Since(info.ModTime()) > abandoned {
		s.remove(name)
	}
}

// remove removes a request's folder; links in it are removed, not followed.
func (s *Server) remove(name string) {
	if err := s.root.RemoveAll(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Log.Warn().Err(err).Str("request", name).Msg("what is left of a request can't be removed")
		s.known[name] = refused // said once
	}
}

// take begins to answer a request when there is a free slot.
func (s *Server) take(ctx context.Context, name string) {
	select {
	case s.slots <- struct{}{}:
	default:
		s.sayBusy()
		return
	}
	a, err := s.begin(name)
	switch {
	case err != nil:
		s.Log.Warn().Err(err).Str("request", name).Msg("a request is refused")
		s.known[name] = refused
		s.remove(name)
	case a != nil:
		s.known[name] = a
		s.Log.Info().Str("request", name).Uint32("uid", a.request.UID).Strs("args", shownArgs(a.request.Args)).Str("dir", a.request.Dir).Msg("request")
		s.busy.Go(func() {
			defer func() { <-s.slots }()
			a.run(ctx, s)
		})
		return
	}
	<-s.slots
}

// begin opens a request; nil when nobody waits for it, or when another owner began it.
func (s *Server) begin(name string) (_ *answer, err error) {
	f, err := openFolder(s.control.fd, name)
	if err != nil {
		return nil, err
	}
	a := &answer{name: name, folder: f, done: make(chan struct{})}
	defer func() {
		if a.owner == nil {
			f.close()
		}
	}()
	if err := f.check(); err != nil {
		return nil, err
	}
	if !f.held(clientFile) {
		s.remove(name)
		return nil, nil
	}
	if a.request, err = f.readRequest(); errors.Is(err, fs.ErrNotExist) || f.exists(ownerFile) {
		return nil, nil // being withdrawn, or an earlier owner died over it
	}
	if err == nil {
		err = a.outputs()
	}
	if err == nil {
		a.owner, err = f.locked(ownerFile)
	}
	if err == nil && f.exists(requestFile) {
		return a, nil
	}
	a.close()
	a.owner = nil
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil, nil // withdrawn in this moment
	}
	return nil, err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
