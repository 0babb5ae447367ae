package config

// Format is how the bytes of a file are to be read.
type Format struct {
	_ struct{} `toml:"-" later:"delimiters,repeat_delimiter,escape,comment,header_lines,strict_header,record,sheet"`

	// Type is "csv" (default) or "tsv", which is the same with a tab as its default delimiter.
	Type string `toml:"type" default:"csv" oneof:"csv,tsv" later:"fixed,jsonl,json,xml,xlsx,parquet"`
	// Compression is "auto" (default: told by the content), "none", "gzip" or "zstd".
	Compression string `toml:"compression" default:"auto" oneof:"auto,none,gzip,zstd" later:"bzip2,xz,zip"`
	// Encoding of the text: "utf-8" (default). Others aren't available in this version.
	Encoding string `toml:"encoding" default:"utf-8"`
	// Delimiter stands between fields: one to eight bytes, without line ends. Default ",", with type tsv "\t".
	Delimiter string `toml:"delimiter"`
	// Quote is one byte around fields; "" = none. Default "\"", with type tsv as well. Inside a quoted field it is doubled.
	Quote string `toml:"quote" default:"\""`
	// Header says that the first record names the columns. Default true.
	Header bool `toml:"header" default:"true"`
	// SkipTop is how many lines before the header are passed over, from 0. Default 0.
	SkipTop int `toml:"skip_top"`
	// SkipBottom is how many lines at the end are passed over, from 0 to 1000. Default 0.
	SkipBottom int `toml:"skip_bottom"`
	// LineEnd ends records: "auto" (default: LF or CRLF), "lf", "crlf", "cr".
	LineEnd string `toml:"line_end" default:"auto" oneof:"auto,lf,crlf,cr"`
	// Ragged is what happens to a record with too few or too many fields: "reject" (default), "pad" (fill missing ones),
	// "cut" (drop surplus ones), "fit" (both).
	Ragged string `toml:"ragged" default:"reject" oneof:"reject,pad,cut,fit"`
	// EmptyLines are passed over with "skip" (default) or are a "record" with one empty field.
	EmptyLines string `toml:"empty_lines" default:"skip" oneof:"skip,record"`
	// Null lists the words that mean NULL when they stand unquoted. Default: none.
	Null []string `toml:"null"`
	// LastLine is what a text without a final line end means: "complete" (default: it waits longer, then loads with a warning),
	// "any" (loads), "required" (is rejected).
	LastLine string `toml:"last_line" default:"complete" oneof:"complete,any,required"`
	// MaxRecord is the size up to which a record is read, from 1KiB to 1GiB; a larger one is a reject. Default 16MiB.
	MaxRecord Size `toml:"max_record_bytes" default:"16MiB"`
}
