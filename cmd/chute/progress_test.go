package main

import (
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	orders := reached{file: "orders.csv", size: 1000, bytes: 250, records: 1234567, rejects: 12, step: "load", elapsed: 15 * time.Second}
	for _, test := range []struct {
		in    reached
		width int
		want  string
	}{
		{orders, 90, "orders.csv  [=====                 ]   25%  1,234,567 records, 12 rejects  0:15  0:45 left"},
		{orders, 78, "orders.csv  [==        ]   25%  1,234,567 records, 12 rejects  0:15  0:45 left"},
		{orders, 77, "orders.csv   25%  1,234,567 records, 12 rejects  0:15  0:45 left"},
		{orders, 40, "orders.csv   25%  1,234,567 records, 12…"},
		{orders, 1, "…"},
		{reached{file: "a.csv", size: 1000, bytes: 1, elapsed: 500 * time.Millisecond}, 70, "a.csv  [                           ]    0%  0 records, 0 rejects  0:01"},
		{reached{file: "a.csv", size: 1000, bytes: 999, records: 999, elapsed: 2 * time.Hour}, 80, "a.csv  [==================== ]   99%  999 records, 0 rejects  2:00:00  0:07 left"},
		{reached{file: "a.csv", size: 1000, bytes: 1000, records: 1000, step: "publish", elapsed: 90 * time.Second}, 80, "a.csv  [========================]  100%  1,000 records, 0 rejects  1:30  publish"},
		{reached{file: "a.csv", size: 10, bytes: 20, step: "load"}, 50, "a.csv  100%  0 records, 0 rejects  0:00  load"},
		{reached{file: "empty.csv", step: "judge"}, 50, "empty.csv  100%  0 records, 0 rejects  0:00  judge"},
		{reached{file: "a\x1b[2J\u202e_with_a_very_long_name.csv", size: 10, bytes: 5}, 70, `a\x1b[2J\u20…ng_name.csv   50%  0 records, 0 rejects  0:00`},
	} {
		got := test.in.line(test.width)
		if got != test.want || cells.StringWidth(got) > test.width {
			t.Errorf("%d wide:\n%s\nwanted\n%s", test.width, got, test.want)
		}
	}
}
