package config

// Job is one job file, with `extends` resolved and every value checked and parsed. A run keeps the Job it started with.
type Job struct {
	_ struct{} `toml:"-" later:"markers,rescan,recursive,sidecars,file_mode,group,parallel,where,expect"`

	// Name is the file's name without .toml.
	Name string `toml:"-"`
	// Kind is "import" here. Required. The other kind, "export", has keys of its own.
	Kind string `toml:"kind" oneof:"import,export"`
	// Extends names a built-in template or another job, whose keys hold where this file has none. Default: nothing.
	Extends string `toml:"extends"`
	// Label is a title for people. Default: the job's name.
	Label string `toml:"label"`
	// Store names the [[store]] of chute.toml. Required.
	Store string `toml:"store"`
	// Inbox is the folder in the store that files arrive in. Required. Several jobs may share one.
	Inbox string `toml:"inbox"`
	// Done is the folder in the store for files that were finished; it may hold %Y, %m, %d, %H, %M, %S, %j, %y and {variables}.
	// Default: "done" beside the inbox.
	Done Pattern `toml:"done"`
	// Rejected is the folder in the store for files that were rejected, written like Done. Default: "rejected" beside the inbox.
	Rejected Pattern `toml:"rejected"`

	// Match is a glob that the names of the job's files fit: *, ?, [a-z], {a,b}. One of match and match_regexp is required, not both.
	Match Glob `toml:"match"`
	// MatchRegexp is a regular expression (RE2) instead; it is anchored only where it says so, and its named captures,
	// (?P<day>…), become variables.
	MatchRegexp Regexp `toml:"match_regexp"`
	// IgnoreNames are globs of names never taken, besides the built-in temporary names. Default: none.
	IgnoreNames []Glob `toml:"ignore"`

	// Settle is how long a file must stay unchanged before it is taken, a duration. Default 5s, on network file systems and by SFTP 60s; 60s is wise wherever partners upload.
	Settle Duration `toml:"settle" default:"5s"`
	// Poll is how often the inbox is looked at though nothing tells of a change, a duration of at least 1s; it varies by a tenth, so that not all
	// stores are looked at together. By SFTP nothing ever tells. The shortest of the jobs that share the inbox holds. Default 30s.
	Poll Duration `toml:"poll" default:"30s"`
	// Claim is how a file is taken: "rename" (default) moves it into the work folder first, so that nobody else has it; "remember" leaves it in the
	// inbox and remembers what was taken, for inboxes in which chute may not rename. Then the sidecars are in the state's runs folder only.
	Claim string `toml:"claim" default:"rename" oneof:"rename,remember"`
	// WhenDone is, with claim = "remember", what happens to a file in the end: "leave" (default), "move" (to done or rejected) or "delete"; a rejected file isn't deleted.
	WhenDone string `toml:"when_done" oneof:"leave,move,delete"`
	// Empty is what happens to a file without bytes or without records: "reject" (default), "accept", "ignore" (it stays).
	Empty string `toml:"empty" default:"reject" oneof:"reject,accept,ignore"`
	// UnmatchedAfter is when a file of the inbox that no job's pattern matches is rejected, a duration: when it has stayed unchanged for so long since chute first saw it.
	// Default 0s, never. The shortest of the jobs that share the inbox holds, and such a file goes to that job's rejected folder. Temporary and ignored names stay.
	UnmatchedAfter Duration `toml:"unmatched_after"`
	// Order is which file at rest comes first: by "name" (default, by bytes), as "seen" first by chute, by "mtime", the oldest modification time first, or by "sequence", the number that the
	// capture (?P<sequence>…) of match_regexp takes. Among equals the name decides. A number that is missing isn't waited for; names without one come last.
	Order string `toml:"order" default:"name" oneof:"name,seen,mtime,sequence"`
	// Strict stops the job at the first file that fails: files are taken one at a time, one that waits for another try is waited for, and a file
	// that is rejected or stuck holds the job. Default false.
	Strict bool `toml:"strict"`
	// HoldAfter holds the job when so many files in a row were rejected, from 1: no file of it is taken until `chute release`. Default 0, never.
	HoldAfter int `toml:"hold_after"`
	// HoldHeader holds the job when a file is rejected for its header: the partner has changed the format. Default false.
	HoldHeader bool `toml:"hold_header"`
	// StuckAfter is how long a file may wait, a duration, before `chute status` warns of it; "0s" is never. Default 1h.
	StuckAfter Duration `toml:"stuck_after" default:"1h"`
	// Trace logs each step of the job's runs and each SQL statement, with how long it took. Values of records are never logged. Default false.
	Trace bool `toml:"trace"`
	// After are names of imports that come first: no file is taken while one of theirs waits or is under way, or has a run that is stuck or interrupted.
	// What is loaded by hand waits for nobody. Default: none.
	After []string `toml:"after"`
	// Priority is this job's place among jobs: the larger number comes first, also where a file fits several jobs; then the name. Default 0.
	Priority int `toml:"priority"`
	// Enabled is false for a draft, which is checked and never run. Default true.
	Enabled bool `toml:"enabled" default:"true"`
	// Timezone is the IANA name of the zone in which dates of files and folders are meant. Default UTC.
	Timezone Zone `toml:"timezone" default:"UTC"`

	// Retry is [retry]: tries of a file that met an error which isn't its own fault.
	Retry Retry `toml:"retry"`
	// Redelivery is [redelivery]: files that were delivered before.
	Redelivery Redelivery `toml:"redelivery"`
	// Batch is [batch]: small files that are loaded together.
	Batch Batch `toml:"batch"`
	// Format is [format]: how the bytes of a file are read.
	Format Format `toml:"format"`
	// Target is [target]: the table. Required.
	Target Target `toml:"target"`
	// Columns are the [[column]] entries, one for each column. Default: the file's header names the table's columns.
	Columns []Column `toml:"column"`
	// Errors is [errors]: how many rejects a file may have.
	Errors Errors `toml:"errors"`

	// Effective is the job after extends as TOML: the keys that are set, in the order of this struct, secrets as references.
	Effective string `toml:"-"`
	// SettleGiven tells that settle isn't the default one, which depends on the store.
	SettleGiven bool `toml:"-"`
	// Hash is the SHA-256 of Effective in hexadecimal digits.
	Hash string   `toml:"-"`
	Pos  Position `toml:"-"`
}

// Retry says how often and how patiently a file is tried again that met an error which isn't its own fault.
type Retry struct {
	// Attempts is how often in a row a file may meet an error before it is stuck, or an export has failed, from 1. Default 8. Being unable to reach the database isn't counted.
	Attempts int `toml:"attempts" default:"8"`
	// First is the wait before the second try, a duration above 0; it is doubled each time. Default 1s.
	First Duration `toml:"first" default:"1s"`
	// Longest is the longest such wait, a duration of at least First. Default 1m.
	Longest Duration `toml:"longest" default:"1m"`
}

// Redelivery says what happens to a file that was delivered before. Only files that were loaded count.
type Redelivery struct {
	// Same is for the same name with the same bytes: "skip" (default) or "load".
	Same string `toml:"same" default:"skip" oneof:"skip,load"`
	// Changed is for the same name with new bytes: "load" (default), "skip" or "replace": once the new rows are in the table, those of earlier files of this name are deleted.
	Changed string `toml:"changed" default:"load" oneof:"skip,load,replace"`
	// Renamed is for a new name with the same bytes: "skip" (default) or "load".
	Renamed string `toml:"renamed" default:"skip" oneof:"skip,load"`
}

// Batch bounds how many small files of a job are loaded together.
type Batch struct {
	// Files is how many at most, from 1, which means never together. Default 500.
	Files int `toml:"files" default:"500"`
	// Bytes is the size of all files of a batch together. Default 8MiB. A file larger than a quarter of this goes alone, and so does one whose records take more than four times this, as those of a compressed one may.
	Bytes Size `toml:"bytes" default:"8MiB"`
}

// MaxBatchFile is the size in bytes up to which a file may share a batch.
func (b Batch) MaxBatchFile() int64 { return int64(b.Bytes) / 4 }

// Errors says how many rejects a file may have. A file with more is rejected whole.
type Errors struct {
	// MaxRejects is how many rejects are tolerated: "any" (default) or a number; 0 = none.
	MaxRejects Tolerance `toml:"max_rejects" default:"any"`
	// MaxRejectPercent is the share of records that may be rejects, from 0 to 100 percent. Default 100.
	MaxRejectPercent float64 `toml:"max_reject_percent" default:"100"`
	// StopIfFirst rejects the file when the first so many records were all rejects; 0 = off. Default 100.
	StopIfFirst int `toml:"stop_if_first" default:"100"`
	// MaxBytes is how large the file of refused records may grow, a size; a file with more is rejected whole. Default 1GiB.
	MaxBytes Size `toml:"max_reject_bytes" default:"1GiB"`
	// MaxDetails is how many reasons are written to the reject list, from 0; counting goes on. Default 10000.
	MaxDetails int `toml:"max_reject_details" default:"10000"`
}
