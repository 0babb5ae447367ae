package watcher

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/connectors/local"
)

// slow is a store whose listings take long.
type slow struct {
	*connectortest.Memory
	each  time.Duration
	looks atomic.Int64
}

func (s *slow) Sift(ctx context.Context, dir string, wanted func(string, fs.FileMode) bool) ([]connectors.File, error) {
	s.looks.Add(1)
	<-time.After(s.each)
	return s.Memory.Sift(ctx, dir, wanted)
}

// TestLooksTakeATenth: whatever arrives, and however long a listing takes, looks are a tenth of the time, and at most twenty a second.
// Events in between are one look, which isn't put off any longer than it has to be.
func TestLooksTakeATenth(t *testing.T) {
	const looks, storm = 50, 40 // events to a look
	for _, each := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 2 * time.Second, time.Minute} {
		t.Run(each.String(), func(t *testing.T) {
			t.Parallel()
			simulate(t, func(x *world) {
				store := &slow{Memory: x.store, each: each}
				x.job("orders", "*.csv", func(j *Job) { j.Folder = store })
				x.run()
				for i := range looks * storm {
					x.store.Put(fmt.Sprintf("in/%d.part", i%storm), nil) // a write, a rename, anything: it wakes
					<-time.After((each + gap(each)) / storm)
				}
				if got := store.looks.Load(); got < looks-1 || got > looks+1 {
					t.Errorf("%d looks of %v in %v, want %d", got, each, time.Since(x.start), looks)
				}
				if got := x.w.Places()[0].Took; got != each {
					t.Errorf("the last look took %v", got)
				}
				synctest.Wait()
				before := store.looks.Load()
				x.pass(20 * (each + gap(each)))
				if got := store.looks.Load() - before; got > 1+int64(20*(each+gap(each))/(30*time.Second)) {
					t.Errorf("%d looks at a folder in which nothing happens", got)
				}
			})
		})
	}
}

// BenchmarkLook is one look at a folder with very many files that none of ten jobs takes: on a real disk, and without the disk.
func BenchmarkLook(b *testing.B) {
	root := b.TempDir()
	must(b, os.Mkdir(filepath.Join(root, "in"), 0o755))
	waiting := crowd(waitingFiles)
	for _, name := range waiting.names {
		write(b, filepath.Join(root, "in", name), "")
	}
	disk, err := local.New(root, ".chute")
	must(b, err)
	for kind, folder := range map[string]connectors.Folder{"memory": waiting, "disk": disk} {
		b.Run(kind+"/first", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				look(b, tenJobs(b, folder))
			}
		})
		b.Run(kind+"/next", func(b *testing.B) {
			in := tenJobs(b, folder)
			look(b, in)
			b.ReportAllocs()
			for b.Loop() {
				look(b, in)
			}
		})
	}
}

func tenJobs(b *testing.B, folder connectors.Folder) *inbox {
	in := newInbox(folder, "acme", "in", time.Hour, clock{time.Now()}, zerolog.Nop())
	for i := range 10 {
		job := Job{Config: jobConfig(b, fmt.Sprint("job", i), fmt.Sprintf("orders%d_*.csv", i)), Folder: folder}
		in.takers = append(in.takers, newTaker(job, in, nil, nil, nil, zerolog.Nop()))
	}
	return in
}

// look is lookOnce without the pause after it.
func look(b *testing.B, in *inbox) {
	began := in.clock.now()
	files, err := in.list(b.Context())
	must(b, err)
	in.mu.Lock()
	in.update(files, span{began, in.clock.now()})
	in.mu.Unlock()
	if len(in.others) != waitingFiles {
		b.Fatalf("%d entries", len(in.others))
	}
}
