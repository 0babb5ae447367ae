package query

import (
	"errors"
	"testing"
)

func TestFill(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 1":                                  "SELECT 1",
		"SELECT a WHERE b>{since:DateTime}AND c":    "SELECT a WHERE b>since<DateTime>AND c",
		"{ since : DateTime64(3, 'UTC') }":          "since<DateTime64(3, 'UTC')>",
		"WHERE {runs} OR {other:UInt8}":             "WHERE runs<> OR {other:UInt8}",
		"'{since:Date}' \"{runs}\" -- {runs}\n , 1": "'{since:Date}' `{runs}` , 1",
		"{'a': {runs}}":                             "{'a': runs<>}",
		"{since:Date":                               "{since:Date",
	} {
		got, err := Fill(sql, func(name, typ string) (string, bool, error) { return name + "<" + typ + ">", name != "other", nil })
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", sql, got, err, want)
		}
	}
	no := errors.New("no")
	if _, err := Fill("{since:Date}", func(string, string) (string, bool, error) { return "", false, no }); !errors.Is(err, no) {
		t.Errorf("%v", err)
	}
	if _, err := Fill("{since:Date} '", nil); err == nil {
		t.Error("a quote that isn't closed is taken")
	}
}
