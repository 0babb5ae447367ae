package main

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline/report"
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
	name     string
	right    bool // a number: on the right side, and never cut
	fixed    bool // never cut
	narrow   bool // cut before others, in the middle
	optional bool // left out where the terminal is too narrow, the last one first
	rest     bool // gets what the others leave; for the last column
	sentence bool // texts in it may be escaped already: backslashes stay as they are, but where a program reads them
}

const (
	tableLook   = 1000 // rows that are looked at for the widths of the columns
	tableBytes  = 4 << 20
	tableGap    = 2  // blanks between columns
	narrowWidth = 16 // to which narrow columns are cut before others are
	leastWidth  = 8  // below which none is cut: then the terminal folds the line
	leftOut     = -1 // the width of a column that is left out
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
		if t.columns[i].sentence && !t.tabs {
			row[i] = report.Visible(cell)
		} else {
			row[i] = config.Shown(cell)
		}
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

// fit chooses the widths: as the rows need them. When that is more than the terminal has, narrow columns give way, then optional ones are left
// out, then the widest of the others give way.
func (t *table) fit() {
	t.widths = make([]int, len(t.columns))
	for i, c := range t.columns {
		if !t.bare {
			t.widths[i] = cells.StringWidth(c.name)
		}
		for _, row := range t.kept {
			t.widths[i] = max(t.widths[i], cells.StringWidth(row[i]))
		}
		if t.width > 0 && !c.right {
			t.widths[i] = min(t.widths[i], t.width)
		}
	}
	if t.width == 0 {
		return
	}
	wanted, last := slices.Clone(t.widths), len(t.columns)-1
	if t.columns[last].rest {
		t.widths[last] = min(wanted[last], narrowWidth)
	}
	t.shrink(narrowWidth, func(c column) bool { return c.narrow })
	for i := last; i >= 0 && t.total() > t.width; i-- {
		if t.columns[i].optional {
			t.widths[i] = leftOut
		}
	}
	t.shrink(leastWidth, func(c column) bool { return !c.right && !c.fixed })
	for i, c := range t.columns {
		if c.narrow || c.rest && t.widths[i] != leftOut {
			t.widths[i] = min(wanted[i], max(t.widths[i], t.widths[i]+t.width-t.total()))
		}
	}
}

// total is how wide a line is.
func (t *table) total() int {
	total := len(t.indent) - tableGap
	for _, w := range t.widths {
		if w != leftOut {
			total += w + tableGap
		}
	}
	return total
}

// shrink makes the widest of the columns that may be cut narrower, one after the other, until the line fits or all are down to least.
func (t *table) shrink(least int, may func(column) bool) {
	for over := t.total() - t.width; over > 0; over-- {
		i := t.widest(least, may)
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
	line := []byte(t.indent)
	blanks := 0 // due before the next cell
	for i, c := range t.columns {
		width := t.widths[i]
		if width == leftOut {
			continue
		}
		cell := cut(row[i], width, c)
		fill := max(0, width-cells.StringWidth(cell))
		if c.right {
			blanks += fill
			fill = 0
		}
		if cell != "" {
			line = append(append(line, strings.Repeat(" ", blanks)...), cell...)
			blanks = 0
		}
		blanks += fill + tableGap
	}
	t.out.Write(line)
	return t.out.WriteByte('\n')
}

// cut makes a cell fit its column: of a name that is to be told from others the beginning and the end stay, of any other the beginning.
func cut(cell string, width int, c column) string {
	whole := cells.StringWidth(cell)
	if c.right || c.fixed || whole <= width {
		return cell
	}
	if !c.narrow {
		return cells.Truncate(cell, width, "…")
	}
	end := (width - 1) / 2
	return cells.Truncate(cell, width-1-end, "") + "…" + cells.TruncateLeft(cell, whole-end, "")
}
