package pipeline

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"chute/connectors"
)

// TestProgress looks at two files of a batch, one with rejects, whenever something lasting happens.
func TestProgress(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.job(orders)
	w.drop("a.csv", lines(10))
	w.drop("b.csv", lines(20, 3, 4))
	im := w.open()
	var mu sync.Mutex // an insert is an effect of the backlog's goroutine
	var followed []*Progress
	im.Progress = func(p *Progress) {
		mu.Lock()
		defer mu.Unlock()
		followed = append(followed, p)
	}
	var seen []string
	im.Fault = func(effect string, before bool) error {
		mu.Lock()
		defer mu.Unlock()
		if effect == "insert" && followed[len(followed)-1].Step() != "load" {
			t.Errorf("an insert at %q", followed[len(followed)-1].Step())
		}
		if before && (effect == "sidecars" || effect == "attach" || effect == "settled") {
			line := effect
			for _, p := range followed {
				all, rejects := p.Records()
				line += fmt.Sprintf(" %s %s %d of %d, %d-%d", p.File.Name, p.Step(), p.Bytes(), p.File.Size, all, rejects)
			}
			seen = append(seen, line)
		}
		return nil
	}
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done, "b.csv": connectors.Done})
	want := []string{
		"sidecars a.csv judge 106 of 106, 10-0 b.csv judge 204 of 204, 20-2",
		"attach a.csv publish 106 of 106, 10-0 b.csv publish 204 of 204, 20-2",
		"settled a.csv settle 106 of 106, 10-0 b.csv settle 204 of 204, 20-2",
	}
	if seen = slices.Compact(seen); !slices.Equal(seen, want) {
		t.Errorf("seen %q\nwanted %q", seen, want)
	}
	for _, p := range followed {
		if p.Run == 0 || p.Step() != "" || p.Began.IsZero() {
			t.Errorf("afterwards: run %d at %q", p.Run, p.Step())
		}
	}
}
