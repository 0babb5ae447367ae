package pipeline

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chute/connectors"
	"chute/connectors/local"
	"chute/connectors/native"
	"chute/pipeline/report"
)

// byHand is the importer for files that are read where they are.
func (w *world) byHand(dir string) *Importer {
	w.t.Helper()
	machine, err := local.Open("/", ".chute")
	if err != nil {
		w.t.Fatal(err)
	}
	im := *w.im
	im.InPlace, im.Inbox, im.Dir, im.Place = true, machine, strings.TrimPrefix(filepath.Join(w.Dir, dir), "/"), w.Dir
	im.Out = func(uint64) string { return "." }
	return &im
}

func (w *world) preview(dir, name string, look Look) *Preview {
	w.t.Helper()
	im := w.byHand(dir)
	files, err := im.Inbox.List(w.ctx, im.Dir)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range files {
		if f.Name != name {
			continue
		}
		p, err := im.Preview(w.ctx, f, look)
		if err != nil {
			w.t.Fatalf("%s: %v", name, err)
		}
		return p
	}
	w.t.Fatalf("no file %s in %s", name, dir)
	return nil
}

// TestPreviewForetells: what a preview says of files is what their import then says, on both engines, with a table that isn't there yet.
func TestPreviewForetells(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(orders)
		w.open()
		dropFour(w)
		w.drop("e_warned.csv", strings.TrimSuffix(lines(5), "\n")+",") // no final line end, and a field too many
		w.drop("f_empty.csv", "")
		files, err := w.waiting(w.ctx, w.im)
		if err != nil {
			t.Fatal(err)
		}
		foretold := map[string]*Preview{}
		for _, f := range files {
			foretold[f.Name] = w.preview("store/in", f.Name, Look{})
		}
		if runs, err := w.im.Ledger.Unsettled(w.ctx); err != nil || len(runs) > 0 {
			t.Errorf("previews began %d runs (%v)", len(runs), err)
		}
		w.importAll()
		for id := uint64(1); id <= uint64(len(files)); id++ {
			run, err := w.im.Ledger.Run(w.ctx, id) // previews took no numbers
			if err != nil {
				t.Fatal(err)
			}
			var r report.Report
			if err := json.Unmarshal(run.Report, &r); err != nil {
				t.Fatal(err)
			}
			p := foretold[run.File.Name]
			if r.Result == report.Skipped { // equal to another one that wasn't loaded yet
				if p.Report.Result != report.Loaded {
					t.Errorf("%s: would be %s", run.File.Name, p.Report.Result)
				}
				continue
			}
			if diff := cmp.Diff(r.Partner, p.Report.Partner, cmpopts.IgnoreFields(report.Partner{}, "Schema", "Run", "Started", "Finished", "RejectFiles", "File.Received"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: the import's report isn't the preview's:\n%s", run.File.Name, diff)
			}
			if r.Table != p.Report.Table || r.Promise != p.Report.Promise {
				t.Errorf("%s: foretold %s, %s; it was %s, %s", run.File.Name, p.Report.Table, p.Report.Promise, r.Table, r.Promise)
			}
		}
	})
}

// TestPreviewShows what a person wants to see: records, reasons, statements; and, once it is loaded, by whom.
func TestPreviewShows(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(strings.Replace(orders, "[target]", "[target]\nfile_column = \"file\"", 1) + "[[column]]\nname = \"at\"\ntype = \"DateTime\"\ntimezone = \"Europe/Paris\"\nsecret = true\n")
	w.open()
	w.drop("a.csv", "id,amount,note,at\n1,1.5,x,2024-07-01 12:00:00\n2,?,\"y\n\",no\n3,-2,,2024-01-01 00:00:00\n")
	var records, reasons bytes.Buffer
	show := func(columns []native.Column, b *native.Block) error {
		p, err := NewPrinting("csv", columns, nil, nil)
		if err != nil {
			return err
		}
		return p.Write(&records, b)
	}
	p := w.preview("store/in", "a.csv", Look{Each: show, Reasons: &reasons})
	if want := "1,1.50,x,2024-07-01 12:00:00\n3,-2.00,,2024-01-01 00:00:00\n"; records.String() != want {
		t.Errorf("records:\n%s", records.String())
	}
	want := `{"file":"a.csv","record":2,"line":3,"offset":46,"column":"amount","code":"not_a_number","value":"?","message":"\"?\" is not a number","source":"text"}
{"file":"a.csv","record":2,"line":3,"offset":46,"column":"at","code":"not_a_time","value":"•••","message":`
	if got := reasons.String(); !strings.HasPrefix(got, want) || strings.Contains(got, `"no"`) {
		t.Errorf("reasons:\n%s", got)
	}
	// The statements are those that make the table: sent by hand, they do.
	if len(p.Statements) != 6 || !strings.HasPrefix(p.Statements[0], "CREATE DATABASE") || !strings.HasPrefix(p.Statements[4], "ALTER TABLE") {
		t.Fatalf("statements: %q", p.Statements)
	}
	w.exec(p.Statements[0], p.Statements[1], p.Statements[2])
	w.exec("DROP TABLE "+w.Database+".chute_stage_"+w.im.Ledger.ID()+"_RUN", "ALTER TABLE %t ADD CONSTRAINT c CHECK amount < 100")
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})

	p = w.preview("store/done", "a.csv", Look{})
	if p.Report.Result != report.Skipped || p.Report.SameAs.Run != 1 || p.Report.Counts.Success != 2 || len(p.Statements) > 0 {
		t.Errorf("loaded, it is %s: %+v", p.Report.Result, p.Report)
	}
	// Refused records that come back are a file of their own.
	p = w.preview("store/done", "a.rejects.csv", Look{})
	if p.Report.Result != report.LoadedWithRejects || p.Report.Counts.Rejects != 1 || p.Report.Counts.Total != 1 {
		t.Errorf("its rejects: %s, %+v", p.Report.Result, p.Report.Rejection)
	}
	if err := os.WriteFile(filepath.Join(w.Dir, "store/done/b.csv"), []byte("id,amount,note,at\n1,1.5,x,2024-07-01 12:00:00\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if p = w.preview("store/done", "b.csv", Look{}); len(p.Unjudged) != 1 || !strings.Contains(p.Unjudged[0], "amount < 100") || len(p.Statements) == 0 || strings.HasPrefix(p.Statements[0], "CREATE DATABASE") {
		t.Errorf("with a constraint: %q, %q", p.Unjudged, p.Statements)
	}
}

// TestPreviewOfWhatMeansLater: what isn't the file's fault is an error here as well.
func TestPreviewOfWhatMeansLater(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(strings.Replace(orders, "create = true\norder_by = [\"id\"]\npartition_by = \"id % 3\"\n", "", 1))
	im := w.open()
	w.drop("a.csv", lines(3))
	files, err := w.waiting(w.ctx, im)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.byHand("store/in").Preview(w.ctx, files[0], Look{}); err == nil || outcomeOf(err) != connectors.Later || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("without its table: %v", err)
	}
}
