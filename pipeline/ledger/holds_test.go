package ledger

import (
	"path/filepath"
	"testing"
	"time"

	"chute/connectors"
)

func TestHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := Open(limit(t), path)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1700000000, 0)
	for i, want := range []bool{true, false} { // the second reason doesn't take the place of the first
		fresh, err := l.Hold(limit(t), "orders", []string{"first", "second"}[i], now)
		if err != nil || fresh != want {
			t.Errorf("held: fresh %v, %v", fresh, err)
		}
	}
	if _, err := l.Hold(limit(t), "orders", "", now); err == nil {
		t.Error("held without a reason")
	}
	begin(t, l, 3)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, path)
	h, err := l.HoldOf(limit(t), "orders")
	if err != nil || !h.Held() || h.Reason != "first" || !h.Since.Equal(now) || h.After != 0 {
		t.Errorf("after opening it again %+v, %v", h, err)
	}
	if held, err := l.Held(limit(t)); err != nil || len(held) != 1 || held["orders"] != h {
		t.Errorf("held are %v, %v", held, err)
	}
	was, err := l.Release(limit(t), "orders", now.Add(time.Hour))
	if err != nil || was != h {
		t.Errorf("released %+v, %v", was, err)
	}
	h, err = l.HoldOf(limit(t), "orders")
	if err != nil || h.Held() || h.After != 3 {
		t.Errorf("after the release %+v, %v", h, err)
	}
	if was, err := l.Release(limit(t), "stock", now); err != nil || was.Held() {
		t.Errorf("released what was never held: %+v, %v", was, err)
	}
	if held, err := l.Held(limit(t)); err != nil || len(held) != 0 {
		t.Errorf("held are %v, %v", held, err)
	}
}

// TestLatest: what decides about a hold are the job's own last files from its store, behind the release, without the skipped ones.
func TestLatest(t *testing.T) {
	l := fresh(t)
	runs := begin(t, l, 6)
	for i, status := range []Status{Rejected, Finished, Skipped, Stuck, Running, Rejected} {
		if _, err := l.write.ExecContext(limit(t), `UPDATE runs SET status = ? WHERE id = ?`, status, runs[i].ID); err != nil {
			t.Fatal(err)
		}
	}
	unmatched := []Run{{Kind: Import, Job: runs[0].Job, Store: runs[0].Store, Inbox: "in", File: connectors.File{Name: "nobody's"}, Status: Rejected}}
	if err := l.BeginUnmatched(limit(t), unmatched); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		after uint64
		store string
		limit int
		want  []uint64
	}{
		{0, runs[0].Store, 10, []uint64{6, 4, 2, 1}}, {1, runs[0].Store, 10, []uint64{6, 4, 2}}, {0, runs[0].Store, 2, []uint64{6, 4}},
		{6, runs[0].Store, 10, nil}, {0, "/by/hand", 10, nil},
	} {
		got, err := l.Latest(limit(t), runs[0].Job, test.store, test.after, test.limit)
		if err != nil || len(got) != len(test.want) {
			t.Errorf("%+v: %+v, %v", test, got, err)
			continue
		}
		for i := range got {
			if got[i].ID != test.want[i] {
				t.Errorf("%+v: %+v", test, got)
			}
		}
	}
	if _, err := l.write.ExecContext(limit(t), `UPDATE runs SET state = 'publishing' WHERE id = 5`); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Latest(limit(t), runs[0].Job, runs[0].Store, 4, 10); err != nil || len(got) != 2 || got[1].ID != 5 || got[1].Status != Finished {
		t.Errorf("one that is being published: %+v, %v", got, err)
	}
}

// TestOlderSchema: a ledger of an earlier version is brought to the newest, and keeps what it has.
func TestOlderSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := Open(limit(t), path)
	if err != nil {
		t.Fatal(err)
	}
	id := l.ID()
	begin(t, l, 2)
	if _, err := l.write.ExecContext(limit(t), `DROP TABLE wishes; DROP TABLE exports; DROP TABLE deliveries; DROP TABLE replacements; DROP TABLE holds; DROP TABLE places; PRAGMA user_version = 2`); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, path)
	if _, err := l.HoldOf(limit(t), "orders"); err != nil || l.ID() != id {
		t.Errorf("%v, id %s, was %s", err, l.ID(), id)
	}
	if next := begin(t, l, 1); next[0].ID != 3 {
		t.Errorf("number %d after 2", next[0].ID)
	}
}
