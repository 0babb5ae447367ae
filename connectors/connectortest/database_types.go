package connectortest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"chute/connectors"
	"chute/connectors/native"
)

// typeCase is a column as bytes of the Native layout, and as the server shows it.
type typeCase struct {
	typ    string
	family string // the name by which a server has it or not, where that isn't the beginning of typ
	data   []byte
	shown  []string // what toString makes of the values
}

func strs(values ...string) []byte {
	var b []byte
	for _, v := range values {
		for n := len(v); ; n >>= 7 {
			if n < 0x80 {
				b = append(b, byte(n))
				break
			}
			b = append(b, byte(n)|0x80)
		}
		b = append(b, v...)
	}
	return b
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

const minus = math.MaxUint64 // -1; minus-n+1 is -n

var typeCases = []typeCase{
	{typ: "UInt8", data: []byte{0, 255}, shown: []string{"0", "255"}},
	{typ: "UInt16", data: little(nil, 2, 0, 65535), shown: []string{"0", "65535"}},
	{typ: "UInt32", data: little(nil, 4, 0, math.MaxUint32), shown: []string{"0", "4294967295"}},
	{typ: "UInt64", data: little(nil, 8, 0, math.MaxUint64), shown: []string{"0", "18446744073709551615"}},
	{typ: "Int8", data: []byte{0x80, 127}, shown: []string{"-128", "127"}},
	{typ: "Int16", data: little(nil, 2, 0x8000, 0x7fff), shown: []string{"-32768", "32767"}},
	{typ: "Int32", data: little(nil, 4, 1<<31, 1<<31-1), shown: []string{"-2147483648", "2147483647"}},
	{typ: "Int64", data: little(nil, 8, 1<<63, 1<<63-1), shown: []string{"-9223372036854775808", "9223372036854775807"}},
	{typ: "Float32", data: little(nil, 4, uint64(math.Float32bits(-0.5)), 0x7f800000), shown: []string{"-0.5", "inf"}},
	{typ: "Float64", data: little(nil, 8, math.Float64bits(0.1), math.Float64bits(-1e300)), shown: []string{"0.1", "-1e300"}},
	{typ: "String", data: strs("", "a\x00\xff'\\\n", strings.Repeat("é", 200)), shown: []string{"", "a\x00\xff'\\\n", strings.Repeat("é", 200)}},
	{typ: "FixedString(3)", data: []byte("abc\x00\xff\x00"), shown: []string{"abc", "\x00\xff*"}},
	{typ: "Date", data: little(nil, 2, 0, 18321, 49709), shown: []string{"*", "2020-02-29", "2106-02-06"}},
	{typ: "DateTime", data: little(nil, 4, 1, math.MaxUint32-86400), shown: []string{"*", "*"}},
	{typ: "DateTime('UTC')", data: little(nil, 4, 1, 1582934400), shown: []string{"1970-01-01 00:00:01", "2020-02-29 00:00:00"}},
	{typ: "DateTime('Asia/Tokyo')", data: little(nil, 4, 1582934400), shown: []string{"2020-02-29 09:00:00"}},
	{typ: "Decimal(9, 2)", data: little(nil, 4, 123456789, minus), shown: []string{"1234567.89", "-0.01"}},
	{typ: "Decimal(18, 4)", data: little(nil, 8, 12345, minus-12344), shown: []string{"1.2345", "-1.2345"}},
	{typ: "Decimal(38, 10)", data: join(little(nil, 8, 5, 1), little(nil, 8, minus, minus)), shown: []string{"1844674407.3709551621", "-0.0000000001"}},
	{typ: "Enum8('a' = -128, 'it\\'s' = 0, 'z' = 127)", data: []byte{0x80, 0, 127}, shown: []string{"a", "it's", "z"}},
	{typ: "Enum16('a' = -32768, 'b' = 300)", data: little(nil, 2, 0x8000, 300), shown: []string{"a", "b"}},
	{typ: "UUID", data: little(nil, 8, 0x0011223344556677, 0x8899aabbccddeeff), shown: []string{"00112233-4455-6677-8899-aabbccddeeff"}},
	{typ: "Nullable(String)", data: join([]byte{0, 1, 0}, strs("", "", "x")), shown: []string{"", "NULL", "x"}},
	{typ: "Nullable(Int32)", data: join([]byte{1, 0}, little(nil, 4, 0, 7)), shown: []string{"NULL", "7"}},
	{typ: "Nullable(Decimal(9, 2))", family: "Decimal", data: join([]byte{1, 0}, little(nil, 4, 0, 700)), shown: []string{"NULL", "7*"}},
	{typ: "Array(UInt16)", data: join(little(nil, 8, 0, 2, 3), little(nil, 2, 1, 2, 3)), shown: []string{"[]", "[1,2]", "[3]"}},
	{typ: "Array(Array(String))", data: join(little(nil, 8, 2, 2), little(nil, 8, 1, 3), strs("a", "b", "c")), shown: []string{"[['a'],['b','c']]", "[]"}},
	{typ: "Array(Nullable(String))", data: join(little(nil, 8, 2), []byte{1, 0}, strs("", "b")), shown: []string{"[NULL,'b']"}},
	{typ: "Tuple(UInt8, String)", data: join([]byte{1, 2}, strs("a", "b")), shown: []string{"(1,'a')", "(2,'b')"}},
	{typ: "Bool", data: []byte{0, 1}, shown: []string{"false", "true"}},
	{typ: "Date32", data: little(nil, 4, minus-25566, 18321), shown: []string{"1900-01-01", "2020-02-29"}},
	{typ: "DateTime64(3, 'UTC')", data: little(nil, 8, 1582934400123), shown: []string{"2020-02-29 00:00:00.123"}},
	{typ: "Map(String, UInt8)", data: join(little(nil, 8, 2, 2), strs("a", "b"), []byte{1, 2}), shown: []string{"{'a':1,'b':2}", "{}"}},
	{typ: "IPv4", data: little(nil, 4, 0x7f000001), shown: []string{"127.0.0.1"}},
	{typ: "IPv6", data: unhex("20010db8 00000000 00000000 00000001"), shown: []string{"2001:db8::1"}},
	{typ: "Int128", data: little(nil, 8, minus, minus), shown: []string{"-1"}},
	{typ: "UInt256", data: little(nil, 8, 0, 1, 0, 0), shown: []string{"18446744073709551616"}},
	{typ: "Time64(3)", data: little(nil, 8, 3723004, minus-1499), shown: []string{"01:02:03.004", "-00:00:01.500"}},
	{typ: "Decimal(76, 10)", family: "Decimal256", data: little(nil, 8, 10_000_000_000, 0, 0, 0), shown: []string{"1*"}},
}

// testTypes sends each type as bytes and expects the same bytes back, and between them the values as the server understood them. A type that
// the server says it doesn't have has to be refused when a table is made.
func testTypes(t *testing.T, s *databaseSuite) {
	for _, c := range typeCases {
		t.Run(c.typ, func(t *testing.T) {
			family := c.family
			if family == "" {
				family, _, _ = strings.Cut(c.typ, "(")
			}
			if !s.Server().Abilities.Types[family] {
				err := s.Exec(suiteContext(t), connectors.Statement{SQL: "CREATE TABLE suite_type (v " + c.typ + ") ENGINE = Memory"})
				if code(err) == 0 {
					t.Errorf("%s isn't among the server's types, but making a table of it gives %v", family, err)
				}
				return
			}
			table := s.table(t, "(i UInt64, v "+c.typ+") ENGINE = MergeTree ORDER BY i")
			s.checkType(t, table, c)
		})
	}
}

func (s *databaseSuite) checkType(t *testing.T, table string, c typeCase) {
	rows := len(c.shown)
	block := numbers(0, rows)
	block.Columns[0].Name = "i"
	block.Columns = append(block.Columns, column("v", c.typ))
	block.Data = append(block.Data, c.data)
	s.insert(t, table, block, block)

	got := s.column(t, "SELECT v FROM "+table+" ORDER BY i", c.typ)
	want := s.column(t, "SELECT v FROM "+table+" ORDER BY i LIMIT 0", c.typ)
	if len(got) != 2*rows || len(want) != 0 {
		t.Fatalf("%d rows of %d, %d of none", len(got), 2*rows, len(want))
	}
	sent, err := native.Values(block.Columns[1], c.data, rows)
	if err != nil {
		t.Fatal(err)
	}
	texts := s.rows(t, "SELECT ifNull(toString(v), 'NULL') FROM "+table+" ORDER BY i")
	for i := range got {
		if !reflect.DeepEqual(got[i], sent[i/2]) {
			t.Errorf("row %d: sent %v, got %v", i/2, sent[i/2], got[i])
		}
		shown := c.shown[i/2]
		prefix, open := strings.CutSuffix(shown, "*") // versions differ in what follows
		if text := texts[i][0].(string); text != shown && !(open && strings.HasPrefix(text, prefix)) {
			t.Errorf("row %d: the server took it for %q, want %q", i/2, text, shown)
		}
	}
}

// column returns the values of a query's only column after checking its type.
func (s *databaseSuite) column(t *testing.T, sql, typ string) []any {
	t.Helper()
	var values []any
	err := s.Query(suiteContext(t), connectors.Statement{SQL: sql}, func(b *native.Block) error {
		if want := column("", typ).Type.Plain(); !b.Columns[0].Type.Equal(want) {
			t.Errorf("the result's type is %s, want %s", b.Columns[0].Type, want)
		}
		v, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
		values = append(values, v...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return values
}

// testLowCardinality sends plain values to columns of LowCardinality and expects plain ones back.
func testLowCardinality(t *testing.T, s *databaseSuite) {
	for typ, c := range map[string]typeCase{
		"LowCardinality(String)":                  {typ: "String", data: strs("b", "", "b"), shown: []string{"b", "", "b"}},
		"LowCardinality(Nullable(String))":        {typ: "Nullable(String)", data: join([]byte{0, 1, 0}, strs("b", "", "")), shown: []string{"b", "NULL", ""}},
		"Array(LowCardinality(String))":           {typ: "Array(String)", data: join(little(nil, 8, 2, 2, 3), strs("a", "b", "a")), shown: []string{"['a','b']", "[]", "['a']"}},
		"Array(LowCardinality(Nullable(String)))": {typ: "Array(Nullable(String))", data: join(little(nil, 8, 2), []byte{1, 0}, strs("", "b")), shown: []string{"[NULL,'b']"}},
		"Tuple(LowCardinality(String), UInt8)":    {typ: "Tuple(String, UInt8)", data: join(strs("a", "b"), []byte{1, 2}), shown: []string{"('a',1)", "('b',2)"}},
		"LowCardinality(FixedString(2))":          {typ: "FixedString(2)", data: []byte("aabb"), shown: []string{"aa", "bb"}},
	} {
		t.Run(typ, func(t *testing.T) {
			// Old servers want to be asked nicely.
			var settings []string
			for _, name := range []string{"allow_experimental_low_cardinality_type", "allow_suspicious_low_cardinality_types"} {
				if s.Server().Abilities.Settings[name] {
					settings = append(settings, name)
				}
			}
			table := s.table(t, "(i UInt64, v "+typ+") ENGINE = MergeTree ORDER BY i", settings...)
			s.checkType(t, table, c)
		})
	}
}

// testJSON sends text to columns of JSON and expects text back, which the server has read meanwhile.
func testJSON(t *testing.T, s *databaseSuite) {
	if !s.Server().Abilities.Types["JSON"] {
		return // testTypes makes such a table of types that a server doesn't have
	}
	table := s.table(t, "(i UInt64, v JSON, n Nullable(JSON)) ENGINE = MergeTree ORDER BY i")
	block := numbers(0, 2)
	block.Columns = []native.Column{column("i", "UInt64"), column("v", "String"), column("n", "Nullable(String)")}
	block.Data = append(block.Data, strs(`{"a" : {"b":[1, "x"]}}`, `{}`), join([]byte{1, 0}, strs("", `{"c":2}`)))
	s.insert(t, table, block, block)
	rows := s.rows(t, "SELECT v, n, toString(v.a.b) FROM "+table+" ORDER BY i LIMIT 1 BY i")
	if got := fmt.Sprint(rows); got != `[[{"a":{"b":[1,"x"]}} <nil> [1,'x']] [{} {"c":2} ]]` {
		t.Errorf("the rows are %s", got)
	}
	block.Data[1] = strs(`{}`, `{"a"`)
	i, err := s.Insert(suiteContext(t), connectors.Statement{SQL: table}, block.Columns)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(i.Write(block), i.Commit()); code(err) == 0 {
		t.Errorf("text that isn't JSON: %v", err)
	}
}
