package reconcile

import (
	"fmt"
	"testing"
)

// TestViolations judges constraints that an INSERT into the target would have stumbled over.
func TestViolations(t *testing.T) {
	e := openEngine(t, "embedded")
	e.createKind(kind{name: "t", engine: "MergeTree ORDER BY id", more: ", n Nullable(Int32), run UInt8 DEFAULT 1, m UInt64 MATERIALIZED id * 2, a UInt64 ALIAS id + 1, b Bool DEFAULT 1" +
		", CONSTRAINT unknown CHECK n > 0, CONSTRAINT `made?` CHECK m < 60, CONSTRAINT other CHECK id != 2 OR s = '?', CONSTRAINT names CHECK run = 1" +
		", CONSTRAINT never CHECK id > 0 OR d > '2000-01-01', CONSTRAINT flag CHECK b, CONSTRAINT assumed ASSUME id > 1000"})
	target := e.describe("t")
	stage := e.stage(target, "stage")
	e.exec("INSERT INTO " + stage + " (id, d, s, n, _chute_run, _chute_record)" +
		" SELECT number, '2020-01-01', 'x', if(number % 10 = 3, NULL, if(number % 10 = 4, -1, 1)), 1 + number % 2, number FROM numbers(40)")
	e.exec("INSERT INTO " + stage + " (id, d, s, n, run, b, _chute_run, _chute_record) VALUES (0, '2020-01-01', 'x', 1, 2, 0, 2, 99)")
	broken, err := Violations(e.ctx, e, stage, target, "")
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, v := range broken {
		got += fmt.Sprintf("%s run %d: %d from %d\n", v.Constraint.Name, v.Run, v.Records, v.First)
	}
	if want := "`unknown` run 1: 4 from 4\n`unknown` run 2: 4 from 3\n`made?` run 1: 5 from 30\n`made?` run 2: 5 from 31\n`other` run 1: 1 from 2\n`names` run 2: 1 from 99\n`flag` run 2: 1 from 99\n"; got != want {
		t.Errorf("violations:\n%s, want\n%s", got, want)
	}
	target.Lineage = Lineage{}
	if broken, err = Violations(e.ctx, e, stage, target, ""); err != nil || len(broken) != 5 || broken[0].Records != 8 || broken[0].Run != 0 || broken[0].First != 0 {
		t.Errorf("without lineage: %+v, %v", broken, err)
	}
	e.exec("INSERT INTO " + stage + " (id) SELECT 1000 FROM numbers(500000)")
	if broken, err = Violations(e.ctx, e, stage, target, ""); err != nil || broken[1].Records != 500010 {
		t.Errorf("many: %+v, %v", broken, err)
	}
	// The target itself agrees.
	for _, n := range []string{"NULL", "-1"} {
		err := e.Exec(e.ctx, statement("INSERT INTO "+target.Table()+" (id, s, n) SELECT 1, 'x', "+n))
		if code(err) != 469 {
			t.Errorf("an INSERT of %s: %v, want code 469", n, err)
		}
	}
}
