// Package format turns the bytes of a file into records.
//
// A Reader cuts a stream into chunks of whole records; it is serial and does little more than look for line ends. A
// Chunk is cut into records and fields by whoever holds it, so several cores can work on one file. Every byte of the file
// belongs to the preamble, to a record, to an empty line or to the footer, and nothing is thrown away or mended: what is
// refused can be handed back exactly as it came.
//
// Delimited text is read by rule, not by guess; testdata/dialect.md lists the rules with a test for each. Those that everything else follows from:
//
//   - A field is quoted when it begins with the quote. Within it a doubled quote stands for one (or the escape character takes the next one as it is),
//     and delimiters and line ends are data, CRLF included. After the closing quote comes a delimiter or the end of the record.
//   - Anywhere else a quote is an ordinary character. NUL is an ordinary character everywhere.
//   - Outside of quotes a line end always ends the record, whatever comes before it.
//   - A record whose quotes don't come out right is one refused record that ends at its first line end, and reading goes on
//     with the next line: a stray quote costs one record, not the file. The same happens when the closing quote isn't found
//     within the longest record allowed.
//   - Fields come out as UTF-8. A byte that the file's charset has no character for refuses its record.
//
// Texts in UTF-8 and in charsets of single bytes that begin with ASCII are cut as they are, and only the fields are decoded. All others are decoded before,
// with a way back to every byte.
//
// Decompress does the step before: gzip and zstd, complete or not at all.
package format

import "chute/connectors"

// Record is one record of a file. Its memory is the chunk's and its own: everything in it is valid until the next Scan into it.
// A Record may be used for chunk after chunk.
type Record struct {
	Number uint64 // from 1, the header isn't counted
	Line   int64  // line of the file on which it begins, from 1
	Offset int64  // of Raw in the file without compression, byte order mark included
	Raw    []byte // the bytes as delivered, with the line end

	// Continued: Raw is a further piece of a record that was too long to be held. It has the Number of the first piece and its Reason
	// again, and is not to be counted again.
	Continued bool

	// Fields are the values, without quotes. One that "pad" added is nil.
	Fields [][]byte
	// Quoted tells for each field whether it stood in quotes.
	Quoted []bool

	// Reason says why the record is refused; nil for a good one. Fields mean nothing then.
	Reason *connectors.Reason

	dialect *dialect          // of its chunk
	reason  connectors.Reason // what Reason points to
	spare   []byte            // holds fields with doubled quotes or escape characters
	decoded []byte            // holds fields of charsets of single bytes

	// Where text was decoded before it was cut: how many of the file's bytes each byte of the record's text stands for, and these bytes.
	widths, source []byte
}

// maxValue bounds the Value of a Reason, in bytes.
const maxValue = 200
