package ledger

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

func newExport(job string) Run {
	return Run{Kind: Export, Job: job, Store: "s", Inbox: "out"}
}

func TestExports(t *testing.T) {
	l, ctx := fresh(t), limit(t)
	r, e := newExport("stock"), Exporting{Due: at(100), Seq: 1, Since: at(0), Until: at(90), Cut: Cut{7, []uint64{3, 5}}, Moves: true}
	if err := l.BeginExport(ctx, &r, e); err != nil || r.ID != 1 || r.State != Writing || r.Status != Running {
		t.Fatalf("%+v, %v", r, err)
	}
	if unsettled, err := l.UnsettledExports(ctx, "stock"); err != nil || len(unsettled) != 1 || unsettled[0].ID != 1 {
		t.Errorf("unsettled: %+v, %v", unsettled, err)
	}
	if unsettled, err := l.UnsettledExports(ctx, "other"); err != nil || len(unsettled) != 0 {
		t.Errorf("unsettled of another job: %+v, %v", unsettled, err)
	}
	r.State, r.Moves = Delivering, []Move{{"a", "b"}}
	if err := l.UpdateExport(ctx, r, e); err != nil {
		t.Fatal(err)
	}
	if d, err := l.Deliveries(ctx, "stock"); err != nil || d != (Deliveries{}) {
		t.Errorf("before the delivery: %+v, %v", d, err)
	}
	r.State, r.Status = Settled, Finished
	for range 2 { // the answer to the first got lost: what was delivered is counted once
		if err := l.SettleExport(ctx, r, e, Deliveries{Seq: 1, Watermark: at(90), Due: at(100), Files: 3, Rows: 1000, Bytes: 9000, Latest: at(101)}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := l.Exporting(ctx, 1); err != nil || !reflect.DeepEqual(got, e) {
		t.Errorf("%+v, %v", got, err)
	}
	if d, err := l.Deliveries(ctx, "stock"); err != nil || d != (Deliveries{Seq: 1, Watermark: at(90), Due: at(100), Files: 3, Rows: 1000, Bytes: 9000, Latest: at(101)}) {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := l.Exporting(ctx, 7); !errors.Is(err, ErrNoRun) {
		t.Errorf("a run that isn't there: %v", err)
	}
}

// TestDeliveriesNeverGoBack: neither an export by hand, which has no moment, nor one of an earlier moment takes back what was reached.
func TestDeliveriesNeverGoBack(t *testing.T) {
	l, ctx := fresh(t), limit(t)
	for i, step := range []struct{ give, want Deliveries }{
		{Deliveries{Due: at(5)}, Deliveries{Due: at(5)}},
		{Deliveries{Seq: 1, Watermark: at(10)}, Deliveries{Seq: 1, Watermark: at(10), Due: at(5)}},
		{Deliveries{Seq: 1, Watermark: at(8), Due: at(3)}, Deliveries{Seq: 1, Watermark: at(10), Due: at(5)}},
		{Deliveries{Seq: 2, Watermark: at(11), Due: at(6), Files: 1, Rows: 7, Bytes: 70, Latest: at(12)}, Deliveries{Seq: 2, Watermark: at(11), Due: at(6), Files: 1, Rows: 7, Bytes: 70, Latest: at(12)}},
		{Deliveries{Seq: 3, Files: 2, Rows: 1, Bytes: 10, Latest: at(14)}, Deliveries{Seq: 3, Watermark: at(11), Due: at(6), Files: 3, Rows: 8, Bytes: 80, Latest: at(14)}},
	} {
		r := newExport("stock")
		if err := l.BeginExport(ctx, &r, Exporting{}); err != nil {
			t.Fatal(err)
		}
		r.State, r.Status = Settled, Finished
		if err := l.SettleExport(ctx, r, Exporting{}, step.give); err != nil {
			t.Fatal(err)
		}
		if d, err := l.Deliveries(ctx, "stock"); err != nil || d != step.want {
			t.Errorf("step %d: %+v, want %+v (%v)", i, d, step.want, err)
		}
	}
}

// TestDeliveredRuns: which runs were delivered stays until a later delivery says otherwise.
func TestDeliveredRuns(t *testing.T) {
	l, ctx := fresh(t), limit(t)
	for i, give := range []*Cut{nil, {7, []uint64{3}}, nil, {9, nil}} {
		r := newExport("stock")
		if err := l.BeginExport(ctx, &r, Exporting{}); err != nil {
			t.Fatal(err)
		}
		r.State, r.Status = Settled, Finished
		if err := l.SettleExport(ctx, r, Exporting{}, Deliveries{Runs: give}); err != nil {
			t.Fatal(err)
		}
		want := []*Cut{nil, {7, []uint64{3}}, {7, []uint64{3}}, {9, nil}}[i]
		if d, err := l.Deliveries(ctx, "stock"); err != nil || !reflect.DeepEqual(d.Runs, want) {
			t.Errorf("after %v: %+v, %v; want %v", give, d.Runs, err, want)
		}
	}
}
