package config

import "testing"

func TestShown(t *testing.T) {
	for name, want := range map[string]string{
		"orders.csv":      "orders.csv",
		"größe \"a\".csv": "größe \"a\".csv",
		"zo\xeb.csv":      `zo\xeb.csv`,
		"a\x1b[31m\n.csv": `a\x1b[31m\n.csv`,
		"\u202egpj.exe":   `\u202egpj.exe`,
	} {
		if got := Shown(name); got != want {
			t.Errorf("%q is shown as %s, want %s", name, got, want)
		}
	}
}

func TestVariables(t *testing.T) {
	job := &Job{}
	if err := job.MatchRegexp.UnmarshalText([]byte(`^o_(?P<day>\d+)\.csv$`)); err != nil {
		t.Fatal(err)
	}
	if vars := job.Variables("o_17.csv"); vars["day"] != "17" || vars["stem"] != "o_17" || vars["ext"] != ".csv" {
		t.Errorf("variables of a name that matches: %v", vars)
	}
	if vars := job.Variables("by hand.csv"); vars["name"] != "by hand.csv" || vars["stem"] != "by hand" || len(vars) != 3 {
		t.Errorf("variables of a name that doesn't match: %v", vars)
	}
}
