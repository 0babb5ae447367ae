package config

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

// formatJob loads a job with the keys under [format].
func formatJob(t *testing.T, keys string) (*Job, error) {
	t.Helper()
	_, jobs, err := Load(configuration(t, map[string]string{
		"chute.toml": "[[store]]\nname = \"acme\"\npath = \"/srv/acme\"\n",
		"jobs.d/orders.toml": "kind = \"import\"\nstore = \"acme\"\ninbox = \"in\"\nmatch = \"*.csv\"\n[format]\n" + keys +
			"\n[target]\ntable = \"orders\"\n",
	}))
	if err != nil {
		return nil, err
	}
	return jobs[0], nil
}

func TestFormatProblems(t *testing.T) {
	for keys, want := range map[string]string{
		`encoding = "windows-1353"`:                            "format.encoding: there is no encoding",
		`encoding = "replacement"`:                             "format.encoding: there is no encoding",
		`encoding = "iso-2022-jp"`:                             "format.encoding: iso-2022-jp can't be read here",
		`encoding = "hz-gb-2312"`:                              "format.encoding: hz-gb-2312 can't be read here",
		`encoding = ""`:                                        "format.encoding: there is no encoding",
		"delimiter = \"€\"\nencoding = \"iso-8859-1\"":         `format.delimiter: iso-8859-1 has no '€'`,
		`delimiter = "123456789"`:                              "format.delimiter: must be one to eight bytes",
		"delimiter = \"éééé€\"":                                "format.delimiter: must be one to eight bytes",
		`delimiter = ""`:                                       "format.delimiter: must be one to eight bytes",
		`delimiters = []`:                                      "format.delimiters: must be one to sixteen",
		`delimiters = [""]`:                                    "format.delimiters: must be one to eight bytes",
		`delimiters = [";", "a\n"]`:                            "format.delimiters: can't hold a line end",
		`delimiters = [";", "|", ";"]`:                         `format.delimiters: has ";" twice`,
		"delimiters = [\";\"]\ndelimiter = \",\"":              "format.delimiters: only one of delimiter and delimiters",
		"delimiters = [\";\", \"'\"]\nquote = \"'\"":           "format.quote: can't be a part of the delimiter",
		`quote = ","`:                                          "format.quote: can't be a part of the delimiter",
		"quote = \"\\t\"\ntype = \"tsv\"":                      "format.quote: can't be a part of the delimiter",
		`quote = "«"`:                                          "format.quote: must be one byte",
		"quote = \"«\"\nencoding = \"shift_jis\"":              "format.quote: must be one byte",
		"quote = \"€\"\nencoding = \"iso-8859-1\"":             "format.quote: iso-8859-1 has no",
		`quote = "\n"`:                                         "format.quote: must be one byte",
		`escape = ""`:                                          "format.escape: must be \"double\" or a character",
		`escape = "doubled"`:                                   "format.escape: must be \"double\" or a character",
		`escape = "\n"`:                                        "format.escape: must be \"double\" or a character",
		`escape = "\""`:                                        "format.escape: is the quote",
		`escape = ","`:                                         "format.escape: can't be a part of the delimiter",
		"escape = \"€\"\nencoding = \"iso-8859-1\"":            "format.escape: iso-8859-1 has no",
		`comment = "123456789"`:                                "format.comment: must be one to eight bytes",
		`comment = "#\r"`:                                      "format.comment: can't hold a line end",
		`comment = ",#"`:                                       "format.comment: can't begin like the delimiter",
		"comment = \"#\"\ndelimiters = [\";\", \"#,\"]":        "format.comment: can't begin like the delimiter",
		`comment = "\"#"`:                                      "format.comment: can't begin with the quote or the escape",
		"comment = \"\\\\*\"\nescape = \"\\\\\"":               "format.comment: can't begin with the quote or the escape",
		`header_lines = 0`:                                     "format.header_lines: must be from 1 to 10",
		`header_lines = 11`:                                    "format.header_lines: must be from 1 to 10",
		"header_lines = 2\nheader = false":                     "format.header_lines: is only used with a header",
		"strict_header = { extra = \"warn\" }\nheader = false": "format.strict_header: is only used with a header",
		`strict_header = { missing = "ignore" }`:               `format.strict_header.missing: "ignore" isn't known`,
		`strict_header = "reject"`:                             "format.strict_header: must be a table",
		`line_end = "mixed"`:                                   `format.line_end: "mixed" isn't known`,
	} {
		if _, err := formatJob(t, keys); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v\nwant %s", keys, err, want)
		} else if strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: one mistake gives several problems:\n%v", keys, err)
		}
	}
}

func TestFormatsThatAreFine(t *testing.T) {
	for _, keys := range []string{
		"encoding = \"windows-1252\"\nquote = \"«\"\ndelimiter = \"¦\"\nescape = \"¬\"\ncomment = \"§\"",
		"encoding = \"UTF-16\"\ndelimiter = \"¦\"", `encoding = "Shift_JIS"`, `encoding = "cp037"`, `encoding = "Latin1"`, `encoding = "utf8"`,
		"delimiters = [\" \", \"\\t\"]\nrepeat_delimiter = true", "escape = \"\\\\\"\nquote = \"\"", "comment = \"--\"\nline_end = \"any\"",
		`strict_header = { missing = "warn", extra = "reject", reordered = "reject" }`, "header_lines = 2\nskip_top = 3",
	} {
		if _, err := formatJob(t, keys); err != nil {
			t.Errorf("%s:\n%v", keys, err)
		}
	}
	job, err := formatJob(t, `delimiters = ["|", ";"]`)
	if err != nil || job.Format.Delimiter != "|" {
		t.Errorf("%+v, %v", job, err)
	}
}

func TestCharsetNames(t *testing.T) {
	for name, want := range map[string]string{
		"utf8": "UTF-8", "UTF-8": "UTF-8", "csUTF8": "UTF-8", "utf-16": "UTF-16", "utf16le": "UTF-16LE", "UTF-16BE": "UTF-16BE", "ucs-2": "UTF-16LE",
		"utf-32": "UTF-32", "latin1": "latin1", "cp1252": "cp1252", "sjis": "sjis", "windows-31j": "windows-31j",
	} {
		if c, err := FindCharset(name); err != nil || c.Name != want {
			t.Errorf("%s is %+v, %v", name, c, err)
		}
	}
	separable := map[string]bool{"utf-8": true, "windows-1252": true, "iso-8859-15": true, "koi8-r": true, "us-ascii": true, "ibm437": true, "macintosh": true,
		"x-user-defined": true, "utf-16": false, "utf-32be": false, "ibm037": false, "ibm1047": false, "shift_jis": false, "gbk": false, "big5": false, "euc-jp": false,
		"euc-kr": false, "gb18030": false}
	for name, want := range separable {
		if c, err := FindCharset(name); err != nil || c.Separable() != want {
			t.Errorf("%s: %v, %v", name, c.Separable(), err)
		}
	}
}

// Every byte of every charset of single bytes means what x/text's own table says, but for those that Windows has no character for.
func TestTables(t *testing.T) {
	names := map[string]string{"IBM Code Page 037": "ibm037", "IBM Code Page 1047": "ibm1047", "IBM Code Page 1140": "ibm01140", "ISO 8859-6E": "iso-8859-6-e",
		"ISO 8859-6I": "iso-8859-6-i", "ISO 8859-8E": "iso-8859-8-e", "ISO 8859-8I": "iso-8859-8-i", "Macintosh": "macintosh",
		"Macintosh Cyrillic": "x-mac-cyrillic", "X-User-Defined": "x-user-defined", "Windows Code Page 858": "ibm00858"}
	checked := 0
	for _, e := range charmap.All {
		table, ok := e.(*charmap.Charmap)
		if !ok {
			continue // a placeholder
		}
		full := fmt.Sprint(e)
		name, ok := names[full]
		if !ok {
			name = strings.ToLower(strings.NewReplacer("IBM Code Page ", "ibm", "Windows ", "windows-", "ISO ", "iso-").Replace(full))
		}
		c, err := FindCharset(name)
		if err != nil || c.Table == nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checked++
		for b := range 256 {
			want := table.DecodeByte(byte(b))
			if want == '\uFFFD' || strings.HasPrefix(full, "Windows") && want == rune(b) && b >= 0x80 && b < 0xA0 {
				want = Undefined
			}
			if c.Table[b] != want {
				t.Errorf("%s: byte %02X is %U, x/text has %U", name, b, c.Table[b], want)
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d charsets", checked)
	}
	for b, want := range map[byte]rune{0x80: '€', 0x81: Undefined, 0x9D: Undefined, 0xE9: 'é'} {
		if c, _ := FindCharset("windows-1252"); c.Table[b] != want {
			t.Errorf("windows-1252: byte %02X is %U", b, c.Table[b])
		}
	}
}
