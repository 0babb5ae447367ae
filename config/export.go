package config

// Export is the file of a job of kind "export", with `extends` resolved and every value checked and parsed.
type Export struct {
	_ struct{} `toml:"-" later:"denylist,encrypt,where,expect,file_mode,group"`

	// Name is the file's name without .toml.
	Name string `toml:"-"`
	// Kind is "export" here. Required.
	Kind string `toml:"kind" oneof:"export"`
	// Extends names a built-in template or another job, whose keys hold where this file has none. Default: nothing.
	Extends string `toml:"extends"`
	// Label is a title for people. Default: the job's name.
	Label string `toml:"label"`
	// Store names the [[store]] of chute.toml that files are delivered to. Required.
	Store string `toml:"store"`
	// Outbox is the folder in the store that files appear in; it may hold %Y, %m, %d, %H, %M, %S, %j, %y. Required.
	Outbox Pattern `toml:"outbox"`
	// File is what a file is called. It may hold the words of Outbox, {seq} and {job}: the number of the delivery, counted per job from 1
	// and without gaps, and the job's name; with Split also {part} and {value}: the number of the file, from 1, and what its rows have in split.column.
	// A name that is taken in the outbox gets the run's number besides. Required.
	File Pattern `toml:"file"`
	// Enabled is false for a draft, which is checked and never run. Default true.
	Enabled bool `toml:"enabled" default:"true"`
	// Timezone is the IANA name of the zone of Schedule, of the dates in File and Outbox, and of times in the file whose type names no zone. Default UTC.
	Timezone Zone `toml:"timezone" default:"UTC"`

	// Schedule is when the daemon delivers, as crontab has it: "minute hour day month weekday", perhaps with seconds before it, or "@hourly", "@daily",
	// "@weekly", "@monthly", "@yearly". Deliveries of one job never overlap. Default: no schedule.
	Schedule Schedule `toml:"schedule"`
	// CatchUp is what becomes of moments of Schedule that passed while chute wasn't running: "last" (default) delivers once for the last of them, "all"
	// for each, "none" for none that is more than a minute ago. What passed while the job was busy, or the clock was put forward, is delivered once, with "all" for each.
	CatchUp string `toml:"catch_up" default:"last" oneof:"last,all,none"`
	// ValidFrom is the first day, in Timezone, on which Schedule and After hold: "2026-01-31". Default: always.
	ValidFrom Day `toml:"valid_from"`
	// ValidUntil is the last such day. Default: always.
	ValidUntil Day `toml:"valid_until"`
	// After are names of imports: when one of them has loaded a file, the daemon delivers. Files loaded meanwhile are followed by one delivery together. Default: none.
	After []string `toml:"after"`

	// Query is the SELECT whose answer is exported. It may only read: it is held to the rules of `chute query`. One of query and table is required, not both.
	Query string `toml:"query"`
	// Table is the table to export instead: "table" or "database.table".
	Table TableName `toml:"table"`
	// Columns are the columns of Table to export, in this order. Default: all that it has then, but those in which imports keep run and record, target.run_column and target.record_column.
	Columns []string `toml:"columns"`
	// Filter is an SQL expression that the rows of Table must meet. Default: none.
	Filter string `toml:"filter"`
	// OrderBy are columns of Table to sort by, each perhaps with DESC behind it: "day DESC". Default: rows come as the engine has them.
	OrderBy []string `toml:"order_by"`
	// GroupBy are columns of Table whose equal values make one row: the other Columns have an expression, such as "sum(qty)", in their [[column]]. Default: none.
	GroupBy []string `toml:"group_by"`
	// Distinct leaves out rows of Table that are equal to another one. Default false.
	Distinct bool `toml:"distinct"`
	// Limit is how many rows of Table at most; 0 = all. It can't be given with Watermark. Default 0.
	Limit int `toml:"limit"`

	// Column are the [[column]] entries, one for each column that isn't written as its type is. Default: none.
	Column []ExportColumn `toml:"column"`

	// Parameters are values by name, for one run by --set parameters.NAME=VALUE: they stand for {NAME:TYPE} in Query, Filter and expressions, as values of that type and nothing
	// else, and for {NAME} in File, split.name, format.top and format.bottom. One that stands in none of them is a mistake. Default: none.
	Parameters map[string]string `toml:"parameters"`

	// Watermark is [watermark]: only what has come since the last delivery. Default: everything, each time.
	Watermark Watermark `toml:"watermark"`

	// Empty is what becomes of an answer without rows: "write" (default, unless MinRows is given) delivers a file with the header only, "skip" delivers nothing, "fail"
	// delivers nothing and the run has failed.
	Empty string `toml:"empty_result" default:"write" oneof:"write,skip,fail"`
	// MinRows is the least number of rows; with fewer, none among them, the run has failed and nothing is delivered; where Empty is "skip" or "fail", that holds for none. Default 0.
	MinRows int `toml:"min_rows"`
	// MaxRows is the greatest number of rows; with more the run has failed and nothing is delivered. 0 = any. Default 0.
	MaxRows int `toml:"max_rows"`

	// Split is [split]: where a new file begins. Default: all goes into one.
	Split Split `toml:"split"`

	// Checksum delivers, behind the file, FILE.sha256 with its SHA-256, as sha256sum writes and checks it: "sha256"; or "none" (default).
	Checksum string `toml:"checksum" default:"none" oneof:"none,sha256"`
	// Manifest delivers FILE.manifest.json, which says how many rows, which columns, what size and SHA-256 the file has, or each file. Default false.
	Manifest bool `toml:"manifest"`
	// Done delivers an empty FILE.done when all else is in place: who waits for it never sees half a delivery. Default false.
	Done bool `toml:"done_marker"`

	// StuckAfter is how long the daemon's delivery may be late, a duration, before `chute status` warns of it; "0s" is never. Default 1h.
	StuckAfter Duration `toml:"stuck_after" default:"1h"`
	// Trace logs each step of the job's runs and each SQL statement, with how long it took. Values of rows are never logged. Default false.
	Trace bool `toml:"trace"`

	// Retry is [retry]: tries of a delivery that met an error.
	Retry Retry `toml:"retry"`
	// Format is [format]: how the file is written.
	Format ExportFormat `toml:"format"`

	// Effective is the job after extends as TOML, as a Job's.
	Effective string `toml:"-"`
	// Hash is the SHA-256 of Effective in hexadecimal digits.
	Hash string `toml:"-"`
	// Lineage are the columns in which imports keep run and record in Table; _chute_run and _chute_record are always among them.
	Lineage []string `toml:"-"`
	// Asked are the keys by which --set makes a job with a watermark ask something else, or deliver elsewhere. Default: none.
	Asked []string `toml:"-"`
	Pos   Position `toml:"-"`
}

// Planned tells whether the daemon delivers by itself.
func (e *Export) Planned() bool { return e.Enabled && (!e.Schedule.IsZero() || len(e.After) > 0) }

// Watermark says how it is known what has come since the last delivery: by a column with times, or by the runs that loaded it. What was reached is
// recorded when the file was delivered.
type Watermark struct {
	// From is the column that says when a row came: of a Date or DateTime type, of Table or of Query's answer. A delivery has the rows above {since} and up
	// to {until}. With Query they stand there with their types, as {since:DateTime}, and every row of the answer is held to them.
	From string `toml:"from"`
	// Lag is how far {until} lies before now, a duration: how late a row may become visible. It ends with a whole second, or with Date a whole day of Timezone. Default 10s.
	Lag Duration `toml:"lag" default:"10s"`
	// Runs delivers what imports of this chute have loaded since the last delivery, whatever times say: it knows which. With Query it is a condition, {runs}. Default false.
	Runs bool `toml:"runs"`
	// RunColumn is, with Runs, the column with the run: target.run_column of the imports. Default _chute_run.
	RunColumn string `toml:"run_column" default:"_chute_run"`
}

// IsZero tells whether there is none.
func (w Watermark) IsZero() bool { return w.From == "" && !w.Runs }

// ExportFormat is how an exported file is written.
type ExportFormat struct {
	_ struct{} `toml:"-" later:"row_group"`

	// Type is "csv" (default), "tsv", which is the same with a tab as its default delimiter, "fixed": fields of fixed width, "jsonl": an object in each line,
	// "json": one array of objects, "xml", "xlsx": a workbook of Excel, or "parquet".
	Type string `toml:"type" default:"csv" oneof:"csv,tsv,fixed,jsonl,json,xml,xlsx,parquet"`
	// Compression is "none" (default), "gzip" or "zstd". It doesn't change the file's name. Of Parquet it is the columns' inside; a workbook is compressed anyway.
	Compression string `toml:"compression" default:"none" oneof:"none,gzip,zstd" later:"bzip2,xz,zip"`
	// Encoding of the text, by its IANA or WHATWG name: "utf-8" (default), "windows-1252", "iso-8859-15", "utf-16le", "shift_jis" and so on. All but csv, tsv and fixed are always UTF-8.
	Encoding string `toml:"encoding" default:"utf-8"`
	// Unmappable is what a character does that Encoding, or XML, doesn't have: "fail" (default) fails the run, "replace" writes ? instead.
	Unmappable string `toml:"unmappable" default:"fail" oneof:"fail,replace"`
	// BOM writes a byte order mark first, for encodings of Unicode. Default false; "utf-16" and "utf-32" always have one.
	BOM bool `toml:"bom"`
	// Delimiter stands between fields: one to eight bytes, without line ends. Default ",", with type tsv "\t".
	Delimiter string `toml:"delimiter"`
	// Quote is one byte around fields; "" = none: then a value that has a delimiter or line end in it fails the run. Default "\"".
	Quote string `toml:"quote" default:"\""`
	// Quoting says which fields are quoted: those that "needed" it (default), "texts": all but numbers, dates, times and their like, or "all". NULL never is.
	Quoting string `toml:"quoting" default:"needed" oneof:"needed,texts,all"`
	// Escape is how a quote is written within quotes: "double" (default), or with one character before it, such as "\\", which then stands before itself as well.
	Escape string `toml:"escape" default:"double"`
	// Header writes the names of the columns as the first record. Default true, with type fixed false.
	Header bool `toml:"header" default:"true"`
	// Top are lines before all else, as they stand here: lines with variables, such as "H;{file};%Y%m%d". An import passes over them by skip_top. Default: none.
	Top []Line `toml:"top"`
	// Bottom are lines behind all records: "T;{rows};{sum(amount)}", with the number of records and the exact sum of a column in this file. An import passes over them by
	// skip_bottom. Default: none.
	Bottom []Line `toml:"bottom"`
	// LineEnd ends records: "crlf" (default, as RFC 4180 wants it), "lf" or "cr".
	LineEnd string `toml:"line_end" default:"crlf" oneof:"crlf,lf,cr"`
	// Null is what stands for NULL, unquoted. A text that is the same is quoted. Default: nothing.
	Null string `toml:"null"`
	// DateFormat is how dates are written, in strftime words as imports read them: "%d.%m.%Y"; [[column]] may say otherwise. Default: as imports read them, 2026-01-31.
	DateFormat TimeFormat `toml:"date_format"`
	// TimeFormat is how dates with times are written: "%d.%m.%Y %H:%M:%S". Default: as imports read them, 2026-01-31 06:00:00.
	TimeFormat TimeFormat `toml:"time_format"`
	// Decimal is the character before the fraction of numbers. Default ".".
	Decimal Separator `toml:"decimal" default:"."`
	// Thousands is the character between groups of three digits, of all numbers: those that name something as well. Default: none.
	Thousands Separator `toml:"thousands"`
	// True is the word for true; it needs False. Default: true.
	True string `toml:"true"`
	// False is the word for false; it needs True. Default: false.
	False string `toml:"false"`
	// GuardFormulas puts an apostrophe before texts that a spreadsheet would take for a formula: those that begin with =, +, -, @ or their
	// full-width forms, a tab or a line end, names in the header too. Numbers and dates aren't touched. Default false.
	GuardFormulas bool `toml:"guard_formulas"`
	// Widths are, for type fixed, the columns' widths in characters, in their order. Numbers stand at the right, all else at the left.
	Widths []int `toml:"widths"`
	// TooWide is what a text does that is longer than its width: "fail" (default) fails the run, "cut" cuts it. Numbers, dates and times are never cut.
	TooWide string `toml:"too_wide" default:"fail" oneof:"fail,cut"`
	// Root is the name of XML's outermost element. Default "rows".
	Root string `toml:"root" default:"rows"`
	// Record is the name of the element of each record of XML. Default "row".
	Record string `toml:"record" default:"row"`
	// Sheet is the name of a workbook's sheet: up to 31 characters. Default "Sheet1".
	Sheet string `toml:"sheet" default:"Sheet1"`
}

// End is what ends a line.
func (f *ExportFormat) End() string {
	return map[string]string{"crlf": "\r\n", "lf": "\n", "cr": "\r"}[f.LineEnd]
}

// JSON tells whether values are written as JSON.
func (f *ExportFormat) JSON() bool { return f.Type == "jsonl" || f.Type == "json" }

// Binary tells whether the file isn't text.
func (f *ExportFormat) Binary() bool { return f.Type == "xlsx" || f.Type == "parquet" }

// Packing is how the file as a whole is compressed.
func (f *ExportFormat) Packing() string {
	if f.Binary() {
		return "none"
	}
	return f.Compression
}

// Delimited tells whether records are fields with delimiters between them.
func (f *ExportFormat) Delimited() bool { return f.Type == "csv" || f.Type == "tsv" }

// reading is the part of a format that both directions share.
func (f *ExportFormat) reading() *Format {
	return &Format{Type: f.Type, Delimiter: f.Delimiter, Quote: f.Quote, Escape: f.Escape}
}
