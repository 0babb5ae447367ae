package query

import "testing"

// TestLimited: clauses that cut off rows of the SELECT that has a place, and nothing that only looks like them.
func TestLimited(t *testing.T) {
	const window = "at > {since:DateTime} AND at <= {until:DateTime}"
	for sql, want := range map[string]string{
		"SELECT a FROM t WHERE " + window:                                                                               "",
		"SELECT a FROM t WHERE " + window + " ORDER BY a LIMIT 5":                                                       "LIMIT",
		"SELECT a FROM t WHERE " + window + "/**/limit/**/(2 + 3)":                                                      "LIMIT",
		"SELECT a FROM t WHERE " + window + " LIMIT {n:UInt8}":                                                          "LIMIT",
		"SELECT a FROM t WHERE " + window + " LIMIT -5":                                                                 "LIMIT",
		"SELECT a FROM t WHERE " + window + " OFFSET 5 ROWS FETCH FIRST 5 ROWS ONLY":                                    "OFFSET",
		"SELECT a FROM t WHERE " + window + " FETCH NEXT 5 ROWS WITH TIES":                                              "FETCH",
		"SELECT TOP 5 a FROM t WHERE " + window:                                                                         "TOP",
		"SELECT DISTINCT TOP (5) a FROM t WHERE " + window:                                                              "TOP",
		"SELECT a FROM t WHERE " + window + " LIMIT 1 BY a":                                                             "",
		"SELECT a FROM t WHERE " + window + " LIMIT 1, (2) BY a, b":                                                     "",
		"SELECT a FROM t WHERE " + window + " LIMIT 2 OFFSET 1 BY a":                                                    "",
		"SELECT a FROM t WHERE " + window + " LIMIT 2 OFFSET 1 BY a LIMIT 5":                                            "LIMIT",
		"SELECT a FROM t WHERE " + window + " LIMIT 5 WITH TIES":                                                        "LIMIT",
		"SELECT a FROM t WHERE " + window + " LIMIT 5 UNION ALL SELECT a FROM t GROUP BY a":                             "LIMIT",
		"SELECT * FROM (SELECT a FROM t WHERE " + window + ") LIMIT 5":                                                  "LIMIT",
		"SELECT * FROM (SELECT a FROM t WHERE (" + window + ") LIMIT 5) ORDER BY a":                                     "LIMIT",
		"WITH x AS (SELECT a FROM t WHERE " + window + ") SELECT * FROM x LIMIT 5":                                      "LIMIT",
		"WITH (SELECT max(r) FROM u LIMIT 1) AS x SELECT a * x FROM t WHERE " + window:                                  "",
		"SELECT a FROM t WHERE b IN (SELECT b FROM u ORDER BY r LIMIT 5) AND " + window:                                 "",
		"SELECT limit, offset, t.limit, top, fetch FROM t WHERE limit > 5 AND `limit` - 1 AND x.limit -1 AND " + window: "",
		"SELECT a, 'LIMIT 5' FROM t WHERE -- LIMIT 5\n" + window:                                                        "",
		"SELECT top, offset FROM t WHERE " + window:                                                                     "",
		"SELECT a FROM t LIMIT 5":                                                                                       "", "SELECT a FROM t WHERE {runs} LIMIT 5": "LIMIT", "SELECT a FROM t WHERE a = {p:UInt8} LIMIT 5": "",
	} {
		if got, err := Limited(sql, "since", "until", "runs"); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", sql, got, err, want)
		}
	}
	if _, err := Limited("'"); err == nil {
		t.Error("a quote that isn't closed is taken")
	}
}
