// Package native is ClickHouse's Native layout: the one representation of columns in chute.
//
// A Block is a piece of a table: for each column the bytes as ClickHouse's Native format has them
// (https://clickhouse.com/docs/interfaces/formats/Native), so that text is converted once, straight into what both engines
// take as it is, and results are read from what both engines send. Nothing here boxes a value on the hot path.
//
// One simplification makes the representation the same for both engines: LowCardinality is a matter of storage, so a
// block carries the plain values. Type.Plain takes the wrapper off; AppendPrefixed puts it on for a server that insists.
//
// The package also has the two functions through which everything gets into SQL text: Identifier and Bind.
package native

// Column is a column's name and type.
type Column struct {
	Name string
	Type *Type
}

// Block is a piece of a table, column by column.
type Block struct {
	Columns []Column
	Data    [][]byte // one per column, in Native layout, without LowCardinality
	Rows    int
}
