package main

import (
	"bufio"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"

	"chute/config"
)

// table prints rows for whoever reads them: in columns that fit the terminal or, on a pipe, as lines of whole cells with tabs between
// them. Cells may be anybody's text: what doesn't print is escaped, in both.
type table struct {
	columns []column
	tabs    bool   // lines with tabs
	width   int    // of the terminal; 0: as wide as the cells are
	indent  string // before each line
	bare    bool   // without a line of names

	out    *bufio.Writer
	kept   [][]string // the first rows, until the columns' widths are known
	bytes  int        // in kept
	widths []int
}

// column is one of a table.
type column struct {
	name   string
	right  bool // a number: on the right side, and never cut
	narrow bool // cut before others, in the middle
}

const (
	tableLook   = 1000 // rows that are looked at for the widths of the columns
	tableBytes  = 4 << 20
	tableGap    = 2  // blanks between columns
	narrowWidth = 16 // to which narrow columns are cut before others are
	leastWidth  = 8  // below which none is cut: then the terminal folds the line
)

// cells is how wide text is on a terminal, whatever the language that this process speaks.
var cells = &runewidth.Condition{StrictEmojiNeutral: true}

// newTable makes a table for the one who gave the command.
func newTable(c *cobra.Command, columns ...column) *table {
	t := textTable(c.OutOrStdout(), columns...)
	who := callerOf(c).request
	t.tabs, t.width = !who.Terminal, who.Width
	return t
}

// textTable makes a table that is laid out in columns wherever it goes.
func textTable(out io.Writer, columns ...column) *table {
	return &table{columns: columns, out: bufio.NewWriter(out)}
}

// add prints a row, or keeps it until there are enough of them to choose the widths.
func (t *table) add(row ...string) error {
	for i, cell := range row {
		row[i] = config.Shown(cell)
	}
	switch {
	case t.tabs:
		if err := t.head(); err != nil {
			return err
		}
		return t.line(row)
	case t.widths != nil:
		return t.line(row)
	}
	t.kept = append(t.kept, row)
	for _, cell := range row {
		t.bytes += len(cell)
	}
	if len(t.kept) < tableLook && t.bytes < tableBytes {
		return nil
	}
	return t.printKept()
}

// flush prints what is left. A table without rows has its line of names.
func (t *table) flush() error {
	if t.tabs {
		if err := t.head(); err != nil {
			return err
		}
	} else if t.widths == nil {
		if err := t.printKept(); err != nil {
			return err
		}
	}
	return t.out.Flush()
}

// head prints the line of names, once.
func (t *table) head() error {
	if t.bare {
		return nil
	}
	t.bare = true
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return t.line(names)
}

func (t *table) printKept() error {
	t.fit()
	if err := t.head(); err != nil {
		return err
	}
	for _, row := range t.kept {
		if err := t.line(row); err != nil {
			return err
		}
	}
	t.kept = nil
	return nil
}

// fit chooses the widths: as the rows need them, and when that is more than the terminal has, the widest columns give way.
func (t *table) fit() {
	t.widths = make([]int, len(t.columns))
	total := len(t.indent) - tableGap
	for i, c := range t.columns {
		w := 0
		if !t.bare {
			w = cells.StringWidth(c.name)
		}
		for _, row := range t.kept {
			w = max(w, cells.StringWidth(row[i]))
		}
		if t.width > 0 && !c.right {
			w = min(w, t.width)
		}
		t.widths[i] = w
		total += w + tableGap
	}
	for ; t.width > 0 && total > t.width; total-- {
		i := t.widest(narrowWidth, func(c column) bool { return c.narrow })
		if i < 0 {
			i = t.widest(leastWidth, func(c column) bool { return !c.right })
		}
		if i < 0 {
			return
		}
		t.widths[i]--
	}
}

// widest returns the widest of the columns that may be cut and are wider than least, or -1.
func (t *table) widest(least int, may func(column) bool) int {
	found := -1
	for i, c := range t.columns {
		if may(c) && t.widths[i] > least && (found < 0 || t.widths[i] > t.widths[found]) {
			found = i
		}
	}
	return found
}

// line prints one row. An error of the output stays, so it is enough that the last call tells it.
func (t *table) line(row []string) error {
	if t.tabs {
		t.out.WriteString(strings.Join(row, "\t"))
		return t.out.WriteByte('\n')
	}
	t.out.WriteString(t.indent)
	for i, c := range t.columns {
		cell := cut(row[i], t.widths[i], c)
		blanks := strings.Repeat(" ", max(0, t.widths[i]-cells.StringWidth(cell)))
		switch last := i == len(t.columns)-1; {
		case c.right && last:
			t.out.WriteString(blanks + cell)
		case c.right:
			t.out.WriteString(blanks + cell + strings.Repeat(" ", tableGap))
		case last:
			t.out.WriteString(cell)
		default:
			t.out.WriteString(cell + blanks + strings.Repeat(" ", tableGap))
		}
	}
	return t.out.WriteByte('\n')
}

// cut makes a cell fit its column: of a name that is to be told from others the beginning and the end stay, of any other the beginning.
func cut(cell string, width int, c column) string {
	whole := cells.StringWidth(cell)
	if c.right || whole <= width {
		return cell
	}
	if !c.narrow {
		return cells.Truncate(cell, width, "…")
	}
	end := (width - 1) / 2
	return cells.Truncate(cell, width-1-end, "") + "…" + cells.TruncateLeft(cell, whole-end, "")
}
