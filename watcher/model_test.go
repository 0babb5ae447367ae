package watcher

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chute/connectors"
)

// step is one thing that happens in the model: a partner does something, or time passes.
type step struct {
	Act  string
	Name string
	To   string
	Wait time.Duration
}

var modelNames = []string{"a.csv", "b.csv", "c.csv", "c.csv.part", "d.txt"}

func drawStep(t *rapid.T) step {
	return step{
		Act:  rapid.SampledFrom([]string{"create", "grow", "empty", "rename", "delete", "open", "close", "wait", "wait", "look"}).Draw(t, "act"),
		Name: rapid.SampledFrom(modelNames).Draw(t, "name"),
		To:   rapid.SampledFrom(modelNames).Draw(t, "to"),
		Wait: time.Duration(rapid.IntRange(1, 9000).Draw(t, "ms")) * time.Millisecond,
	}
}

// model is what the partner knows: for each file in the inbox, when he last touched it, and whether he has it open.
type model struct {
	*world
	touched map[string]time.Time
	open    map[string]bool
	left    map[string]leaving // by name and contents: files that were renamed away
	serial  int
	handled map[string]int // contents handed over, with how often
	faults  []string
	outcome []int // what Handle is to answer, in turn
	answers int
	runs    uint64
}

// leaving is when a file lost a name, and since when it had rested under it.
type leaving struct{ touched, left time.Time }

// rename takes down a rename. One that is undone between two looks changes nothing that anybody could see, nor the contents.
func (m *model) rename(from, to string) {
	content := m.store.Tree()["in/"+to]
	m.left[from+"\n"+content] = leaving{m.touched[from], time.Now()}
	m.touched[to], m.open[to] = time.Now(), m.open[from]
	if before, was := m.left[to+"\n"+content]; was && time.Since(before.left) <= gap(0) {
		m.touched[to] = before.touched
	}
	delete(m.touched, from)
	delete(m.open, from)
}

func (m *model) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Sprintf("at %v: ", time.Since(m.start))+fmt.Sprintf(format, args...))
}

// write puts contents that no file ever had.
func (m *model) write(name string, lines int) {
	m.serial++
	content := fmt.Sprintf("%d\n", m.serial)
	for range lines {
		content += "more\n"
	}
	m.store.Put("in/"+name, []byte(content))
	m.touched[name] = time.Now()
}

func (m *model) do(s step) {
	switch s.Act {
	case "wait":
		m.pass(s.Wait)
	case "look":
		m.w.Look()
	default:
		m.act(s)
	}
	synctest.Wait()
}

// act is what a partner does.
func (m *model) act(s step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, there := m.touched[s.Name]
	_, taken := m.touched[s.To]
	switch {
	case s.Act == "create" && !there:
		m.write(s.Name, 0)
	case s.Act == "grow" && there:
		m.write(s.Name, m.serial%5)
	case s.Act == "empty" && !there:
		m.store.Put("in/"+s.Name, nil)
		m.touched[s.Name] = time.Now()
	case s.Act == "rename" && there && !taken:
		if err := m.store.Rename(m.t.Context(), "in/"+s.Name, "in/"+s.To); err != nil {
			m.fault("rename: %v", err)
		}
		m.rename(s.Name, s.To)
	case s.Act == "delete" && there:
		m.store.Take("in/" + s.Name)
		delete(m.touched, s.Name)
		delete(m.open, s.Name)
	case (s.Act == "open" || s.Act == "close") && there:
		m.store.SetWriting("in/"+s.Name, s.Act == "open")
		m.open[s.Name] = s.Act == "open"
	}
}

// handle checks what it is given against the model, and answers in turn with done, left in the inbox, or a run begun.
func (m *model) handle(ctx context.Context, files []connectors.File) []connectors.Verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	var verdicts []connectors.Verdict
	for _, f := range files {
		touched, there := m.touched[f.Name]
		need := 5 * time.Second
		if f.Size == 0 {
			need = 15 * time.Second
		}
		content := m.store.Tree()["in/"+f.Name]
		switch {
		case !there:
			m.fault("%s is handed over and isn't in the inbox", f.Name)
		case time.Since(touched) < need:
			m.fault("%s is handed over %v after it was touched", f.Name, time.Since(touched))
		case m.open[f.Name]:
			m.fault("%s is handed over while it is open for writing", f.Name)
		case f.Size != int64(len(content)):
			m.fault("%s is handed over with %d bytes, has %d", f.Name, f.Size, len(content))
		case f.Name == "c.csv.part" || f.Name == "d.txt":
			m.fault("%s is handed over", f.Name)
		}
		v := connectors.Verdict{File: f, Outcome: connectors.Done}
		answer := m.outcome[m.answers%len(m.outcome)]
		m.answers++
		if answer == 1 {
			v.Outcome, v.Err = connectors.Later, errors.New("left")
			verdicts = append(verdicts, v)
			continue
		}
		m.claims++
		if err := m.store.Rename(ctx, "in/"+f.Name, fmt.Sprintf(".chute/%d/%s", m.claims, f.Name)); err != nil {
			m.fault("claim: %v", err)
		}
		delete(m.touched, f.Name)
		delete(m.open, f.Name)
		if f.Size > 0 {
			m.handled[content]++
		}
		if answer == 2 {
			m.runs++
			v.Outcome, v.Run, v.Err = connectors.Later, m.runs, errors.New("begun")
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// TestModel lets partners do anything at any time. A file is handed over only when nobody touched it for settle (15s when it is
// empty) and nobody has it open; and when the partners are quiet, every file that may be taken is, exactly once.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 60).Draw(rt, "steps")
		outcome := append(rapid.SliceOfN(rapid.IntRange(0, 2), 0, 6).Draw(rt, "outcome"), 0)
		var faults []string
		simulate(t, func(x *world) { faults = runModel(x, steps, outcome) })
		for _, fault := range faults {
			rt.Errorf("%s", fault)
		}
	})
}

func runModel(x *world, steps []step, outcome []int) []string {
	m := &model{world: x, touched: map[string]time.Time{}, open: map[string]bool{}, left: map[string]leaving{}, handled: map[string]int{}, outcome: outcome}
	resumed := make(map[uint64]int)
	x.job("orders", "*.csv*", func(j *Job) {
		j.Handle = m.handle
		j.Resume = func(_ context.Context, runs []uint64) []connectors.Verdict {
			var verdicts []connectors.Verdict
			for _, run := range runs {
				resumed[run]++
				verdicts = append(verdicts, connectors.Verdict{Run: run, Outcome: connectors.Done})
			}
			return verdicts
		}
	})
	x.run()
	for _, s := range steps {
		m.do(s)
	}
	for _, name := range modelNames {
		m.act(step{Act: "close", Name: name})
	}
	x.pass(time.Hour)
	x.stop()
	for name := range m.touched {
		if name != "c.csv.part" && name != "d.txt" {
			m.fault("%s is still in the inbox", name)
		}
	}
	for content, n := range m.handled {
		if n != 1 {
			m.fault("%q was handed over %d times", content, n)
		}
	}
	for run := range m.runs {
		if resumed[run+1] != 1 {
			m.fault("run %d was resumed %d times", run+1, resumed[run+1])
		}
	}
	for _, misuse := range x.store.Misuses() {
		m.fault("misuse: %s", misuse)
	}
	return m.faults
}
