package format

import (
	"fmt"

	"chute/config"
	"chute/connectors/native"
)

// Writer lays fields out as records. It holds no text: everything goes to the end of memory that the caller has, so that several goroutines can share a
// Writer, each with its own piece of the data.
type Writer interface {
	// Head appends what comes before the first record.
	Head(dst []byte) []byte
	// Between appends what stands between two records.
	Between(dst []byte) []byte
	// Begin appends what comes before field i of a record.
	Begin(dst []byte, i int) []byte
	// End finishes field i, whose text begins at dst[start]; for the last field it ends the record. A field that is NULL has no text.
	End(dst []byte, i, start int, null bool) []byte
	// Tail appends what comes after the last record.
	Tail(dst []byte) []byte
	// Err tells of a text that can't be written so that it can be read again.
	Err() error
}

// Field is what a Writer knows of a column.
type Field struct {
	Name     string
	Styled   bool // Bare, but for signs that a job has chosen: any may be among them
	Bare     bool // its texts are digits, dates and their like, which stand everywhere as they are
	Escaped  bool // control characters and backslashes in its texts are escaped already
	Nullable bool // it may be NULL
	Number   bool // its texts are numbers
}

// NewWriter returns the writer of a format. jsonl takes texts that are JSON.
//
//	csv    RFC 4180 with a header, lines ended by LF alone. Fields are quoted where they must be. NULL is nothing, and an empty text that is not NULL
//	       is quoted where there could be NULL.
//	tsv    as ClickHouse's TabSeparated: no header, \t \n \\ and other control characters escaped, \N for NULL
//	jsonl  an object in each line
func NewWriter(format string, fields []Field) (Writer, error) {
	switch format {
	case "csv":
		return newDelimitedWriter(&config.ExportFormat{Delimiter: ",", Quote: `"`, Escape: "double", Header: true, LineEnd: "lf"}, fields), nil
	case "tsv":
		return &tsvWriter{fields: fields}, nil
	case "jsonl":
		return newJSONWriter(fields, false), nil
	}
	return nil, fmt.Errorf("%q can't be written; csv, tsv and jsonl can", format)
}

// NewExportWriter returns the writer of an export's format of text. jsonl and json take texts that are JSON.
func NewExportWriter(f *config.ExportFormat, fields []Field) (Writer, error) {
	switch f.Type {
	case "fixed":
		return newFixedWriter(f, fields)
	case "xml":
		return newXMLWriter(f, fields)
	case "jsonl", "json":
		return newJSONWriter(fields, f.Type == "json"), nil
	}
	return newDelimitedWriter(f, fields), nil
}

// IsNumber tells the types that are written as digits, with a sign and a point.
func IsNumber(t *native.Type) bool {
	switch t.Kind {
	case native.Int8, native.Int16, native.Int32, native.Int64, native.Int128, native.Int256, native.UInt8, native.UInt16, native.UInt32, native.UInt64, native.UInt128,
		native.UInt256, native.BFloat16, native.Float32, native.Float64, native.Decimal:
		return true
	}
	return false
}
