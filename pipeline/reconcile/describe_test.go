package reconcile

import (
	"fmt"
	"sync"
	"testing"
)

// TestDescribeBesideOthers guards looking at a table while stages of other runs come and go in its database: an old server answered then that one
// of those doesn't exist.
func TestDescribeBesideOthers(t *testing.T) {
	bothEngines(t, func(t *testing.T, e *engine) {
		e.exec(fmt.Sprintf("CREATE TABLE %s (%s) ENGINE = MergeTree ORDER BY id", quoted(e.table("t")), baseColumns))
		stop := make(chan struct{})
		var others sync.WaitGroup
		for i := range 2 {
			others.Go(func() {
				other := quoted(e.table(fmt.Sprint("other", i)))
				for {
					select {
					case <-stop:
						return
					default:
						for _, sql := range []string{"CREATE TABLE " + other + " (id UInt64) ENGINE = MergeTree ORDER BY id", "DROP TABLE " + other} {
							if err := e.Exec(e.ctx, statement(sql)); err != nil {
								t.Error(err)
								return
							}
						}
					}
				}
			})
		}
		for range 50 {
			if _, err := Describe(t.Context(), e.Session, e.table("t"), Lineage{}); err != nil {
				t.Error(err)
				break
			}
			if _, err := Catalog(t.Context(), e.Session, statement("SELECT name FROM system.tables WHERE startsWith(name, 'chute_stage_')")); err != nil {
				t.Error(err)
				break
			}
		}
		close(stop)
		others.Wait()
	})
}
