package config

import "time"

// Job is one job file, with `extends` resolved and every value checked and parsed. A run keeps the Job it started with.
type Job struct {
	Name     string `toml:"-"` // the file's name without .toml
	Kind     string `toml:"kind"` // "import"
	Extends  string `toml:"extends"`
	Label    string `toml:"label"`
	Store    string `toml:"store"`
	Inbox    string `toml:"inbox"`    // folder in the store
	Done     Pattern `toml:"done"`     // folder in the store; default: "done" beside the inbox; may hold strftime words and {captures}
	Rejected Pattern `toml:"rejected"` // likewise, "rejected"

	Match         Glob   `toml:"match"`        // exactly one of match and match_regexp
	MatchRegexp   Regexp `toml:"match_regexp"` // its named captures become variables
	IgnoreNames   []Glob `toml:"ignore"`       // names never taken, besides the built-in temporary names

	Settle   Duration `toml:"settle"`   // default 5s
	Empty    string   `toml:"empty"`    // reject (default), accept, ignore
	Order    string   `toml:"order"`    // name (default), seen
	Priority int      `toml:"priority"` // higher first; default 0
	Enabled  bool     `toml:"enabled"`  // default true
	Timezone Zone     `toml:"timezone"` // default UTC

	Retry       Retry       `toml:"retry"`
	Redelivery  Redelivery  `toml:"redelivery"`
	Batch       Batch       `toml:"batch"`
	Format      Format      `toml:"format"`
	Target      Target      `toml:"target"`
	Columns     []Column    `toml:"column"`
	Errors      Errors      `toml:"errors"`

	Hash      string `toml:"-"` // SHA-256 (hex) of Effective
	Effective string `toml:"-"` // the job after extends, as TOML, with defaults left out
	Pos       Position `toml:"-"`
}

// Retry says how often and how patiently a file is tried again that met an error which isn't its own fault.
type Retry struct {
	Attempts int      `toml:"attempts"` // tries with the same error before the file is stuck; default 8. Being unable to reach the database isn't counted
	First    Duration `toml:"first"`    // wait before the second try, doubled each time; default 1s
	Longest  Duration `toml:"longest"`  // default 1m
}

// Redelivery says what happens to a file that was delivered before. Each is "skip" or "load".
type Redelivery struct {
	Same    string `toml:"same"`    // same name, same bytes; default skip
	Changed string `toml:"changed"` // same name, new bytes; default load
	Renamed string `toml:"renamed"` // new name, same bytes; default skip
}

// Batch bounds how many small files of a job are loaded together.
type Batch struct {
	Files int  `toml:"files"` // default 500; 1 = never together
	Bytes Size `toml:"bytes"` // of all files of a batch together; default 8MiB. A file larger than a quarter of this goes alone
}

// Format is how the bytes of a file are to be read.
type Format struct {
	Type        string `toml:"type"`        // csv (default), tsv: the same with delimiter "\t"
	Compression string `toml:"compression"` // auto (default; by content), none, gzip, zstd
	Encoding    string `toml:"encoding"`    // utf-8 (default)
	Delimiter   string `toml:"delimiter"`   // one to eight bytes; default ","
	Quote       string `toml:"quote"`       // one byte; default `"`; "" = none
	Header      bool   `toml:"header"`      // default true
	SkipTop     int    `toml:"skip_top"`    // lines before the header
	SkipBottom  int    `toml:"skip_bottom"` // lines at the end
	LineEnd     string `toml:"line_end"`    // auto (default: LF or CRLF), lf, crlf, cr
	Ragged      string `toml:"ragged"`      // reject (default), pad, cut, fit
	EmptyLines  string `toml:"empty_lines"` // skip (default), record
	Null        []string `toml:"null"`      // words that mean NULL when they stand unquoted
	LastLine    string `toml:"last_line"`   // complete (default), any, required
	MaxRecord   Size   `toml:"max_record_bytes"` // default 16MiB
}

// Target is the table.
type Target struct {
	Table     TableName `toml:"table"`
	Operation string    `toml:"operation"` // insert (default)
	Create    bool      `toml:"create"`
	OrderBy   []string  `toml:"order_by"`     // with create
	PartitionBy string  `toml:"partition_by"` // with create: a ClickHouse expression
	Lineage   bool      `toml:"lineage"`      // default true
	RunColumn    string `toml:"run_column"`    // default _chute_run
	RecordColumn string `toml:"record_column"` // default _chute_record
}

// Column says where one column's values come from and how they are read.
type Column struct {
	Source   string `toml:"source"`   // header name; default: Name
	Position int    `toml:"position"` // instead of Source, from 1
	Constant *Pattern `toml:"constant"` // instead of Source: a text, with {captures}, strftime words aren't replaced
	Name     string `toml:"name"`     // column of the table
	Type     string `toml:"type"`     // needed with create; else the table's own
	Default  *string `toml:"default"` // text to read instead of a blank
	Required bool    `toml:"required"` // a blank is a reject
	OnError  string  `toml:"on_error"` // reject (default)
	Ignore   bool    `toml:"ignore"`   // a column of the file that isn't loaded
	Pos      Position `toml:"-"`
}

// Errors says how many rejects a file may have. A file with more is rejected whole.
type Errors struct {
	MaxRejects       Tolerance `toml:"max_rejects"`        // "any" (default) or a number
	MaxRejectPercent float64   `toml:"max_reject_percent"` // 0..100; default 100
	StopIfFirst      int       `toml:"stop_if_first"`      // the first N records all rejected; default 100; 0 = off
	MaxDetails       int       `toml:"max_reject_details"` // reasons written to the reject list; counting goes on; default 10000
}

// MaxBatchFile is the size in bytes up to which a file may share a batch.
func (b Batch) MaxBatchFile() int64 { return int64(b.Bytes) / 4 }

var _ = time.Second
