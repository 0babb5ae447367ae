package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"chute/connectors"
)

var rewrite = flag.Bool("update", false, "write testdata/*.golden anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.FixedZone("CET", 3600))

// whole is a run with everything: some rejects, warnings, internals.
func whole() *Report {
	r := &Report{
		Partner: Partner{
			Run: 17, Job: "acme-orders", Label: "Orders from Acme", Started: noon, Finished: noon.Add(1500 * time.Millisecond),
			File:   File{Name: "orders_1.csv", Size: 1234, SHA256: strings.Repeat("ab", 32), Received: noon.Add(-time.Minute)},
			Result: LoadedWithRejects,
			Counts: Counts{
				Total: 12, Empty: 1, Processed: 11, Success: 8, Inserted: 5, Updated: 1, Deleted: 1, Unchanged: 1, Rejects: 2, Skipped: 1,
				Doubles: 1, Duplicates: 3, Warnings: 1,
			},
			Warnings: []Warning{{Code: "no_final_line_end", Message: "The last line has no line end; it was taken as complete.", Line: 13, Count: 1}},
			Dialect: &Dialect{
				Type: "csv", Compression: "gzip", Encoding: "utf-8", Delimiter: ";", Quote: `"`, LineEnd: "crlf", Header: true,
				Columns: []Text{"Order No", "Date"},
			},
			RejectFiles: &RejectFiles{Records: "orders_1.csv.rejects.csv", Reasons: "orders_1.csv.rejects.jsonl", Omitted: 1},
		},
		Ledger: "abcdefghij", Store: "acme-store", Path: "/srv/chute/acme/in", JobHash: "cafe", Server: "ch1.internal:9440", Version: "26.5.3.1",
		Table: "`sales`.`orders`", Stage: "`sales`.`_chute_abcdefghij_17`", Promise: "exactly once",
		Steps:      []Step{{"claim", noon, 1500 * time.Microsecond}, {"publish", noon.Add(time.Second), 73 * time.Millisecond}},
		Statements: []Statement{{"chute/abcdefghij/17/attach", "ALTER TABLE `sales`.`orders`\nATTACH PARTITION ALL FROM `s`", 70 * time.Millisecond}},
		Failures:   []Failure{{noon, "stage", "dial tcp 10.0.0.7:9440: connect: connection refused"}},
	}
	var tally Tally
	for _, reason := range []connectors.Reason{
		{Record: 9, Line: 10, Offset: 900, Column: "Date", Code: "bad_date", Value: []byte("31/02/2026"), Message: "there is no such day", Source: "text"},
		{Record: 4, Line: 5, Offset: 400, Column: "Order No", Code: "out_of_range", Value: []byte("-1"), Message: "a whole number from 0 is wanted", Source: "text"},
		{Record: 9, Line: 10, Offset: 900, Column: "Order No", Code: "out_of_range", Value: nil, Message: "a whole number from 0 is wanted", Source: "text"},
	} {
		tally.Add(reason)
	}
	tally.Fill(&r.Partner)
	return r
}

// unread is a run of a file that wasn't loaded.
func unread(result Result) *Report {
	r := whole()
	r.Result, r.Counts, r.Reasons, r.Examples, r.Warnings, r.RejectFiles = result, Counts{}, nil, nil, nil, nil
	return r
}

// TestUnmatchedLog: under the same name the file would be refused again.
func TestUnmatchedLog(t *testing.T) {
	r := unread(Rejected)
	r.Rejection = &Rejection{Code: "unmatched", Message: "No file of this name is expected here."}
	if log := string(r.Partner.Log()); strings.Contains(log, "same name") || !strings.HasSuffix(log, "Under this name it would be refused again.\n") {
		t.Error(log)
	}
}

func cases() map[string]*Report {
	loaded := unread(Loaded)
	loaded.Counts = Counts{Total: 1, Processed: 1, Success: 1, Inserted: 1}
	loaded.Label = ""

	rejected := unread(Rejected)
	rejected.Rejection = &Rejection{Code: "truncated", Message: "The gzip stream ends early: the upload may have been cut off."}
	rejected.Counts = Counts{Total: 3, Processed: 3, Skipped: 3}
	rejected.Dialect, rejected.File.SHA256 = nil, ""

	skipped := unread(Skipped)
	skipped.SameAs = &SameAs{Run: 3, Name: "orders_0.csv", Finished: noon.Add(-24 * time.Hour)}

	hostile := whole()
	evil := "\x1b[31mred\x1b[0m \u202egpj.exe caf\xe9 \x00\r\n\u009b2J \U000e0041 ☃"
	hostile.File.Name, hostile.Label, hostile.Job = Text(evil), Text(evil), Text(evil)
	hostile.Reasons[0].Column, hostile.Examples[0].Column = Text(evil), Text(evil)
	hostile.Examples[0].Value, hostile.Examples[0].Message = Text(strings.Repeat(evil, 99)), Text(evil)
	hostile.Warnings[0].Message, hostile.Dialect.Delimiter = Text(evil), "\t"
	hostile.Dialect.Columns[0] = Text(evil)
	hostile.RejectFiles.Records, hostile.RejectFiles.Reasons = Text(evil), Text(evil)
	hostile.Failures[0].Error, hostile.Statements[0].SQL, hostile.Path = Text(evil), Text(evil), Text(evil)

	return map[string]*Report{"rejects": whole(), "loaded": loaded, "rejected": rejected, "skipped": skipped, "hostile": hostile}
}

// texts renders all that people get of a report.
func texts(t *testing.T, r *Report) map[string][]byte {
	t.Helper()
	partner, err := r.Partner.JSON()
	if err != nil {
		t.Fatal(err)
	}
	operator, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"partner.json": partner, "partner.log": r.Partner.Log(), "operator.json": operator, "operator.log": r.Log(),
	}
}

func TestGolden(t *testing.T) {
	for name, r := range cases() {
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for kind, got := range texts(t, r) {
			path := filepath.Join("testdata", name+"."+kind+".golden")
			if *rewrite {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs (go test -update writes it anew):\n%s", path, got)
			}
		}
	}
}

// Nothing that a partner controls reaches a terminal as it is: all texts are printable characters and line ends.
func TestEverythingPrints(t *testing.T) {
	for name, r := range cases() {
		for kind, text := range texts(t, r) {
			if !utf8.Valid(text) {
				t.Errorf("%s %s isn't UTF-8", name, kind)
			}
			for i, c := range string(text) {
				if c != '\n' && !unicode.IsPrint(c) {
					t.Errorf("%s %s has %U at %d", name, kind, c, i)
				}
			}
			if strings.HasSuffix(kind, ".json") && !json.Valid(text) {
				t.Errorf("%s %s isn't JSON", name, kind)
			}
		}
	}
}

// mark puts a text of its own into every string below v and returns them.
func mark(v reflect.Value, path string) []string {
	switch v.Kind() {
	case reflect.String:
		v.SetString("internal:" + path)
		return []string{v.String()}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return nil
		}
		var all []string
		for i := range v.NumField() {
			all = append(all, mark(v.Field(i), path+"."+v.Type().Field(i).Name)...)
		}
		return all
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return mark(v.Index(0), path)
	}
	return nil
}

// Whatever is in a Report besides its Partner, now or later, reaches the operator's texts and never the partner's.
func TestNothingInternalForPartners(t *testing.T) {
	for name, r := range cases() {
		var marks []string
		v := reflect.ValueOf(r).Elem()
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Name != "Partner" {
				marks = append(marks, mark(v.Field(i), f.Name)...)
			}
		}
		if len(marks) < 12 {
			t.Fatalf("only %d internal texts: %v", len(marks), marks)
		}
		for kind, text := range texts(t, r) {
			for _, m := range marks {
				if internal := strings.HasPrefix(kind, "operator"); bytes.Contains(text, []byte(m)) != internal {
					t.Errorf("%s %s: has %q: %v", name, kind, m, !internal)
				}
			}
			if strings.HasPrefix(kind, "partner") && bytes.Contains(text, []byte("internal")) {
				t.Errorf("%s %s:\n%s", name, kind, text)
			}
		}
	}
}

// What is written can be read again, by chute and by others.
func TestJSONRoundTrip(t *testing.T) {
	for name, r := range cases() {
		if name == "hostile" {
			continue // its bytes that aren't UTF-8 stay visible
		}
		text, err := r.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var back Report
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		again, err := back.JSON()
		if err != nil || !bytes.Equal(text, again) {
			t.Errorf("%s: read back as\n%s", name, again)
		}
		if err := back.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
