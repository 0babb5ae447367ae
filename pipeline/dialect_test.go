package pipeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"chute/connectors"
)

// littleEnd is a text in UTF-16.
func littleEnd(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(unit))
		b.WriteByte(byte(unit >> 8))
	}
	return b.String()
}

// TestRejectsInUTF16: what is refused comes back in the file's own bytes with all that was around it, and loads when it is mended and dropped again.
func TestRejectsInUTF16(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.job(`
[format]
encoding = "utf-16"
delimiters = [";", "|"]
comment = "#"
escape = "\\"
skip_top = 1
skip_bottom = 1
header_lines = 2
line_end = "any"
strict_header = { extra = "accept" }
[target]
table = "%t"
create = true
order_by = ["n"]
[[column]]
source = "Item No"
name = "n"
type = "UInt32"
[[column]]
source = "Text"
name = "text"
type = "String"
`)
	w.open()
	begin, end := "\uFEFFReport\r# made today\rItem;Text\rNo|\r", "Total\r\n"
	good, lone := "1;\"é\\\"😀\"\r# between\n", littleEnd("3;")+"\x00\xDC"+littleEnd("\r")
	bad := littleEnd("x;|\r\ny\r") + lone
	w.drop("a.csv", littleEnd(begin+good)+bad+littleEnd("2;x\\|y\n"+end))
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	w.wantRows("SELECT n, text FROM %t ORDER BY n", "1 é\"😀", "2 x|y")
	found, err := filepath.Glob(filepath.Join(w.Dir, "store/*/a.rejects.csv"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%q, %v", found, err)
	}
	refused, err := os.ReadFile(found[0])
	if err != nil || string(refused) != littleEnd(begin)+bad+littleEnd(end) {
		t.Fatalf("%q, %v", refused, err)
	}
	if said := w.told("a.csv"); !strings.Contains(said, `"code":"bad_encoding"`) || !strings.Contains(said, "The bytes 0x00DC aren't UTF-16.") {
		t.Error(said)
	}
	mended := strings.NewReplacer(littleEnd("x;|"), littleEnd("4;z"), littleEnd("y\r"), littleEnd("5;\r"), lone, littleEnd("3;c\r")).Replace(string(refused))
	w.drop("a.rejects.csv", mended)
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.rejects.csv": connectors.Done})
	w.wantRows("SELECT n, text FROM %t ORDER BY n", "1 é\"😀", "2 x|y", "3 c", "4 z", "5 ")
	w.wantSettled()
}
