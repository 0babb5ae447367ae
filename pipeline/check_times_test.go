package pipeline

import (
	"strings"
	"testing"
)

// TestForetold: what clocks that are set back will do to a job is told before they are.
func TestForetold(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob("file = \"f\"\nquery = \"SELECT 1\"\n")
	ex := w.openExport()
	session, err := ex.session(w.ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ query, format, warns, refused string }{
		"room":         {"SELECT toDateTime(0, 'Europe/Paris') AS a", `type = "fixed", widths = [25]`, "", ""},
		"no room":      {"SELECT toDateTime(0, 'Europe/Paris') AS a", `type = "fixed", widths = [19]`, `column "a" has 19 characters in format.widths, and a time`, ""},
		"job's":        {"SELECT toNullable(toDateTime64(0, 3, 'Europe/Paris')) AS a", `type = "fixed", widths = [28]`, "has 29, with its distance", ""},
		"one time":     {"SELECT toDateTime(0, 'Asia/Tokyo') AS a", `type = "fixed", widths = [19]`, "", ""},
		"never a time": {"SELECT toDateTime(0, 'Asia/Tokyo') AS a", `type = "fixed", widths = [5]`, "", "every value of it has 19"},
		"never a day":  {"SELECT 1 AS n, today() AS a", `type = "fixed", widths = [1, 9]`, "", "every value of it has 10"},
		"short format": {"SELECT today() AS a", `type = "fixed", widths = [8], date_format = "%Y%m%d"`, "", ""},
		"no distance":  {"SELECT toDateTime(0, 'Europe/Paris') AS a", `time_format = "%Y%m%d %H:%M"`, "its format has no %z", ""},
		"distance":     {"SELECT toDateTime(0, 'Europe/Paris') AS a", `time_format = "%Y%m%d %H:%M%z"`, "", ""},
		"not a time":   {"SELECT 'x' AS a", `time_format = "%Y%m%d %H:%M"`, "", ""},
		"own types":    {"SELECT toDateTime(0, 'Europe/Paris') AS a", `type = "parquet"`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w.exportAs(t, ex, "out", "file = \"f\"\nquery = \""+c.query+"\"\nformat = { "+c.format+" }\n")
			columns, err := CheckExport(w.ctx, ex.Job, session)
			if (err != nil) != (c.refused != "") || err != nil && !strings.Contains(err.Error(), c.refused) {
				t.Fatal(err)
			}
			if said := strings.Join(Foretold(ex.Job, columns), "; "); (said != "") != (c.warns != "") || !strings.Contains(said, c.warns) {
				t.Errorf("foretold is %q", said)
			}
		})
	}
}
