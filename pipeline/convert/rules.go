package convert

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"chute/config"
	"chute/connectors/native"
)

// Rules are how a column's text is read where that isn't as usual. The zero Rules change nothing.
type Rules struct {
	Trim       Side
	Case       Case
	Map        map[string]string // instead of a value: another
	MapMissing Answer            // to a value that Map lacks; without Map it means nothing
	MaxLength  int               // characters; 0: any
	Pattern    *regexp.Regexp    // the text must match; nil: any
	Format     config.TimeFormat
	TimeZone   *time.Location // of local times, whatever zone the type names; nil: see Column.Zone
	Decimal    string         // character before the fraction; "": a point
	Thousands  string         // character between groups of three digits; "": none
	True       []string       // words instead of the usual ones, also for whole numbers
	False      []string
	Min, Max   string // in the type's usual writing; "": none
	OnError    Answer
	Secret     bool
}

// Side says which blanks are taken off.
type Side int

const (
	TrimNone  Side = 0
	TrimLeft  Side = 1
	TrimRight Side = 2
	TrimBoth  Side = TrimLeft | TrimRight
)

// Case says how letters are changed.
type Case int

const (
	KeepCase   Case = iota
	UpperCase       // all large
	LowerCase       // all small
	FirstUpper      // the first one large, the others small
)

// Answer says what becomes of a value that isn't as it should be.
type Answer int

const (
	Reject     Answer = iota // the record is refused
	Warn                     // the record is loaded without the value, or, from MapMissing, with the value as it is; a warning is counted
	UseDefault               // Default is loaded instead; from OnError with a warning
	RejectFile               // the file is refused
	Keep                     // only of MapMissing: the value is read as it is
)

// compileRules checks that the rules fit the type and makes the conversion.
func (c *column) compileRules(base *native.Type) error {
	if (c.OnError == UseDefault || c.Map != nil && c.MapMissing == UseDefault) && c.Default == nil {
		return errors.New("there is no default to load instead")
	}
	if err := c.fits(base); err != nil {
		return err
	}
	c.ruled = c.Trim != TrimNone || c.Case != KeepCase || c.Map != nil || c.MaxLength > 0 || c.Pattern != nil
	switch base.Kind {
	case native.Array, native.Map, native.Tuple, native.Nested:
		e, err := newElement(base, c.zoning(), c.Secret)
		c.make = func(f *fault) appender { return nested(e, f) }
		return err
	}
	if base.Kind == native.JSON {
		var err error
		c.make, err = jsonConversion(base)
		return err
	}
	made, err := c.conversion(base)
	if err != nil {
		return err
	}
	c.limits, c.bits = made.limits, made.bits
	c.make = func(*fault) appender { return made.append }
	if c.Decimal != "" && c.Decimal != "." || c.Thousands != "" {
		c.bits = nil
		c.make = func(*fault) appender { return separated(made.append, c.Decimal, c.Thousands) }
	}
	return c.compileBounds(base)
}

// conversion returns what reads the text as a value.
func (c *column) conversion(base *native.Type) (conversion, error) {
	switch {
	case len(c.True)+len(c.False) > 0:
		return wordsFor(base, c.True, c.False)
	case !c.Format.IsZero():
		return formatted(base, c.zoning(), c.Format)
	}
	return forType(base, c.zoning())
}

// fits refuses rules that the type has no use for: they are a mistake of whoever wrote the job.
func (c *column) fits(base *native.Type) error {
	k := base.Kind
	whole := k >= native.Int8 && k <= native.UInt256
	number := whole || k == native.BFloat16 || k == native.Float32 || k == native.Float64 || k == native.Decimal
	switch {
	case !c.Format.IsZero() && (k < native.Date || k > native.DateTime64):
		return errors.New("format is for dates and times")
	case (c.Min != "" || c.Max != "") && comparison(base) == nil:
		return errors.New("values of this type have no least and greatest")
	case c.TimeZone != nil && k != native.DateTime && k != native.DateTime64:
		return errors.New("timezone is for dates with times")
	case !number && (c.Decimal != "" && c.Decimal != "." || c.Thousands != ""):
		return errors.New("decimal and thousands are for numbers")
	case !whole && k != native.Bool && len(c.True)+len(c.False) > 0:
		return errors.New("true and false are for Bool and whole numbers")
	}
	return nil
}

// wordsFor returns the conversion from words for true and false.
func wordsFor(t *native.Type, yes, no []string) (conversion, error) {
	values := map[string]uint64{}
	for _, w := range no {
		values[w] = 0
	}
	for _, w := range yes {
		if _, both := values[w]; both {
			return conversion{}, fmt.Errorf("%q can't mean true and false", w)
		}
		values[w] = 1
	}
	find := func(text []byte) (uint64, string) {
		v, ok := values[string(text)]
		if !ok {
			return 0, NotABool
		}
		return v, ""
	}
	width, _ := t.Width()
	if width <= 8 {
		return scalar(width, "", find), nil
	}
	return conversion{append: func(b *native.Builder, text []byte) string {
		v, code := find(text)
		if code == "" {
			w := [4]uint64{v}
			b.AppendWords(w[:width/8]...)
		}
		return code
	}}, nil
}
