package chdb

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"chute/connectors"
	"chute/connectors/native"
)

// typeCases are types with two literals each; where a type can be NULL the second is it.
var typeCases = [][3]string{
	{"Int8", "-128", "127"}, {"Int16", "-32768", "1"}, {"Int32", "-2147483648", "2"}, {"Int64", "-9223372036854775808", "3"},
	{"Int128", "'-170141183460469231731687303715884105728'", "4"}, {"Int256", "'-57896044618658097711785492504343953926634992332820282019728792003956564819968'", "5"},
	{"UInt8", "255", "0"}, {"UInt16", "65535", "1"}, {"UInt32", "4294967295", "2"}, {"UInt64", "18446744073709551615", "3"},
	{"UInt128", "'340282366920938463463374607431768211455'", "4"}, {"UInt256", "'115792089237316195423570985008687907853269984665640564039457584007913129639935'", "5"},
	{"BFloat16", "1.5", "-2"}, {"Float32", "-1.5e30", "nan"}, {"Float64", "1e-300", "inf"}, {"Bool", "true", "false"},
	{"Date", "'1970-01-01'", "'2149-06-06'"}, {"Date32", "'1900-01-01'", "'2299-12-31'"}, {"DateTime", "'2106-02-07 06:28:15'", "0"},
	{"DateTime('Asia/Tokyo')", "'2024-02-29 23:59:59'", "0"}, {"DateTime64(3)", "'1900-01-01 00:00:00.123'", "'2299-12-31 23:59:59.999'"},
	{"DateTime64(9, 'Europe/Paris')", "'2024-03-31 03:00:00.000000001'", "0"}, {"Time", "'12:34:56'", "'-999:59:59'"}, {"Time64(6)", "'12:34:56.789012'", "'00:00:00'"},
	{"UUID", "'01234567-89ab-cdef-0123-456789abcdef'", "'00000000-0000-0000-0000-000000000000'"}, {"IPv4", "'203.0.113.7'", "'0.0.0.0'"}, {"IPv6", "'2001:db8::1'", "'::ffff:1.2.3.4'"},
	{"Decimal(9, 2)", "'-1234567.89'", "'0.01'"}, {"Decimal(18, 18)", "'0.999999999999999999'", "0"}, {"Decimal(38, 10)", "'-9999999999999999999999999999.0123456789'", "1"},
	{"Decimal(76, 38)", "'12345678901234567890123456789012345678.5'", "'-0.5'"},
	{"Enum8('a' = -128, 'it\\'s' = 127)", `'it\'s'`, "'a'"}, {"Enum16('x' = 1000, 'y, z' = -1000)", "'y, z'", "'x'"},
	{"String", `'\0\xff\'ü'`, "''"}, {"FixedString(5)", `'ab\0c'`, "''"},
	{"Nullable(Int32)", "-7", "NULL"}, {"Nullable(String)", "'x'", "NULL"}, {"Nullable(Decimal(20, 5))", "'1.00001'", "NULL"}, {"Nullable(Enum8('a' = 5))", "'a'", "NULL"}, {"Nullable(UUID)", "'01234567-89ab-cdef-0123-456789abcdef'", "NULL"},
	{"LowCardinality(String)", "'red'", "''"}, {"LowCardinality(Nullable(String))", "'red'", "NULL"}, {"LowCardinality(FixedString(3))", "'abc'", "'d'"},
	{"Array(UInt16)", "[1, 2, 3]", "[]"}, {"Array(Array(Nullable(String)))", "[['a', NULL], []]", "[]"}, {"Array(LowCardinality(String))", "['a', 'b', 'a']", "[]"},
	{"Map(String, Array(UInt8))", "map('a', [1], 'b', [])", "map()"}, {"Map(LowCardinality(String), UInt8)", "map('a', 1)", "map()"}, {"Tuple(a UInt8, `b c` Nullable(String))", "(1, 'x')", "(2, NULL)"},
	{"Array(Tuple(Date, Map(String, Decimal(9, 2))))", "[('2024-01-01', map('k', 1.5))]", "[]"},
}

// What the engine makes of literals comes out of Query as blocks; the same blocks, put in by Insert, have to be equal rows.
func TestTypes(t *testing.T) {
	s, ctx := openSession(t)
	var columns, first, second, shown []string
	for n, c := range typeCases {
		name := fmt.Sprintf("c%d", n)
		columns = append(columns, name+" "+c[0])
		first, second = append(first, c[1]), append(second, c[2])
		shown = append(shown, "toString("+name+")")
	}
	for _, table := range []string{"made", "copied"} {
		execute(t, s, "CREATE TABLE "+table+" (n UInt8, "+strings.Join(columns, ", ")+") ENGINE = MergeTree ORDER BY n SETTINGS allow_nullable_key = 1")
	}
	execute(t, s, "INSERT INTO made VALUES (1, "+strings.Join(first, ", ")+"), (2, "+strings.Join(second, ", ")+")")

	var b native.Block
	take := func(from *native.Block) error {
		b = native.Block{Columns: append([]native.Column(nil), from.Columns...), Rows: from.Rows}
		for _, d := range from.Data {
			b.Data = append(b.Data, bytes.Clone(d))
		}
		return nil
	}
	if err := s.Query(ctx, connectors.Statement{SQL: "SELECT * FROM made ORDER BY n"}, take); err != nil {
		t.Fatal(err)
	}
	if b.Rows != 2 || len(b.Columns) != len(typeCases)+1 {
		t.Fatalf("a block of %d rows and %d columns", b.Rows, len(b.Columns))
	}
	i := insertInto(t, s, ctx, connectors.Statement{SQL: "copied"}, b.Columns)
	if err := i.Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
	sent := b
	if err := s.Query(ctx, connectors.Statement{SQL: "SELECT * FROM copied ORDER BY n"}, take); err != nil {
		t.Fatal(err)
	}
	query := "SELECT arrayJoin([" + strings.Join(shown, ", ") + "]) FROM %s ORDER BY n"
	made, copied := rows(t, s, fmt.Sprintf(query, "made")), rows(t, s, fmt.Sprintf(query, "copied"))
	for n, c := range typeCases {
		if !bytes.Equal(sent.Data[n+1], b.Data[n+1]) {
			t.Errorf("%s: sent %x, got back %x", c[0], sent.Data[n+1], b.Data[n+1])
		}
		for _, row := range []int{n, n + len(typeCases)} {
			if made[row] != copied[row] {
				t.Errorf("%s: made %s, copied %s", c[0], made[row], copied[row])
			}
		}
	}
}

// A builder's bytes are what the engine means by the same value.
func TestBuilders(t *testing.T) {
	s, ctx := openSession(t)
	cases := []struct {
		typ, want string
		add       func(*native.Builder)
	}{
		{"UInt8", "200", func(b *native.Builder) { b.AppendUint8(200) }},
		{"Bool", "true", func(b *native.Builder) { b.AppendUint8(1) }},
		{"Int16", "-2", func(b *native.Builder) { b.AppendUint16(0xfffe) }},
		{"Int32", "-2", func(b *native.Builder) { b.AppendUint32(0xfffffffe) }},
		{"UInt64", "18446744073709551615", func(b *native.Builder) { b.AppendUint64(1<<64 - 1) }},
		{"Float32", "0.5", func(b *native.Builder) { b.AppendFloat32(0.5) }},
		{"Float64", "-0.25", func(b *native.Builder) { b.AppendFloat64(-0.25) }},
		{"Int128", "-1", func(b *native.Builder) { b.AppendWords(1<<64-1, 1<<64-1) }},
		{"UInt256", "18446744073709551616", func(b *native.Builder) { b.AppendWords(0, 1, 0, 0) }},
		{"Decimal(10, 3)", "-1.5", func(b *native.Builder) { b.AppendUint64(^uint64(1499)) }},
		{"Date", "1970-01-02", func(b *native.Builder) { b.AppendUint16(1) }},
		{"DateTime('UTC')", "1970-01-01 00:01:00", func(b *native.Builder) { b.AppendUint32(60) }},
		{"String", "a\x00b", func(b *native.Builder) { b.AppendBytes([]byte("a\x00b")) }},
		{"FixedString(3)", "a", func(b *native.Builder) { b.AppendBytes([]byte("a")) }},
		{"Enum8('x' = 7, 'y' = -7)", "y", func(b *native.Builder) { b.AppendDefault() }},
		{"LowCardinality(String)", "lc", func(b *native.Builder) { b.AppendBytes([]byte("lc")) }},
		{"Nullable(UInt16)", "<nil>", func(b *native.Builder) { b.AppendNull() }},
		{"LowCardinality(Nullable(String))", "<nil>", func(b *native.Builder) { b.AppendNull() }},
		{"Nullable(String)", "s", func(b *native.Builder) { b.AppendBytes([]byte("s")) }},
	}
	var definitions, shown []string
	b := &native.Block{Rows: 1}
	for n, c := range cases {
		name := fmt.Sprintf("c%d", n)
		definitions, shown = append(definitions, name+" "+c.typ), append(shown, "toString("+name+")")
		col := column(t, name, c.typ)
		builder, err := native.NewBuilder(col.Type)
		if err != nil {
			t.Fatal(err)
		}
		c.add(builder)
		b.Columns, b.Data = append(b.Columns, col), append(b.Data, builder.AppendTo(nil))
	}
	execute(t, s, "CREATE TABLE t ("+strings.Join(definitions, ", ")+") ENGINE = Memory")
	i := insertInto(t, s, ctx, connectors.Statement{SQL: "t"}, b.Columns)
	if err := i.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
	got := rows(t, s, "SELECT arrayJoin(["+strings.Join(shown, ", ")+"]) FROM t")
	for n, c := range cases {
		if got[n] != c.want {
			t.Errorf("%s: %q, want %q", c.typ, got[n], c.want)
		}
	}
}

// JSON goes in as text, one way in which the engine's own reading is strict.
func TestJSON(t *testing.T) {
	s, ctx := openSession(t)
	execute(t, s, "CREATE TABLE t (j JSON) ENGINE = MergeTree ORDER BY tuple()")
	for text, good := range map[string]bool{`{"a":1}`: true, `{"a":`: false} {
		col := column(t, "j", "String")
		builder, err := native.NewBuilder(col.Type)
		if err != nil {
			t.Fatal(err)
		}
		builder.AppendBytes([]byte(text))
		i := insertInto(t, s, ctx, connectors.Statement{SQL: "t"}, []native.Column{col})
		if err := i.Write(&native.Block{Columns: []native.Column{col}, Data: [][]byte{builder.AppendTo(nil)}, Rows: 1}); err != nil {
			t.Fatal(err)
		}
		if err := i.Commit(); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
	wantRows(t, s, "SELECT j.a::UInt8, toString(j) FROM t", "1\t{\"a\":1}")
}
