package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// farFolder is a store on a local disk that passes for one on a server: its files are fetched, and have nothing that tells them from others of the same
// name, size and time.
type farFolder struct {
	connectors.Folder
	opening  func(name string) error // called before each look and each reading; nil: nothing
	fetching func(name string) error // called before each fetch; nil: nothing
	fetched  func(name string)       // called behind each
}

func (f *farFolder) List(ctx context.Context, dir string) ([]connectors.File, error) {
	files, err := f.Folder.List(ctx, dir)
	for i := range files {
		files[i] = fromFar(files[i])
	}
	return files, err
}

func (f *farFolder) Open(ctx context.Context, name string) (connectors.OpenFile, error) {
	if f.opening != nil {
		if err := f.opening(name); err != nil {
			return nil, err
		}
	}
	o, err := f.Folder.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return farFile{o}, nil
}

type farFile struct{ connectors.OpenFile }

func (f farFile) Stat() (connectors.File, error) {
	file, err := f.OpenFile.Stat()
	return fromFar(file), err
}

// fromFar is what a server tells of a file: whole seconds, no inode.
func fromFar(f connectors.File) connectors.File {
	f.Inode, f.Links, f.ModTime = 0, 0, f.ModTime.Truncate(time.Second)
	return f
}

func (f *farFolder) Fetch(ctx context.Context, name string, seen connectors.File, to io.WriterAt, offset int64) (int64, error) {
	if f.fetching != nil {
		if err := f.fetching(name); err != nil {
			return offset, err
		}
	}
	o, err := f.Open(ctx, name)
	if err != nil {
		return offset, err
	}
	defer o.Close()
	content, err := io.ReadAll(io.NewSectionReader(o, offset, seen.Size-offset))
	if err != nil {
		return offset, err
	}
	n, err := to.WriteAt(content, offset)
	if err != nil {
		return offset, err
	}
	now, err := o.Stat()
	if err == nil && !now.Same(seen) {
		err = connectors.ErrChanged
	}
	if f.fetched != nil {
		f.fetched(name)
	}
	return offset + int64(n), err
}

// wantSpoolEmpty checks that no copy is left.
func (w *world) wantSpoolEmpty() {
	w.t.Helper()
	entries, err := os.ReadDir(w.im.Spool.Dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != bootFile {
		w.t.Errorf("in the spool: %v, %v", entries, err)
	}
}

func farWorld(t *testing.T) *world {
	w := newWorld(t, "chdb")
	w.Far = true
	return w
}

func (w *world) server() *farFolder { return w.im.Store.(*farFolder) }

// TestFetchFaults: whatever step around the copying fails, each file ends once where it belongs, and no copy is left.
func TestFetchFaults(t *testing.T) {
	for i, point := range []string{"none", "claimed", "fetch", "staging", "sidecars", "publishing", "move", "settled"} {
		for _, before := range []bool{true, false} {
			if !*everyCall && before == (i%2 == 0) {
				continue // fetch fails in both ways: see TestFaultTableSFTP
			}
			t.Run(point+map[bool]string{true: "/not_done", false: "/done"}[before], func(t *testing.T) {
				w := farWorld(t)
				w.job(orders)
				dropFour(w)
				w.open()
				reached := w.failOnce(point, before)
				wantLater(t, w.importAll())
				if !*reached && point != "none" {
					t.Fatalf("the effect %q wasn't reached", point)
				}
				w.resumeAll()
				w.importAll()
				w.resumeAll()
				if err := w.im.Sweep(w.ctx); err != nil {
					t.Fatal(err)
				}
				wantFour(w)
				w.wantSpoolEmpty()
			})
		}
	}
}

// TestFetchKilled kills the process around the copying.
func TestFetchKilled(t *testing.T) {
	for _, point := range []string{"claimed", "-fetch", "fetch", "commit", "publishing"} {
		t.Run(strings.ReplaceAll(point, "-", "before_"), func(t *testing.T) {
			w := farWorld(t)
			restartAfter(w, point)
			w.wantSpoolEmpty()
		})
	}
}

// TestFetchChanged: a file that is written on while it is copied, or read, is nobody's until it is at rest again.
func TestFetchChanged(t *testing.T) {
	for _, when := range []string{"while it is fetched", "behind it"} {
		t.Run(when, func(t *testing.T) {
			w := farWorld(t)
			w.job(orders)
			w.open()
			w.drop("a.csv", lines(20))
			grow := func(name string) {
				f, err := os.OpenFile(filepath.Join(w.Dir, "store", name), os.O_APPEND|os.O_WRONLY, 0)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = f.WriteString("100,1.0,late\n")
				if err := errors.Join(err, f.Close()); err != nil {
					t.Error(err)
				}
			}
			if when == "behind it" {
				w.server().fetched = grow
			} else {
				w.server().fetching = func(name string) error { grow(name); return nil }
			}
			wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later})
			w.wantFiles("in/a.csv")
			w.wantSpoolEmpty()
			w.server().fetched, w.server().fetching = nil, nil
			wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
			w.wantRows("SELECT count(), uniqExact(_chute_run) FROM %t", "21 1")
			w.wantSettled()
		})
	}
}

// TestFetchLine: a store that can't be reached is nobody's fault, however often it happens, and one file's trouble isn't the others'.
func TestFetchLine(t *testing.T) {
	w := farWorld(t)
	w.job(orders + "[retry]\nattempts = 2\n")
	w.open()
	w.drop("a.csv", lines(20))
	w.drop("b.csv", lines(30))
	w.server().fetching = func(name string) error {
		if strings.HasSuffix(name, "a.csv") {
			return connectors.ErrUnavailable
		}
		return nil
	}
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later, "b.csv": connectors.Done})
	for range 5 {
		for _, v := range w.resumeAll() {
			if v.Outcome != connectors.Later || v.Stuck {
				t.Errorf("%+v", v)
			}
		}
	}
	w.server().fetching = nil
	wantOutcomes(t, w.resumeAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	w.wantSettled()
	w.wantSpoolEmpty()
}

// TestFetchRoom: what can't be copied isn't claimed.
func TestFetchRoom(t *testing.T) {
	w := farWorld(t)
	w.job(orders)
	w.open()
	w.drop("a.csv", lines(20))
	room := int64(len(lines(20)) - 1)
	w.im.Spool.Room = func(context.Context) (int64, error) { return room, nil }
	verdicts := w.importAll()
	wantOutcomes(t, verdicts, map[string]connectors.Outcome{"a.csv": connectors.Later})
	if v := verdicts[0]; v.Run != 0 || !strings.Contains(v.Err.Error(), "limits.min_free") {
		t.Errorf("%+v", v)
	}
	w.wantFiles("in/a.csv")
	room++
	apart := errors.New("no slot to come back to")
	w.im.Apart = func(_ context.Context, do func() error) error { return errors.Join(do(), apart) }
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later})
	if has, err := w.im.Spool.has(ledger.Run{ID: 1, File: connectors.File{Name: "a.csv", Size: room}}); !has || err != nil {
		t.Errorf("the copy is there: %v, %v", has, err)
	}
	apart = nil
	wantOutcomes(t, w.resumeAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
}

// TestStoresAffairs: what a file needs of a far store is done apart, from its claim to its copy together, and one thing after the other; what the database
// does isn't.
func TestStoresAffairs(t *testing.T) {
	w := farWorld(t)
	w.job(orders)
	w.open()
	w.drop("a.csv", lines(20))
	var apart bool
	var times int
	w.im.Apart = func(_ context.Context, do func() error) error {
		if apart {
			t.Error("it is apart already")
		}
		apart = true
		times++
		defer func() { apart = false }()
		return do()
	}
	w.im.Fault = func(effect string, _ bool) error {
		if at := atStore[effect]; at && !apart || apart && slices.Contains([]string{"create table", "stage", "insert", "commit", "publishing", "attach"}, effect) {
			t.Errorf("%q is apart: %t", effect, apart)
		}
		return nil
	}
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	if times != 3 { // to the copy, for the sidecars, to settle
		t.Errorf("apart %d times", times)
	}
}

// cutLine is a server whose file comes in packets in any order, over a line that is cut, or whose process dies, after some of them.
type cutLine struct {
	content []byte
	order   *rand.Rand
	cut     int  // packets until then
	die     bool // by a panic, which leaves everything as it is
	asked   int64
}

func (c *cutLine) Fetch(_ context.Context, _ string, _ connectors.File, to io.WriterAt, offset int64) (int64, error) {
	const packet, window = 32 << 10, 30
	c.asked += int64(len(c.content)) - offset
	var waiting []int64
	next, had := offset, map[int64]bool{}
	for {
		for ; len(waiting) < window && next < int64(len(c.content)); next += packet {
			waiting = append(waiting, next)
		}
		if len(waiting) == 0 {
			return int64(len(c.content)), nil
		}
		if c.cut--; c.cut == 0 {
			if c.die {
				panic("killed")
			}
			whole := offset
			for had[whole] {
				whole += packet
			}
			return min(whole, int64(len(c.content))), connectors.ErrUnavailable
		}
		i := c.order.IntN(len(waiting))
		at := waiting[i]
		waiting = slices.Delete(waiting, i, i+1)
		end := min(at+packet, int64(len(c.content)))
		if _, err := to.WriteAt(c.content[at:end], at); err != nil {
			return offset, err
		}
		had[at] = true
	}
}

// TestSpoolResumes: a copy that is cut off again and again, by its line or by the death of the process, has each byte in its place in the end, and
// most of it was asked for once.
func TestSpoolResumes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := &Spool{Dir: filepath.Join(t.TempDir(), "spool")}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	content := make([]byte, 40<<20+17)
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	run := ledger.Run{ID: 7, File: connectors.File{Name: "a.csv", Size: int64(len(content))}}
	line := &cutLine{content: content, order: random}
	cuts := 0
	for try := 0; ; try++ {
		line.cut, line.die = 150+random.IntN(300), try%2 == 1
		err := func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = errors.New("killed")
				}
			}()
			return s.fetch(t.Context(), line, "x", run)
		}()
		if err == nil {
			break
		}
		cuts++
		if has, err := s.has(run); has || err != nil || try > 100 {
			t.Fatalf("after %d tries: %v, %v", try, has, err)
		}
	}
	f, err := s.open(run)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("the copy has %d bytes and isn't the file's, %v", len(got), err)
	}
	if cuts < 5 || line.asked > int64(cuts+2)*int64(len(content))*2/3 {
		t.Errorf("%d cuts, and %d bytes were asked for in all", cuts, line.asked)
	}
	if err := s.remove(run.ID); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(s.Dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestSpoolAfterBoot: what was copied before the machine was started anew isn't believed.
func TestSpoolAfterBoot(t *testing.T) {
	s := &Spool{Dir: filepath.Join(t.TempDir(), "spool")}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	run := ledger.Run{ID: 7, File: connectors.File{Name: "a.csv", Size: 3, ModTime: time.Now()}}
	if err := s.fetch(t.Context(), &cutLine{content: []byte("abc"), order: rand.New(rand.NewPCG(1, 2))}, "x", run); err != nil {
		t.Fatal(err)
	}
	for _, had := range []bool{true, false} {
		if err := s.Open(); err != nil {
			t.Fatal(err)
		}
		if has, err := s.has(run); has != had || err != nil {
			t.Errorf("it has the copy: %v, %v; want %v", has, err, had)
		}
		if err := os.WriteFile(filepath.Join(s.Dir, bootFile), []byte("another start"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

var _ connectors.Fetcher = (*farFolder)(nil)
