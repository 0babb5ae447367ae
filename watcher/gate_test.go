package watcher

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// TestDoubtWhileAsking guards a wake-up that was lost: what came to its end while Ready was still answering isn't in its answer, so the next one who comes
// asks again, however long such an answer holds otherwise.
func TestDoubtWhileAsking(t *testing.T) {
	for _, c := range []struct {
		name  string
		first error
		doubt func(*gate)
	}{
		{"it wasn't their turn yet", Turn("1 of customers"), (*gate).askAgain},
		{"all was well", nil, (*gate).doubt},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			var g *gate
			g = newGate(func(context.Context) error {
				if asked++; asked > 1 {
					return nil
				}
				c.doubt(g)
				return c.first
			}, time.Hour, clock{time.Now()}, zerolog.Nop())
			if wait := g.closed(t.Context()); wait > 0 != (c.first != nil) {
				t.Errorf("the first has to wait for %v", wait)
			}
			if wait := g.closed(t.Context()); wait > 0 || asked != 2 {
				t.Errorf("asked %d times, and the second has to wait for %v", asked, wait)
			}
			if g.closed(t.Context()); asked != 2 {
				t.Error("an answer without doubts doesn't hold")
			}
		})
	}
}
