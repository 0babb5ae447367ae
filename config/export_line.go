package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Line is a line of an exported file that is no record: a text with the strftime words %Y %m %d %H %M %S %j %y of the moment that the export was due, %% for a
// percent sign, {{ and }} for braces, and variables. {rows} and {sum(COLUMN)} are numbers, {file}, {job}, {seq}, {part} and those of parameters what names have. Behind a variable may
// stand how many characters it takes: {rows:8} has blanks before a number or behind a text, {rows:08} zeros.
type Line struct {
	text   string
	pieces []LinePiece
}

// LinePiece is a part of a Line.
type LinePiece struct {
	Text     string // that stands there; with Word or Variable set ""
	Word     string // layout of a strftime word, for package time
	Variable string // "rows", "sum", "file", "job", "seq", "part", or the name of a parameter
	Column   string // of a sum
	Width    int    // in characters; 0: as it comes
	Zeros    bool   // fill it with zeros
}

// lineVariables are those of lines; true: numbers that are known at the end.
var lineVariables = map[string]bool{"rows": true, "sum": true, "file": false, "job": false, "seq": false, "part": false}

// Pieces returns the parts in order. They mustn't be changed.
func (l Line) Pieces() []LinePiece { return l.pieces }

func (l Line) String() string { return l.text }

// UnmarshalText checks and compiles a line.
func (l *Line) UnmarshalText(text []byte) error {
	made := Line{text: string(text)}
	if strings.ContainsAny(made.text, "\r\n") {
		return errors.New("is one line: give several texts for several lines")
	}
	for rest := made.text; rest != ""; {
		next, left, err := nextLinePiece(rest)
		if err != nil {
			return err
		}
		made.pieces, rest = append(made.pieces, next), left
	}
	*l = made
	return nil
}

// nextLinePiece takes one piece off the beginning of s, which isn't empty. What isn't a variable is as in names.
func nextLinePiece(s string) (LinePiece, string, error) {
	if s[0] == '{' && !strings.HasPrefix(s, "{{") {
		inside, rest, closed := cutVariable(s[1:])
		made, err := lineVariable(inside)
		if !closed {
			err = errors.New("a variable is a name in braces, as {rows}; write {{ for a brace")
		}
		return made, rest, err
	}
	p, rest, err := nextPiece(s, false)
	if p.kind == '%' {
		return LinePiece{Word: words[p.text]}, rest, err
	}
	return LinePiece{Text: p.text}, rest, err
}

// cutVariable cuts behind the brace that closes a variable: not one in the name of a column.
func cutVariable(s string) (inside, rest string, closed bool) {
	if name, behind, ok := strings.Cut(s, "("); ok && name == "sum" {
		if column, after, ok := strings.Cut(behind, ")"); ok {
			width, rest, closed := strings.Cut(after, "}")
			return "sum(" + column + ")" + width, rest, closed
		}
	}
	return strings.Cut(s, "}")
}

// lineVariable reads what stands in braces.
func lineVariable(s string) (p LinePiece, err error) {
	if rest, ok := strings.CutPrefix(s, "sum("); ok {
		p.Variable = "sum"
		p.Column, s, _ = strings.Cut(rest, ")")
		if s != "" && s[0] != ':' {
			return p, fmt.Errorf("{sum(%s)%s}: behind the column there may be only a width, as {sum(price):12}", p.Column, s)
		}
		s = strings.TrimPrefix(s, ":")
	} else {
		p.Variable, s, _ = strings.Cut(s, ":")
	}
	if !variableName(p.Variable) || p.Variable == "sum" && p.Column == "" {
		return p, fmt.Errorf("{%s}: a variable is a name in braces, as {rows} or {sum(price)}; write {{ for a brace", p.Variable)
	}
	if s == "" {
		return p, nil
	}
	p.Zeros = s[0] == '0'
	if p.Width, err = strconv.Atoi(s); err != nil || p.Width < 1 || p.Width > 1000 {
		return p, fmt.Errorf("{%s:%s}: behind the colon stands a width from 1 to 1000, perhaps with a zero before it", p.Variable, s)
	}
	return p, nil
}

// lines judges the lines before and behind the records.
func (c checker) lines(e *Export) {
	for _, l := range e.Format.Top {
		for _, p := range l.pieces {
			if lineVariables[p.Variable] {
				c.bad("format.top", "{%s} is known when all records are written: it can stand in format.bottom", p.Variable)
			}
		}
		c.line("format.top", e, l)
	}
	for _, l := range e.Format.Bottom {
		c.line("format.bottom", e, l)
	}
}

func (c checker) line(key string, e *Export, l Line) {
	for _, p := range l.pieces {
		_, known := lineVariables[p.Variable]
		_, given := e.Parameters[p.Variable]
		switch {
		case p.Variable != "" && !known && !given:
			c.bad(key, "there is no variable {%s}; there are {rows}, {sum(COLUMN)}, {file}, {job}, {seq}, {part} and those of parameters", p.Variable)
		case p.Zeros && (given || p.Variable == "file" || p.Variable == "job"):
			c.bad(key, "{%s:0%d}: zeros are for numbers", p.Variable, p.Width)
		case p.Variable == "part" && e.Split.IsZero():
			c.bad(key, "{part} is the number of a file of several, and there is no split")
		case p.Column != "" && len(e.Columns) > 0 && !slices.Contains(e.Columns, p.Column):
			c.bad(key, "{sum(%s)}: must be one of columns", p.Column)
		}
	}
}
