package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	columns := []column{{name: "run", right: true}, {name: "file", narrow: true}, {name: "status"}, {name: "records", right: true}}
	rows := [][]string{
		{"1", "orders_2026-01-01.csv", "finished", "12"},
		{"1234", "orders_of_a_partner_with_a_long_name_2026-01-02.csv", "finished-with-rejects", "1000000"},
		{"5", "注文書_2026-01-03.csv", "rejected", "0"},
		{"6", "a\tb\x1b[31m\u202e\xff.csv", "stuck", "7"},
	}
	for _, test := range []struct {
		name  string
		setup func(*table)
		want  string
	}{
		{"as wide as it is", func(*table) {}, `
 run  file                                                 status                 records
   1  orders_2026-01-01.csv                                finished                    12
1234  orders_of_a_partner_with_a_long_name_2026-01-02.csv  finished-with-rejects  1000000
   5  注文書_2026-01-03.csv                                rejected                     0
   6  a\tb\x1b[31m\u202e\xff.csv                           stuck                        7
`},
		{"a terminal", func(t *table) { t.width = 64 }, `
 run  file                        status                 records
   1  orders_2026-01-01.csv       finished                    12
1234  orders_of_a_p…26-01-02.csv  finished-with-rejects  1000000
   5  注文書_2026-01-03.csv       rejected                     0
   6  a\tb\x1b[31m\u202e\xff.csv  stuck                        7
`},
		{"a narrow terminal", func(t *table) { t.width = 40 }, `
 run  file         status        records
   1  order…1.csv  finished           12
1234  order…2.csv  finished-wi…  1000000
   5  注文…3.csv   rejected            0
   6  a\tb\…f.csv  stuck               7
`},
		{"one that is too narrow", func(t *table) { t.width, t.indent = 10, "> " }, `
>  run  file      status    records
>    1  orde…csv  finished       12
> 1234  orde…csv  finishe…  1000000
>    5  注文…csv  rejected        0
>    6  a\tb…csv  stuck           7
`},
		{"no names", func(t *table) { t.bare, t.width = true, 30 }, `
   1  orde…csv  finished       12
1234  orde…csv  finishe…  1000000
   5  注文…csv  rejected        0
   6  a\tb…csv  stuck           7
`},
		{"a pipe", func(t *table) { t.tabs = true }, "\n" +
			"run\tfile\tstatus\trecords\n" +
			"1\torders_2026-01-01.csv\tfinished\t12\n" +
			"1234\torders_of_a_partner_with_a_long_name_2026-01-02.csv\tfinished-with-rejects\t1000000\n" +
			"5\t注文書_2026-01-03.csv\trejected\t0\n" +
			"6\ta\\tb\\x1b[31m\\u202e\\xff.csv\tstuck\t7\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			table := textTable(&out, columns...)
			test.setup(table)
			for _, row := range rows {
				if err := table.add(bytesCopy(row)...); err != nil {
					t.Fatal(err)
				}
			}
			if err := table.flush(); err != nil {
				t.Fatal(err)
			}
			if got := "\n" + out.String(); got != test.want {
				t.Errorf("got:%s\nwanted:%s", got, test.want)
			}
		})
	}
}

// Optional columns go before the others are cut; a last one takes what is left.
func TestTableLeavesOut(t *testing.T) {
	for width, want := range map[int]string{
		0:  "name                   started     n  took  error\na_name_of_some_length  2026-01-02  7     3  the server said that it can't go on\nb                      2026-01-03  8     4\n",
		60: "name                   started     n  took  error\na_name_of_some_length  2026-01-02  7     3  the server said…\nb                      2026-01-03  8     4\n",
		55: "name              started     n  took  error\na_name_o…_length  2026-01-02  7     3  the server said…\nb                 2026-01-03  8     4\n",
		40: "name                 started     n  took\na_name_of…me_length  2026-01-02  7     3\nb                    2026-01-03  8     4\n",
		35: "name                  started     n\na_name_of_…me_length  2026-01-02  7\nb                     2026-01-03  8\n",
		20: "name      started     n\na_na…gth  2026-01-02  7\nb         2026-01-03  8\n",
	} {
		var out bytes.Buffer
		table := textTable(&out, column{name: "name", narrow: true}, column{name: "started", fixed: true}, column{name: "n", right: true},
			column{name: "took", right: true, optional: true}, column{name: "error", optional: true, rest: true})
		table.width = width
		err := errors.Join(table.add("a_name_of_some_length", "2026-01-02", "7", "3", "the server said that it can't go on"),
			table.add("b", "2026-01-03", "8", "4", ""), table.flush())
		if err != nil || out.String() != want {
			t.Errorf("%d wide:\n%s(%v), wanted:\n%s", width, out.String(), err, want)
		}
	}
}

func bytesCopy(row []string) []string { return append([]string(nil), row...) }

// A table of any length is printed as it comes, with the widths of its beginning; one without rows has its names.
func TestTableOfAnyLength(t *testing.T) {
	var out bytes.Buffer
	table := textTable(&out, column{name: "n", right: true}, column{name: "text"})
	table.width = 20
	for i := range 3 * tableLook {
		if err := table.add(fmt.Sprint(i), strings.Repeat("x", i/tableLook*10+3)); err != nil {
			t.Fatal(err)
		}
		if len(table.kept) >= tableLook {
			t.Fatalf("%d rows are kept", len(table.kept))
		}
	}
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3*tableLook+2 || lines[1] != "  0  xxx" || lines[2001] != "2000  xxx…" {
		t.Errorf("%d lines, %q, %q", len(lines), lines[1], lines[2001])
	}
	out.Reset()
	if err := textTable(&out, column{name: "n", right: true}, column{name: "text"}).flush(); err != nil || out.String() != "n  text\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

var errFull = fmt.Errorf("full")

func TestTableTellsErrors(t *testing.T) {
	table := textTable(fullDisk{}, column{name: "n"})
	var err error
	for i := 0; err == nil && i < 100_000; i++ {
		err = table.add("some text")
	}
	if err != errFull {
		t.Errorf("adding: %v", err)
	}
	if err := table.flush(); err != errFull {
		t.Errorf("flushing: %v", err)
	}
}
