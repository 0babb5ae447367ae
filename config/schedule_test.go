package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func schedule(t testing.TB, text string) (s Schedule) {
	t.Helper()
	if err := s.UnmarshalText([]byte(text)); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return s
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	at, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestSchedulesWhereClocksChange has what is due in the hours around a change, as the clocks of the place show it, with their distance from UTC.
func TestSchedulesWhereClocksChange(t *testing.T) {
	for _, test := range []struct {
		zone, schedule, from, want string
	}{
		// Put forward from 02:00 to 03:00.
		{"Europe/Paris", "30 2 * * *", "2026-03-28", "28T02:30+01 29T03:00+02 30T02:30+02"},
		{"Europe/Paris", "15,45 2 * * *", "2026-03-28", "28T02:15+01 28T02:45+01 29T03:00+02 30T02:15+02"},
		{"Europe/Paris", "0 2 * * *", "2026-03-28", "28T02:00+01 29T03:00+02 30T02:00+02"},
		{"Europe/Paris", "0 3 * * *", "2026-03-28", "28T03:00+01 29T03:00+02 30T03:00+02"},
		{"Europe/Paris", "0 2,3 * * *", "2026-03-28", "28T02:00+01 28T03:00+01 29T03:00+02 30T02:00+02 30T03:00+02"},
		{"Europe/Paris", "30 * * * *", "2026-03-29", "29T00:30+01 29T01:30+01 29T03:30+02 29T04:30+02"},
		{"Europe/Paris", "0 * * * *", "2026-03-29", "29T01:00+01 29T03:00+02 29T04:00+02"},
		// Put back from 03:00 to 02:00.
		{"Europe/Paris", "30 2 * * *", "2026-10-24", "24T02:30+02 25T02:30+02 26T02:30+01"},
		{"Europe/Paris", "0 2 * * *", "2026-10-24", "24T02:00+02 25T02:00+02 26T02:00+01"},
		{"Europe/Paris", "0 3 * * *", "2026-10-24", "24T03:00+02 25T03:00+01 26T03:00+01"},
		{"Europe/Paris", "20,40 2-3 * * *", "2026-10-25", "25T02:20+02 25T02:40+02 25T03:20+01 25T03:40+01"},
		{"Europe/Paris", "30 * * * *", "2026-10-25", "25T00:30+02 25T01:30+02 25T02:30+02 25T02:30+01 25T03:30+01"},
		{"Europe/Paris", "0 * * * *", "2026-10-25", "25T01:00+02 25T02:00+02 25T02:00+01 25T03:00+01"},

		{"America/New_York", "30 2 * * *", "2026-03-07", "07T02:30-05 08T03:00-04 09T02:30-04"},
		{"America/New_York", "@hourly", "2026-03-08", "08T01:00-05 08T03:00-04 08T04:00-04"},
		{"America/New_York", "30 1 * * *", "2026-10-31", "31T01:30-04 01T01:30-04 02T01:30-05"},
		{"America/New_York", "*/30 0-2 * * *", "2026-11-01", "01T00:30-04 01T01:00-04 01T01:30-04 01T02:00-05 01T02:30-05 02T00:00-05"},
		{"America/New_York", "*/30 * * * *", "2026-11-01", "01T00:30-04 01T01:00-04 01T01:30-04 01T01:00-05 01T01:30-05 01T02:00-05"},

		// Half an hour only: from 02:00 to 02:30 in October, from 02:00 to 01:30 in April.
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03", "03T02:15+1030 04T02:30+11 05T02:15+11"},
		{"Australia/Lord_Howe", "30 2 * * *", "2026-10-03", "03T02:30+1030 04T02:30+11 05T02:30+11"},
		{"Australia/Lord_Howe", "45 2 * * *", "2026-10-03", "03T02:45+1030 04T02:45+11 05T02:45+11"},
		{"Australia/Lord_Howe", "*/15 * * * *", "2026-10-04T01:30", "04T01:45+1030 04T02:30+11 04T02:45+11 04T03:00+11"},
		{"Australia/Lord_Howe", "45 1 * * *", "2026-04-04", "04T01:45+11 05T01:45+11 06T01:45+1030"},
		{"Australia/Lord_Howe", "15 1 * * *", "2026-04-04", "04T01:15+11 05T01:15+11 06T01:15+1030"},
		{"Australia/Lord_Howe", "0 2 * * *", "2026-04-04", "04T02:00+11 05T02:00+1030 06T02:00+1030"},
		{"Australia/Lord_Howe", "*/15 * * * *", "2026-04-05T01:15", "05T01:30+11 05T01:45+11 05T01:30+1030 05T01:45+1030 05T02:00+1030"},

		// Midnight doesn't exist; a whole day doesn't.
		{"America/Santiago", "@daily", "2026-09-05T12:00", "06T01:00-03 07T00:00-03"},
		{"Pacific/Apia", "0 6 * * *", "2011-12-28T12:00", "29T06:00-10 31T00:00+14 31T06:00+14"},

		{"UTC", "0 6 * * Mon-Fri", "2026-11-26", "26T06:00+00 27T06:00+00 30T06:00+00"},
		{"UTC", "0 6 * * THU", "2026-11-26", "26T06:00+00 03T06:00+00"},
		{"UTC", "0 6 13 * Fri", "2026-11-01", "06T06:00+00 13T06:00+00 20T06:00+00"},
		{"UTC", "0 6 13 * 5", "2026-12-05", "11T06:00+00 13T06:00+00"},
		{"UTC", "0 0 L * *", "2026-02-01", "28T00:00+00 31T00:00+00"},
		{"UTC", "0 22-1 * * *", "2026-11-26", "26T01:00+00 26T22:00+00 26T23:00+00 27T00:00+00 27T01:00+00"},
		{"UTC", "0 6 * * Fri-Mon", "2026-11-26", "27T06:00+00 28T06:00+00 29T06:00+00 30T06:00+00 04T06:00+00"},
		{"UTC", "0 6 28-2 * *", "2026-02-27", "28T06:00+00 01T06:00+00 02T06:00+00 28T06:00+00"},
		{"UTC", "0 6 * * Fri#L", "2026-11-26", "27T06:00+00 25T06:00+00"},
		{"UTC", "30 0 12 * * 7", "2026-11-26", "29T12:00+00 06T12:00+00"},
	} {
		at := zone(t, test.zone)
		layout := "2006-01-02T15:04"[:len(test.from)]
		from, err := time.ParseInLocation(layout, test.from, at)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range strings.Fields(test.want) {
			from = schedule(t, test.schedule).Next(from, at)
			got = append(got, strings.TrimSuffix(from.Format("02T15:04-0700"), "00"))
		}
		if !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("%s, %s from %s:\n got %s\nwant %s", test.zone, test.schedule, test.from, strings.Join(got, " "), test.want)
		}
	}
}

func TestSchedulesRefuse(t *testing.T) {
	for _, text := range []string{
		"", " ", "soon", "* * * *", "* * * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *", "1-2-3 * * * *",
		"@every 5s", "@reboot", "@Every 1h", "TZ=UTC 0 6 * * *", "CRON_TZ=Europe/Paris @daily", "0 0 30 2 *", "0 0 31 4,6 *", "H * * * *", "0 0 * * Tag",
	} {
		var s Schedule
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for a schedule", text)
		}
	}
	if next := (Schedule{}).Next(time.Now(), time.UTC); !next.IsZero() {
		t.Errorf("no schedule is due at %v", next)
	}
}

// TestSchedulesSay: what is wrong is said of the field, in words of ours, with what may have been meant.
func TestSchedulesSay(t *testing.T) {
	for text, want := range map[string]string{
		"0 6 * * 5L":     `the weekday can't be "5L"; it is 0 to 7 (0 and 7 are Sunday), Sun to Sat, Fri#2 for the second Friday, Fri#L for the last one, or *, and lists, ranges and steps of them; did you mean "5#L"?`,
		"0 6 * * Friday": `the weekday can't be "Friday"; `, "0 6 * * mon,frid": `did you mean "Fri"?`, "0 6 * Januar *": `did you mean "Jan"?`, "H 6 * * *": `the minute can't be "H"; it is 0 to 59, or *`,
		"0 6 W * *": `the day can't be "W"; `, "0 0 25 * * *": `the hour, "25": `, "0 0 0 25 * *": "", "1 2 3": "it has 3 fields", "1,,2 * * * *": `the minute, "1,,2", has a comma with nothing`,
		"0 1, * * *": `the hour, "1,", has a comma`, "0 0 * ,1 *": `the month, ",1", has a comma`, "@dayly": `"@dayly" isn't known; there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually; did you mean "@daily"?`,
		"@reboot": `"@reboot" isn't known; `, "@": `"@" isn't known; `, "0 6 99999999999999999999 * *": `the day can't be "99999999999999999999"; `, "*/70 * * * *": `the minute, "*/70": step (70)`,
		"0 6 * * \x1b[31m": `the weekday can't be "\x1b[31m"; `,
	} {
		var s Schedule
		err := s.UnmarshalText([]byte(text))
		if want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "strconv") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestSchedulesAgree compares what Next finds with a look at the clock at every minute of days around all changes of a year.
func TestSchedulesAgree(t *testing.T) {
	for _, name := range []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca"} {
		at := zone(t, name)
		for _, text := range []string{"*/15 * * * *", "7,37 * * * *", "0 * * * Sun", "*/30 1-3 * * *", "10 2 * * *", "0 0,1,2,3 * * *"} {
			s := schedule(t, text)
			day := time.Date(2026, 1, 1, 0, 0, 0, 0, at)
			for _, change := day.ZoneBounds(); !change.IsZero() && change.Year() == 2026; _, change = change.ZoneBounds() {
				agree(t, s, at, change.Add(-13*time.Hour).Truncate(time.Minute), change.Add(13*time.Hour))
			}
		}
	}
}

// agree looks at each minute: what the clock leaps over is due at the minute of the leap, what it shows again isn't, but for a schedule of every hour.
func agree(t *testing.T, s Schedule, at *time.Location, from, to time.Time) {
	t.Helper()
	every := s.fields.Hour&allHours == allHours
	var want, got []time.Time
	seen := map[time.Time]bool{}
	last := onWall(from.In(at))
	for m := from.Add(time.Minute).In(at); m.Before(to); m = m.Add(time.Minute) {
		wall, due := onWall(m), false
		if every {
			due = s.fits(m)
		} else {
			for w := last.Add(time.Minute); !w.After(wall); w = w.Add(time.Minute) {
				due = due || s.fields.Next(w.Add(-time.Second)).Equal(w) && !seen[w]
				seen[w] = true
			}
		}
		if due {
			want = append(want, m)
		}
		last = wall
	}
	for m := s.Next(from, at); m.Before(to); m = s.Next(m, at) {
		got = append(got, m)
	}
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Errorf("%s, %s:\n got %v\nwant %v", at, s, got, want)
	}
}

func FuzzSchedule(f *testing.F) {
	for _, text := range []string{"0 6 * * Mon-Fri", "@daily", "*/5 * * * * *", "0 0 L * Fri#3", "15W", "0 0 29 2 1"} {
		f.Add(text, int64(1774749600))
	}
	at := zone(f, "Australia/Lord_Howe")
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		var s Schedule
		if s.UnmarshalText([]byte(text)) != nil {
			return
		}
		from := time.Unix(unix%4e9, 0)
		next := s.Next(from, at)
		if !next.IsZero() && (!next.After(from) || next.Nanosecond() != 0) {
			t.Errorf("%q after %v: %v", text, from, next)
		}
	})
}
