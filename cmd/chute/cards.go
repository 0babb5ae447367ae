package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"chute/config"
)

// cards print each row as lines of a name and a value, for rows too wide for a terminal.
type cards struct {
	columns []column
	width   int
	names   int // width of the longest name, within reason
	row     int
	out     *bufio.Writer
}

// longestName is how much of a card's line a column's name may take, as a share of the width.
const longestName = 3

func newCards(out io.Writer, columns []column, width int) *cards {
	c := &cards{columns: columns, width: width, out: bufio.NewWriter(out)}
	for _, col := range columns {
		c.names = max(c.names, min(cells.StringWidth(col.name), max(width/longestName, leastWidth)))
	}
	return c
}

// add prints a row. An error of the output stays, so it is enough that the last write tells it.
func (c *cards) add(row ...string) (err error) {
	c.row++
	head := fmt.Sprintf("── %d ", c.row)
	_, err = c.out.WriteString(head + strings.Repeat("─", max(0, min(c.width, 40)-cells.StringWidth(head))) + "\n")
	for i, col := range c.columns {
		name := cells.Truncate(col.name, c.names, "…")
		value := cells.Truncate(config.Shown(row[i]), max(leastWidth, c.width-c.names-tableGap), "…")
		_, err = c.out.WriteString(name + strings.Repeat(" ", max(0, c.names-cells.StringWidth(name))+tableGap) + value + "\n")
	}
	return err
}

func (c *cards) flush() error { return c.out.Flush() }
