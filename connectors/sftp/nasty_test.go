package sftp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"chute/connectors"
	"chute/connectors/connectortest/sshd"
)

// content is of no pattern, so that parts in the wrong place are seen.
func content(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b) // it has no errors
	return b
}

func upload(ctx context.Context, f *Folder, name string, content []byte) error {
	p, err := f.Create(ctx, name)
	if err != nil {
		return err
	}
	defer p.Discard()
	if _, err := p.Write(content); err != nil {
		return err
	}
	return p.Commit(ctx)
}

// memory is a file to fetch into.
type memory []byte

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if end := int(at) + len(p); end > cap(*m) {
		panic("written past the size that was seen")
	}
	return copy((*m)[:cap(*m)][at:], p), nil
}

// fetch fetches a file as it is now; into gets the bytes.
func fetch(ctx context.Context, f *Folder, name string, into *[]byte, offset int64) (int64, error) {
	seen, err := f.lstat(ctx, name)
	if err != nil {
		return offset, err
	}
	m := make(memory, seen.Size)
	n, err := f.Fetch(ctx, name, seen, &m, offset)
	if into != nil {
		*into = m
	}
	return n, err
}

// disk starts a server with tricks on a new folder, and a store on it.
func disk(t *testing.T, d *sshd.Disk) (*Folder, string) {
	t.Helper()
	d.Root = t.TempDir()
	return store(t, onStub(stub(t, d.Serve), "/"), nil), d.Root
}

func TestShortReads(t *testing.T) {
	want := content(1<<20 + 12345)
	f, dir := disk(t, &sshd.Disk{Read: func(_ string, at int64, n int) int { return max(1, n/3-int(at%100)) }})
	put(t, dir, "in/a", want)
	var got []byte
	if n, err := fetch(t.Context(), f, "in/a", &got, 0); err != nil || n != int64(len(want)) || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes fetched, %v", n, err)
	}
	o, err := f.Open(t.Context(), "in/a")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if all, err := io.ReadAll(o); err != nil || !bytes.Equal(all, want) {
		t.Fatalf("%d bytes read, %v", len(all), err)
	}
	part := make([]byte, 300_000)
	if n, err := o.ReadAt(part, 700_001); n != len(part) || err != nil || !bytes.Equal(part, want[700_001:][:n]) {
		t.Fatalf("ReadAt: %d, %v", n, err)
	}
	if n, err := o.ReadAt(part, int64(len(want)-100_000)); n != 100_000 || err != io.EOF || !bytes.Equal(part[:n], want[len(want)-n:]) {
		t.Fatalf("ReadAt over the end: %d, %v", n, err)
	}
}

// TestAnswersWithoutBytes: a server that answers a read with nothing isn't asked again and again. At the file's end that is how some say so.
func TestAnswersWithoutBytes(t *testing.T) {
	var reads atomic.Int64
	f, dir := disk(t, &sshd.Disk{Read: func(_ string, at int64, n int) int { reads.Add(1); return min(n, max(0, int(3-at))) }})
	put(t, dir, "in/a", []byte("content"))
	_, err := fetch(t.Context(), f, "in/a", nil, 0)
	if err == nil || errors.Is(err, connectors.ErrUnavailable) || errors.Is(err, connectors.ErrChanged) || !strings.Contains(err.Error(), "without any bytes at byte 3 of 7") {
		t.Fatalf("error %v", err)
	}
	o, err := f.Open(t.Context(), "in/a")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if n, err := o.ReadAt(make([]byte, 3), 3); n != 0 || err == nil || !strings.Contains(err.Error(), "without any bytes") {
		t.Fatalf("ReadAt: %d, %v", n, err)
	}
	if all, err := io.ReadAll(o); string(all) != "con" || err == nil {
		t.Fatalf("%q read, %v", all, err)
	}
	if n := reads.Load(); n > 8 {
		t.Fatalf("it was asked %d times", n)
	}
	if _, err := f.List(t.Context(), "in"); err != nil || f.server.failures != 0 {
		t.Fatalf("the line is of no use any more: %v", err)
	}
}

// TestTooSlow: a server that sends a byte now and then isn't silent, and is given up all the same.
func TestTooSlow(t *testing.T) {
	d := &sshd.Disk{Read: func(string, int64, int) int { return 1 }}
	d.Before = func(what, _ string) error {
		if what == "Read" {
			time.Sleep(20 * time.Millisecond)
		}
		return nil
	}
	f, dir := disk(t, d)
	f.server.config.Timeout = 200 * time.Millisecond
	put(t, dir, "in/a", content(1000))
	await(t, func() bool { // on a busy machine the server may seem to say nothing for that long
		_, err := fetch(t.Context(), f, "in/a", nil, 0)
		if !errors.Is(err, connectors.ErrUnavailable) {
			t.Fatalf("error %v", err)
		}
		return strings.Contains(err.Error(), "too slow: less than 1024 bytes a second of a file for 200ms")
	})
}

// TestFastEnough: the bytes of all files on a line count, for each request from its beginning on.
func TestFastEnough(t *testing.T) {
	l := &line{timeout: 10 * time.Second}
	begin := time.Now()
	r := &request{transfer: true, begun: begin, since: begin}
	for _, step := range []struct {
		after time.Duration
		moved int64
		want  bool
	}{{9 * time.Second, 1, true}, {10 * time.Second, 10 << 10, true}, {19 * time.Second, 19 << 10, true}, {20 * time.Second, 19 << 10, true}, {20*time.Second + 1, 20<<10 - 1, false}, {30 * time.Second, 20 << 10, true}} {
		l.moved.Store(step.moved)
		if got := l.fastEnough(r, begin.Add(step.after)); got != step.want {
			t.Errorf("%d bytes after %v: %v", step.moved, step.after, got)
		}
	}
}

// TestAnswers: what the client is given of packets that come in pieces of any size.
func TestAnswers(t *testing.T) {
	packet := func(kind byte, content string) string {
		return string(append(binary.BigEndian.AppendUint32(nil, uint32(1+len(content))), kind)) + content
	}
	refusal := packet(statusAnswer, "\x00\x00\x00\x07chut")
	for name, test := range map[string]struct {
		sent, want string
		moved      int64
	}{
		"others":           {packet(2, "\x00\x00\x00\x03") + packet(102, "handle") + packet(statusAnswer, ""), "", 0},
		"bytes":            {packet(dataAnswer, "\x00\x00\x00\x07\x00\x00\x00\x05bytes") + packet(102, "handle"), "", 5},
		"no bytes":         {packet(dataAnswer, "\x00\x00\x00\x07\x00\x00\x00\x00") + packet(102, "handle"), refusal + packet(102, "handle"), 0},
		"no bytes, padded": {packet(dataAnswer, "\x00\x00\x00\x07\x00\x00\x00\x00padding") + packet(102, "handle"), refusal + packet(102, "handle"), 0},
		"listings": {strings.Repeat(packet(nameAnswer, "\x00\x00\x00\x07\x00\x00\x00\x00"), emptyListings+1),
			strings.Repeat(packet(nameAnswer, "\x00\x00\x00\x07\x00\x00\x00\x00"), emptyListings) + refusal, 0},
		"listings that end": {strings.Repeat(packet(nameAnswer, "\x00\x00\x00\x07\x00\x00\x00\x00")+packet(statusAnswer, "\x00\x00\x00\x08\x00\x00\x00\x01"), emptyListings+1), "", 0},
		"short":             {packet(dataAnswer, "\x00\x00"), "", 2},
		"no length":         {"\x00\x00\x00\x00" + packet(2, "1234"), "", 0},
		"cut off":           {packet(dataAnswer, "\x00\x00\x00\x07\x00\x00\x00\x05bytes")[:7], "", 0},
		"too long":          {"\x7f\xff\xff\xffg\x00\x00\x00\x07\x00\x00\x00\x00", "", 8},
	} {
		t.Run(name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(test.sent), iotest.OneByteReader(strings.NewReader(test.sent)), iotest.DataErrReader(strings.NewReader(test.sent))} {
				var moved atomic.Int64
				got, err := io.ReadAll(iotest.HalfReader(&answers{in: in, moved: &moved}))
				if want := cmp.Or(test.want, test.sent); err != nil && err != io.ErrUnexpectedEOF || string(got) != want || moved.Load() != test.moved {
					t.Errorf("%q with %d bytes of files, %v; want %q, %d", got, moved.Load(), err, want, test.moved)
				}
			}
		})
	}
}

// TestReadEndsWithItsContext: what was opened is read no longer than what it was opened for lasts.
func TestReadEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "in/a", []byte("content"))
	st := stalls("Read")
	f := store(t, st.serve(t, dir), func(c *Config) { c.Timeout = 10 * time.Minute })
	f.patience = 50 * time.Millisecond
	stop := errors.New("the daemon stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	o, err := f.Open(ctx, "in/a")
	if err != nil {
		t.Fatal(err)
	}
	st.on.Store(true)
	go func() { <-st.met; cancel(stop) }()
	if _, err := o.ReadAt(make([]byte, 1), 0); !errors.Is(err, stop) {
		t.Fatalf("error %v", err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFailedUploads: whatever becomes of the bytes on their way, the file gets its name only with all of them.
func TestFailedUploads(t *testing.T) {
	const size = 10*packet + 100
	no := fmt.Errorf("disk full")
	for name, test := range map[string]struct {
		disk sshd.Disk
		want string // in the error
	}{
		"last write refused": {sshd.Disk{Before: refuseWrite(11, no)}, "disk full"},
		"first refused":      {sshd.Disk{Before: refuseWrite(1, no)}, "disk full"},
		"last write lost":    {sshd.Disk{Write: func(_ string, at int64, _ int) bool { return at < 10*packet }}, fmt.Sprintf("%d bytes were sent and the server has %d", size, 10*packet)},
		"a write lost":       {sshd.Disk{Write: func(_ string, at int64, _ int) bool { return at != 3*packet }}, "another content"},
		"all writes lost":    {sshd.Disk{Write: func(string, int64, int) bool { return false }}, "bytes were sent and the server has 0"},
		"close refused": {sshd.Disk{Before: func(what, name string) error {
			if what == "Close" && strings.Contains(name, ".pending-") {
				return no
			}
			return nil
		}}, "disk full"},
	} {
		t.Run(name, func(t *testing.T) {
			d := test.disk
			f, dir := disk(t, &d)
			if test.disk.Write != nil { // its files hold nothing: abilities are known from elsewhere
				f.abilities.Store(&Abilities{Server: "SSH-2.0-Go", Rename: Refuses})
			}
			err := upload(t.Context(), f, ".chute/1/a", content(size))
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, connectors.ErrUnavailable) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			if left, err := os.ReadDir(filepath.Join(dir, ".chute/1")); err != nil || len(left) > 0 {
				t.Fatalf("it left %v, %v", left, err)
			}
		})
	}
}

// refuseWrite refuses one write of an upload.
func refuseWrite(number int64, err error) func(what, name string) error {
	var writes atomic.Int64
	return func(what, name string) error {
		if what == "Write" && strings.Contains(name, ".pending-") && writes.Add(1) == number {
			return err
		}
		return nil
	}
}

// TestCutDownload: a download goes on where the line broke, and has every byte at the end.
func TestCutDownload(t *testing.T) {
	want := content(3 << 20)
	d := &sshd.Disk{Root: t.TempDir()}
	put(t, d.Root, "in/a", want)
	s := stub(t, d.Serve)
	f := store(t, onStub(s, "/"), nil)
	seen, err := f.lstat(t.Context(), "in/a")
	if err != nil {
		t.Fatal(err)
	}
	s.CutAfter(400_000)
	s.Cut()
	got, at, cuts := make(memory, len(want)), int64(0), 0
	await(t, func() bool {
		before := at
		at, err = f.Fetch(t.Context(), "in/a", seen, &got, at)
		switch {
		case err != nil && !errors.Is(err, connectors.ErrUnavailable):
			t.Fatalf("after %d bytes: %v", at, err)
		case at < before:
			t.Fatalf("from %d back to %d", before, at)
		case err != nil:
			cuts++
		}
		return err == nil
	})
	if !bytes.Equal(got, want) || cuts < 7 {
		t.Fatalf("%d bytes, with %d cuts", at, cuts)
	}
}

// TestCutUpload: an upload whose line breaks fails, leaves no file with the name, and is done again whole.
func TestCutUpload(t *testing.T) {
	d := &sshd.Disk{Root: t.TempDir()}
	var s *sshd.Stub
	var cut atomic.Bool
	d.Before = func(what, name string) error {
		if what == "Write" && cut.CompareAndSwap(true, false) {
			s.Cut()
		}
		return nil
	}
	s = stub(t, d.Serve)
	f := store(t, onStub(s, "/"), nil)
	if _, err := f.able(t.Context()); err != nil {
		t.Fatal(err)
	}
	cut.Store(true)
	want := content(2 << 20)
	if err := upload(t.Context(), f, ".chute/1/a", want); !errors.Is(err, connectors.ErrUnavailable) {
		t.Fatalf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(d.Root, ".chute/1/a")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("half a file has the name: %v", err)
	}
	await(t, func() bool { return upload(t.Context(), f, ".chute/1/a", want) == nil })
	if got, err := os.ReadFile(filepath.Join(d.Root, ".chute/1/a")); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes arrived, %v", len(got), err)
	}
}

// TestChangesDuringDownload: a file that isn't what was seen is never taken for it.
func TestChangesDuringDownload(t *testing.T) {
	const size = 5 * packet
	for name, test := range map[string]struct {
		change func(path string) error
		want   error
	}{
		"grows":     {func(path string) error { return appendTo(path, "x") }, connectors.ErrChanged},
		"is cut":    {func(path string) error { return os.Truncate(path, size/2) }, connectors.ErrChanged},
		"is cut 1":  {func(path string) error { return os.Truncate(path, size-1) }, connectors.ErrChanged},
		"vanishes":  {os.Remove, fs.ErrNotExist},
		"touched":   {func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1e9+5, 0)) }, connectors.ErrChanged},
		"touched 1": {func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1e9+1, 0)) }, connectors.ErrChanged},
		"the same":  {func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1e9, 999e6)) }, nil}, // servers tell whole seconds
		"replaced":  {func(path string) error { return replace(path, content(size), 1e9+9) }, connectors.ErrChanged},
		"is a link": {func(path string) error { return errors.Join(os.Rename(path, path+"2"), os.Symlink("a2", path)) }, connectors.ErrIrregular},
	} {
		t.Run(name, func(t *testing.T) {
			var once atomic.Bool
			d := &sshd.Disk{Root: t.TempDir()}
			path := filepath.Join(d.Root, "in/a")
			d.Before = func(what, _ string) error {
				if what == "Read" && once.CompareAndSwap(false, true) {
					return test.change(path)
				}
				return nil
			}
			put(t, d.Root, "in/a", content(size))
			if err := os.Chtimes(path, time.Time{}, time.Unix(1e9, 0)); err != nil {
				t.Fatal(err)
			}
			f := store(t, onStub(stub(t, d.Serve), "/"), nil)
			if _, err := fetch(t.Context(), f, "in/a", nil, 0); !errors.Is(err, test.want) {
				t.Fatalf("error %v, want one that wraps %q", err, test.want)
			}
		})
	}
}

func appendTo(path, text string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// replace puts another file in the place of one, as a partner's upload does.
func replace(path string, content []byte, seconds int64) error {
	err := os.WriteFile(path+".new", content, 0o644)
	if err == nil {
		err = os.Chtimes(path+".new", time.Time{}, time.Unix(seconds, 0))
	}
	return errors.Join(err, os.Rename(path+".new", path))
}

// TestChangedBeforeDownload: what was seen is what counts, not what there is now.
func TestChangedBeforeDownload(t *testing.T) {
	f, dir := disk(t, &sshd.Disk{})
	put(t, dir, "in/a", []byte("1234"))
	seen, err := f.lstat(t.Context(), "in/a")
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "in/a", []byte("12345"))
	if n, err := f.Fetch(t.Context(), "in/a", seen, new(memory), 0); !errors.Is(err, connectors.ErrChanged) || n != 0 {
		t.Fatalf("%d, %v", n, err)
	}
	if _, err := f.Fetch(t.Context(), "in/b", seen, new(memory), 0); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

// TestFetchResumes: nothing that is there already is asked for.
func TestFetchResumes(t *testing.T) {
	want := content(10 * packet)
	var lowest atomic.Int64
	lowest.Store(1 << 40)
	f, dir := disk(t, &sshd.Disk{Read: func(_ string, at int64, n int) int {
		for low := lowest.Load(); at < low && !lowest.CompareAndSwap(low, at); low = lowest.Load() {
		}
		return n
	}})
	put(t, dir, "in/a", want)
	var got []byte
	if n, err := fetch(t.Context(), f, "in/a", &got, 100_001); err != nil || n != int64(len(want)) || !bytes.Equal(got[100_001:], want[100_001:]) {
		t.Fatalf("%d, %v", n, err)
	}
	if lowest.Load() != 100_001 {
		t.Fatalf("read from %d on", lowest.Load())
	}
	if n, err := fetch(t.Context(), f, "in/a", nil, int64(len(want))); err != nil || n != int64(len(want)) {
		t.Fatalf("with nothing left: %d, %v", n, err)
	}
	full := errors.New("the spool's disk is full")
	seen, _ := f.lstat(t.Context(), "in/a")
	if n, err := f.Fetch(t.Context(), "in/a", seen, fullDisk{full}, 0); !errors.Is(err, full) || errors.Is(err, connectors.ErrUnavailable) || n != 0 {
		t.Fatalf("onto a full disk: %d, %v", n, err)
	}
}

type fullDisk struct{ err error }

func (f fullDisk) WriteAt([]byte, int64) (int, error) { return 0, f.err }
