package config

// Target is the table.
type Target struct {
	_ struct{} `toml:"-" later:"key,doubles,duplicates,denylist"`

	// Table is "table" or "database.table"; unusual parts are put in backticks. Required.
	Table TableName `toml:"table"`
	// Operation is "insert" (default). Others aren't available in this version.
	Operation string `toml:"operation" default:"insert" oneof:"insert" later:"upsert,update,delete,reconcile"`
	// Create makes the table from the [[column]] entries when it is missing. Default false.
	Create bool `toml:"create"`
	// OrderBy, with create, are the table's columns of its sorting key. Default: none.
	OrderBy []string `toml:"order_by"`
	// PartitionBy, with create, is a ClickHouse expression. Default: none.
	PartitionBy string `toml:"partition_by"`
	// Lineage keeps run and record number in two columns of the table, which exactly-once rests on. Default true.
	Lineage bool `toml:"lineage" default:"true"`
	// RunColumn is the column with the run, a UInt64. Default _chute_run.
	RunColumn string `toml:"run_column" default:"_chute_run"`
	// RecordColumn is the column with the record's number in its file, a UInt64. Default _chute_record.
	RecordColumn string `toml:"record_column" default:"_chute_record"`
	// FileColumn is a column for the name of the file that a row came from, a String; with create it is made. Default: none.
	FileColumn string `toml:"file_column"`
	// TimeColumn is a column for the time at which its run began, a DateTime; with create it is made. Default: none.
	TimeColumn string `toml:"time_column"`
}

// Column says where one column's values come from and how they are read. The rules work in this order: trim, blank (empty or a word of null), case,
// map, max_length, regexp, then the reading as the column's type (format, timezone, decimal, thousands, true, false), min and max.
type Column struct {
	_ struct{} `toml:"-" later:"path,expression,reference,blank"`

	// Source is the column's name in the file's header. Default: the same as Name. Only one of source, position and constant may be given.
	Source string `toml:"source"`
	// Position is the column's number in the file, from 1, instead of Source. It is needed where the file has no header.
	Position int `toml:"position"`
	// Constant is a text that every record gets; it may hold {variables}, {{ and }} stand for braces. Strftime words aren't replaced.
	Constant *Pattern `toml:"constant" literal:"true"`
	// Name is the column of the table. Required, but for ignored ones.
	Name string `toml:"name"`
	// Type is a ClickHouse type. It is needed with create; else the table's own is used.
	Type string `toml:"type"`

	// Format is how dates and times are written, in strftime words, and the whole text must fit it: "%d/%m/%Y %H:%M". Words: %Y %y (69–99 are
	// 1969–1999, 00–68 are 2000–2068) %m %d %e %j %b %B %a %A %H %I %p %M %S %f (fraction of the second) %z %Z (only UTC, GMT, Z) %s (seconds
	// since 1970) %F %T %R %D %%; %-d, %-m, %-H, %-I, %-M, %-S take one digit as well. Names are English. Default: 2006-01-02, and
	// 2006-01-02 15:04:05 with an optional fraction and offset, or with T.
	Format TimeFormat `toml:"format"`
	// Timezone is the IANA name of the zone of this column's times that have no offset. Default: the zone of the table's type, else the job's.
	Timezone *Zone `toml:"timezone"`
	// Decimal is the character between whole number and fraction. Default ".".
	Decimal Separator `toml:"decimal" default:"."`
	// Thousands is the character that may stand between groups of three digits; with it "1,234,567" and "1234567" are read, "12,34" is refused.
	// Default: none.
	Thousands Separator `toml:"thousands"`
	// True lists the words for true of a Bool, or for 1 of a column of whole numbers, instead of all others; False must be given as well.
	// They must match exactly; case = "lower" makes them all small before. Default, for a Bool: true, t, yes, y, 1.
	True []string `toml:"true"`
	// False lists the words for false, or 0. Default, for a Bool: false, f, no, n, 0.
	False []string `toml:"false"`
	// Null lists words that mean NULL in this column when they stand unquoted, besides those of [format]. Default: none.
	Null []string `toml:"null"`
	// Trim takes blanks off the value, quoted or not: "none" (default), "left", "right" or "both". Blanks are what Unicode calls white space:
	// space, tab, no-break space and their like.
	Trim string `toml:"trim" default:"none" oneof:"none,left,right,both"`
	// Case changes letters: "keep" (default), "upper", "lower", or "first": the first letter large, the others small.
	Case string `toml:"case" default:"keep" oneof:"keep,upper,lower,first"`
	// Map is a table of values and what to read instead, after trim and case: { M = "male", F = "female" }. "" as the new value makes it a
	// blank. Default: none.
	Map map[string]string `toml:"map"`
	// MapMissing is what happens to a value that Map lacks: "keep" (default: it is read as it is), "warn" (the same with a warning),
	// "default" (Default is read instead) or "reject" (see OnError).
	MapMissing string `toml:"map_missing" default:"keep" oneof:"keep,warn,default,reject"`
	// MaxLength is how many characters the value may have after trim, case and map, from 1; a byte that isn't UTF-8 counts as one. 0 = any.
	// Default 0.
	MaxLength int `toml:"max_length"`
	// Regexp is a regular expression (RE2) that the value must match after trim, case and map; it is anchored only where it says so, with ^ and $.
	// Default: none.
	Regexp Regexp `toml:"regexp"`
	// Min is the least value, written as the type is written by default (with a point, as 2006-01-02), whatever format and decimal say. It is compared
	// exactly, as the type; texts by their bytes. Default: the type's.
	Min Bound `toml:"min"`
	// Max is the greatest value, written like Min. Default: the type's.
	Max Bound `toml:"max"`

	// Default is a text to read instead of a blank; it is written like the column's values, but not mapped, measured or compared. Default: none;
	// a blank is then empty, NULL, or, for a number, a reject.
	Default *string `toml:"default"`
	// Required makes a blank a reject. Default false.
	Required bool `toml:"required"`
	// OnError is what a value that can't be read, or breaks a rule, does: "reject" (default) refuses its record; "warn" loads the record with NULL,
	// or else 0 or the like, and a warning; "default" loads it with Default and a warning; "reject-file" rejects the whole file.
	OnError string `toml:"on_error" default:"reject" oneof:"reject,warn,default,reject-file"`
	// Secret keeps the column's values out of reasons, reports and logs, where they are shown as •••. Refused records themselves
	// are handed back as they came. Default false.
	Secret bool `toml:"secret"`
	// Ignore marks a column of the file that isn't loaded. Default false.
	Ignore bool `toml:"ignore"`

	Pos Position `toml:"-"`
}
