package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"chute/config"
	"chute/connectors"
	"chute/connectors/clickhouse"
)

// checkCase is a job and a table, and what is to be found about them.
type checkCase struct {
	name    string
	table   string // columns and engine; "": there is none
	job     string // behind kind, store, inbox and match
	file    string // that a run would load, if all were well
	want    string // codes, with ! when nothing can be loaded
	say     string // a part of what is said
	promise string // a part of the promise
}

const twoColumns = `
[[column]]
name = "id"
type = "UInt64"
[[column]]
name = "note"
type = "String"
`

const replaceChanged = "[redelivery]\nchanged = \"replace\"\n"

var checkCases = []checkCase{
	{"good", "(id UInt64, note String, _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id", twoColumns, "id,note\n1,a\n", "", "", "each record exactly once; "},
	{"by header", "(id UInt64, note String, x Int8 DEFAULT 1, _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id", "", "id,note\n1,a\n", "", "", "each record exactly once; "},
	{"summing", "(id UInt64, note String, _chute_run UInt64, _chute_record UInt64) ENGINE = SummingMergeTree ORDER BY id", twoColumns, "id,note\n1,a\n", "", "", "the run is interrupted for a person"},
	{"no lineage", "(id UInt64, note String) ENGINE = MergeTree ORDER BY id", twoColumns, "id,note\n1,a\n", "table_without_lineage!", "ADD COLUMN `_chute_run` UInt64", ""},
	{"no lineage wanted", "(id UInt64, note String) ENGINE = MergeTree ORDER BY id", "%lineage = false\n" + twoColumns, "id,note\n1,a\n", "", "", "the run is interrupted for a person"},
	{"no column", "(id UInt64, _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id", twoColumns, "id,note\n1,a\n", "column_missing!", "ADD COLUMN `note` String", ""},
	{"several", "(id Date) ENGINE = MergeTree ORDER BY id", strings.Replace(twoColumns, "[[column]]\nname = \"note\"", "default = \"many\"\n[[column]]\nname = \"note\"", 1), "id,note\n1,a\n",
		"table_without_lineage! column_unfit! column_missing!", "the default is refused", ""},
	{"other type", "(id UInt32, note FixedString(9), _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id", twoColumns, "id,note\n1,a\n",
		"column_type_differs column_type_differs", "`id` is UInt32 in the table and UInt64 in the job", "each record exactly once"},
	{"rule that doesn't fit", "(id UInt64, note String, _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id",
		"[[column]]\nname = \"id\"\n[[column]]\nname = \"note\"\nformat = \"%d.%m.%Y\"\n", "id,note\n1,a\n", "column_unfit!", "format is for dates and times", ""},
	{"constant that doesn't fit", "(id UInt64, note String, _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id",
		"[[column]]\nname = \"note\"\n[[column]]\nname = \"id\"\nconstant = \"x\"\n", "note\na\n", "column_unfit!", "the constant is refused", ""},
	{"constant of the name", "(id UInt64, note String, _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id",
		"[[column]]\nname = \"id\"\n[[column]]\nname = \"note\"\nconstant = \"{name}\"\n", "id\n1\n", "", "", "each record exactly once"},
	{"column for the file's name", "(id UInt64, note Date, _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id",
		"%file_column = \"note\"\n[[column]]\nname = \"id\"\n", "id\n1\n", "column_unfit!", "the file's name", ""},
	{"no column for the time", "(id UInt64, _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id",
		"%time_column = \"at\"\n[[column]]\nname = \"id\"\n", "id\n1\n", "column_missing!", "no column `at`", ""},
	{"replace", "(id UInt64, note String, _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id", twoColumns + replaceChanged, "id,note\n1,a\n", "", "", "each record exactly once; "},
	{"replace, summing", "(id UInt64, note String, _chute_run UInt64, _chute_record UInt64) ENGINE = SummingMergeTree ORDER BY id", twoColumns + replaceChanged, "id,note\n1,a\n",
		"replace_impossible!", "it is a SummingMergeTree", ""},
	{"replace, no lineage", "(id UInt64, note String) ENGINE = MergeTree ORDER BY id", twoColumns + replaceChanged, "id,note\n1,a\n",
		"table_without_lineage! replace_impossible!", "nobody can tell which rows came from the earlier file", ""},
	{"no table", "", twoColumns, "id,note\n1,a\n", "no_table!", "target.create = true", ""},
	{"no table and no types", "", "[[column]]\nname = \"id\"\n", "id\n1\n", "no_table!", "target.create = true with a type", ""},
	{"to be made", "", "%create = true\n" + twoColumns, "id,note\n1,a\n", "", "", "it isn't there yet and can be made"},
	{"to be made wrong", "", "%create = true\npartition_by = \"nothing\"\n" + twoColumns, "id,note\n1,a\n", "trial_failed!", "nothing", ""},
	{"to be made of what doesn't fit", "", "%create = true\n" + twoColumns + "default = \"x\"\n[[column]]\nname = \"n\"\ntype = \"UInt8\"\ndefault = \"x\"\n", "id,note,n\n1,a,\n",
		"column_unfit!", "the default is refused", ""},
	{"a view", "AS SELECT toUInt64(1) AS id", twoColumns, "id,note\n1,a\n", "table_refused! column_missing!", "name the table behind it", ""},
}

// TestCheckTable compares what check says with what a run does: it loads the file if and only if check says that nothing keeps it from that. Besides,
// check leaves the database as it is.
func TestCheckTable(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(plain)
		w.open()
		w.exec("CREATE DATABASE %d")
		for i, c := range checkCases {
			w.exec("DROP TABLE IF EXISTS %t")
			if strings.HasPrefix(c.table, "AS") {
				w.exec("CREATE VIEW %t " + c.table)
			} else if c.table != "" {
				w.exec("CREATE TABLE %t " + c.table)
			}
			job := w.checked(c)
			got := w.check(job)
			if codes := codesOf(got); codes != c.want {
				t.Errorf("%s: %q, want %q\n%+v", c.name, codes, c.want, got.Advice)
			}
			if said := fmt.Sprint(got.Advice); !strings.Contains(said, c.say) {
				t.Errorf("%s: %q isn't in %s", c.name, c.say, said)
			}
			if !strings.Contains(got.Promise, c.promise) || (got.Promise == "") != got.blocked() {
				t.Errorf("%s: promise %q, want %q", c.name, got.Promise, c.promise)
			}
			w.im.Job = job
			w.drop(fmt.Sprintf("%d.csv", i), c.file)
			want := connectors.Done
			if got.blocked() {
				want = connectors.Later
			}
			for _, v := range w.importAll() {
				if v.File.Name == fmt.Sprintf("%d.csv", i) && v.Outcome != want {
					t.Errorf("%s: the run is %v (%v), and check said %+v", c.name, v.Outcome, v.Err, got)
				}
			}
		}
	})
}

// checked loads the configuration with a case's job. What begins with a percent sign goes into [target].
func (w *world) checked(c checkCase) *config.Job {
	w.t.Helper()
	target, rest := "", c.job
	if inTarget, ok := strings.CutPrefix(c.job, "%"); ok {
		target, rest, _ = strings.Cut(inTarget, "[[")
		if rest != "" {
			rest = "[[" + rest
		}
	}
	w.job("[target]\ntable = \"%t\"\n" + target + "\n" + rest)
	_, jobs, err := config.Load(filepath.Join(w.Dir, "chute.toml"))
	if err != nil {
		w.t.Fatalf("%s: %v", c.name, err)
	}
	return jobs[0]
}

// check checks a job and makes sure that the database is as before.
func (w *world) check(job *config.Job) Check {
	w.t.Helper()
	const all = "SELECT database, name, create_table_query FROM system.tables WHERE database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA') ORDER BY database, name"
	tables, databases := w.rows(all), w.rows("SELECT name FROM system.databases ORDER BY name")
	s, err := w.db.Session(w.ctx, "")
	if err != nil {
		w.t.Fatal(err)
	}
	got, err := CheckTable(w.ctx, job, s, "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.wantRows(all, tables...)
	w.wantRows("SELECT name FROM system.databases ORDER BY name", databases...)
	return got
}

func codesOf(c Check) string {
	var codes []string
	for _, a := range c.Advice {
		code := a.Code
		if a.Blocks {
			code += "!"
		}
		codes = append(codes, code)
	}
	return strings.Join(codes, " ")
}

// TestCheckTableAsOthers: users who may not do what a run does.
func TestCheckTableAsOthers(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.job(plain)
	w.open()
	w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+columns+") ENGINE = MergeTree ORDER BY id")
	for user, say := range map[string]string{"reader": "readonly = 0", "noddl": "allow_ddl = 1"} {
		db := clickhouse.Open(clickhouse.Config{Address: []string{server.Address}, Username: user})
		defer db.Close()
		s, err := db.Session(w.ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := CheckTable(w.ctx, w.im.Job, s, "")
		if err != nil || codesOf(got) != "trial_failed!" && codesOf(got) != "table_unreadable!" || !strings.Contains(fmt.Sprint(got.Advice), say) {
			t.Errorf("%s: %v %+v", user, err, got)
		}
	}
	if left := w.rows("SELECT name FROM system.tables WHERE startsWith(name, 'chute_probe_')"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestCheckTableUnanswered: no answer in time is no finding about a table.
func TestCheckTableUnanswered(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(plain)
		w.open()
		s, err := w.db.Session(w.ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		late, cancel := context.WithCancel(w.ctx)
		cancel()
		if got, err := CheckTable(late, w.im.Job, s, ""); err == nil {
			t.Errorf("%+v", got)
		}
	})
}
