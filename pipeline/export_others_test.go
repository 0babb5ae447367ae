package pipeline

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chute/pipeline/ledger"
)

// TestExportOthers: other people's programs read the files as they are meant.
func TestExportOthers(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob("file = \"f\"\nquery = \"SELECT 1\"\n")
	ex := w.openExport()
	source := "SELECT number AS n, " + odd + " AS s, if(n % 3 = 0, NULL, s) AS sn, toDecimal64(n, 2) / 7 AS d, toDate('2026-01-31') + n AS day, toDateTime('2026-01-31 12:00:00', 'UTC') + n AS t, 9007199254740993 + n AS big FROM numbers(17)"
	w.exec("CREATE DATABASE %d", "CREATE TABLE %d.odd ENGINE = Memory AS "+strings.ReplaceAll(source, "%%", "%"))
	for name, c := range map[string]struct {
		format, program string // %f is the file
		want            string
	}{
		"csv": {"", `sqlite3 :memory: ".import --csv %f t" "SELECT count(*), sum(n), sum(length(s)), sum(sn = ''), max(day), max(t), max(big), sum(d) FROM t"`,
			"17|136|69|6|2026-02-16|2026-01-31 12:00:16|9007199254741009|19.36"},
		"jsonl": {`type = "jsonl"`, `jq -s -c '[length, (map(.n) | add), (map(.s | length) | add), (map(select(.sn == null)) | length), .[16].day, .[5].s, .[7].s]' %f`,
			`[17,136,69,6,"2026-02-16","'it's'","cr\rlf\r\n"]`},
		"json": {`type = "json"`, `jq -c '[length, .[3].s]' %f`, `[17,"a,b;c|d"]`},
		"xml": {`type = "xml"`, `xmllint --noout %f && for x in 'count(//row)' 'sum(//n)' 'count(//sn)' 'string(//row[10]/s)' 'string-length(//row[8]/s)'; do xmllint --xpath "$x" %f; echo; done | grep .`,
			"17\n136\n11\nback\\slash\\\n7"},
	} {
		t.Run(name, func(t *testing.T) {
			w.exportJob("file = \"f." + name + "\"\ntable = \"" + w.Database + ".odd\"\norder_by = [\"n\"]\n[format]\n" + c.format)
			job, err := w.loadExport()
			if err != nil {
				t.Fatal(err)
			}
			ex.Job = job
			mustExport(t, ex, Occasion{}, ledger.Finished)
			file := filepath.Join(w.Dir, "store/out/f."+name)
			said, err := exec.CommandContext(t.Context(), "bash", "-c", strings.ReplaceAll(c.program, "%f", file)).CombinedOutput()
			if got := strings.TrimSpace(string(said)); err != nil || got != c.want {
				t.Errorf("%v\n got %s\nwant %s", err, got, c.want)
			}
		})
	}
}

// TestExportParquet: the engine reads all types back as they were.
func TestExportParquet(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob("file = \"f\"\nquery = \"SELECT 1\"\n")
	ex := w.openExport()
	source := strings.NewReplacer("%%", "%", "%n", "1200").Replace(sources["chdb"])
	w.exec("CREATE DATABASE %d", "CREATE TABLE %d.src ENGINE = MergeTree ORDER BY tuple() AS "+source)
	columns := w.rows("SELECT name, type FROM system.columns WHERE database = '" + w.Database + "' AND table = 'src' ORDER BY position")
	for i, compression := range []string{"none", "gzip", "zstd"} {
		name := "f_" + compression + ".parquet"
		w.exportJob("file = \"" + name + "\"\ntable = \"" + w.Database + ".src\"\n[format]\ntype = \"parquet\"\ncompression = \"" + compression + "\"\n")
		job, err := w.loadExport()
		if err != nil {
			t.Fatal(err)
		}
		ex.Job = job
		mustExport(t, ex, Occasion{}, ledger.Finished)
		file := "file('" + filepath.Join(w.Dir, "store/out", name) + "', Parquet)"
		if i > 0 {
			columns = columns[:3]
		}
		wantSame(w, columns, file)
		if i > 0 {
			continue
		}
		types := w.rows("SELECT arrayJoin([toTypeName(v7), toTypeName(v15), toTypeName(v17), toTypeName(v21), toTypeName(v26), toTypeName(v37)]) FROM " + file + " LIMIT 6")
		want := []string{"UInt16", "Decimal(38, 20)", "Bool", "Date32", "DateTime64(6, 'UTC')", "Nullable(Decimal(18, 5))"}
		if diff := cmp.Diff(want, types); diff != "" {
			t.Error(diff)
		}
	}
}

// wantSame compares columns of the table with those of a file.
func wantSame(w *world, columns []string, file string) {
	w.t.Helper()
	for _, column := range columns {
		name, typ, _ := strings.Cut(column, " ")
		shown := "CAST(" + name + ", '" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(typ) + "')"
		if strings.HasPrefix(typ, "Map") { // there is no such cast
			shown = name
		}
		sum := "SELECT count(), sum(cityHash64(toString(" + shown + "))), countIf(isNull(" + name + ")) FROM "
		if a, b := w.rows(sum+w.Database+".src"), w.rows(sum+file); a[0] != b[0] || !strings.HasPrefix(a[0], "1200 ") {
			w.t.Errorf("column %s: %s before, %s after", column, a, b)
		}
	}
}
