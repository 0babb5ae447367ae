// Package report is what people get to read about one run.
//
// There are two readers. The partner, who delivered the file, finds NAME.report.json and NAME.log beside it: what happened, the counts, why
// records were refused, by line and column, and what to do next. The operator finds report.json and log in the state folder: the same and all
// that is internal, such as host, path, table, statements and errors of the server.
//
// The two are kept apart by type. Partner has only what a partner may know, Report is a Partner with the rest around
// it, and what writes the partner's texts is never given a Report: nothing internal can slip in through a forgotten condition.
//
// The counts add up, and Check proves it before anything is published:
//
//	total     = empty + processed
//	processed = success + rejects + skipped
//	success   = inserted + updated + deleted + unchanged
//	errors    = what the reasons count, warnings = what the warnings count
//
// Whatever a partner controls is written with control characters, terminal escapes, changes of direction and bytes that aren't UTF-8
// made visible.
package report

import "time"

// Schema is the version of the JSON texts. Fields are added within a version; removing or changing one makes a new version.
const Schema = 1

// Result is what became of the file.
type Result string

// The results of a run.
const (
	Loaded            Result = "loaded"
	LoadedWithRejects Result = "loaded with rejects" // the good records are loaded, the others handed back
	Rejected          Result = "rejected"            // nothing of the file is loaded
	Skipped           Result = "skipped"             // nothing of the file is loaded: it was before
)

// Partner is the part of a report that the partner may read; as JSON it is NAME.report.json. Times are UTC.
type Partner struct {
	Schema      int          `json:"schema"` // 1
	Run         uint64       `json:"run"`    // the number to name when asking the operators
	Job         Text         `json:"job"`
	Label       Text         `json:"label,omitempty"` // the job's label, for people
	File        File         `json:"file"`
	Started     time.Time    `json:"started"`
	Finished    time.Time    `json:"finished"` // when the verdict was reached
	Result      Result       `json:"result"`
	Rejection   *Rejection   `json:"rejection,omitempty"` // with result "rejected": why the file as a whole
	SameAs      *SameAs      `json:"same_as,omitempty"`   // with result "skipped": who loaded it
	Counts      Counts       `json:"counts"`
	Reasons     []ReasonSum  `json:"reasons,omitempty"`  // why records were refused, most frequent first
	Examples    []Example    `json:"examples,omitempty"` // the first refusals, in the order of the file
	Warnings    []Warning    `json:"warnings,omitempty"`
	Dialect     *Dialect     `json:"dialect,omitempty"`      // how the file was read; missing when it wasn't
	RejectFiles *RejectFiles `json:"reject_files,omitempty"` // when there are any
}

// File is the delivered file.
type File struct {
	Name     Text      `json:"name"`             // a byte that isn't UTF-8 is shown as \xe9
	Size     int64     `json:"size"`             // bytes, as delivered
	SHA256   string    `json:"sha256,omitempty"` // of the delivered bytes, hex; missing when the file wasn't read to its end
	Received time.Time `json:"received"`
}

// Rejection says why a whole file was refused.
type Rejection struct {
	Code    string `json:"code"` // stable, for programs: "too_many_rejects", "truncated" …
	Message Text   `json:"message"`
}

// SameAs is the run that loaded an equal file.
type SameAs struct {
	Run      uint64    `json:"run"`
	Name     Text      `json:"name"` // under which it was delivered then
	Finished time.Time `json:"finished"`
}

// Counts are the numbers of records, except errors and warnings, which count single findings: a record may have several.
type Counts struct {
	Total      uint64 `json:"total"`      // records found
	Empty      uint64 `json:"empty"`      // of them without any content, passed over
	Processed  uint64 `json:"processed"`  // the others
	Success    uint64 `json:"success"`    // of them loaded
	Rejects    uint64 `json:"rejects"`    // refused
	Skipped    uint64 `json:"skipped"`    // good but not loaded: by a rule of the job, or because the whole file was refused
	Inserted   uint64 `json:"inserted"`   // of the loaded: new
	Updated    uint64 `json:"updated"`    // changed something that was there
	Deleted    uint64 `json:"deleted"`    // removed something that was there
	Unchanged  uint64 `json:"unchanged"`  // what was there is the same already
	Doubles    uint64 `json:"doubles"`    // processed records with a key that the file has more than once, without the surviving ones
	Duplicates uint64 `json:"duplicates"` // processed records with a key that was there before
	Errors     uint64 `json:"errors"`     // findings that made a record be refused
	Warnings   uint64 `json:"warnings"`   // findings that didn't
}

// ReasonSum counts the refusals of one kind.
type ReasonSum struct {
	Code      string `json:"code"`             // stable, for programs: "out_of_range" …; "other" sums up what is too diverse
	Column    Text   `json:"column,omitempty"` // as the file calls it; missing when the whole record is meant
	Source    string `json:"source"`           // "text" (reading, types, rules) or "database"; "" with "other"
	Count     uint64 `json:"count"`
	FirstLine int64  `json:"first_line"` // of the file, from 1
}

// Example is one refusal.
type Example struct {
	Record  uint64 `json:"record"` // from 1, header not counted
	Line    int64  `json:"line"`   // on which the record begins, from 1
	Offset  int64  `json:"offset"` // in bytes, in the decompressed file
	Column  Text   `json:"column,omitempty"`
	Code    string `json:"code"`
	Value   Text   `json:"value"` // what the file has there, cut to 200 bytes
	Message Text   `json:"message"`
}

// Warning is something that is odd but didn't refuse anything.
type Warning struct {
	Code    string `json:"code"`             // "no_final_line_end" …
	Column  Text   `json:"column,omitempty"` // as the file calls it; missing when no single one is meant
	Message Text   `json:"message"`
	Line    int64  `json:"line,omitempty"` // the first, from 1; 0 when no line is meant
	Count   uint64 `json:"count"`
}

// Dialect is how the file was read.
type Dialect struct {
	Type        string `json:"type"`
	Compression string `json:"compression"`
	Encoding    string `json:"encoding"`
	Delimiter   Text   `json:"delimiter,omitempty"`
	Quote       Text   `json:"quote,omitempty"`
	LineEnd     string `json:"line_end,omitempty"`
	Header      bool   `json:"header"`
	Columns     []Text `json:"columns"` // as the file calls them
}

// RejectFiles are the names of the files with the refused records, beside the delivered one.
type RejectFiles struct {
	Records Text   `json:"records,omitempty"` // the records as delivered, with the header: to be mended and delivered again
	Reasons Text   `json:"reasons"`           // a line of JSON for each reason
	Omitted uint64 `json:"omitted,omitempty"` // reasons that are counted but not listed, there being too many
}

// Report is all that is known of a run, for operators; as JSON it is <state>/runs/RUN/report.json.
type Report struct {
	Partner

	Ledger     string      `json:"ledger"`
	Lineage    uint64      `json:"lineage,omitempty"` // the number of the run in the table's lineage column
	Store      Text        `json:"store"`
	Path       Text        `json:"path"` // of the inbox, absolute
	JobHash    string      `json:"job_hash"`
	Server     Text        `json:"server,omitempty"`
	Version    string      `json:"server_version,omitempty"`
	Table      Text        `json:"table,omitempty"`
	Stage      Text        `json:"stage,omitempty"`
	Promise    Text        `json:"promise,omitempty"` // what the target can carry, as `chute check` prints it
	Steps      []Step      `json:"steps,omitempty"`
	Statements []Statement `json:"statements,omitempty"`
	Failures   []Failure   `json:"failures,omitempty"`

	// Encoded is what JSON returns, where it was called before: it isn't made once more to be written.
	Encoded []byte `json:"-"`
}

// Step is a part of the run's way.
type Step struct {
	Name  string        `json:"name"` // "claim", "stage", "publish" …
	Began time.Time     `json:"began"`
	Took  time.Duration `json:"took_ns"`
}

// Statement is one that was sent to the database.
type Statement struct {
	ID   string        `json:"id"`
	SQL  Text          `json:"sql"`
	Took time.Duration `json:"took_ns"`
}

// Failure is an error after which the run was tried again.
type Failure struct {
	Time  time.Time `json:"time"`
	Step  string    `json:"step"`
	Error Text      `json:"error"`
}
