package sftp

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/connectortest/sshd"
)

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatal("it doesn't come to be")
		}
		time.Sleep(time.Millisecond)
	}
}

// TestOneLine: one login serves all calls at the same time and one after the other, and again after the line broke.
func TestOneLine(t *testing.T) {
	s := stub(t, sshd.Binary())
	f := store(t, onStub(s, t.TempDir()), nil)
	for round := range int64(3) {
		_, err := inOrder(20, 100, func(int, int) error { _, err := f.List(t.Context(), "."); return err })
		if err != nil {
			t.Fatal(err)
		}
		if s.Logins() != round+1 {
			t.Fatalf("%d logins in round %d", s.Logins(), round)
		}
		s.Cut()
		await(t, f.line.ended)
	}
}

// TestLineIsKept: an idle line is tried now and then, and one that is dead is found out without a call.
func TestLineIsKept(t *testing.T) {
	s := stub(t, sshd.Binary())
	f := store(t, onStub(s, t.TempDir()), func(c *Config) { c.KeepAlive = time.Millisecond })
	if _, err := f.List(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
	first := f.line
	heard := first.heard.Load()
	await(t, func() bool { return first.heard.Load() > heard })
	s.Cut()
	await(t, first.ended)
	if _, err := f.List(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
}

// stall blocks what is asked for by a word, from when it is on until its end.
type stall struct {
	what string
	on   atomic.Bool
	met  chan struct{} // gets one for each that is blocked
	end  chan struct{}
}

func stalls(what string) *stall {
	return &stall{what: what, met: make(chan struct{}, 1000), end: make(chan struct{})}
}

// serve starts a server that stalls, on dir. What it blocks is let go at the end, before the server waits for it.
func (s *stall) serve(t *testing.T, dir string) Config {
	server := stub(t, (&sshd.Disk{Root: dir, Before: s.before}).Serve)
	t.Cleanup(func() { close(s.end) })
	return onStub(server, "/")
}

func (s *stall) before(what, _ string) error {
	if s.on.Load() && (s.what == "" || s.what == what) {
		s.met <- struct{}{}
		<-s.end
	}
	return nil
}

// TestServerThatHangs: each kind of call ends with ErrUnavailable when its answer doesn't come, a second store goes on meanwhile, and
// afterwards a new line is made.
func TestServerThatHangs(t *testing.T) {
	for what, call := range map[string]func(ctx context.Context, f *Folder) error{
		"List":   func(ctx context.Context, f *Folder) error { _, err := f.List(ctx, "in"); return err },
		"Lstat":  func(ctx context.Context, f *Folder) error { _, err := f.List(ctx, "in"); return err },
		"Get":    func(ctx context.Context, f *Folder) error { _, err := f.Open(ctx, "in/a"); return err },
		"Stat":   func(ctx context.Context, f *Folder) error { _, err := f.Open(ctx, "in/a"); return err },
		"Mkdir":  func(ctx context.Context, f *Folder) error { _, err := f.Create(ctx, ".chute/1/a"); return err },
		"Rename": func(ctx context.Context, f *Folder) error { return f.Rename(ctx, "in/a", "in/b") },
		"Read":   func(ctx context.Context, f *Folder) error { _, err := fetch(ctx, f, "in/a", nil, 0); return err },
		"Write":  func(ctx context.Context, f *Folder) error { return upload(ctx, f, ".chute/1/a", []byte("content")) },
		"Close":  func(ctx context.Context, f *Folder) error { return upload(ctx, f, ".chute/1/a", []byte("content")) },
		"Remove": func(ctx context.Context, f *Folder) error { return f.Remove(ctx, ".chute/own/a") },
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "in/a", []byte("content"))
			put(t, dir, ".chute/own/a", nil)
			st := stalls(what)
			f := store(t, st.serve(t, dir), func(c *Config) { c.Timeout = 200 * time.Millisecond })
			// On a busy machine other answers may take that long as well: then it is done again.
			await(t, func() bool { _, err := f.able(t.Context()); return err == nil })
			st.on.Store(true)
			await(t, func() bool {
				if err := call(t.Context(), f); !errors.Is(err, connectors.ErrUnavailable) || !strings.Contains(err.Error(), "no answer for 200ms") {
					t.Fatalf("error %v", err)
				}
				return len(st.met) > 0
			})
			st.on.Store(false)
			await(t, func() bool { _, err := f.List(t.Context(), "in"); return err == nil })
		})
	}
}

// TestHangingServerDelaysNobodyElse: while a call waits for one server, another store works, and so do calls of the first after its line was given up.
func TestHangingServerDelaysNobodyElse(t *testing.T) {
	dir := t.TempDir()
	st := stalls("List")
	st.on.Store(true)
	hanging := store(t, st.serve(t, dir), func(c *Config) { c.Timeout = 10 * time.Minute })
	other := store(t, onStub(stub(t, sshd.Binary()), dir), nil)
	failed := make(chan error, 1)
	go func() { _, err := hanging.List(t.Context(), "."); failed <- err }()
	<-st.met
	for range 10 {
		if err := upload(t.Context(), other, ".chute/1/a", []byte("content")); err != nil {
			t.Fatal(err)
		}
		if err := other.Remove(t.Context(), ".chute/1/a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := hanging.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, errClosed) {
		t.Fatalf("the call that waited: %v", err)
	}
}

// TestGivenUpCall: whose context ends doesn't wait for an answer that doesn't come.
func TestGivenUpCall(t *testing.T) {
	st := stalls("List")
	st.on.Store(true)
	f := store(t, st.serve(t, t.TempDir()), func(c *Config) { c.Timeout = 10 * time.Minute })
	f.patience = 50 * time.Millisecond
	stop := errors.New("the daemon stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-st.met; cancel(stop) }()
	if _, err := f.List(ctx, "."); !errors.Is(err, stop) {
		t.Fatalf("error %v", err)
	}
}

// TestOperationAsAWhole: a server that answers each request late holds up nobody for ever. Whether the rename was done is open, and its line isn't used any more.
func TestOperationAsAWhole(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "in/a", nil)
	st := stalls("Rename")
	f := store(t, st.serve(t, dir), func(c *Config) { c.Timeout = 10 * time.Minute })
	f.patience = 50 * time.Millisecond
	if _, err := f.able(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := f.line
	st.on.Store(true)
	late := func(err error) {
		t.Helper()
		if !errors.Is(err, connectors.ErrUnavailable) || strings.Count(err.Error(), "too slow: not done within "+f.longest.String()) != 1 {
			t.Fatalf("error %v", err)
		}
	}
	f.longest = -1 // over before a request
	_, err := f.List(t.Context(), "in")
	late(err)
	late(f.Sync(t.Context(), "in"))
	late(f.Remove(t.Context(), ".chute/1/a"))
	if first.ended() {
		t.Fatal("nothing was owed on the line")
	}
	f.longest = 500 * time.Millisecond // over while an answer is owed, or before
	late(f.Rename(t.Context(), "in/a", "in/b"))
	if len(st.met) > 0 && !first.ended() {
		t.Fatal("the line is used on, and an answer is owed on it")
	}
	st.on.Store(false) // a new line is made meanwhile, which reads what was set
	await(t, func() bool { _, err := f.List(t.Context(), "in"); return err == nil })
}

// TestServerThatIsDown: the first call finds out, the others are told at once until it is time to try again.
func TestServerThatIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() { // a closed port could be somebody else's by now
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	c := Config{Host: "127.0.0.1", User: "chute", Password: text("p")}
	c.Port = l.Addr().(*net.TCPAddr).Port
	c.RetryMin, c.RetryMax = time.Hour, 24*time.Hour
	c.Fingerprints = []string{"SHA256:any"}
	f := store(t, c, nil)
	for range 1000 {
		if _, err := f.List(t.Context(), "."); !errors.Is(err, connectors.ErrUnavailable) {
			t.Fatalf("error %v", err)
		}
	}
	if f.failures != 1 {
		t.Fatalf("%d logins were tried", f.failures)
	}
	for range 3 {
		f.mu.Lock()
		f.retryAt = time.Now()
		f.mu.Unlock()
		if _, err := f.List(t.Context(), "."); !errors.Is(err, connectors.ErrUnavailable) {
			t.Fatalf("error %v", err)
		}
	}
	if wait := time.Until(f.retryAt); f.failures != 4 || wait < 7*time.Hour || wait > 9*time.Hour {
		t.Fatalf("after %d logins the next is in %v", f.failures, wait)
	}
}

// TestServerThatSaysNothing: a login has an end.
func TestServerThatSaysNothing(t *testing.T) {
	s := stub(t, sshd.Binary())
	s.Silence(true)
	f := store(t, onStub(s, t.TempDir()), func(c *Config) { c.DialTimeout = 100 * time.Millisecond })
	if _, err := f.List(t.Context(), "."); !errors.Is(err, connectors.ErrUnavailable) || !strings.Contains(err.Error(), "no login within 100ms") {
		t.Fatalf("error %v", err)
	}
	s.Silence(false)
	if _, err := store(t, onStub(s, t.TempDir()), nil).List(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
}

func TestClosedStore(t *testing.T) {
	s := stub(t, sshd.Binary())
	f := store(t, onStub(s, t.TempDir()), nil)
	if _, err := f.List(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.List(t.Context(), "."); !errors.Is(err, errClosed) {
			t.Fatalf("error %v", err)
		}
	}
	never := store(t, onStub(s, t.TempDir()), nil)
	if err := never.Close(); err != nil {
		t.Fatal(err)
	}
}
