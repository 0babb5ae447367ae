package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"chute/config"
	"chute/pipeline"
)

// progress shows on a terminal how far an import has come, one file after the other, below what is said meanwhile: it is also the writer of
// that. Where the one who gave the command has no terminal it only is that writer.
type progress struct {
	out   io.Writer
	width int // of the terminal; 0: there is none

	mu   sync.Mutex
	bars *mpb.Progress // while a file is read
	bar  *mpb.Bar
}

func newProgress(c *cobra.Command) *progress {
	p := &progress{out: c.ErrOrStderr()}
	if who := callerOf(c).request; who.Progress {
		p.width = who.Width
	}
	return p
}

// begin shows a file's progress until end.
func (p *progress) begin(of *pipeline.Progress) {
	p.end()
	if p.width == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	line := mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
		_, err := io.WriteString(w, reachedBy(of).line(s.AvailableWidth))
		return err
	})
	// The output may be a terminal in another process's hands.
	p.bars = mpb.New(mpb.WithOutput(p.out), mpb.WithWidth(p.width), mpb.WithAutoRefresh(), mpb.ForceTTY())
	p.bar, _ = p.bars.Add(1, line, mpb.BarFillerTrim(), mpb.BarRemoveOnComplete()) // fails only after Wait
}

// end removes the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars != nil {
		p.bar.Abort(true)
		p.bars.Wait()
		p.bars = nil
	}
}

// Write prints above the line.
func (p *progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars != nil {
		return p.bars.Write(text)
	}
	return p.out.Write(text)
}

const (
	barWidth     = 10          // of the narrowest bar that is drawn
	progressName = 24          // of a file's name at most
	soonest      = time.Second // after which it is said how much is left
)

// reached is a progress at one moment.
type reached struct {
	file             string
	size, bytes      int64
	records, rejects uint64
	step             string
	elapsed          time.Duration
}

func reachedBy(p *pipeline.Progress) reached {
	r := reached{file: p.File.Name, size: p.File.Size, bytes: p.Bytes(), step: p.Step(), elapsed: time.Since(p.Began)}
	r.records, r.rejects = p.Records()
	return r
}

// done is how much of the file was read, from 0 to 1.
func (r reached) done() float64 {
	if r.size <= 0 {
		return 1
	}
	return min(1, float64(r.bytes)/float64(r.size))
}

// left is how long reading is going to take still, at the pace so far; 0 where that can't be told.
func (r reached) left() time.Duration {
	done := r.done()
	if r.elapsed < soonest || done == 0 {
		return 0
	}
	return time.Duration(float64(r.elapsed) * (1 - done) / done)
}

// line is the file, a bar, percent, records, time passed and left. What doesn't fit is left out, the bar first.
func (r reached) line(width int) string {
	done := r.done()
	name := cut(config.Shown(r.file), progressName, column{narrow: true})
	right := fmt.Sprintf("%3d%%  %s records, %s rejects  %s", int(100*done), grouped(r.records), grouped(r.rejects), clock(r.elapsed))
	switch {
	case done == 1:
		right += "  " + r.step
	case r.left() > 0:
		right += "  " + clock(r.left()) + " left"
	}
	if room := width - cells.StringWidth(name) - len(right) - 6; room >= barWidth {
		full := int(done * float64(room))
		name += "  [" + strings.Repeat("=", full) + strings.Repeat(" ", room-full) + "]"
	}
	return cells.Truncate(name+"  "+right, width, "…")
}

// grouped writes a number with commas.
func grouped(n uint64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// clock writes a span of time as 1:02 or 1:02:03.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
