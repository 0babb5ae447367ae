package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"chute/connectors/native"
	"chute/watcher/control"
)

// terminalOf is a command whose output goes to a terminal of this width; 0: it goes elsewhere.
func terminalOf(t *testing.T, out *bytes.Buffer, width int) *cobra.Command {
	c := &cobra.Command{}
	c.SetContext(withCaller(t.Context(), caller{request: control.Request{Terminal: width > 0, Width: width}}))
	c.SetOut(out)
	return c
}

func stringColumn(values ...string) (data []byte) {
	for _, v := range values {
		data = append(binary.AppendUvarint(data, uint64(len(v))), v...)
	}
	return data
}

func columnOf(t *testing.T, name, typ string) native.Column {
	t.Helper()
	parsed, err := native.ParseType(typ)
	if err != nil {
		t.Fatal(err)
	}
	return native.Column{Name: name, Type: parsed}
}

func printed(t *testing.T, width int, b *native.Block) string {
	t.Helper()
	var out bytes.Buffer
	table, err := newValueTable(terminalOf(t, &out, width), b.Columns, nil, nil)
	if err == nil {
		err = table.take(b, b.Rows)
	}
	if err == nil {
		err = table.flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return "\n" + out.String()
}

// TestValueTable: values of partners can't take over a terminal, and a table is as wide as the terminal of the one who asks.
func TestValueTable(t *testing.T) {
	b := &native.Block{
		Columns: []native.Column{columnOf(t, "n", "UInt8"), columnOf(t, "a\x1b[2Jname", "String"), columnOf(t, "maybe", "Nullable(String)")},
		Data: [][]byte{
			{1, 200, 3},
			stringColumn("plain", "\x1b]0;owned\x07\r\n\u202e\xff", strings.Repeat("long ", 500)),
			append([]byte{1, 0, 0}, stringColumn("", "NULL", "注文書")...),
		},
		Rows: 3,
	}
	for width, want := range map[int]string{
		60: `
  n  a\x1b[2Jname                                     maybe
  1  plain                                            NULL
200  \x1b]0;owned\a\r\n\u202e\xff                     NULL
  3  long long long long long long long long long l…  注文書
`,
		24: `
  n  a\x1b[2Jna…  maybe
  1  plain        NULL
200  \x1b]0;own…  NULL
  3  long long …  注文書
`,
		18: `
── 1 ─────────────
n         1
a\x1b[2…  plain
maybe     NULL
── 2 ─────────────
n         200
a\x1b[2…  \x1b]0;…
maybe     NULL
── 3 ─────────────
n         3
a\x1b[2…  long lo…
maybe     注文書
`,
	} {
		if got := printed(t, width, b); got != want {
			t.Errorf("width %d: got:%s\nwanted:%s", width, got, want)
		}
	}
	if got := printed(t, 0, b); !strings.Contains(got, "\\u202e\\xff") || strings.Contains(got, "\x1b") || len(got) > 5*longestValue {
		t.Errorf("elsewhere: %q", got)
	}
}

// TestValueTableKeepsLittle: what is kept for the widths doesn't depend on how large the values are.
func TestValueTableKeepsLittle(t *testing.T) {
	var out bytes.Buffer
	b := &native.Block{Columns: []native.Column{columnOf(t, "s", "String")}, Data: [][]byte{stringColumn(strings.Repeat("x", 1<<20))}, Rows: 1}
	values, err := newValueTable(terminalOf(t, &out, 0), b.Columns, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range tableLook - 1 {
		if err := values.take(b, 1); err != nil {
			t.Fatal(err)
		}
	}
	kept := 0
	for _, row := range values.rows.(*table).kept {
		kept += len(fmt.Sprint(row))
	}
	if kept > 2*tableBytes {
		t.Errorf("%d bytes are kept", kept)
	}
}
