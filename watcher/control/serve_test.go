package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// TestMain is also the other process of tests that need one: CONTROL_TEST names the state folder it has a request for.
func TestMain(m *testing.M) {
	if dir := os.Getenv("CONTROL_TEST"); dir != "" {
		code, err := Call(context.Background(), dir, Request{Args: os.Args[1:], Dir: "/"}, os.Stdout, os.Stderr)
		if err != nil {
			fmt.Fprintln(os.Stderr, "call:", err)
			code = 99
		}
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

// owner is a server that runs until the test ends.
type owner struct {
	dir string
	log *bytes.Buffer
	end func()
}

func serve(t *testing.T, dir string, handle Handler) *owner {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	o := &owner{dir: dir, log: &bytes.Buffer{}}
	s := &Server{Dir: dir, Handle: handle, Log: zerolog.New(zerolog.SyncWriter(o.log))}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	o.end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(o.end)
	return o
}

func (o *owner) waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s; log:\n%s", what, o.log)
		}
		_ = pause(t.Context(), 5*time.Millisecond)
	}
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, controlFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != servingFile {
			names = append(names, e.Name())
		}
	}
	return names
}

// callSoon calls again while nobody serves yet.
func callSoon(ctx context.Context, dir string, args ...string) (code int, stdout, stderr string, err error) {
	var out, said bytes.Buffer
	for {
		code, err = Call(ctx, dir, Request{Args: args, Dir: "/somewhere", Terminal: true, Width: 99}, &out, &said)
		if !errors.Is(err, ErrNobody) || pause(ctx, 10*time.Millisecond) != nil {
			return code, out.String(), said.String(), err
		}
	}
}

func TestAnswers(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		o := serve(t, dir, func(_ context.Context, r Request, stdout, stderr io.Writer) int {
			fmt.Fprintf(stdout, "%q in %s, terminal %t %d, uid %d", r.Args, r.Dir, r.Terminal, r.Width, r.UID)
			fmt.Fprint(stderr, "said")
			return 7
		})
		began := time.Now()
		code, stdout, stderr, err := callSoon(t.Context(), dir, "query", "SELECT '\x1b'")
		want := fmt.Sprintf(`["query" "SELECT '\x1b'"] in /somewhere, terminal true 99, uid %d`, os.Getuid())
		if err != nil || code != 7 || stdout != want || stderr != "said" {
			t.Errorf("got %d, %q, %q, %v; want %q", code, stdout, stderr, err, want)
		}
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("took %v", took)
		}
		o.end()
		if left := list(t, dir); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
		var line struct {
			UID  int
			Args []string
		}
		first, _, _ := strings.Cut(o.log.String(), "\n")
		if err := json.Unmarshal([]byte(first), &line); err != nil || line.UID != os.Getuid() || len(line.Args) != 2 {
			t.Errorf("logged: %s (%v)", first, err)
		}
	})
}

func TestNobody(t *testing.T) {
	dir := t.TempDir()
	if _, err := Call(t.Context(), dir, Request{Args: []string{"x"}, Dir: "/"}, io.Discard, io.Discard); !errors.Is(err, ErrNobody) {
		t.Errorf("before there ever was an owner: %v", err)
	}
	serve(t, dir, nil).end()
	if _, err := Call(t.Context(), dir, Request{Args: []string{"x"}, Dir: "/"}, io.Discard, io.Discard); !errors.Is(err, ErrNobody) {
		t.Errorf("after the owner has gone: %v", err)
	}
	if left := list(t, dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestSilentOwner: a request to a process that hangs is said to wait, and is withdrawn after a minute.
func TestSilentOwner(t *testing.T) {
	dir := t.TempDir()
	lock, err := Own(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	s := &Server{Dir: dir}
	serving, err := s.open(t.Context()) // and never looks
	if err != nil {
		t.Fatal(err)
	}
	defer func() { serving.Close(); s.root.Close(); s.control.close() }()
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		began := time.Now()
		_, err := Call(t.Context(), dir, Request{Args: []string{"hold", "x"}, Dir: "/"}, io.Discard, &said)
		who := fmt.Sprintf("process %d doesn't answer", os.Getpid())
		if err == nil || !strings.HasPrefix(err.Error(), who+": ") || said.String() != "chute: "+who+"; waiting for it, at most 1m0s\n" {
			t.Errorf("got error %v, said %q", err, &said)
		}
		if took := time.Since(began); took < giveUpAfter || took > giveUpAfter+time.Second {
			t.Errorf("took %v", took)
		}
	})
	if left := list(t, dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestBusyOwner: one that has its hands full for longer than that isn't one that hangs.
func TestBusyOwner(t *testing.T) {
	s := &Server{Dir: t.TempDir(), slots: make(chan struct{})} // none is free, ever
	var err error
	if s.serving, err = s.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { s.serving.Close(); s.root.Close(); s.control.close() }()
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		p := &patience{control: s.control, dir: s.Dir}
		for range 3 * giveUpAfter / wordAfter {
			if err := p.ask(&said); err != nil || said.Len() > 0 {
				t.Fatalf("got error %v, said %q", err, &said)
			}
			s.take(t.Context(), "a request")
			time.Sleep(wordAfter - time.Millisecond)
		}
		time.Sleep(wordAfter)
		if err := p.ask(&said); err != nil || said.Len() > 0 {
			t.Errorf("at its last sign: got error %v, said %q", err, &said)
		}
		time.Sleep(wordAfter)
		if err := p.ask(&said); err != nil || said.Len() == 0 {
			t.Errorf("when the signs have ended: got error %v, said %q", err, &said)
		}
	})
}

// TestManyAtOnce has more requests than slots, all of which wait for each other in groups.
func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		o := serve(t, dir, func(ctx context.Context, r Request, stdout, _ io.Writer) int {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			_ = pause(ctx, 300*time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
			fmt.Fprint(stdout, r.Args[0])
			return 0
		})
		var calls sync.WaitGroup
		for i := range 3 * atOnce {
			calls.Go(func() {
				if _, stdout, _, err := callSoon(t.Context(), dir, fmt.Sprint(i)); err != nil || stdout != fmt.Sprint(i) {
					t.Errorf("request %d: %q, %v", i, stdout, err)
				}
			})
		}
		calls.Wait()
		o.end()
		if most != atOnce {
			t.Errorf("%d at once, want %d", most, atOnce)
		}
	})
}

// TestLargeAnswer: the owner never is far ahead, and what was read takes no room.
func TestLargeAnswer(t *testing.T) {
	dir := t.TempDir()
	const chunks, size = 80, 1 << 20
	var ahead int64
	serve(t, dir, func(_ context.Context, _ Request, stdout, _ io.Writer) int {
		for range chunks {
			if n, err := stdout.Write(make([]byte, size)); n != size || err != nil {
				return 1
			}
			o := stdout.(*output)
			ahead = max(ahead, o.written-o.progress())
		}
		return 0
	})
	var read int64
	for {
		code, err := Call(t.Context(), dir, Request{Args: []string{"x"}, Dir: "/"}, writer(func(p []byte) { read += int64(len(p)) }), io.Discard)
		if errors.Is(err, ErrNobody) {
			continue
		}
		if code != 0 || err != nil {
			t.Fatalf("%d, %v", code, err)
		}
		break
	}
	if read != chunks*size || ahead > maxAhead+size {
		t.Errorf("read %d bytes of %d; %d ahead", read, chunks*size, ahead)
	}
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

func TestCancel(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		began, ended := make(chan bool), make(chan error, 1)
		o := serve(t, dir, func(ctx context.Context, _ Request, stdout, _ io.Writer) int {
			close(began)
			<-ctx.Done()
			_, err := stdout.Write([]byte("too late"))
			ended <- err
			return 0
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-began; cancel() }()
		if _, _, _, err := callSoon(ctx, dir, "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("the one who asked: %v", err)
		}
		if err := <-ended; !errors.Is(err, errGone) {
			t.Errorf("the handler: %v", err)
		}
		o.end()
		if left := list(t, dir); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
	})
}

// TestStop: what was begun is answered, nothing new is taken.
func TestStop(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		stop, begun, go_on := make(chan struct{}), make(chan bool), make(chan bool)
		s := &Server{Dir: dir, Stop: stop, Log: zerolog.Nop(), Handle: func(context.Context, Request, io.Writer, io.Writer) int {
			close(begun)
			<-go_on
			return 5
		}}
		served := make(chan error, 1)
		go func() { served <- s.Serve(t.Context()) }()
		answered := make(chan int, 1)
		go func() {
			code, _, _, err := callSoon(t.Context(), dir, "x")
			if err != nil {
				t.Error(err)
			}
			answered <- code
		}()
		<-begun
		close(stop)
		synctest.Wait()
		close(go_on)
		if code := <-answered; code != 5 {
			t.Errorf("answer: %d", code)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// TestTwoProcesses: another process asks, for real; killed, its request ends and leaves nothing.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	began, ended := make(chan bool), make(chan error, 1)
	o := serve(t, dir, func(ctx context.Context, r Request, stdout, stderr io.Writer) int {
		if r.Args[0] == "wait" {
			close(began)
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return 1
		}
		fmt.Fprint(stdout, strings.Join(r.Args, "+"))
		fmt.Fprint(stderr, "said")
		return 42
	})
	o.waitFor(t, "the owner", func() bool { _, err := os.Stat(filepath.Join(dir, controlFolder, servingFile)); return err == nil })
	var stdout, stderr bytes.Buffer
	c := other(t, dir, "one", "two")
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if c.ProcessState.ExitCode() != 42 || stdout.String() != "one+two" || stderr.String() != "said" {
		t.Errorf("%v, %q, %q", err, &stdout, &stderr)
	}
	c = other(t, dir, "wait")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	<-began
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // killed
	if err := <-ended; !errors.Is(err, errGone) {
		t.Errorf("the handler's context ended by: %v", err)
	}
	o.waitFor(t, "the folder to go", func() bool { return len(list(t, dir)) == 0 })
}

func other(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program, args...)
	c.Env = append(os.Environ(), "CONTROL_TEST="+dir)
	return c
}

// TestOtherUser: the folder's mode keeps everybody else out.
func TestOtherUser(t *testing.T) {
	if os.Getuid() != 0 {
		info := fs.FileMode(0)
		dir := t.TempDir()
		serve(t, dir, nil).end()
		if st, err := os.Stat(filepath.Join(dir, controlFolder)); err != nil || st.Mode().Perm() != 0o700 {
			t.Errorf("mode %v, %v", info, err)
		}
		return // only root can become somebody else
	}
	dir, err := os.MkdirTemp("/tmp", "control-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program := filepath.Join(dir, "program")
	text, err := os.ReadFile("/proc/self/exe")
	if err = errors.Join(err, os.WriteFile(program, text, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	o := serve(t, dir, func(context.Context, Request, io.Writer, io.Writer) int { return 0 })
	o.waitFor(t, "the owner", func() bool { _, err := os.Stat(filepath.Join(dir, controlFolder, servingFile)); return err == nil })
	c := exec.CommandContext(t.Context(), program, "x")
	c.Dir, c.Env = "/", append(os.Environ(), "CONTROL_TEST="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	said, err := c.CombinedOutput()
	if c.ProcessState == nil || c.ProcessState.ExitCode() != 99 || !strings.Contains(string(said), "permission denied") {
		t.Errorf("%v: %s", err, said)
	}
}
