package pipeline

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/ledger"
	"chute/pipeline/query"
	"chute/pipeline/reconcile"
)

// TestExportAsked: what a job with a table can ask, and parameters, which are values and never SQL.
func TestExportAsked(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.exportJob("file = \"f\"\ntable = \"%t\"\n")
		ex := w.openExport()
		w.exec(append(slices.Clone(stock), "ALTER TABLE %t ADD COLUMN _chute_run UInt64, ADD COLUMN _chute_record UInt64")...)
		for name, c := range map[string]struct{ job, want string }{
			"all":   {"table = \"%t\"\norder_by = [\"sku\"]\nlimit = 1\n", "sku,name,price,day\r\n1,bolt,1.50,2026-01-02\r\n"},
			"named": {"table = \"%t\"\ncolumns = [\"sku\", \"_chute_run\"]\norder_by = [\"sku\"]\nlimit = 1\n", "sku,_chute_run\r\n1,0\r\n"},
			"grouped": {"table = \"%t\"\ncolumns = [\"sku\", \"price\", \"many\"]\ngroup_by = [\"sku\"]\nfilter = \"price >= 0\"\norder_by = [\"price DESC\"]\nlimit = 3\n" +
				"column = [{ name = \"price\", expression = \"sum(price) -- in all\" }, { name = \"many\", expression = \"count()\" }]\n", "sku,price,many\r\n2,20.00,1\r\n5,7.00,1\r\n1,1.50,1\r\n"},
			"distinct": {"table = \"%t\"\ncolumns = [\"sign\"]\ndistinct = true\norder_by = [\"sign\"]\ncolumn = [{ name = \"sign\", expression = \"price > 0\" }]\n", "sign\r\n0\r\n1\r\n"},
			"filter":   {"table = \"%t\"\ncolumns = [\"sku\"]\nfilter = \"day = {day:Date} OR name = {name:String}\"\norder_by = [\"sku\"]\nparameters = { day = \"2026-02-28\", name = \"nut, \\\"hex\\\"\" }\n", "sku\r\n2\r\n4\r\n"},
			"query": {"query = \"SELECT {text:String} AS t, {n:Nullable(Int16)} AS n, '{text:String}' AS same, {d:DateTime('Asia/Tokyo')} AS d\"\n" +
				"parameters = { text = \"') UNION ALL SELECT ('\\\\\", n = \"-7\", d = \"2026-01-31 06:00:00\" }\n", "t,n,same,d\r\n') UNION ALL SELECT ('\\,-7,{text:String},2026-01-31 06:00:00\r\n"},
			"lines": {"query = \"SELECT {p:UInt8} AS x\"\nparameters = { p = \"5\" }\nformat = { top = [\"H{p:3}|\"] }\n", "H5  |\r\nx\r\n5\r\n"},
		} {
			w.exportAs(t, ex, "out", "file = \""+name+"-{job}\"\n"+c.job)
			mustExport(t, ex, Occasion{}, ledger.Finished)
			w.wantContent("out/"+name+"-stock", c.want)
		}
		w.exportAs(t, ex, "out", "file = \"{p}_{q}\"\nquery = \"SELECT 1 AS x\"\nparameters = { p = \"a b\", q = \"ü\" }\n")
		mustExport(t, ex, Occasion{}, ledger.Finished)
		w.wantContent("out/a b_ü", "x\r\n1\r\n")
		for says, job := range map[string]string{
			"{p} needs a type":        "query = \"SELECT {p} AS x\"\n",
			"{p:Enum9('a' = 1)}: ":    "query = \"SELECT {p:Enum9('a' = 1)} AS x\"\n",
			"error 6 ":                "query = \"SELECT {p:Int8} AS x\"\n",
			"filter or order_by: {p}": "table = \"%t\"\nfilter = \"{p} = 1\"\n",
			"filter: a bracket ) cl":  "table = \"%t\"\nfilter = \"sku = {p:Int8}) or (sku < 0\"\nwatermark = { from = \"at\" }\n",
			"filter: an alias, AS id": "table = \"%t\"\nfilter = \"(1 as id) = {p:Int8}\"\nwatermark = { from = \"at\" }\n",
			"query: LIMIT leaves out": "query = \"SELECT {p:String} WHERE {runs} LIMIT 5\"\nwatermark = { runs = true }\n",
			"of column \"a\": a bra":  "table = \"%t\"\ncolumns = [\"a\"]\ncolumn = [{ name = \"a\", expression = \"{p:Int8}) AS b, (1\" }]\n",
		} {
			w.exportAs(t, ex, "out", "file = \"f\"\nparameters = { p = \"x\" }\n"+job)
			if _, err := ex.Export(w.ctx, Occasion{}); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", says, err)
			}
		}
		w.wantNothingLeft()
	})
}

// TestExportNames: an answer in which two columns have one name is refused, by the check and the preview as by the delivery, whatever the engine makes of it.
func TestExportNames(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.exportJob("file = \"f\"\ntable = \"%t\"\n")
		ex := w.openExport()
		w.exec(stock...)
		session, err := ex.session(w.ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		for query, says := range map[string]string{
			"SELECT sku, price, sku FROM %t -- all": `columns 1 and 3 of the answer are both called "sku"`,
			"SELECT 1 AS a, * FROM (SELECT 2 AS a)": `columns 1 and 2 of the answer are both called "a"`,
		} {
			w.exportAs(t, ex, "out", "file = \"f\"\nquery = \"\"\"\n"+query+"\"\"\"\nformat = { type = \"jsonl\" }\n")
			run, err := ex.Export(w.ctx, Occasion{})
			var refused *Refusal
			if run.Status != ledger.Failed || !errors.As(err, &refused) || refused.Code != "columns" || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %s, %v", query, run.Status, err)
			}
			if err := ex.Ask(w.ctx, Occasion{}, 10, func(string) error { return nil }, func(*native.Block) error { return nil }); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: the preview says %v", query, err)
			}
			var wrong *Misasked
			if _, err := CheckExport(w.ctx, ex.Job, session); !errors.As(err, &wrong) || wrong.Key != "query" || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: the check says %v", query, err)
			}
		}
		w.wantNothingLeft()
	})
}

// TestAliasesReach: why an expression's aliases are refused, and those of subqueries aren't.
func TestAliasesReach(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.exportJob("file = \"f\"\ntable = \"%t\"\n")
		ex := w.openExport()
		w.exec(slices.Clone(stock)...)
		for condition, want := range map[string]string{
			"(price > -1000) AND (sku > 2)": "3", "((2 AS sku) = 2) AND (sku > 2)": "0", "(sku > 2) AND ((3 AS sku) = 3)": "5", "(sku IN (SELECT toUInt32(3) AS sku)) AND (sku > 2)": "1",
			"(sku < (SELECT toUInt32(9) AS sku)) AND (sku > 2)": "3", "(arrayExists(sku -> sku = 1, [1])) AND (sku > 2)": "3",
		} {
			w.wantRows("SELECT count() FROM %t WHERE "+condition, want)
		}
		session, err := ex.session(w.ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, condition := range []string{"(2 sku) = 2", "toString(2 sku) = '2'", "[2 sku] = [2]"} {
			if err := query.Expression(condition); err != nil {
				t.Fatal(err)
			}
			if _, err := reconcile.Rows(w.ctx, session, connectors.Statement{SQL: "SELECT sku FROM " + w.Database + ".t WHERE (" + condition + ")"}); err == nil {
				t.Errorf("%s: a name without AS is taken", condition)
			}
		}
	})
}
