package watcher

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestOthersFirst has a job wait for another one's files, from when they are seen until they are through.
func TestOthersFirst(t *testing.T) {
	simulate(t, func(x *world) {
		release := make(chan struct{})
		x.job("customers", "c*", func(j *Job) { x.hang(j, release) })
		x.job("orders", "o*", func(j *Job) {
			j.Config.After = []string{"customers"}
			j.Ready = func(context.Context) error {
				files, names, known := x.w.Pending("customers")
				if !known || files > 0 {
					return Turn(fmt.Sprintf("%d of customers, %v, %q", files, known, names))
				}
				return nil
			}
		})
		if _, _, known := x.w.Pending("customers"); known {
			t.Error("it is known before anything was looked at")
		}
		x.store.Put("in/o1", text(5))
		x.run()
		x.pass(3 * time.Second)
		x.store.Put("in/c1", text(5))
		x.pass(4 * time.Second)
		x.expectHanded() // o1 has rested
		x.pass(2 * time.Second)
		x.expectHanded("customers c1")
		for _, name := range []string{"c5", "c2", "c4", "c3"} {
			x.store.Put("in/"+name, text(5))
		}
		x.pass(time.Minute)
		if got := x.waiting("o1"); got.Reason != "no new files are claimed: 5 of customers, true, [\"c1\" \"c2\" \"c3\"]" {
			t.Errorf("%+v", got)
		}
		close(release)
		synctest.Wait()
		x.expectHanded("customers c2 c3 c4 c5", "orders o1") // at once, not when the gate's pause is over
		if x.logged("no new files are claimed") != 0 || x.logged("claimed again") != 0 {
			t.Errorf("a turn is no trouble:\n%s", x.log)
		}
		if files, _, known := x.w.Pending("nobody"); files != 0 || known {
			t.Errorf("of a job that isn't there: %d, %v", files, known)
		}
	})
}
