package config

// Format is how the bytes of a file are to be read.
type Format struct {
	_ struct{} `toml:"-" later:"record,sheet"`

	// Type is "csv" (default) or "tsv", which is the same with a tab as its default delimiter.
	Type string `toml:"type" default:"csv" oneof:"csv,tsv" later:"fixed,jsonl,json,xml,xlsx,parquet"`
	// Compression is "auto" (default: told by the content), "none", "gzip" or "zstd".
	Compression string `toml:"compression" default:"auto" oneof:"auto,none,gzip,zstd" later:"bzip2,xz,zip"`
	// Encoding of the text, by its IANA or WHATWG name: "utf-8" (default), "windows-1252", "iso-8859-15", "utf-16" (a byte order mark
	// tells which), "utf-16le", "shift_jis", "gb18030", "ibm037" and so on. A record with a byte that doesn't belong to it is a reject.
	Encoding string `toml:"encoding" default:"utf-8"`
	// Delimiter stands between fields: one to eight bytes, without line ends. Default ",", with type tsv "\t".
	Delimiter string `toml:"delimiter"`
	// Delimiters are up to 16 delimiters each of which may stand between fields, instead of Delimiter; where several fit, the longest counts.
	// Default: none.
	Delimiters []string `toml:"delimiters"`
	// RepeatDelimiter takes several delimiters that follow each other as one; at the beginning and the end of a record they are nothing.
	// An empty field must be quoted then. Default false.
	RepeatDelimiter bool `toml:"repeat_delimiter"`
	// Quote is one byte around fields; "" = none. Default "\"", with type tsv as well. Inside a quoted field it is doubled.
	Quote string `toml:"quote" default:"\""`
	// Escape is how a quote is written within quotes: "double" (default), or with one character before it, such as "\\". That character takes
	// the next one as it is, inside and outside of quotes: a delimiter, a quote, itself; and a line end only inside of quotes.
	Escape string `toml:"escape" default:"double"`
	// Comment is what lines to pass over begin with, one to eight bytes: "#". They count only where a record can begin. Default: none.
	Comment string `toml:"comment"`
	// Header says that the first record names the columns. Default true.
	Header bool `toml:"header" default:"true"`
	// HeaderLines is how many records make the header, from 1 to 10; what they have for a column is joined with a blank. Default 1.
	HeaderLines int `toml:"header_lines" default:"1"`
	// StrictHeader says what becomes of a file whose header isn't the expected one.
	StrictHeader StrictHeader `toml:"strict_header"`
	// SkipTop is how many lines before the header are passed over, from 0. Default 0.
	SkipTop int `toml:"skip_top"`
	// SkipBottom is how many lines at the end are passed over, from 0 to 1000. Default 0.
	SkipBottom int `toml:"skip_bottom"`
	// LineEnd ends records: "auto" (default: LF or CRLF), "lf", "crlf", "cr", or "any": LF, CRLF and CR alone, also mixed.
	LineEnd string `toml:"line_end" default:"auto" oneof:"auto,lf,crlf,cr,any"`
	// Ragged is what happens to a record with too few or too many fields: "reject" (default), "pad" (fill missing ones),
	// "cut" (drop surplus ones), "fit" (both).
	Ragged string `toml:"ragged" default:"reject" oneof:"reject,pad,cut,fit"`
	// EmptyLines are passed over with "skip" (default) or are a "record" with one empty field.
	EmptyLines string `toml:"empty_lines" default:"skip" oneof:"skip,record"`
	// Null lists the words that mean NULL when they stand unquoted. With an escape character they are compared before it is taken away: "\\N".
	// Default: none.
	Null []string `toml:"null"`
	// LastLine is what a text without a final line end means: "complete" (default: it waits longer, then loads with a warning),
	// "any" (loads), "required" (is rejected).
	LastLine string `toml:"last_line" default:"complete" oneof:"complete,any,required"`
	// MaxRecord is the size up to which a record is read, from 1KiB to 1GiB; a larger one is a reject. Default 16MiB. For charsets of several
	// bytes it is counted in UTF-8.
	MaxRecord Size `toml:"max_record_bytes" default:"16MiB"`
	// MaxBytes is the size up to which a file is read, as delivered and unpacked, at least 1KiB; a larger one is rejected. Default 256GiB.
	MaxBytes Size `toml:"max_bytes" default:"256GiB"`
}

// defaultDelimiter depends on other keys.
func (f *Format) defaultDelimiter() string {
	switch {
	case len(f.Delimiters) > 0:
		return f.Delimiters[0]
	case f.Type == "tsv":
		return "\t"
	}
	return ","
}

// StrictHeader says what becomes of a file whose header isn't the expected one: "reject" rejects the file, "warn" loads it with a warning,
// "accept" loads it.
type StrictHeader struct {
	// Missing is for a header that lacks columns: "reject" (default), "warn" or "accept". Loaded, they get their default, the job's or the
	// table's; one that is required and has none rejects the file anyway.
	Missing string `toml:"missing" default:"reject" oneof:"reject,warn,accept"`
	// Extra is for columns of the file that nothing is made of and that aren't ignored: "warn" (default), "reject" or "accept".
	Extra string `toml:"extra" default:"warn" oneof:"reject,warn,accept"`
	// Reordered is for columns in another order than the job's, or the table's: "accept" (default), "warn" or "reject".
	Reordered string `toml:"reordered" default:"accept" oneof:"reject,warn,accept"`
}
