package ledger

import (
	"testing"
	"time"
)

// importRun begins an import and, unless status is Running, ends it so.
func importRun(t *testing.T, l *Ledger, job string, status Status) Run {
	t.Helper()
	runs := []Run{{Kind: Import, Job: job, Store: "s", Inbox: "in"}}
	if err := l.Begin(limit(t), runs); err != nil {
		t.Fatal(err)
	}
	if status != Running {
		end(t, l, &runs[0], status)
	}
	return runs[0]
}

func end(t *testing.T, l *Ledger, r *Run, status Status) {
	t.Helper()
	for _, state := range []State{Claimed, Rejecting, Settled} {
		r.State, r.Status = state, status
		if err := l.Update(limit(t), []Run{*r}); err != nil {
			t.Fatal(err)
		}
	}
}

func wantBehind(t *testing.T, l *Ledger, want bool, imports ...string) {
	t.Helper()
	if got, err := l.Behind(limit(t), "stock", imports); err != nil || got != want {
		t.Errorf("behind %v: %t, %v; want %t", imports, got, err, want)
	}
}

// TestBehind: runs end in another order than they begin, and each loaded file is followed once.
func TestBehind(t *testing.T) {
	l, ctx := fresh(t), limit(t)
	importRun(t, l, "orders", Finished)
	slow := importRun(t, l, "orders", Running)
	importRun(t, l, "orders", Finished)
	if err := l.Replan(ctx, "stock", Plan{"after orders", at(50)}); err != nil {
		t.Fatal(err)
	}
	wantBehind(t, l, false, "orders")
	importRun(t, l, "orders", Rejected)
	importRun(t, l, "orders", Skipped)
	importRun(t, l, "other", Finished)
	wantBehind(t, l, false, "orders")
	wantBehind(t, l, true, "orders", "other")
	end(t, l, &slow, FinishedWithRejects) // begun before the plan
	wantBehind(t, l, true, "orders")

	cut, err := l.Cut(ctx)
	if err != nil || cut.UpTo != 6 || len(cut.Open) != 0 {
		t.Fatalf("cut %+v, %v", cut, err)
	}
	importRun(t, l, "orders", Finished) // while the delivery is under way
	r := newExport("stock")
	e := Exporting{Due: at(60), Cut: cut}
	if err := l.BeginExport(ctx, &r, e); err != nil {
		t.Fatal(err)
	}
	r.State, r.Status = Settled, Finished
	for _, followed := range []*Cut{nil, &cut} { // a delivery by hand follows nothing
		wantBehind(t, l, true, "orders")
		if err := l.SettleExport(ctx, r, e, Deliveries{Due: e.Due, Followed: followed}); err != nil {
			t.Fatal(err)
		}
	}
	wantBehind(t, l, true, "orders")
	if cut, err = l.Cut(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.SettleExport(ctx, r, e, Deliveries{Due: e.Due, Followed: &cut}); err != nil {
		t.Fatal(err)
	}
	wantBehind(t, l, false, "orders", "other")
}

func TestPlan(t *testing.T) {
	l, ctx := fresh(t), limit(t)
	wantPlan := func(want Plan) {
		t.Helper()
		if got, err := l.Plan(ctx, "stock"); err != nil || got.Rule != want.Rule || !got.Last.Equal(want.Last) {
			t.Errorf("plan %+v, %v; want %+v", got, err, want)
		}
	}
	wantPlan(Plan{})
	r := newExport("stock") // by hand, before anybody planned
	if err := l.BeginExport(ctx, &r, Exporting{Seq: 1}); err != nil {
		t.Fatal(err)
	}
	r.State, r.Status = Settled, Finished
	if err := l.SettleExport(ctx, r, Exporting{Seq: 1}, Deliveries{Seq: 1}); err != nil {
		t.Fatal(err)
	}
	wantPlan(Plan{})
	for _, step := range []struct {
		do   func() error
		want Plan
	}{
		{func() error { return l.Replan(ctx, "stock", Plan{"@daily", at(500)}) }, Plan{"@daily", at(500)}},
		{func() error { return l.Pass(ctx, "stock", at(600)) }, Plan{"@daily", at(600)}},
		{func() error { return l.Pass(ctx, "stock", at(550)) }, Plan{"@daily", at(600)}},
		{func() error { return l.Replan(ctx, "stock", Plan{"@hourly", at(100)}) }, Plan{"@hourly", at(100)}},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		wantPlan(step.want)
	}
	if d, err := l.Deliveries(ctx, "stock"); err != nil || d.Seq != 1 {
		t.Errorf("a plan takes the number back: %+v, %v", d, err)
	}
}

// TestDealtWith: a moment that was delivered stays so when the plan begins anew before it.
func TestDealtWith(t *testing.T) {
	l, ctx := fresh(t), limit(t)
	want := func(due int64, want bool) {
		t.Helper()
		if got, err := l.DealtWith(ctx, "stock", at(due)); err != nil || got != want {
			t.Errorf("%d dealt with: %t, %v", due, got, err)
		}
	}
	want(900, false)
	r, e := newExport("stock"), Exporting{Due: at(900)}
	if err := l.BeginExport(ctx, &r, e); err != nil {
		t.Fatal(err)
	}
	want(900, false)
	if due, err := l.BegunExport(ctx, "stock", "s"); err != nil || !due.Equal(at(900)) {
		t.Errorf("begun: %v, %v", due, err)
	}
	r.State, r.Status = Settled, Failed
	if err := l.SettleExport(ctx, r, e, Deliveries{Due: e.Due}); err != nil {
		t.Fatal(err)
	}
	if due, err := l.BegunExport(ctx, "stock", "s"); err != nil || !due.Equal(time.Time{}) {
		t.Errorf("begun: %v, %v", due, err)
	}
	want(800, true)
	if err := l.Replan(ctx, "stock", Plan{"@daily", at(100)}); err != nil {
		t.Fatal(err)
	}
	want(100, true)
	want(800, false)
	want(900, true)
}
