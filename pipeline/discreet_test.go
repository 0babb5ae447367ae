package pipeline

import (
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chute/config"
	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/pipeline/ledger"
)

func TestDiscreetHeader(t *testing.T) {
	byName := []config.Column{{Name: "id"}, {Source: "Key", Name: "token", Secret: true}, {Constant: new(config.Pattern), Name: "day"}, {Source: "old", Ignore: true}}
	byPosition := []config.Column{{Position: 1, Name: "id", Secret: true}}
	open := []config.Column{{Name: "id"}, {Name: "token"}}
	for _, test := range []struct {
		columns       []config.Column
		header, shown []string
	}{
		{byName, []string{"id", "Key", "old", "new"}, []string{"id", "Key", "old", "new"}},
		{byName, []string{"id", "Key", "new"}, []string{"id", "Key", "new"}},
		{byName, []string{"id;Key;new"}, []string{"id;Key;new"}},
		{byName, []string{"id", "hunter2"}, []string{"id", "•••"}},
		{byName, []string{"17;hunter2;id"}, []string{"•••"}},
		{byName, []string{"17", "hunter2"}, []string{"•••", "•••"}},
		{byName, nil, nil},
		{byPosition, []string{"17", "x"}, []string{"•••", "•••"}},
		{open, []string{"17", "hunter2"}, []string{"17", "hunter2"}},
	} {
		given := slices.Clone(test.header)
		if got := discreetHeader(&config.Job{Columns: test.columns}, given); !slices.Equal(got, test.shown) || !slices.Equal(given, test.header) {
			t.Errorf("%q is shown as %q, wanted %q", test.header, got, test.shown)
		}
	}
}

// TestDiscreetClaim: what a claim on a server says of where its files go tells nobody there a host, a path, an address or a table, and is enough to tell whether they are the same.
func TestDiscreetClaim(t *testing.T) {
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	job := &config.Job{Name: "orders"}
	job.Target.Table = config.TableName{Database: "secretbase", Table: "secrettable"}
	other := *job
	other.Target.Table.Table = "t"
	marks := []*DatabaseMark{
		{Host: "secrethost", Path: "/secret/path"}, {Host: "secrethost", Address: []string{"secretdb:9000", "localhost:9000"}, Database: "secretbase"},
		{Host: "secrethost", Address: []string{"localhost:9000"}, Database: "secretbase"},
		{Host: "else", Address: []string{"localhost:9000"}, Database: "secretbase"}, {Host: "else", Address: []string{"secretdb:9000"}, Database: "secretbase"},
	}
	for _, mark := range marks {
		store := connectortest.NewMemory(".chute")
		im := &Importer{Job: job, Store: &farFolder{Folder: store}, Work: ".chute", Ledger: l, DatabaseAt: mark}
		run := ledger.Run{ID: 7, Job: "orders", Inbox: "in", File: connectors.File{Name: "a.csv"}}
		if err := im.writeClaim(t.Context(), &batch{folder: ".chute/x/7", items: []*item{{run: run}}}); err != nil {
			t.Fatal(err)
		}
		f, err := store.Open(t.Context(), ".chute/x/7/claim.json")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil || strings.Contains(string(text), "secret") || strings.Contains(string(text), "_chute") || !strings.Contains(string(text), `"orders"`) {
			t.Errorf("%s (%v)", text, err)
		}
		c := &claim{}
		if err := json.Unmarshal(text, c); err != nil {
			t.Fatal(err)
		}
		if !c.targets(job) || c.targets(&other) {
			t.Errorf("it doesn't tell jobs apart by their tables: %s", text)
		}
		for _, here := range marks {
			o := &Orphans{Base: &Importer{Ledger: l, DatabaseAt: here}, Ledger: "aaaaaaaaaa"}
			if err := o.sameDatabase(c); (err == nil) != mark.same(here) {
				t.Errorf("claimed into %s, here is %s: %v", mark, here, err)
			}
		}
	}
}
