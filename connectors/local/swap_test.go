package local

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSwapped has a partner who swaps what is opened, and a folder on the way to it, for links that lead out, and for a
// pipe that blocks, as fast as it can. Whatever is reached is the store's own.
func TestSwapped(t *testing.T) {
	for _, stepwise := range []bool{false, true} {
		f := store(t)
		f.stepwise.Store(stepwise)
		swap(t, f)
		if f.stepwise.Load() != stepwise {
			t.Error("the kernel of this machine can't walk by itself: only one of two ways was tried")
		}
	}
}

func swap(t *testing.T, f *Folder) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "a"), []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	put(t, f, "in/sub/a", "inside")
	special(t, f, "in/link", fs.ModeSymlink, outside)
	special(t, f, "in/sub/link", fs.ModeSymlink, filepath.Join(outside, "a"))
	special(t, f, "in/sub/pipe", fs.ModeNamedPipe, "")
	ended := make(chan struct{})
	var partner sync.WaitGroup
	partner.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-ended:
				return
			default:
			}
			pair := [][2]string{{"in/sub", "in/link"}, {"in/sub/a", "in/sub/link"}, {"in/sub/a", "in/sub/pipe"}}[i/2%3]
			// Each swap is undone by the next; one that comes while the other pair is swapped may fail.
			_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(f.Root, pair[0]), unix.AT_FDCWD, filepath.Join(f.Root, pair[1]), unix.RENAME_EXCHANGE)
		}
	})
	read, refused := 0, 0
	for range 2000 {
		o, err := f.Open(t.Context(), "in/sub/a")
		if err != nil {
			refused++
			continue
		}
		content, err := io.ReadAll(o)
		o.Close()
		if err != nil || string(content) != "inside" {
			t.Errorf("read %q, %v", content, err)
			break
		}
		read++
		if files, err := f.List(t.Context(), "in/sub"); err == nil && len(files) != 3 {
			t.Errorf("listed %v", files)
			break
		}
	}
	close(ended)
	partner.Wait()
	if read == 0 || refused == 0 {
		t.Errorf("read %d, refused %d: the swaps weren't seen", read, refused)
	}
	wantFile(t, &Folder{Root: outside}, "a", "outside")
}
