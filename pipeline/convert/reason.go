package convert

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"chute/connectors/native"
)

// What a reason repeats of a value: enough to find it, not enough to fill a report.
const (
	maxValue = 200 // in Reason.Value
	maxShown = 60  // in Reason.Message
)

// Masked stands for values that mustn't be told. It doesn't tell their length either.
const Masked = "•••"

// message is one sentence about what is wrong.
func (c *column) message(code string, text []byte) string {
	v, t := show(text), c.Type.Base()
	if c.Secret {
		v = Masked
	}
	if message := c.ruleMessage(v, code, text); message != "" {
		return message
	}
	switch code {
	case Blank:
		return fmt.Sprintf("the value is blank, but %s needs one", t.Kind)
	case Required:
		return "the value is blank, but the column is required"
	case OutOfRange:
		return fmt.Sprintf("%s is out of range for %s (%s)", v, t, c.limits)
	case Scale:
		if t.Kind == native.Date || t.Kind == native.Date32 {
			return fmt.Sprintf("%s has a time of day, which %s would lose", v, t)
		}
		return fmt.Sprintf("%s has more than %d digits behind the point, which %s would lose", v, t.Scale, t)
	case NotANumber:
		return fmt.Sprintf("%s is not %s", v, c.numberName())
	case NotABool:
		return v + " is not a yes or no (true, false, t, f, yes, no, y, n, 1, 0)"
	case NotADate:
		return v + " is not a date (YYYY-MM-DD)"
	case NotATime:
		if t.Kind == native.Time || t.Kind == native.Time64 {
			return v + " is not a time (hh:mm:ss)"
		}
		return v + " is not a date and time (YYYY-MM-DD hh:mm:ss)"
	case AmbiguousTime:
		return fmt.Sprintf("%s comes twice in %s, where clocks were set back: write it with its offset", v, c.zoneName())
	case MissingTime:
		return fmt.Sprintf("%s doesn't exist in %s, where clocks were set forward", v, c.zoneName())
	case TooLong:
		if c.Secret {
			return fmt.Sprintf("%s is longer than the %d bytes that fit", v, t.Size)
		}
		return fmt.Sprintf("%s is %d bytes long, more than the %d that fit", v, len(text), t.Size)
	case NotAJSON:
		return v + " is not a JSON object"
	case NotInEnum:
		return fmt.Sprintf("%s is not one of %s", v, c.limits)
	case NotAUUID:
		return v + " is not a UUID"
	case NotAnIP:
		return fmt.Sprintf("%s is not an %s address", v, t)
	}
	return fmt.Sprintf("%s is refused (%s)", v, code)
}

// ruleMessage is the message where a rule of the column has a part in it, else empty.
func (c *column) ruleMessage(v, code string, text []byte) string {
	switch {
	case code == Pattern:
		return fmt.Sprintf("%s doesn't match %s", v, c.Pattern)
	case code == NotInMap:
		return v + " is not one of the values that are known"
	case code == BelowMin:
		return fmt.Sprintf("%s is less than %s", v, c.Min)
	case code == AboveMax:
		return fmt.Sprintf("%s is more than %s", v, c.Max)
	case code == TooLong && c.MaxLength > 0 && (c.Type.Base().Kind != native.FixedString || utf8.RuneCount(text) > c.MaxLength):
		return fmt.Sprintf("%s is longer than the %d characters that are allowed", v, c.MaxLength)
	case code == NotABool && len(c.True) > 0:
		return fmt.Sprintf("%s is not one of %s", v, wordList(c.True, c.False))
	case (code == NotADate || code == NotATime) && !c.Format.IsZero():
		return fmt.Sprintf("%s is not a date written as %s", v, c.Format)
	}
	return ""
}

// wordList quotes words for a message, cut when there are many.
func wordList(lists ...[]string) string {
	var words []string
	for _, list := range lists {
		for _, w := range list {
			words = append(words, show([]byte(w)))
		}
	}
	if len(words) > 10 {
		words = append(words[:10], fmt.Sprintf("… (%d in all)", len(words)))
	}
	return strings.Join(words, ", ")
}

// cut shortens a name for a message.
func cut(name string) string {
	if len(name) > maxShown {
		return strings.ToValidUTF8(name[:maxShown], "") + "…"
	}
	return name
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
