package convert

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/native"
)

// randomTypes are those for which the embedded engine makes random values.
var randomTypes = []string{
	"Int8", "Int16", "Int32", "Int64", "Int128", "Int256", "UInt8", "UInt16", "UInt32", "UInt64", "UInt128", "UInt256", "Float32", "Float64",
	"Decimal(9, 0)", "Decimal(9, 9)", "Decimal(18, 3)", "Decimal(38, 20)", "Decimal(76, 38)", "Bool", "String", "FixedString(5)", "UUID", "IPv4", "IPv6",
	"Date", "Date32", "DateTime", "DateTime('America/New_York')", "DateTime64(0)", "DateTime64(3, 'Europe/Paris')", "DateTime64(6)", "Enum8('a' = 1, 'it\\'s' = -3)", "Enum16('x' = 1000, 'y\\n' = 2)",
	"Array(String)", "Array(Array(Nullable(Int16)))", "Array(UUID)", "Array(DateTime('UTC'))", "Array(IPv6)", "Array(Decimal(9, 2))", "Array(Bool)", "Array(Enum8('a' = 1, 'it\\'s' = -3))",
	"Tuple(UInt8)", "Tuple(a String, b Nullable(Date))", "Map(String, Array(Float64))", "Map(UInt16, Tuple(String, UInt8))", "Nullable(String)", "Nullable(Decimal(18, 5))",
	"LowCardinality(String)", "Array(LowCardinality(Nullable(String)))", "Array(Tuple(x Int8, y String))",
}

// printedQueries are results in pairs of columns: a value, and what the engine's own toString says of it.
var printedQueries = map[string][]string{
	"chdb": {
		randomQuery("toString(v%d)"),
		"SELECT arrayJoin([0, -0.0, 1e-5, 1e-6, 1e-7, 9.999999e-7, 1e15, 1e16, 1e20, 1e21, 123456789012345678901, 1.5e300, 5e-324, nan, inf, -inf, 0.1, 1/3, 100]) AS f, toString(f)",
		"SELECT arrayJoin([0, -0.0, 1e-5, 1e-6, 1e-7, 1e15, 1e20, 1e21, 1e38, 1e-45, nan, inf, -inf, 0.1, 1/3, 16777216, exp2(-12)])::Float32 AS f, toString(f)",
		"SELECT arrayJoin(['-999:59:59', '00:00:00', '23:59:59', '999:59:59', '-00:00:01'])::Time AS t, toString(t)",
		"SELECT arrayJoin(['-999:59:59.999', '00:00:00.001', '-00:00:00.5', '999:59:59'])::Time64(3) AS t, toString(t)",
		"SELECT NULL AS n, toString(n), [NULL, NULL] AS m, toString(m), tuple() AS e, toString(e), [] AS a, toString(a), map() AS k, toString(k), INTERVAL 3 DAY AS i, toString(i)",
		`SELECT '{"a":1,"b":[1,{"c":"x"}],"d":null}'::JSON AS j, toString(j)`,
		"SELECT arrayJoin(range(0, 73049))::Date32 AS d, toString(d)",
		"SELECT arrayJoin(range(1792884600, 1792895400, 199))::DateTime('Europe/Paris') AS t, toString(t), [t] AS a, toString(a), t::DateTime64(3, 'Europe/Paris') AS m, toString(m)",
	},
	"clickhouse": {
		"SELECT arrayJoin([0, 1e-5, 1e-6, 1.5e-7, 1e15, 1e20, 123456789012345678901, nan, inf, -inf, 0.1, 100, 0.30000000000000004]) AS f, toString(f)",
		"SELECT toDateTime((number + 1) * 1234567) AS t, toString(t), toDate(number + 1) AS d, toString(d), toString(number) AS s, s, [s, '\\0\\b\\t\\n\\f\\r\\'\\\\\\\"'] AS a, toString(a) FROM system.numbers LIMIT 3000",
		"SELECT toDateTime((number + 1) * 1234567, 'Europe/Paris') AS t, toString(t) FROM system.numbers LIMIT 3000",
	},
}

// randomQuery asks for random values of all randomTypes, each with the engine's own text of it.
func randomQuery(text string) string {
	var structure, columns []string
	for i, t := range randomTypes {
		structure = append(structure, fmt.Sprintf("v%d %s", i, t))
		columns = append(columns, fmt.Sprintf("v%d, "+text, i, i))
	}
	quoted := strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(strings.Join(structure, ", "))
	return "SELECT " + strings.Join(columns, ", ") + " FROM generateRandom('" + quoted + "', 7, 30, 4) LIMIT 1000"
}

// comparePrinted runs a query whose columns come in pairs: a value, and the engine's own text of it.
func comparePrinted(t *testing.T, ctx context.Context, s connectors.Session, zone *time.Location, sql string) {
	t.Helper()
	rows := 0
	err := s.Query(ctx, connectors.Statement{SQL: sql}, func(b *native.Block) error {
		got, nulls := printAll(t, b, PrintText, zone)
		for i := 0; i < len(b.Columns); i += 2 {
			for row := range b.Rows {
				got[i][row] = withoutZeros(b.Columns[i].Type, got[i][row])
				got[i+1][row] = withoutZeros(b.Columns[i].Type, got[i+1][row])
				if got[i][row] != got[i+1][row] || nulls[i][row] != nulls[i+1][row] {
					t.Errorf("%.100s: %s in row %d is printed as %q (NULL: %t), the engine says %q (NULL: %t)", sql, b.Columns[i].Type, row+1, got[i][row], nulls[i][row], got[i+1][row], nulls[i+1][row])
					break
				}
			}
		}
		rows += b.Rows
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if rows == 0 {
		t.Errorf("%s: no rows", sql)
	}
}

// withoutZeros takes off what toString leaves out: the zeros that fill a FixedString, and, on new servers, those at the end of a Decimal. Old servers show the
// first day as no day. What only chute says, the distance from UTC of a time that comes twice, is taken off as well.
func withoutZeros(t *native.Type, text string) string {
	switch {
	case t.Kind == native.FixedString:
		return strings.TrimRight(text, "\x00")
	case strings.Contains(t.String(), "Decimal"):
		return lastZeros.ReplaceAllString(text, "$1$2")
	case strings.Contains(t.String(), "Date"):
		return distance.ReplaceAllString(strings.ReplaceAll(text, "0000-00-00", "1970-01-01"), "$1")
	}
	return text
}

var distance = regexp.MustCompile(`(:\d\d(?:\.\d+)?)[+-]\d\d:\d\d\b`)

var lastZeros = regexp.MustCompile(`(?:\.|(\.\d*?[1-9]))0+(\D|$)`)

// serverZone is the zone in which the server shows times of types without one.
func serverZone(t *testing.T, ctx context.Context, s connectors.Session) *time.Location {
	t.Helper()
	var zone *time.Location
	err := s.Query(ctx, connectors.Statement{SQL: "SELECT timezone()"}, func(b *native.Block) (err error) {
		if b.Rows > 0 {
			texts, _ := printAll(t, b, PrintText, nil)
			zone, err = time.LoadLocation(texts[0][0])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// printAll prints a block, column by column.
func printAll(t failer, b *native.Block, style Style, zone *time.Location) (texts [][]string, nulls [][]bool) {
	t.Helper()
	p, err := NewPrinter(b.Columns, style, zone)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Begin(b); err != nil {
		t.Fatal(err)
	}
	texts, nulls = make([][]string, len(b.Columns)), make([][]bool, len(b.Columns))
	for range b.Rows {
		for i := range b.Columns {
			text, null := p.Append(nil, i)
			texts[i], nulls[i] = append(texts[i], string(text)), append(nulls[i], null)
		}
	}
	return texts, nulls
}

// comparePrintedJSON compares random values as JSON with the engine's own.
func comparePrintedJSON(t *testing.T, ctx context.Context, s connectors.Session) {
	t.Helper()
	settings := map[string]string{"output_format_json_quote_64bit_integers": "0", "output_format_json_named_tuples_as_objects": "1", "output_format_decimal_trailing_zeros": "1"}
	err := s.Query(ctx, connectors.Statement{SQL: randomQuery("formatRowNoNewline('JSONEachRow', v%d)"), Settings: settings}, func(b *native.Block) error {
		got, nulls := printAll(t, b, PrintJSON, nil)
		theirs, _ := printAll(t, b, PrintText, nil)
		for i := 0; i < len(b.Columns); i += 2 {
			if b.Columns[i].Type.Kind == native.FixedString {
				continue // bytes that JSON can't say
			}
			for row := range b.Rows {
				if nulls[i][row] {
					got[i][row] = "null"
				}
				ours, want := decoded(t, fmt.Sprintf(`{"v%d":`, i/2)+got[i][row]+`}`), decoded(t, theirs[i+1][row])
				if !reflect.DeepEqual(ours, want) {
					t.Errorf("%s in row %d is printed as %s, the engine says %s", b.Columns[i].Type, row+1, got[i][row], theirs[i+1][row])
					break
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(strings.ToValidUTF8(text, "?"))))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
