package convert

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func utc(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05.999999999", s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDates(t *testing.T) {
	day := func(s string) time.Time { return utc(s + " 00:00:00") }
	both := cases{"2024-02-29", day("2024-02-29"), "2024-02-30", code(NotADate), "2023-02-29", code(NotADate), "2100-02-29", code(NotADate), "2000-02-29", day("2000-02-29"),
		"2024-00-01", code(NotADate), "2024-13-01", code(NotADate), "2024-01-00", code(NotADate), "2024-01-32", code(NotADate), "2024-04-31", code(NotADate), "2024-1-1", code(NotADate),
		"2024-01-1 ", code(NotADate), "20240101", code(NotADate), "2024/01/01", code(NotADate), "2024-01-01 ", code(NotADate), "2024-01-01T", code(NotADate), "01-01-2024", code(NotADate),
		"-024-01-01", code(NotADate), "", code(Blank), "0000-00-00", code(NotADate), "0000-01-01", code(OutOfRange), "9999-12-31", code(OutOfRange)}
	both.run(t, "Date", nil)
	both.run(t, "Date32", nil)
	cases{"1970-01-01", day("1970-01-01"), "1969-12-31", code(OutOfRange), "1890-01-01", code(OutOfRange), "2149-06-06", day("2149-06-06"), "2149-06-07", code(OutOfRange)}.run(t, "Date", nil)
	cases{"1900-01-01", day("1900-01-01"), "1899-12-31", code(OutOfRange), "2299-12-31", day("2299-12-31"), "2300-01-01", code(OutOfRange)}.run(t, "Date32", nil)
}

func TestDateTimes(t *testing.T) {
	at := utc("2024-02-29 23:59:58")
	cases{"2024-02-29 23:59:58", at, "2024-02-29T23:59:58", at, "2024-02-29T23:59:58Z", at, "2024-02-29T23:59:58.000Z", at, "2024-02-29 23:59:58.0", at,
		"2024-03-01T01:59:58+02", at, "2024-03-01T01:59:58+0200", at, "2024-03-01 01:59:58+02:00", at, "2024-02-29 18:29:58-05:30", at,
		"2024-02-29 23:59:58.5", code(Scale), "2024-02-29 23:59:58.", code(NotATime), "2024-02-30 00:00:00", code(NotATime), "2024-02-29 24:00:00", code(NotATime),
		"2024-02-29 25:11:12", code(NotATime), "2024-02-29 23:60:00", code(NotATime), "2024-02-29 23:59:60", code(NotATime), "2024-02-29", code(NotATime), "2024-02-29 23:59", code(NotATime),
		"2024-02-29t23:59:58", code(NotATime), "2024-02-29 23:59:58 ", code(NotATime), "2024-02-29 23:59:58 UTC", code(NotATime), "2024-02-29 23:59:58+1", code(NotATime), "2024-02-29 23:59:58+16", code(NotATime),
		"2024-02-29 23:59:58+01:60", code(NotATime), "2024-02-29 23:59:58+01:0", code(NotATime), "2024-02-29 23:59:58+01-00", code(NotATime), "1709251198", code(NotATime), "", code(Blank),
		"1970-01-01 00:00:00", utc("1970-01-01 00:00:00"), "1969-12-31 23:59:59", code(OutOfRange), "1970-01-01 00:00:00+01", code(OutOfRange), "1969-12-31 23:00:00-01", utc("1970-01-01 00:00:00"),
		"2106-02-07 06:28:15", utc("2106-02-07 06:28:15"), "2106-02-07 06:28:16", code(OutOfRange)}.run(t, "DateTime", nil)
}

func TestDateTimes64(t *testing.T) {
	cases{"2024-02-29 23:59:58.123", utc("2024-02-29 23:59:58.123"), "2024-02-29 23:59:58.1", utc("2024-02-29 23:59:58.1"), "2024-02-29 23:59:58.123000000000000", utc("2024-02-29 23:59:58.123"),
		"2024-02-29 23:59:58.1234", code(Scale), "2024-02-29 23:59:58.1234x", code(NotATime), "2024-02-29 23:59:58,123", code(NotATime), "1969-12-31 23:59:59.999", utc("1969-12-31 23:59:59.999"),
		"1900-01-01 00:00:00", utc("1900-01-01 00:00:00"), "1899-12-31 23:59:59.999", code(OutOfRange), "2299-12-31 23:59:59.999", utc("2299-12-31 23:59:59.999"),
		"2300-01-01 00:00:00", code(OutOfRange), "2299-12-31 23:59:59-01", code(OutOfRange), "2024-02-29 23:59:58.1Z", utc("2024-02-29 23:59:58.1")}.run(t, "DateTime64(3)", nil)
	cases{"2262-04-11 23:47:15.999999999", utc("2262-04-11 23:47:15.999999999"), "2262-04-11 23:47:16", code(OutOfRange), "1900-01-01 00:00:00.000000001", utc("1900-01-01 00:00:00.000000001")}.run(t, "DateTime64(9)", nil)
	cases{"2024-02-29 23:59:58.0", utc("2024-02-29 23:59:58"), "2024-02-29 23:59:58.1", code(Scale)}.run(t, "DateTime64(0)", nil)
	cases{"2299-12-31 23:00:00Z", code(OutOfRange), "2299-12-31 23:59:59", utc("2299-12-31 22:59:59")}.run(t, "DateTime64(0, 'Europe/Paris')", nil)
}

func TestClockChanges(t *testing.T) {
	paris := zoneOf(t, "Europe/Paris")
	local := cases{"2024-01-01 12:00:00", utc("2024-01-01 11:00:00"), "2024-07-01 12:00:00", utc("2024-07-01 10:00:00"),
		"2024-03-31 01:59:59", utc("2024-03-31 00:59:59"), "2024-03-31 02:00:00", code(MissingTime), "2024-03-31 02:59:59", code(MissingTime), "2024-03-31 03:00:00", utc("2024-03-31 01:00:00"),
		"2024-10-27 01:59:59", utc("2024-10-26 23:59:59"), "2024-10-27 02:00:00", code(AmbiguousTime), "2024-10-27 02:59:59", code(AmbiguousTime), "2024-10-27 03:00:00", utc("2024-10-27 02:00:00"),
		"2024-10-27 02:30:00+02:00", utc("2024-10-27 00:30:00"), "2024-10-27 02:30:00+01:00", utc("2024-10-27 01:30:00"), "2090-07-01 12:00:00", utc("2090-07-01 10:00:00")}
	local.run(t, "DateTime", paris)
	local.run(t, "DateTime('Europe/Paris')", zoneOf(t, "Asia/Tokyo"))
	local.run(t, "DateTime64(3, 'Europe/Paris')", nil)
	cases{"2011-12-29 12:00:00", utc("2011-12-29 22:00:00"), "2011-12-30 12:00:00", code(MissingTime), "2011-12-31 00:00:00", utc("2011-12-30 10:00:00")}.run(t, "DateTime", zoneOf(t, "Pacific/Apia"))
	cases{"2024-04-07 01:45:00", code(AmbiguousTime), "2024-10-06 02:15:00", code(MissingTime)}.run(t, "DateTime", zoneOf(t, "Australia/Lord_Howe"))
}

// TestLocalTimes compares with the time package: an instant's local time comes back as that instant, unless another instant shows the same.
func TestLocalTimes(t *testing.T) {
	names := []string{"UTC", "Europe/Paris", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu", "Europe/Dublin", "Asia/Tehran"}
	plans := map[string]*Plan{}
	for _, n := range names {
		plans[n] = compiled(t, Column{Name: "c", Type: typeOf(t, "DateTime64(0, '"+n+"')")})
	}
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(names).Draw(rt, "zone")
		zone := zoneOf(t, name)
		at := time.Unix(rapid.Int64Range(-2_208_800_000, 10_413_600_000).Draw(rt, "seconds"), 0)
		if rapid.Bool().Draw(rt, "near a change") {
			if _, end := at.In(zone).ZoneBounds(); !end.IsZero() {
				at = end.Add(time.Duration(rapid.IntRange(-9000, 9000).Draw(rt, "off")) * time.Second)
			}
		}
		if y := at.In(zone).Year(); y < 1900 || y > 2299 || at.UTC().Year() > 2299 || at.UTC().Year() < 1900 {
			return
		}
		text := at.In(zone).Format(time.DateTime)
		// Offsets change by at most a day, so every other instant with this local time is one of these.
		twins := 0
		for _, probe := range []time.Duration{-30 * time.Hour, -3 * time.Hour, -time.Hour, 0, time.Hour, 3 * time.Hour, 30 * time.Hour} {
			_, offset := at.Add(probe).In(zone).Zone()
			_, own := at.In(zone).Zone()
			if twin := at.Add(time.Duration(own-offset) * time.Second); offset != own && twin.In(zone).Format(time.DateTime) == text {
				twins++
			}
		}
		v, reason := one(rt, plans[name], text, false)
		switch {
		case twins > 0 && (reason == nil || reason.Code != AmbiguousTime):
			rt.Fatalf("%s in %s comes twice, but is taken as %v, %v", text, name, v, reason)
		case twins == 0 && (reason != nil || !same(v, at)):
			rt.Fatalf("%s in %s: got %v, %v, want %v", text, name, v, reason, at.UTC())
		}
		stamped := at.In(zone).Format("2006-01-02T15:04:05-07:00")
		if _, offset := at.In(zone).Zone(); offset%60 == 0 {
			if v, reason := one(rt, plans[name], stamped, false); reason != nil || !same(v, at) {
				rt.Fatalf("%s: got %v, %v", stamped, v, reason)
			}
		}
	})
}

func TestCivilDay(t *testing.T) {
	for day := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 10000; day = day.AddDate(0, 0, 1) {
		y, m, d := day.Date()
		if got := civilDay(y, int(m), d); int64(got)*daySeconds != day.Unix() {
			t.Fatalf("%s: got day %d", day.Format(time.DateOnly), got)
		}
	}
}
