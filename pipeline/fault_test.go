package pipeline

import (
	"errors"
	"strings"
	"testing"

	"chute/connectors"
)

// TestFault makes every effect of a batch fail once: not done, and done although it failed. Then the runs are resumed, and the world is
// as if nothing had happened.
func TestFault(t *testing.T) {
	for _, point := range killPoints {
		effect, onlyBefore := strings.CutPrefix(point.effect, "-")
		if onlyBefore {
			continue // its other side is in the list
		}
		for _, before := range []bool{true, false} {
			name := strings.ReplaceAll(effect, " ", "_") + map[bool]string{true: "/not_done", false: "/done"}[before]
			t.Run(name, func(t *testing.T) {
				bothEngines(t, func(t *testing.T, w *world) {
					w.job(orders)
					dropFour(w)
					w.open()
					reached := w.failOnce(effect, before)
					wantLater(t, w.importAll())
					if !*reached {
						t.Fatalf("the effect %q wasn't reached", effect)
					}
					w.resumeAll()
					w.importAll()                             // what hadn't left the inbox
					w.resumeAll()                             // what was waiting for another run of the same bytes
					if err := w.im.Sweep(w.ctx); err != nil { // as the next start would
						t.Fatal(err)
					}
					wantFour(w)
				})
			})
		}
	}
}

// failOnce makes an effect fail the next time.
func (w *world) failOnce(effect string, before bool) (reached *bool) {
	reached = new(bool)
	w.im.Fault = func(at string, early bool) error {
		if at != effect || early != before || *reached {
			return nil
		}
		*reached = true
		return errors.New("a fault that the test made")
	}
	return reached
}

// wantLater checks that a technical error never rejects a file, nor calls it done, unless it came after everything was in place.
func wantLater(t *testing.T, verdicts []connectors.Verdict) {
	t.Helper()
	for _, v := range verdicts {
		if v.Outcome == connectors.Later && v.Err == nil {
			t.Errorf("%q waits, and nobody knows why", v.File.Name)
		}
		if v.Outcome == connectors.Rejected && v.File.Name != "a.csv" {
			t.Errorf("%q was rejected by a fault that isn't its own: %v", v.File.Name, v.Err)
		}
	}
}
