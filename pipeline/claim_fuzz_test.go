package pipeline

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/connectors/native"
	"chute/pipeline/ledger"
)

// tableless is a database without tables, of which it isn't known which one it is.
type tableless struct{}

func (tableless) Session(context.Context, string) (connectors.Session, error) { return noTables{}, nil }
func (tableless) Close() error                                                { return nil }

type noTables struct{ connectors.Session }

func (noTables) Server() connectors.Server          { return connectors.Server{} }
func (noTables) Kill(context.Context, string) error { return nil }
func (noTables) Query(_ context.Context, s connectors.Statement, _ func(*native.Block) error) error {
	if strings.Contains(s.SQL, "currentDatabase()") {
		return connectors.ErrUnavailable
	}
	return nil
}

// FuzzClaim: whatever stands in a claim.json, its file is in the store afterwards, where its one fate says, and nothing was asked of the store that mustn't be.
func FuzzClaim(f *testing.F) {
	l, err := ledger.Open(f.Context(), filepath.Join(f.TempDir(), "ledger.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = l.Close() }) // nothing was written into it
	for _, text := range []string{
		`{"ledger":"aaaaaaaaaa","table":"d.t","lineage":{"Run":"_chute_run","Record":"_chute_record"},"runs":[{"run":7,"job":"orders","inbox":"in","name":"YS5jc3Y=","shown":"\"a.csv\""}]}`,
		`{"table":"d.t","runs":[{"run":7,"job":"orders","inbox":"../in","name":"YS5jc3Y="},{"run":8,"inbox":"/","name":"Yg=="}]}`,
		`{"database":{"engine":"clickhouse"},"table":"a.b.c","runs":[{"run":18446744073709551615,"inbox":".chute/aaaaaaaaaa/7","name":"YS5jc3Y="}]}`,
		`{"table":"` + "`t" + `","runs":[{"run":7,"inbox":"","name":"YS5jc3Y="}]}`,
		`{"runs":[{"run":7,"name":"not base64"}]}`, `{"runs":null}`, `null`, `[]`, `{"runs":[{"run":-1}]}`, "{", "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		store := connectortest.NewMemory(".chute")
		const folder = ".chute/aaaaaaaaaa/7"
		store.Put(folder+"/a.csv", []byte("id\n1\n"))
		store.Put(folder+"/"+claimFile, text)
		base := &Importer{Store: store, Work: ".chute", Ledger: l, Database: tableless{}, Log: zerolog.Nop()}
		var fates []Fate
		if err := (&Orphans{Base: base, Ledger: "aaaaaaaaaa"}).Decide(ctx, func(f Fate) { fates = append(fates, f) }); err != nil {
			t.Fatal(err)
		}
		if len(fates) != 1 || fates[0].File != "a.csv" {
			t.Fatalf("fates %+v", fates)
		}
		file, err := store.Open(ctx, fates[0].At)
		if err != nil {
			t.Fatalf("%+v: %v", fates[0], err)
		}
		_ = file.Close()
		if (fates[0].Ending == EndedReturned) == (fates[0].At == folder+"/a.csv") || (fates[0].Why == "") != (fates[0].Ending == EndedReturned) {
			t.Errorf("fate %+v", fates[0])
		}
		if abuses := store.Misuses(); len(abuses) > 0 {
			t.Errorf("asked of the store: %q", abuses)
		}
	})
}
