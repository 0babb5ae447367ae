package convert

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"

	"chute/connectors"
)

// What a reason repeats of a value: enough to find it, not enough to fill a report.
const (
	maxValue = 200 // in Reason.Value
	maxShown = 60  // in Reason.Message
)

// reason describes a refused value to the partner.
func (c *column) reason(record uint64, code string, text []byte) connectors.Reason {
	return connectors.Reason{
		Record: record, Column: c.Label, Code: code, Value: bytes.Clone(text[:min(len(text), maxValue)]),
		Message: c.message(code, text), Source: "text",
	}
}

// message is one sentence about what is wrong.
func (c *column) message(code string, text []byte) string {
	v, t := show(text), c.Type.Base()
	switch code {
	case Blank:
		return fmt.Sprintf("the value is blank, but %s needs one", t.Kind)
	case Required:
		return "the value is blank, but the column is required"
	case OutOfRange:
		return fmt.Sprintf("%s is out of range for %s (%s)", v, t, c.limits)
	case Scale:
		return fmt.Sprintf("%s has more than %d digits behind the point, which %s would lose", v, t.Scale, t)
	case NotANumber:
		return fmt.Sprintf("%s is not %s", v, c.numberName())
	case NotABool:
		return v + " is not a yes or no (true, false, t, f, yes, no, y, n, 1, 0)"
	case NotADate:
		return v + " is not a date (YYYY-MM-DD)"
	case NotATime:
		return v + " is not a date and time (YYYY-MM-DD hh:mm:ss)"
	case AmbiguousTime:
		return fmt.Sprintf("%s comes twice in %s, where clocks were set back: write it with its offset", v, c.zoneName())
	case MissingTime:
		return fmt.Sprintf("%s doesn't exist in %s, where clocks were set forward", v, c.zoneName())
	case TooLong:
		return fmt.Sprintf("%s is %d bytes long, more than the %d that fit", v, len(text), t.Size)
	case NotInEnum:
		return fmt.Sprintf("%s is not one of %s", v, c.limits)
	case NotAUUID:
		return v + " is not a UUID"
	case NotAnIP:
		return fmt.Sprintf("%s is not an %s address", v, t)
	}
	return fmt.Sprintf("%s is refused (%s)", v, code)
}

func (c *column) numberName() string {
	if c.isInteger() {
		return "a whole number"
	}
	return "a number"
}

// show quotes a value for a message and cuts it; a plain number stands without quotes.
func show(text []byte) string {
	cut := ""
	if len(text) > maxShown {
		text, cut = text[:maxShown], "…"
		for len(text) > maxShown-utf8.UTFMax && !utf8.Valid(text) {
			text = text[:len(text)-1] // not through the middle of a character
		}
	}
	for _, c := range text {
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != ':' {
			return strconv.Quote(string(text)) + cut
		}
	}
	if len(text) == 0 {
		return `""`
	}
	return string(text) + cut
}
