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
}

// Column says where one column's values come from and how they are read.
type Column struct {
	_ struct{} `toml:"-" later:"path,format,trim,case,decimal,thousands,true,false,max_length,regexp,min,max,map,secret,expression,reference,blank"`

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
	// Default is a text to read instead of a blank. Default: none; a blank is then empty, NULL, or, for a number, a reject.
	Default *string `toml:"default"`
	// Required makes a blank a reject. Default false.
	Required bool `toml:"required"`
	// OnError is what a value that can't be read does: "reject" (default) its record.
	OnError string `toml:"on_error" default:"reject" oneof:"reject" later:"warn,default,reject-file"`
	// Ignore marks a column of the file that isn't loaded. Default false.
	Ignore bool `toml:"ignore"`

	Pos Position `toml:"-"`
}
