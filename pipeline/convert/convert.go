// Package convert turns the text of records into typed columns in ClickHouse's Native layout.
//
// The engines' own conversions can't be leaned on: "300" becomes 44 in a UInt8, 2024-02-30 becomes the first of March, a third digit behind the
// point vanishes. So every value is checked here, against the whole range of its type, and is taken exactly or refused with a Reason;
// nothing is truncated, rounded to a shorter scale, wrapped or clamped.
//
// A Plan is compiled once for a run: each column gets the function for its type. It isn't changed afterwards and is shared by all
// goroutines; each of them has its own Rows, the columns of one chunk. A record goes in whole or not at all.
//
// # What is taken
//
//	Int8…Int256, UInt8…UInt256  digits with an optional sign; leading zeros are free
//	BFloat16, Float32, Float64  digits, optional point, optional exponent; rounded to the nearest as always with these types, but not to
//	                            infinity and not to zero; inf and nan are refused
//	Decimal(P, S)               digits, optional point; zeros beyond the scale are free, other digits there are refused
//	String, FixedString(N)      all bytes; a FixedString is filled up with zero bytes as ClickHouse does
//	Bool                        true false t f yes no y n 1 0, in small or capital letters
//	Date, Date32                2006-01-02. Where a server's calendar ends with 2105, as that of 18.16 does, Date and DateTime end there, too: it would show later
//	                            days as others
//	DateTime, DateTime64        2006-01-02 15:04:05, or with T; optional fraction; optional Z, +01, +0100 or +01:00 at the end. Without it
//	                            the time is local in the zone of the type, else of the column, else UTC
//	UUID                        with its four dashes or with none
//	IPv4, IPv6                  as usual; an IPv6 column takes an IPv4 address as ::ffff:a.b.c.d
//	Enum8, Enum16               the names
//	Time, Time64                15:04:05, also with a sign and up to 999 hours
//	Array, Tuple, Map, Nested   as ClickHouse writes them: [1,2], ('a',1), {'k':[1]}; NULL where an element may be; texts, dates, addresses and the like in single
//	                            quotes, with the usual escapes
//	JSON                        an object
//
// each also inside Nullable, LowCardinality and SimpleAggregateFunction. Blanks around a value belong to it, so numbers and dates with them are refused.
// testdata/types.md, which is made by a test, shows each type with examples.
//
// # Reading rules
//
// A column's rules change that, in this order: Trim; blanks (below); Case; Map; MaxLength; Pattern; the reading itself, with Format, TimeZone, Decimal,
// Thousands, True and False; Min and Max. What is refused by any of them goes the way of OnError: its record is refused, or loaded with NULL, the type's
// default or the column's Default and a warning, or the whole file is refused. Values of Secret columns are in no reason and no warning.
//
// # Blanks
//
// A field is blank when it is empty, quoted or not, or when it is one of the column's Null words and not quoted. The first of these that fits decides:
// Required refuses it; Default stands in for it; an empty quoted field in a Nullable String or FixedString is the empty string;
// Nullable gives NULL; a type that can be empty (String, FixedString, Array, Map, Nested, an Enum
// that has the empty name) is empty; else it is refused.
//
// # Codes
//
// The codes of reasons are stable:
//
//	blank           no value, and the type can't be without
//	required        no value in a required column
//	not_a_number    not written as a number of this type
//	out_of_range    written well, but outside of what the type holds
//	scale           digits behind the point, or parts of a second, that the type would lose
//	not_a_bool      none of the words for true and false
//	not_a_date      not written as a date, or not in the calendar
//	not_a_time      not written as date and time, or not in the calendar
//	ambiguous_time  a local time that comes twice, when clocks are set back
//	missing_time    a local time that doesn't exist, when clocks are set forward
//	too_long        more bytes than the type holds, or more characters than the column allows
//	not_in_enum     not one of the names
//	not_a_uuid      not written as a UUID
//	not_an_ip       not written as an address of this kind
//	pattern         doesn't match the column's regular expression
//	not_in_map      not one of the values that the column's map has
//	below_min       less than the column's least value
//	above_max       more than the column's greatest value
//	bad_structure   not written as this array, tuple or map
//	too_many        an array or map of more than a million elements
//	not_a_json      not a JSON object that the engine would take
//	nested_sizes    the arrays of one Nested have different lengths
//	fields          the record has another number of fields than the plan
package convert

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"chute/connectors"
	"chute/connectors/native"
)

// The codes of reasons, explained above.
const (
	Blank         = "blank"
	Required      = "required"
	NotANumber    = "not_a_number"
	OutOfRange    = "out_of_range"
	Scale         = "scale"
	NotABool      = "not_a_bool"
	NotADate      = "not_a_date"
	NotATime      = "not_a_time"
	AmbiguousTime = "ambiguous_time"
	MissingTime   = "missing_time"
	TooLong       = "too_long"
	NotInEnum     = "not_in_enum"
	NotAUUID      = "not_a_uuid"
	NotAnIP       = "not_an_ip"
	Pattern       = "pattern"
	NotInMap      = "not_in_map"
	BelowMin      = "below_min"
	AboveMax      = "above_max"
	BadStructure  = "bad_structure"
	TooMany       = "too_many"
	NotAJSON      = "not_a_json"
	NestedSizes   = "nested_sizes"
	Fields        = "fields"
)

// Origin says where the values of a column come from.
type Origin int

const (
	Field  Origin = iota // the next of the record's fields, or Constant
	Run                  // lineage: Rows.Run; the type must be UInt64
	Record               // lineage: the record's number; the type must be UInt64
)

// Column is one column of the table and how its text is read.
type Column struct {
	Name     string         // in the table
	Label    string         // what the file calls it, for reasons
	Type     *native.Type   // the table's type, with LowCardinality if it has it
	Origin   Origin         // Field unless it is a column of lineage
	Constant []byte         // not nil: the text of every record; the column then takes no field
	Default  *string        // text that stands in for a blank
	Required bool           // a blank is refused
	Zone     *time.Location // of local times when the type names no zone; nil: UTC
	Null     [][]byte       // words that mean NULL when they aren't quoted
	// EarlyDates: the server's calendar is from 1970 to 2105, so Date and DateTime end there.
	EarlyDates bool
	Rules
}

// Plan is a compiled list of columns. It is safe for concurrent use.
type Plan struct {
	columns []column
	native  []native.Column
	fields  int
	nested  [][]int // columns that are parts of one Nested, whose arrays must be of the same length
}

// appender converts text and appends the value, or returns the code of what is wrong with it; what it appended until then is taken back by its caller.
type appender func(b *native.Builder, text []byte) (code string)

// column is a Column made ready. It isn't changed afterwards.
type column struct {
	Column
	make     func(*fault) appender // a conversion may have memory of its own: one for each goroutine
	field    int                   // index into a record's fields; -1: none
	nullable bool                  // the type takes NULL
	empty    bool                  // of Array, Map and Nested: a blank is an empty one
	text     bool                  // of String and FixedString: an empty quoted value is a value
	ruled    bool                  // rules change or judge the text before it is read
	stand    []byte                // Default; nil: none
	limits   string                // what the type holds, for messages
	bits     parser                // of types of up to eight bytes, without separators
	bounds   bounds
	blanks   [2]stand // what becomes of an empty field, and of one that is empty in quotes
}

// stand is what stands for a missing value.
type stand struct {
	code string // of why there is none
	null bool
	data []byte // as the layout has it
	bits uint64 // the same of up to eight bytes
}

// Compile makes a plan. It refuses types that have no conversion, and defaults and constants that their own type refuses.
func Compile(columns []Column) (*Plan, error) {
	p := &Plan{}
	for _, c := range columns {
		made, err := compile(c)
		if err != nil {
			return nil, fmt.Errorf("column %q of type %s: %w", c.Name, c.Type, err)
		}
		if c.Origin == Field && c.Constant == nil {
			made.field = p.fields
			p.fields++
		}
		p.columns = append(p.columns, made)
		p.native = append(p.native, native.Column{Name: c.Name, Type: stored(c.Type).Plain()})
	}
	p.nested = nestedGroups(p.columns)
	return p, nil
}

// nestedGroups finds columns that belong together: arrays with the same name before the dot.
func nestedGroups(columns []column) [][]int {
	place := map[string]int{}
	var all, groups [][]int
	for i, c := range columns {
		name, _, dotted := strings.Cut(c.Name, ".")
		if !dotted || c.Type.Base().Kind != native.Array {
			continue
		}
		at, known := place[name]
		if !known {
			at = len(all)
			place[name] = at
			all = append(all, nil)
		}
		all[at] = append(all[at], i)
	}
	for _, g := range all {
		if len(g) > 1 {
			groups = append(groups, g)
		}
	}
	return groups
}

// Fields returns the number of fields that a record must have: one for each column with neither Constant nor lineage, in the order of the columns.
func (p *Plan) Fields() int { return p.fields }

// Mask takes out of a reason what it repeats of a record, if any column of the plan is Secret. It is for reasons of whoever cut the file into fields: such
// a piece may be of any column.
func (p *Plan) Mask(r *connectors.Reason) {
	for i := range p.columns {
		if p.columns[i].Secret && len(r.Value) > 0 {
			r.Value = []byte(Masked)
			return
		}
	}
}

// Columns returns the columns as blocks will have them, in order.
func (p *Plan) Columns() []native.Column { return p.native }

// stored is the type that blocks have for a column: JSON is text for us.
func stored(t *native.Type) *native.Type {
	text := &native.Type{Kind: native.String}
	switch {
	case t.Base().Kind != native.JSON:
		return t
	case t.Nullable():
		return &native.Type{Kind: native.Nullable, Elems: []*native.Type{text}}
	}
	return text
}

func compile(c Column) (column, error) {
	made := column{Column: c, field: -1, nullable: c.Type.Nullable()}
	b, err := native.NewBuilder(stored(c.Type))
	if err != nil {
		return made, err
	}
	if c.Origin != Field {
		if c.Type.Kind != native.UInt64 {
			return made, fmt.Errorf("lineage needs UInt64")
		}
		return made, nil
	}
	base := c.Type.Base()
	made.text = base.Kind == native.String || base.Kind == native.FixedString
	made.empty = base.Kind == native.Array || base.Kind == native.Map || base.Kind == native.Nested
	if err := made.compileRules(base); err != nil {
		return made, err
	}
	var cell cell
	cell.init(&made, b)
	if c.Default != nil {
		made.stand = []byte(*c.Default)
		if code := cell.standIn(); code != "" {
			return made, fmt.Errorf("the default is refused: %s", cell.message(code, made.stand))
		}
	}
	if c.Constant != nil {
		if code := cell.value(c.Constant, false); code != "" {
			return made, fmt.Errorf("the constant is refused: %s", cell.message(code, c.Constant))
		}
	}
	made.blanks = [2]stand{cell.standFor(false), cell.standFor(true)}
	return made, nil
}

// standFor finds out what becomes of a blank. The cell's column is lost.
func (c *cell) standFor(quoted bool) (s stand) {
	c.builder.Reset()
	if s.code = c.blank(quoted); s.code != "" {
		c.builder.Reset()
		c.builder.AppendDefault()
	}
	s.data = c.builder.AppendTo(nil)
	if c.nullable {
		s.null, s.data = s.data[0] == 1, s.data[1:]
	}
	var word [8]byte
	copy(word[:], s.data)
	s.bits = binary.LittleEndian.Uint64(word[:])
	return s
}
