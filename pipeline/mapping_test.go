package pipeline

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/reconcile"
)

// abc is a table of three columns of text, the last of which has a DEFAULT.
func abc(t *testing.T) *reconcile.Target {
	t.Helper()
	text, err := native.ParseType("String")
	if err != nil {
		t.Fatal(err)
	}
	return &reconcile.Target{Database: "d", Name: "t", Columns: []reconcile.Column{{Name: "a", Type: text}, {Name: "b", Type: text}, {Name: "c", Type: text, Default: true}}}
}

// TestStrictHeader maps headers to that table. shown is columns with their fields, then the codes of the warnings; or what the rejection says.
func TestStrictHeader(t *testing.T) {
	all := []config.Column{{Source: "A", Name: "a"}, {Source: "B", Name: "b"}, {Source: "C", Name: "c"}}
	some := []config.Column{{Source: "A", Name: "a"}, {Source: "B", Name: "b", Default: new(string)}, {Source: "X", Ignore: true}}
	cases := []struct {
		name    string
		columns []config.Column
		strict  config.StrictHeader
		header  string
		shown   string
	}{
		{"as agreed", all, config.StrictHeader{}, "A,B,C", "a0 b1 c2"},
		{"without columns", nil, config.StrictHeader{}, "a,b,c", "a0 b1 c2"},
		{"without columns, default", nil, config.StrictHeader{}, "b,a", "a1 b0"},
		{"without columns, missing", nil, config.StrictHeader{}, "a,c", `lacks the column "b"`},
		{"without columns, missing accepted", nil, config.StrictHeader{Missing: "accept"}, "a,c", "a0 c1"},
		{"without columns, none known", nil, config.StrictHeader{Missing: "accept"}, "x,y", "None of the file's columns is known"},
		{"missing", all, config.StrictHeader{}, "A,C", `lacks the column "B"`},
		{"missing, reject", all, config.StrictHeader{Missing: "reject"}, "A,C", `lacks the column "B"`},
		{"missing, warn", all, config.StrictHeader{Missing: "warn"}, "A,C", "a0 c1 missing_columns"},
		{"missing, accept", all, config.StrictHeader{Missing: "accept"}, "A,C", "a0 c1"},
		{"missing with the job's default", some, config.StrictHeader{Missing: "accept"}, "A", "a0 b="},
		{"missing and required", []config.Column{{Source: "A", Name: "a"}, {Source: "B", Name: "b", Required: true}}, config.StrictHeader{Missing: "accept"}, "A",
			`lacks the column "B"`},
		{"missing position", []config.Column{{Position: 1, Name: "a"}, {Position: 3, Name: "b"}}, config.StrictHeader{}, "A,B", "a column number 3 is expected"},
		{"missing position, warn", []config.Column{{Position: 1, Name: "a"}, {Position: 3, Name: "b"}}, config.StrictHeader{Missing: "warn", Extra: "accept"}, "A,B",
			"a0 missing_columns"},
		{"extra", all, config.StrictHeader{}, "A,B,C,D", "a0 b1 c2 extra_columns"},
		{"extra, warn", all, config.StrictHeader{Extra: "warn"}, "A,B,C,D", "a0 b1 c2 extra_columns"},
		{"extra, reject", all, config.StrictHeader{Extra: "reject"}, "A,B,C,D", `aren't loaded: "D"`},
		{"extra, accept", all, config.StrictHeader{Extra: "accept"}, "A,B,C,D", "a0 b1 c2"},
		{"extra is ignored", some, config.StrictHeader{Extra: "reject"}, "A,B,X", "a0 b1"},
		{"reordered", all, config.StrictHeader{}, "B,A,C", "a1 b0 c2"},
		{"reordered, accept", all, config.StrictHeader{Reordered: "accept"}, "B,A,C", "a1 b0 c2"},
		{"reordered, warn", all, config.StrictHeader{Reordered: "warn"}, "A,C,B", "a0 b2 c1 reordered_columns"},
		{"reordered, reject", all, config.StrictHeader{Reordered: "reject"}, "B,C,A", `"B" comes before "A"`},
		{"reordered, others between", all, config.StrictHeader{Reordered: "reject", Extra: "accept"}, "A,x,B,y,C", "a0 b1+1 c2+2"},
		{"reordered, without columns", nil, config.StrictHeader{Reordered: "reject"}, "b,a", `"b" comes before "a"`},
		{"ignored one reordered", some, config.StrictHeader{Reordered: "reject"}, "X,A,B", `"X" comes before "B"`},
		{"mapped twin", all, config.StrictHeader{}, "A,B,C,A", `has the name "A" twice, for columns 1 and 4`},
		{"mapped twin, without columns", nil, config.StrictHeader{}, "a,b,b", `has the name "b" twice, for columns 2 and 3`},
		{"unmapped twin", all, config.StrictHeader{Extra: "accept"}, "A,B,C,x,x", "a0 b1 c2 duplicate_columns"},
		{"ignored twin", some, config.StrictHeader{}, "A,B,X,X", "a0 b1"},
		{"twins by position", []config.Column{{Position: 1, Name: "a"}, {Position: 2, Name: "b"}}, config.StrictHeader{}, "x,x", "a0 b1 duplicate_columns"},
	}
	for _, c := range cases {
		job := &config.Job{Columns: c.columns, Format: config.Format{StrictHeader: c.strict}}
		want := strings.NewReplacer("1+1", "2", "2+2", "4").Replace(c.shown)
		if got := shownMapping(t, job, strings.Split(c.header, ",")); got != want && !(strings.HasPrefix(got, "rejected: ") && strings.Contains(got, want)) {
			t.Errorf("%s: %s, want %s", c.name, got, want)
		}
	}
}

func shownMapping(t *testing.T, job *config.Job, header []string) string {
	t.Helper()
	m, err := mapColumns(job, abc(t), header, nil)
	var rejection *connectors.Rejection
	if errors.As(err, &rejection) && rejection.Code == "header" {
		return "rejected: " + rejection.Message
	}
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	fields := slices.Clone(m.fields)
	for _, c := range m.columns {
		if c.Constant != nil {
			parts = append(parts, c.Name+"="+string(c.Constant))
			continue
		}
		parts = append(parts, c.Name+string(rune('0'+fields[0])))
		fields = fields[1:]
	}
	for _, w := range m.warnings {
		parts = append(parts, w.Code)
	}
	return strings.Join(parts, " ")
}
