package reconcile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"chute/config"
	"chute/connectors"
	"chute/connectors/clickhouse"
	"chute/connectors/native"
)

// TestWithoutLineage runs what Advise prints: then the table has its lineage and nothing is left to advise.
func TestWithoutLineage(t *testing.T) {
	bothEngines(t, func(t *testing.T, e *engine) {
		for i, columns := range []string{"id UInt64", "id UInt64, _chute_record UInt64"} {
			name := fmt.Sprint("t ", i)
			e.exec("CREATE TABLE " + native.Table(e.db, name) + " (" + columns + ") ENGINE = MergeTree ORDER BY id")
			target := e.describe(name)
			advice := withoutSync(target.Advise(lineage, e.Server()))
			if len(advice) != 1 || advice[0].Code != "table_without_lineage" || !advice[0].Blocks || advice[0].Mend == "" {
				t.Fatalf("%+v", advice)
			}
			for _, sql := range advice[0].Statements {
				e.exec(sql)
			}
			if target = e.describe(name); target.Lineage != lineage || len(withoutSync(target.Advise(lineage, e.Server()))) != 0 {
				t.Errorf("after %q: %+v", advice[0].Statements, target)
			}
			if advice := withoutSync(target.Advise(Lineage{}, e.Server())); len(advice) != 0 {
				t.Errorf("for a job that wants none: %+v", advice)
			}
		}
	})
}

func withoutSync(all []Advice) (others []Advice) {
	for _, a := range all {
		if a.Code != "table_not_synced" {
			others = append(others, a)
		}
	}
	return others
}

// TestAdvise: what can't be mended by a statement says what to do instead.
func TestAdvise(t *testing.T) {
	bothEngines(t, func(t *testing.T, e *engine) {
		e.exec("CREATE TABLE " + native.Table(e.db, "log") + " (id UInt64) ENGINE = Log")
		e.exec("CREATE TABLE " + native.Table(e.db, "wrong") + " (id UInt64, _chute_run String) ENGINE = MergeTree ORDER BY id")
		e.exec("CREATE VIEW " + native.Table(e.db, "view") + " AS SELECT id FROM " + native.Table(e.db, "log"))
		for name, want := range map[string]Advice{
			"log":   {Code: "table_without_lineage", Mend: "lineage = false", Text: "_chute_run"},
			"wrong": {Code: "table_without_lineage", Mend: "target.run_column", Text: "is of type String"},
			"view":  {Code: "table_refused", Text: "name the table behind it"},
		} {
			advice := withoutSync(e.describe(name).Advise(lineage, e.Server()))
			if len(advice) != 1 {
				t.Errorf("%s: %+v", name, advice)
				continue
			}
			if a := advice[0]; a.Code != want.Code || !a.Blocks || len(a.Statements) > 0 || !strings.Contains(a.Mend, want.Mend) || !strings.Contains(a.Text, want.Text) {
				t.Errorf("%s: %+v", name, a)
			}
		}
	})
}

// TestNotSynced: the ALTER is printed for servers that have the settings, and is good SQL.
func TestNotSynced(t *testing.T) {
	e := openEngine(t, "embedded")
	e.exec("CREATE TABLE " + native.Table(e.db, "t") + " (id UInt64) ENGINE = MergeTree ORDER BY id")
	server := e.Server()
	if advice := e.describe("t").Advise(Lineage{}, server); len(advice) != 0 {
		t.Errorf("the embedded engine is synced by chute: %+v", advice)
	}
	server.Embedded = false
	advice := e.describe("t").Advise(Lineage{}, server)
	if len(advice) != 1 || advice[0].Code != "table_not_synced" || advice[0].Blocks {
		t.Fatalf("%+v", advice)
	}
	e.exec(advice[0].Statements[0])
	if advice := e.describe("t").Advise(Lineage{}, server); len(advice) != 0 {
		t.Errorf("after the ALTER: %+v", advice)
	}
}

// TestRights asks a user who may do everything, and a server that can't be asked.
func TestRights(t *testing.T) {
	bothEngines(t, func(t *testing.T, e *engine) {
		e.exec("CREATE TABLE " + native.Table(e.db, "t") + " (id UInt64) ENGINE = MergeTree ORDER BY id")
		grants, err := Missing(e.ctx, e, e.describe("t").RightsFor(e.db, e.can()))
		if len(grants) != 0 || errors.Is(err, ErrUntold) != e.old() || !e.old() && err != nil {
			t.Errorf("%q, %v", grants, err)
		}
	})
}

// limited is a user who may read and make tries, and insert into one table: what else runs need is missing.
const limited = `<clickhouse><profiles><default></default></profiles><quotas><default></default></quotas><users><default>
<password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
<grants>
<query>GRANT SELECT ON *.*</query>
<query>GRANT CREATE, DROP, INSERT, ALTER ON chute_probe_abilities.*</query>
<query>GRANT CREATE, DROP ON default.*</query>
<query>GRANT INSERT ON default.most</query>
<query>GRANT INSERT, ALTER DELETE ON default.chute_stage_*</query>
</grants></default></users></clickhouse>`

// TestMissingRights has an engine whose user is limited, in a child, and a server of today with the same: each says which GRANTs are missing, and they are
// good SQL.
func TestMissingRights(t *testing.T) {
	if os.Getenv(limitedUsers) == "" {
		file := filepath.Join(t.TempDir(), "users.xml")
		if err := os.WriteFile(file, []byte(limited), 0o600); err != nil {
			t.Fatal(err)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestMissingRights$")
		child.Env = append(os.Environ(), limitedUsers+"="+file)
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		limited, session := startModern(t, t.TempDir(), file)
		defer limited.Kill()
		checkMissingRights(&engine{Session: session, t: t, ctx: t.Context(), name: "wire", db: "default"})
		return
	}
	checkMissingRights(&engine{Session: sessions["embedded"], t: t, ctx: t.Context(), name: "embedded", db: "default"})
}

func checkMissingRights(e *engine) {
	t := e.t
	e.exec("CREATE TABLE most (id UInt64, _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id")
	e.exec("CREATE TABLE few (id UInt64, _chute_run UInt64, _chute_record UInt64, CONSTRAINT c CHECK id > 0) ENGINE = MergeTree ORDER BY id")
	for _, c := range []struct {
		rights []Right
		want   []string
	}{
		{e.describe("most").RightsFor("default", e.can()), []string{"GRANT ALTER DELETE ON `default`.`most` TO `default`"}},
		{e.describe("few").RightsFor("st`age", e.can()), []string{
			"GRANT INSERT, ALTER DELETE ON `default`.`few` TO `default`",
			"GRANT CREATE TABLE, DROP TABLE, INSERT, ALTER DROP CONSTRAINT ON `st\\`age`.chute_stage_* TO `default`",
		}},
		{RightsToCreate(native.Table("new", "t"), "new", false, "default"), []string{
			"GRANT CREATE DATABASE ON `new`.* TO `default`", "GRANT CREATE TABLE, INSERT, ALTER DELETE ON `new`.`t` TO `default`",
		}},
	} {
		grants, err := Missing(e.ctx, e, c.rights)
		if fmt.Sprint(grants) != fmt.Sprint(c.want) || err != nil {
			t.Errorf("%q, %v\nwant %q", grants, err, c.want)
		}
		for _, sql := range grants {
			if err := e.Query(e.ctx, statement("EXPLAIN AST "+sql), func(*native.Block) error { return nil }); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
	}
}

// TestTrial: what can be made can be tried, what can't says why, and nothing is left in either case.
func TestTrial(t *testing.T) {
	bothEngines(t, func(t *testing.T, e *engine) {
		e.createKind(kind{name: "t", engine: "ReplacingMergeTree PARTITION BY d ORDER BY id"})
		before := e.rows("SELECT name FROM system.tables WHERE database = ? ORDER BY name", e.db)
		databases := e.rows("SELECT name FROM system.databases WHERE startsWith(name, ?)", connectors.ProbePrefix)
		trial := Trial{Session: e, Database: e.db}
		if err := trial.Stage(e.ctx, e.describe("t")); err != nil {
			t.Error(err)
		}
		number, err := native.ParseType("UInt64")
		if err != nil {
			t.Fatal(err)
		}
		job := &config.Job{Columns: []config.Column{{Name: "id", Type: "UInt64"}}}
		job.Target = config.Target{Table: e.table("new"), OrderBy: []string{"id"}, PartitionBy: "id % 10", Lineage: true, RunColumn: "r", RecordColumn: "n"}
		if err := trial.Target(e.ctx, job, []*native.Type{number}); err != nil {
			t.Error(err)
		}
		job.Target.PartitionBy = "intDiv(nothing, 10)"
		if err := trial.Target(e.ctx, job, []*native.Type{number}); code(err) != 47 {
			t.Errorf("a partition key of an unknown column: %v", err)
		}
		if job.Target.Table != e.table("new") {
			t.Errorf("the job is changed: %v", job.Target.Table)
		}
		e.want(before, "SELECT name FROM system.tables WHERE database = ? ORDER BY name", e.db)
		e.want(databases, "SELECT name FROM system.databases WHERE startsWith(name, ?)", connectors.ProbePrefix)
	})
}

// TestAllowance tries as users who may not: the server's refusal is told from other errors, and nothing is left.
func TestAllowance(t *testing.T) {
	e := openEngine(t, "server")
	e.createKind(kind{name: "t", engine: "MergeTree PARTITION BY d ORDER BY id"})
	target := e.describe("t")
	for user, want := range map[string]string{"reader": "readonly = 0", "noddl": "allow_ddl = 1"} {
		db := clickhouse.Open(clickhouse.Config{Address: []string{server.Address}, Username: user})
		defer db.Close()
		s, err := db.Session(e.ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		err = Trial{Session: s, Database: e.db}.Stage(e.ctx, target)
		if !strings.Contains(Allowance(err), want) {
			t.Errorf("%s: %v: %q", user, err, Allowance(err))
		}
	}
	if Allowance(errors.New("anything")) != "" || Allowance(&connectors.DatabaseError{Code: 60}) != "" {
		t.Error("other errors have nothing to do with rights")
	}
	e.want("t", "SELECT name FROM system.tables WHERE database = ?", e.db)
	for name, want := range map[string]bool{e.db: true, "nowhere": false} {
		if has, err := HasDatabase(e.ctx, e, name); has != want || err != nil {
			t.Errorf("%s: %t, %v", name, has, err)
		}
	}
}
