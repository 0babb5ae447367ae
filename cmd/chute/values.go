package main

import (
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/connectors/native"
	"chute/pipeline/convert"
)

// valueTable prints blocks as a table for people. Columns that don't fit the terminal beside each other are printed below each other.
type valueTable struct {
	printer *convert.Printer
	columns int
	most    int // bytes of a value that are looked at: what is cut anyway needs no memory
	rows    rowPrinter
	text    []byte
}

// rowPrinter is a table, or cards.
type rowPrinter interface {
	add(row ...string) error
	flush() error
}

const (
	longestValue = 1000 // bytes of a value in a table that isn't for a terminal
	nullShown    = "NULL"
)

// newValueTable prepares for blocks of these columns. Times of types without a zone are shown in zone; columns of which hidden tells so have ••• for each
// value. Both may be nil.
func newValueTable(c *cobra.Command, columns []native.Column, zone *time.Location, hidden func(column string) bool) (*valueTable, error) {
	printer, err := convert.NewPrinter(columns, convert.PrintText, zone)
	if err != nil {
		return nil, err
	}
	t := &valueTable{printer: printer, columns: len(columns), most: longestValue}
	who := callerOf(c).request
	if who.Terminal && who.Width > 0 {
		t.most = 4 * who.Width
	}
	var shown []column
	for i, col := range columns {
		if hidden != nil && hidden(col.Name) {
			printer.Hide(i)
		}
		shown = append(shown, column{name: config.Shown(col.Name), right: isNumber(col.Type)})
	}
	table := textTable(c.OutOrStdout(), shown...)
	if who.Terminal {
		table.width = who.Width
	}
	t.rows = table
	if table.width > 0 && leastTable(shown) > table.width {
		t.rows = newCards(c.OutOrStdout(), shown, table.width)
	}
	return t, nil
}

// leastTable is the width below which a table of these columns can't be cut; numbers are taken to be short.
func leastTable(columns []column) int {
	total := -tableGap
	for _, c := range columns {
		w := leastWidth
		if c.right {
			w = min(w, cells.StringWidth(c.name))
		}
		total += w + tableGap
	}
	return total
}

func isNumber(t *native.Type) bool {
	switch base := t.Base().Kind; {
	case base >= native.Int8 && base <= native.Float64, base == native.Decimal:
		return true
	}
	return false
}

// take prints the rows of a block, the first most of them.
func (t *valueTable) take(b *native.Block, most int) error {
	if err := t.printer.Begin(b); err != nil {
		return err
	}
	for range min(b.Rows, most) {
		row := make([]string, t.columns)
		for i := range row {
			var null bool
			if t.text, null = t.printer.Append(t.text[:0], i); null {
				row[i] = nullShown
			} else {
				row[i] = cutBytes(t.text, t.most)
			}
		}
		if err := t.rows.add(row...); err != nil {
			return err
		}
	}
	return nil
}

func (t *valueTable) flush() error { return t.rows.flush() }

// cutBytes returns at most so many bytes of a text, and doesn't cut through a character.
func cutBytes(text []byte, most int) string {
	if len(text) <= most {
		return string(text)
	}
	for i := most; i > most-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			most = i
			break
		}
	}
	return string(text[:most]) + "…"
}
