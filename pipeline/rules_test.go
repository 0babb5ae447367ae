package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// ruled is a job whose columns have reading rules. It has a column for which 2018's server has no Bool.
const ruled = `
[target]
table = "%t"
create = true
order_by = ["id"]
[[column]]
source = "No"
name = "id"
type = "UInt32"
thousands = "'"
on_error = "reject-file"
[[column]]
source = "Born"
name = "born"
type = "Nullable(Date)"
format = "%d/%m/%y"
min = "1970-01-02"
on_error = "warn"
null = ["unknown"]
[[column]]
source = "Paid"
name = "paid"
type = "Decimal(9, 2)"
decimal = ","
thousands = "."
default = "-1,00"
on_error = "default"
[[column]]
source = "Yes"
name = "yes"
type = "UInt8"
trim = "both"
case = "lower"
true = ["ja"]
false = ["nein"]
[[column]]
source = "Sex"
name = "sex"
type = "String"
map = { m = "male", f = "female" }
map_missing = "warn"
[[column]]
source = "Card"
name = "card"
type = "String"
regexp = "^[0-9]{4}$"
secret = true
`

// TestRules: a value that breaks a rule goes the way that its column says, and the report counts it there.
func TestRules(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(ruled)
		w.open()
		w.drop("a.csv", "No,Born,Paid,Yes,Sex,Card\n"+
			"1'000,31/12/99,\"1.234,5\", JA ,m,1111\n"+
			"2,unknown,7,nein,f,2222\n"+
			"3,31/02/99,x,ja,x,3333\n"+
			"4,01/01/70,8,ja,y,4444\n"+
			"5,30/02/99,9,maybe,z,hunter2\n"+
			"6,31/12/99,7,ja,hunter2\n"+
			"7,31/12/99,7,ja,m,\"hunter2\"hunter2\n")
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
		w.wantRows("SELECT id, toString(ifNull(born, toDate('2000-01-01'))), toInt64(paid * 100), yes, sex, card FROM %t ORDER BY id",
			"2 2000-01-01 700 0 female 2222", "3 2000-01-01 -100 1 x 3333", "4 2000-01-01 800 1 y 4444", "1000 1999-12-31 123450 1 male 1111")
		w.wantSettled()
		said := w.told("a.csv")
		for _, want := range []string{`"rejects":3,`, `"warnings":5}`,
			`{"code":"not_a_date","column":"Born","message":"Column \"Born\": \"31/02/99\" is not a date written as %d/%m/%y; the record is loaded without the value.","line":4,"count":1}`,
			`{"code":"below_min","column":"Born","message":"Column \"Born\": \"01/01/70\" is less than 1970-01-02; the record is loaded without the value.","line":5,"count":1}`,
			`{"code":"not_a_number","column":"Paid","message":"Column \"Paid\": \"x\" is not a number; the record is loaded with the column's default.","line":4,"count":1}`,
			`{"code":"not_in_map","column":"Sex","message":"Column \"Sex\": \"x\" is not one of the values that are known; it is loaded as it is.","line":4,"count":2}`,
			`"code":"pattern","value":"•••","message":"••• doesn't match ^[0-9]{4}$"`} {
			if !strings.Contains(said, want) {
				t.Errorf("the report lacks %s:\n%s", want, said)
			}
		}
		if strings.Contains(said, "hunter2") {
			t.Error("a secret is told")
		}
		run, err := w.im.Ledger.Run(w.ctx, 1)
		if err != nil || run.Warnings != 5 || run.Status != ledger.FinishedWithRejects {
			t.Errorf("%+v, %v", run, err)
		}
	})
}

// told is all that is told about a file but its own records, with JSON on one line.
func (w *world) told(name string) string {
	w.t.Helper()
	var told strings.Builder
	for _, pattern := range []string{"store/*/" + name + ".log", "store/*/" + name + ".report.json", "store/*/*.jsonl", "state/runs/*/*"} {
		files, err := filepath.Glob(filepath.Join(w.Dir, pattern))
		if err != nil || len(files) == 0 {
			w.t.Fatalf("no %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				w.t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSpace(line)
				if key, rest, ok := strings.Cut(line, `": `); ok && strings.HasPrefix(line, `"`) {
					line = key + `":` + rest
				}
				told.WriteString(line)
			}
		}
	}
	return told.String()
}

// TestRejectFileColumn: one bad value in a column that must be right everywhere refuses the file, and says where.
func TestRejectFileColumn(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.job(ruled)
	w.open()
	w.drop("a.csv", "No,Born,Paid,Yes,Sex,Card\n1,31/12/99,1,ja,m,1111\nx,31/12/99,1,ja,m,2222\ny,31/12/99,1,ja,m,2222\n")
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Rejected})
	if said := w.told("a.csv"); !strings.Contains(said, `"code":"value"`) || !strings.Contains(said, `Line 3, column \"No\": \"x\" is not a whole number. This column`) {
		t.Error(said)
	}
	w.wantSettled()
}

// TestSecretsInErrors: the engine's words about a value that an expression of the table can't read are told to nobody, when the value may be a secret one. Of
// other values they are in the log, and the ledger has the kind of the error alone.
func TestSecretsInErrors(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job("[target]\ntable = \"%t\"\n[[column]]\nname = \"id\"\n[[column]]\nname = \"card\"\nsecret = true\n")
		w.open()
		w.exec("CREATE DATABASE %d", "CREATE TABLE %t (id UInt64, card String, n UInt32 DEFAULT toUInt32(card), _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id")
		w.drop("a.csv", "id,card\n1,hunter2\n")
		verdicts := w.importAll()
		wantOutcomes(t, verdicts, map[string]connectors.Outcome{"a.csv": connectors.Later})
		run, err := w.im.Ledger.Run(w.ctx, verdicts[0].Run)
		if err != nil {
			t.Fatal(err)
		}
		if said := verdicts[0].Err.Error() + run.Error; strings.Contains(said, "hunter2") || !strings.Contains(said, "error 6 CANNOT_PARSE_TEXT (the rest isn't told") {
			t.Error(said)
		}
		if !errors.As(verdicts[0].Err, new(*connectors.DatabaseError)) {
			t.Errorf("%v isn't an answer of the engine any more", verdicts[0].Err)
		}
		w.im.Job.Columns[1].Secret = false
		w.drop("b.csv", "id,card\n1,hunter2\n")
		verdict := w.importAll()[0]
		if run, err = w.im.Ledger.Run(w.ctx, verdict.Run); err != nil || strings.Contains(run.Error, "hunter2") || !strings.Contains(run.Error, "error 6 CANNOT_PARSE_TEXT (its text is in the log)") {
			t.Errorf("run %q, %v", run.Error, err)
		}
		if !strings.Contains(verdict.Err.Error(), "hunter2") {
			t.Error(verdict.Err)
		}
	})
}
