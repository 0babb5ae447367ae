package config

import (
	"slices"
	"strings"
	"testing"
)

func TestSequence(t *testing.T) {
	job := &Job{Order: "sequence"}
	if err := job.MatchRegexp.UnmarshalText([]byte(`^orders(_(?P<sequence>[0-9]+))?\.csv$`)); err != nil {
		t.Fatal(err)
	}
	names := []string{"orders.csv", "orders_10.csv", "orders_0009.csv", "orders_00.csv", "orders_18446744073709551616.csv", "orders_9.rejects.csv", "orders_2.csv"}
	slices.SortStableFunc(names, func(a, b string) int { return CompareSequence(job.Sequence(a), job.Sequence(b)) })
	want := []string{"orders_00.csv", "orders_2.csv", "orders_0009.csv", "orders_9.rejects.csv", "orders_10.csv", "orders_18446744073709551616.csv", "orders.csv"}
	if !slices.Equal(names, want) {
		t.Errorf("in order: %q, want %q", names, want)
	}
	if job.Order = "name"; job.Sequence("orders_10.csv") != "" {
		t.Error("a job in another order has a number")
	}
}

// TestOrderKeys: what can't be put into an order, and what would wait for ever, is said when the job is read.
func TestOrderKeys(t *testing.T) {
	const head, tail = "kind = \"import\"\nstore = \"acme\"\ninbox = \"in\"\n", "\n[target]\ntable = \"t\"\n"
	for keys, want := range map[string]string{
		"match = \"*\"\norder = \"mtime\"":                                                     "",
		"match = \"*\"\norder = \"sequence\"":                                                  `order: "sequence" needs match_regexp with a capture of that name, such as '_(?P<sequence>[0-9]+)\.csv$'`,
		"match_regexp = '(?P<day>\\d+)'\norder = \"sequence\"":                                 `order: "sequence" needs match_regexp with a capture of that name`,
		"match_regexp = '_(?P<sequence>\\d+)'\norder = \"sequence\"":                           "",
		"match_regexp = '_(?P<sequence>[0-9]{2,8})'\norder = \"sequence\"":                     "",
		"match_regexp = '_(?P<sequence>(?:1\\d|2[0-4])?0)x'\norder = \"sequence\"":             "",
		"match_regexp = '_(?P<sequence>\\d+|last)'\norder = \"sequence\"":                      `match_regexp: the capture "sequence" may take other characters than the digits 0 to 9`,
		"match_regexp = '_(?P<sequence>.*)'\norder = \"sequence\"":                             `match_regexp: the capture "sequence" may take other characters`,
		"match_regexp = '_(?P<sequence>[0-9.]+)'\norder = \"sequence\"":                        `match_regexp: the capture "sequence" may take other characters`,
		"match_regexp = '_(?P<sequence>\\w+)'":                                                 "",
		"match = \"*\"\nunmatched_after = \"24h\"":                                             "",
		"match = \"*\"\nunmatched_after = \"24h\"\nclaim = \"remember\"":                       `unmatched_after: needs when_done = "move"`,
		"match = \"*\"\nunmatched_after = \"24h\"\nclaim = \"remember\"\nwhen_done = \"move\"": "",
	} {
		_, _, err := Load(configuration(t, map[string]string{"chute.toml": oneStore, "jobs.d/a.toml": head + keys + tail}))
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", keys, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", keys, err, want)
		}
	}
}
