package convert

import (
	"bytes"
	"fmt"

	"chute/connectors"
	"chute/connectors/native"
)

// cell is a column of one Rows: what it gathers, and the memory that reading needs. Texts in it are used again with the next value.
type cell struct {
	append  appender
	builder *native.Builder
	field   int         // index into a record's fields; -1: none
	plain   bool        // no rule of the column changes anything: the short way
	mark    native.Mark // the column before the value that it is at
	began   native.Mark // the column before the records that AppendTable is at
	*column
	whole   []byte // the column as a block has it
	letters []byte // the value in other letters
	mapped  []byte // the value that the map has instead
	fault   fault  // what is wrong inside of the value, when it is an array, tuple or map
	odd     string // code of a warning about the value that it is at
	instead string // with odd: what became of the value, for people

	warnings []Warning
}

// Warning sums up values of one column that were odd in the same way and didn't refuse their records.
type Warning struct {
	Column  string // as the file calls it
	Code    string // as those of reasons
	Count   uint64
	Record  uint64 // the first one
	Line    int64  // of the first one; see Rows.Line
	Message string // about the first one
}

// init makes a cell ready, which then mustn't move: its conversion knows where it is.
func (c *cell) init(from *column, b *native.Builder) {
	*c = cell{column: from, builder: b, field: from.field, plain: from.plain()}
	if from.make != nil {
		c.append = from.make(&c.fault)
	}
}

// plain tells columns without any rule.
func (c *column) plain() bool {
	return !c.ruled && c.Trim == TrimNone && c.OnError == Reject && c.bounds.compare == nil && c.Null == nil
}

// take appends a value for the text by all rules, or returns the code of why it is refused. Then what stays of it is taken back with the record.
func (c *cell) take(text []byte, quoted bool) (code string) {
	c.builder.MarkTo(&c.mark)
	if c.plain && len(text) > 0 {
		return c.append(c.builder, text)
	}
	c.odd, c.instead, c.fault = "", "", fault{}
	if code = c.value(text, quoted); code == "" {
		return ""
	}
	c.builder.Rollback(c.mark)
	switch c.OnError {
	case Warn:
		c.odd, c.instead = code, "the record is loaded without the value"
		c.without()
		return ""
	case UseDefault:
		c.odd, c.instead = code, "the record is loaded with the column's default"
		return c.standIn()
	}
	return code
}

// value appends what the text says.
func (c *cell) value(text []byte, quoted bool) (code string) {
	text, then, code := c.prepare(text, quoted)
	switch then {
	case refuse:
		return code
	case takeStand:
		return c.standIn()
	case isBlank:
		return c.blank(quoted)
	case unmapped:
		return c.blank(false)
	}
	if code = c.append(c.builder, text); code == "" && c.bounds.compare != nil {
		code = c.bounds.judge(c.builder.Last())
	}
	return code
}

// without appends the type's own default. JSON is text for the builder, whose empty one isn't an object.
func (c *cell) without() {
	if c.Type.Base().Kind == native.JSON && !c.nullable {
		c.builder.AppendBytes([]byte("{}"))
		return
	}
	c.builder.AppendDefault()
}

func (c *cell) standIn() (code string) { return c.append(c.builder, c.stand) }

// blank appends what stands for a missing value; the package comment has the rules.
func (c *cell) blank(quoted bool) (code string) {
	switch {
	case c.Required:
		return Required
	case c.stand != nil:
		return c.standIn()
	case c.nullable && !(quoted && c.text):
		c.builder.AppendNull()
		return ""
	}
	if c.empty {
		c.builder.AppendDefault()
		return ""
	}
	if c.append(c.builder, nil) != "" {
		c.fault = fault{} // a blank isn't badly written
		return Blank
	}
	return ""
}

// warn counts the oddity of the value that was just taken.
func (c *cell) warn(record uint64, line int64, text []byte) {
	for i := range c.warnings {
		if c.warnings[i].Code == c.odd {
			c.warnings[i].Count++
			return
		}
	}
	message := c.message(c.odd, text)
	if c.odd == NotInMap && c.instead == "" {
		message += "; it is loaded as it is"
	} else {
		message += "; " + c.instead
	}
	c.warnings = append(c.warnings, Warning{
		Column: c.Label, Code: c.odd, Count: 1, Record: record, Line: line, Message: fmt.Sprintf("Column %q: %s.", cut(c.Label), message),
	})
}

// reason describes a refused value to the partner.
func (c *cell) reason(record uint64, code string, text []byte) connectors.Reason {
	value := bytes.Clone(text[:min(len(text), maxValue)])
	if c.Secret {
		value = []byte(Masked)
	}
	return connectors.Reason{Record: record, Column: c.Label, Code: code, Value: value, Message: c.message(code, text), Source: "text"}
}

// message is one sentence about what is wrong.
func (c *cell) message(code string, text []byte) string {
	if c.fault.at > 0 {
		return c.faultMessage(code, text, &c.fault)
	}
	return c.column.message(code, text)
}
