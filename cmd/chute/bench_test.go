package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestBenchFile: the same numbers give the same bytes, and as many records are spoilt as it says.
func TestBenchFile(t *testing.T) {
	dir := t.TempDir()
	write := func(f benchFile) []byte {
		f.name = filepath.Join(dir, f.name)
		size, err := f.write()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(f.name)
		if err != nil || int64(len(text)) != size {
			t.Fatalf("%d bytes of %d, %v", len(text), size, err)
		}
		return text
	}
	clean, again := write(benchFile{name: "a.csv", records: 1000}), write(benchFile{name: "b.csv", records: 1000})
	if !bytes.Equal(clean, again) {
		t.Error("two files differ")
	}
	if each := len(clean) / 1000; each < benchRecordSize-5 || each > benchRecordSize+5 {
		t.Errorf("a record has %d bytes, not about %d", each, benchRecordSize)
	}
	spoilt := benchFile{name: "c.csv", records: 1000, every: 100}
	differ := 0
	lines := bytes.Split(write(spoilt), []byte("\n"))
	for i, line := range bytes.Split(clean, []byte("\n")) {
		if !bytes.Equal(line, lines[i]) {
			differ++
		}
	}
	if differ != 10 || spoilt.rejects() != 10 {
		t.Errorf("%d records of %d are spoilt", differ, spoilt.rejects())
	}
	if lines, err := countLines(filepath.Join(dir, "a.csv")); lines != 1001 || err != nil {
		t.Errorf("%d lines, %v", lines, err)
	}
}

func TestFigures(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for part, want := range map[float64]time.Duration{0.5: 50, 0.99: 99, 0.991: 100, 1: 100, 0: 1} {
		if got := percentile(hundred, part); got != want {
			t.Errorf("percentile %v: %d, want %d", part, got, want)
		}
	}
	if got := percentile(hundred[:1], 0.99); got != 1 {
		t.Errorf("of one: %d", got)
	}
	if one, odd, even := middle([]float64{1}), middle([]float64{1, 2, 9}), middle([]float64{1, 2, 4, 9}); one != 1 || odd != 2 || even != 3 {
		t.Errorf("medians %v %v %v", one, odd, even)
	}
}

// TestBenchSmall runs that benchmark as it is, but for its size: what it measures is the daemon's own watcher and importer.
func TestBenchSmall(t *testing.T) {
	var out bytes.Buffer
	c := benchSmall()
	c.SetOut(&out)
	c.SetArgs([]string{"--files", "3", "--engine", "clickhouse", "--address", server.Address})
	if err := c.ExecuteContext(t.Context()); err != nil || !bytes.Contains(out.Bytes(), []byte("3 files of 10 records")) {
		t.Fatalf("%v:\n%s", err, &out)
	}
}

// TestStopwatch: the time begins with the first look that the watcher's rule lets be the second one.
func TestStopwatch(t *testing.T) {
	s := &stopwatch{settle: time.Second, atRest: make(chan time.Time, 1)}
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for range 2 {
		s.reset()
		s.note(at(0), at(100))
		s.note(at(1050), at(1060)) // a second after the first began, not after it ended
		if len(s.atRest) != 0 {
			t.Error("at rest too early")
		}
		s.note(at(1100), at(1200))
		s.note(at(1500), at(1600))
		if len(s.atRest) != 1 || !(<-s.atRest).Equal(at(1100)) {
			t.Error("not at rest with the look that shows it")
		}
	}
}

func TestGoMemory(t *testing.T) {
	var m goMemory
	stop := m.watch()
	block := make([]byte, 64<<20)
	for i := range block {
		block[i] = 1
	}
	stop()
	if first := m.peak; first < uint64(len(block)) || first > 10<<30 {
		t.Errorf("%d bytes with %d in use", first, len(block))
	}
}
