package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// feeder drops made files into the inbox, one after the other, beside whatever the script does.
type feeder struct {
	dropped atomic.Int64
	err     atomic.Pointer[error]
	end     chan struct{}
	running sync.WaitGroup
}

func (f *feeder) stop() {
	close(f.end)
	f.running.Wait()
}

// feedRows is how many records a made file has. File i has the records i*1000 … i*1000+19 with the amounts 0 … 19.
const feedRows = 20

func dropMade(inbox string, i int) error {
	text := []byte("id,amount\n")
	for j := range feedRows {
		text = fmt.Appendf(text, "%d,%d\n", i*1000+j, j)
	}
	name := filepath.Join(inbox, fmt.Sprintf("part_%03d.csv", i))
	if err := os.WriteFile(name+".part", text, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}

// feed starts dropping N files, one every INTERVAL: feed N INTERVAL.
func (w *world) feed(ts *testscript.TestScript, args []string) {
	n := number(ts, args[0])
	interval, err := time.ParseDuration(args[1])
	ts.Check(err)
	inbox := filepath.Join(w.dir, "store/in")
	f := &feeder{end: make(chan struct{})}
	w.feeder = f
	f.running.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for i := range n {
			if err := dropMade(inbox, i); err != nil {
				f.err.Store(&err)
				return
			}
			f.dropped.Store(int64(i + 1))
			select {
			case <-tick.C:
			case <-f.end:
				return
			}
		}
	})
}

// fed waits until N files were dropped.
func (w *world) fed(ts *testscript.TestScript, n int) {
	w.until(ts, fmt.Sprintf("%d files to be dropped", n), func() bool {
		if err := w.feeder.err.Load(); err != nil {
			ts.Check(*err)
		}
		return int(w.feeder.dropped.Load()) >= n
	})
}

// big writes a file of BYTES: big FILE BYTES. Record i is "i,i%1000,2024-01-DD,text": it prints the number of records.
func big(ts *testscript.TestScript, _ bool, args []string) {
	size := number(ts, args[1])
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	line := []byte("id,amount,day,note\n")
	n := 0
	for written := 0; written < size; n++ {
		_, err := w.Write(line)
		ts.Check(err)
		written += len(line)
		line = strconv.AppendInt(line[:0], int64(n), 10)
		line = append(line, ',')
		line = strconv.AppendInt(line, int64(n%1000), 10)
		line = append(line, ",2024-01-"...)
		line = append(line, byte('0'+(n%28+1)/10), byte('0'+(n%28+1)%10))
		line = append(line, ",some text that makes the record as long as usual ones are\n"...)
	}
	ts.Check(w.Flush())
	fmt.Fprintln(ts.Stdout(), n-1)
	ts.Setenv("RECORDS", strconv.Itoa(n-1))
}

// grow appends to a file as soon as it was claimed: grow NAME TEXT. The writer opens it afresh, as one that writes by name over a
// network does, so nobody has it open when it comes to rest.
func (w *world) grow(ts *testscript.TestScript, args []string) {
	var claimed []string
	w.until(ts, args[0]+" to be claimed", func() bool {
		claimed, _ = filepath.Glob(filepath.Join(w.dir, "store/.chute/*/*", args[0])) // the pattern is right
		return len(claimed) > 0
	})
	f, err := os.OpenFile(claimed[0], os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteString(unescape(ts, args[1]))
	ts.Check(err)
	ts.Check(f.Close())
}

// loading waits until the stage of a run holds at least N rows: its load is under way. loading RUN N. The embedded engine can't be asked then; there it
// is that the engine's folder has so many bytes, which is less.
func (w *world) loading(ts *testscript.TestScript, run string, n int) {
	w.until(ts, "a stage to fill", func() bool {
		if w.engine == "chdb" {
			return folderSize(filepath.Join(w.dir, "state/chdb")) >= n
		}
		rows := w.ask(ts, "SELECT toString(sum(rows)) FROM system.parts WHERE active AND database = currentDatabase() AND table LIKE 'chute_stage_%_"+run+"'")
		return number(ts, rows) >= n
	})
}

// folderSize adds up the files below a folder that somebody is at work in: those that go meanwhile don't count.
func folderSize(dir string) (n int) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			n += int(info.Size())
		}
		return nil
	})
	return n
}
