package agenda

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chute/config"
	"chute/pipeline/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ Book = (*ledger.Ledger)(nil)

func day(t testing.TB, text string) (d config.Day) {
	t.Helper()
	if err := d.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return d
}

func all(c *config.Export) { c.CatchUp = "all" }

// TestYear lets a year go by. Deliveries take their time, some fail, and the process is killed again and again, and stays away for hours, also where
// clocks change. What was delivered is exactly what a calendar says, each moment once and in order.
func TestYear(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := begin.AddDate(1, 0, 0)
	if testing.Short() {
		begin = time.Date(2026, 9, 20, 0, 0, 0, 0, time.UTC) // with all that change in autumn
	}
	simulate(t, begin, func(w *world) {
		w.job("leap", "Europe/Paris", "30 2 * * *", 40*time.Minute, all)
		w.job("twice", "America/New_York", "30 1 * * *", time.Second, all)
		w.job("half", "Australia/Lord_Howe", "15 2 * * *", time.Minute, all)
		w.job("hourly", "Europe/Paris", "@hourly", 90*time.Minute, all)
		w.job("weekdays", "America/New_York", "0 6 * * Mon-Fri", time.Minute, all)
		w.job("quarter", "Australia/Lord_Howe", "0 0 1 */3 *", 30*time.Hour, all)
		w.job("season", "Europe/Paris", "0 12 * * *", time.Second, func(c *config.Export) {
			c.CatchUp, c.ValidFrom, c.ValidUntil = "all", day(t, "2026-03-28"), day(t, "2026-10-26")
		})
		w.every = time.Hour // half a million looks for each job are a lot
		random := rand.New(rand.NewPCG(1, 2))
		for w.now().Before(end) {
			w.start()
			w.alter(func() {
				for _, job := range w.jobs {
					w.failures[job.Config.Name] = random.IntN(4)
				}
			})
			w.pass(time.Duration(random.Int64N(int64(12 * 24 * time.Hour))))
			w.stop()
			w.pass(time.Duration(random.Int64N(int64(5 * time.Hour))))
		}
		w.start()
		w.pass(100 * 24 * time.Hour) // the hourly one needs longer than an hour each
		w.stop()
		for name, want := range calendar(t, begin, end) {
			var got []time.Time
			for _, due := range w.made[name] {
				if due.Before(end) {
					got = append(got, due)
				}
			}
			if name == "hourly" { // it never catches up with the clock
				want = want[:min(len(want), len(got))]
			}
			if !slices.EqualFunc(got, want, time.Time.Equal) {
				t.Errorf("%s: %d deliveries, want %d:\n got %v\nwant %v", name, len(got), len(want), got, want)
			}
		}
		if n := len(w.made["hourly"]); n < 1500 {
			t.Errorf("only %d hourly deliveries", n)
		}
	})
}

// calendar is what is due in 2026, by days of a calendar and the dates on which clocks change.
func calendar(t *testing.T, begin, end time.Time) map[string][]time.Time {
	want := map[string][]time.Time{}
	add := func(name, zone string, hour, minute int, on func(d time.Time) bool, changes map[string]string) {
		at, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for d := begin.AddDate(0, 0, -1); d.Before(end.AddDate(0, 0, 2)); d = d.AddDate(0, 0, 1) {
			due := time.Date(d.Year(), d.Month(), d.Day(), hour, minute, 0, 0, at)
			if text, ok := changes[d.Format(time.DateOnly)]; ok {
				if due, err = time.Parse(time.RFC3339, text); err != nil {
					t.Fatal(err)
				}
			}
			if on(d) && due.After(begin) && due.Before(end) {
				want[name] = append(want[name], due)
			}
		}
	}
	always := func(time.Time) bool { return true }
	add("leap", "Europe/Paris", 2, 30, always, map[string]string{"2026-03-29": "2026-03-29T03:00:00+02:00", "2026-10-25": "2026-10-25T02:30:00+02:00"})
	add("twice", "America/New_York", 1, 30, always, map[string]string{"2026-11-01": "2026-11-01T01:30:00-04:00"})
	add("half", "Australia/Lord_Howe", 2, 15, always, map[string]string{"2026-10-04": "2026-10-04T02:30:00+11:00"})
	add("weekdays", "America/New_York", 6, 0, func(d time.Time) bool { return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday }, nil)
	add("quarter", "Australia/Lord_Howe", 0, 0, func(d time.Time) bool { return d.Day() == 1 && (d.Month()-1)%3 == 0 }, nil)
	add("season", "Europe/Paris", 12, 0, func(d time.Time) bool {
		return !d.Before(time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)) && d.Before(time.Date(2026, 10, 27, 0, 0, 0, 0, time.UTC))
	}, nil)
	for due := begin.Add(time.Hour); due.Before(end); due = due.Add(time.Hour) {
		want["hourly"] = append(want["hourly"], due) // Paris is whole hours away from UTC
	}
	return want
}

// TestFar: deliveries to one slow server leave a slot to those that go elsewhere; where nothing does, they have all.
func TestFar(t *testing.T) {
	for _, others := range []bool{true, false} {
		simulate(t, time.Date(2026, 5, 4, 5, 30, 0, 0, time.UTC), func(w *world) {
			w.parallel = 2
			for _, name := range []string{"a", "b", "c"} {
				w.job(name, "UTC", "0 6 * * *", 5*time.Hour, func(c *config.Export) { c.Store = "far" })
				w.jobs[len(w.jobs)-1].Far = true
			}
			if others {
				w.job("near", "UTC", "1 6 * * *", time.Second, nil)
			}
			under := func() int {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.under["a"] + w.under["b"] + w.under["c"]
			}
			w.start()
			w.pass(time.Hour)
			if want := map[bool]int{true: 1, false: 2}[others]; under() != want {
				t.Errorf("%d deliveries to the slow server, want %d", under(), want)
			}
			if others {
				w.want("near", "04 06:01")
			}
			before := under()
			w.agenda.Change(w.jobs) // those that are under way keep their share
			w.pass(time.Hour)
			if under() != before {
				t.Errorf("after a change %d deliveries to the slow server", under())
			}
			w.pass(20 * time.Hour)
			for _, name := range []string{"a", "b", "c"} {
				w.want(name, "04 06:00")
			}
			w.stop()
		})
	}
}

func TestCatchUp(t *testing.T) {
	begin := time.Date(2026, 5, 4, 5, 30, 0, 0, time.UTC)
	for name, test := range map[string]struct{ first, second, third []string }{
		"all":  {[]string{"04 06:00", "04 07:00", "04 08:00", "04 09:00"}, []string{"04 10:00"}, []string{"04 11:00"}},
		"last": {[]string{"04 06:00", "04 09:00"}, []string{"04 10:00"}, []string{"04 11:00"}},
		"none": {[]string{"04 06:00"}, []string{"04 10:00"}, []string{"04 11:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, begin, func(w *world) {
				w.job("x", "UTC", "@hourly", time.Second, func(c *config.Export) { c.CatchUp = name })
				w.start()
				w.pass(time.Hour)
				w.stop()
				w.pass(3 * time.Hour)
				w.start()
				w.pass(time.Minute)
				want := test.first
				w.want("x", want...)
				w.pass(time.Hour)
				want = append(want, test.second...)
				w.want("x", want...)
				w.stop()
				w.pass(28*time.Minute + 50*time.Second) // until 10:59:50
				w.start()
				w.stop()
				w.pass(40 * time.Second) // a restart that takes its time isn't away
				w.start()
				w.pass(time.Minute)
				w.want("x", append(want, test.third...)...)
			})
		})
	}
}

// TestClock: a clock that is put forward or back, by little or by much, makes nothing due twice and loses nothing.
func TestClock(t *testing.T) {
	simulate(t, time.Date(2026, 5, 4, 5, 30, 0, 0, time.UTC), func(w *world) {
		w.job("daily", "UTC", "0 6 * * *", time.Second, func(c *config.Export) { c.CatchUp = "none" })
		w.job("hourly", "UTC", "@hourly", time.Second, all)
		w.start()
		w.pass(29*time.Minute + 58*time.Second)
		w.set(time.Minute) // over six o'clock
		w.pass(time.Hour)
		w.want("daily", "04 06:00")
		w.want("hourly", "04 06:00", "04 07:00")
		w.set(-2 * time.Hour)
		w.pass(100 * time.Minute)
		w.want("daily", "04 06:00")
		w.want("hourly", "04 06:00", "04 07:00")
		w.pass(time.Hour) // it is 7:41 now
		w.want("hourly", "04 06:00", "04 07:00")
		w.set(25 * time.Hour)
		w.pass(time.Hour)
		w.want("daily", "04 06:00", "05 06:00")
		w.pass(20 * time.Minute)
		hours := []string{"04 06:00", "04 07:00", "04 08:00", "04 09:00", "04 10:00", "04 11:00", "04 12:00", "04 13:00", "04 14:00", "04 15:00", "04 16:00", "04 17:00",
			"04 18:00", "04 19:00", "04 20:00", "04 21:00", "04 22:00", "04 23:00", "05 00:00", "05 01:00", "05 02:00", "05 03:00", "05 04:00", "05 05:00", "05 06:00",
			"05 07:00", "05 08:00", "05 09:00", "05 10:00"}
		w.want("hourly", hours...)

		// A clock that was years ahead. What was delivered then isn't delivered again; what comes now, is.
		w.set(10 * 365 * 24 * time.Hour)
		w.pass(time.Hour)
		n := len(w.made["daily"])
		if n != 3 {
			t.Errorf("%d daily deliveries, want 3: one more", n)
		}
		w.stop()
		w.set(-10 * 365 * 24 * time.Hour)
		w.start()
		w.pass(24 * time.Hour)
		if made := w.made["daily"]; len(made) != 4 || !made[3].Equal(time.Date(2026, 5, 6, 6, 0, 0, 0, time.UTC)) {
			t.Errorf("daily deliveries %v", made)
		}
	})
}

// TestBusy: what becomes due while a delivery takes its time, or fails, is delivered once behind it.
func TestBusy(t *testing.T) {
	simulate(t, time.Date(2026, 5, 4, 5, 59, 0, 0, time.UTC), func(w *world) {
		w.job("slow", "UTC", "*/10 * * * *", 25*time.Minute, nil)
		w.job("each", "UTC", "*/10 * * * *", 25*time.Minute, all)
		w.job("failing", "UTC", "*/10 * * * *", time.Second, func(c *config.Export) { c.CatchUp = "none" })
		w.failures["failing"] = 30
		w.start()
		w.pass(53 * time.Minute)
		w.want("slow", "04 06:00", "04 06:20")
		w.want("each", "04 06:00", "04 06:10")
		w.want("failing", "04 06:00", "04 06:20", "04 06:30", "04 06:40", "04 06:50")
	})
}

// TestPause: after an error a job waits longer and longer, unless somebody says that things have changed; a book that can't be written in delivers nothing twice.
func TestPause(t *testing.T) {
	simulate(t, time.Date(2026, 5, 4, 5, 59, 59, 0, time.UTC), func(w *world) {
		w.job("x", "UTC", "0 6 * * *", 0, nil)
		w.failures["x"] = 100
		w.start()
		w.pass(20 * time.Minute)
		a := w.agenda.Activities()[0]
		if left := w.failures["x"]; left > 80 || left < 70 || !errors.Is(a.Problem, errDelivery) || !a.Until.After(w.now()) || a.Due.Hour() != 6 || a.Running {
			t.Errorf("%d failures left, %+v", left, a)
		}
		w.alter(func() { w.failures["x"] = 0 })
		w.agenda.Look()
		w.pass(time.Millisecond)
		w.want("x", "04 06:00")
		if a := w.agenda.Activities()[0]; a.Problem != nil || a.Next.Format("02 15:04") != "05 06:00" {
			t.Errorf("%+v", a)
		}
		w.alter(func() { w.bookErr = errBook })
		w.pass(26 * time.Hour)
		w.want("x", "04 06:00")
		w.alter(func() { w.bookErr = nil })
		w.pass(time.Minute * 2)
		w.want("x", "04 06:00", "05 06:00")
	})
}

func TestAfter(t *testing.T) {
	simulate(t, time.Date(2026, 5, 4, 5, 0, 0, 0, time.UTC), func(w *world) {
		follow := func(c *config.Export) { c.After = []string{"orders"} }
		w.job("x", "UTC", "", time.Minute, follow)
		w.job("both", "UTC", "30 5 * * *", time.Second, follow)
		w.job("over", "UTC", "", time.Second, func(c *config.Export) { follow(c); c.ValidUntil = day(t, "2026-05-03") })
		loaded := func() {
			w.alter(func() {
				for _, job := range w.jobs {
					w.behind[job.Config.Name] = true
				}
			})
			w.agenda.Imported("orders")
		}
		w.start()
		w.pass(5 * time.Minute)
		w.agenda.Imported("orders") // nothing was loaded
		w.pass(time.Minute)
		w.want("x")
		loaded()
		w.pass(2 * time.Minute)
		w.want("x", "04 05:06")
		w.want("both", "04 05:06")
		w.want("over")
		w.set(-time.Hour) // nothing is taken for delivered before
		loaded()
		w.pass(2 * time.Minute)
		w.want("x", "04 05:06", "04 05:06")
		w.want("both", "04 05:06", "04 05:06")
		w.set(time.Hour)
		w.pass(30 * time.Minute)
		w.want("both", "04 05:06", "04 05:06", "04 05:30")

		w.stop() // nobody tells that a file was loaded: it is found out at the start
		w.behind["x"] = true
		w.start()
		w.pass(2 * time.Minute)
		w.want("x", "04 05:06", "04 05:06", "04 05:40")
	})
}

// TestRules: a job that is new, changed or wasn't enabled begins from now on.
func TestRules(t *testing.T) {
	simulate(t, time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), func(w *world) {
		w.job("x", "UTC", "@hourly", time.Second, all)
		w.start()
		w.pass(61 * time.Minute)
		w.want("x", "04 13:00")
		w.stop()
		w.pass(5 * time.Hour)
		if err := w.jobs[0].Config.Schedule.UnmarshalText([]byte("30 * * * *")); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.pass(time.Hour)
		w.want("x", "04 13:00", "04 18:30")
		for _, enabled := range []bool{false, true} {
			w.stop()
			w.jobs[0].Config.Enabled = enabled
			w.start()
			w.pass(2 * time.Hour)
		}
		w.want("x", "04 13:00", "04 18:30", "04 21:30", "04 22:30")
	})
}

func TestNext(t *testing.T) {
	c := &config.Export{ValidFrom: day(t, "2026-03-29"), ValidUntil: day(t, "2026-03-30")}
	if err := c.Schedule.UnmarshalText([]byte("0 6 * * *")); err != nil {
		t.Fatal(err)
	}
	got := Next(c, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 3)
	if len(got) != 2 || got[0].Day() != 29 || got[1].Day() != 30 {
		t.Errorf("%v", got)
	}
}

// TestChange: what is under way goes on as it began; the job as it is now waits for it, and one that is gone delivers nothing more.
func TestChange(t *testing.T) {
	simulate(t, time.Date(2026, 5, 4, 5, 59, 0, 0, time.UTC), func(w *world) {
		w.job("x", "UTC", "*/10 * * * *", 15*time.Minute, all)
		w.job("gone", "UTC", "*/10 * * * *", time.Second, all)
		w.start()
		w.pass(5 * time.Minute)
		w.jobs = nil
		w.job("x", "UTC", "*/20 * * * *", time.Minute, all)
		w.job("new", "UTC", "*/30 * * * *", time.Second, all)
		left := w.agenda.Change(w.jobs)
		w.pass(10 * time.Minute)
		select {
		case <-left:
			t.Error("nothing is under way any more")
		default:
		}
		w.pass(18 * time.Minute) // it is 6:32
		<-left
		w.want("x", "04 06:00", "04 06:20")
		w.want("new", "04 06:30")
		if n := len(w.made["gone"]); n != 1 {
			t.Errorf("%d deliveries of a job that is gone", n)
		}
		if n := len(w.agenda.Activities()); n != 2 {
			t.Errorf("%d jobs", n)
		}
	})
}

// TestHeld: nothing is begun while a job is held. When it is released, what became due meanwhile is dealt with as what passed while chute didn't run.
func TestHeld(t *testing.T) {
	simulate(t, time.Date(2026, 5, 4, 5, 59, 0, 0, time.UTC), func(w *world) {
		w.job("all", "UTC", "*/10 * * * *", time.Second, all)
		w.job("last", "UTC", "*/10 * * * *", time.Second, nil)
		w.job("none", "UTC", "*/10 * * * *", time.Second, func(c *config.Export) { c.CatchUp = "none" })
		w.start()
		w.pass(5 * time.Minute)
		w.alter(func() { w.held = true })
		w.pass(31 * time.Minute)
		for _, name := range []string{"all", "last", "none"} {
			w.want(name, "04 06:00")
		}
		w.alter(func() { w.held = false })
		w.agenda.Look()
		w.pass(10 * time.Second) // it is 6:35
		w.want("all", "04 06:00", "04 06:10", "04 06:20", "04 06:30")
		w.want("last", "04 06:00", "04 06:30")
		w.want("none", "04 06:00")
		w.pass(6 * time.Minute)
		w.want("none", "04 06:00", "04 06:40")
	})
}
