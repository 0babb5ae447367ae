package report

import (
	"bytes"
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// The results of an export, besides Skipped.
const (
	Delivered Result = "delivered"
	Refused   Result = "failed"    // its rows weren't what the job allows: nothing was delivered
	Cancelled Result = "cancelled" // by a person
)

// Manifest is what a partner may know of an exported file; as JSON it is FILE.manifest.json. Times are UTC.
type Manifest struct {
	Schema   int              `json:"schema"` // 1
	Run      uint64           `json:"run"`    // the number to name when asking the operators
	Job      Text             `json:"job"`
	Label    Text             `json:"label,omitempty"`
	File     Text             `json:"file"`             // its name, beside this one; of several, what they are called together
	Files    []ExportedFile   `json:"files,omitempty"`  // of a job that splits: all files, in their order
	Seq      uint64           `json:"seq,omitempty"`    // the number of the delivery, counted per job
	Copy     bool             `json:"copy,omitempty"`   // somebody has it by --out: it is no delivery, and the next one has its Seq
	Size     int64            `json:"size"`             // bytes, of all files together
	SHA256   string           `json:"sha256,omitempty"` // hex; not of several files
	Rows     uint64           `json:"rows"`             // records of all files; the header isn't counted
	Columns  []ExportedColumn `json:"columns"`
	Since    time.Time        `json:"since,omitzero"` // of a job that delivers what is new by times: rows above since …
	Until    time.Time        `json:"until,omitzero"` // … and up to until
	Written  time.Time        `json:"written"`        // when the file was whole
	Type     string           `json:"type"`
	Encoding string           `json:"encoding"`
	Packed   string           `json:"compression"`
}

// ExportedFile is one of several files.
type ExportedFile struct {
	File   Text   `json:"file"`
	Value  Text   `json:"value,omitempty"` // what its rows have in split.column; none: NULL or an empty text
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Rows   uint64 `json:"rows"`
}

// ExportedColumn is one column of an exported file.
type ExportedColumn struct {
	Name Text `json:"name"`
	Type Text `json:"type"` // as the database has it
}

// JSON is the text of FILE.manifest.json.
func (m *Manifest) JSON() ([]byte, error) { return Encode(m, "  ") }

// Delivery is all that is known of an export, for operators; as JSON it is <state>/runs/RUN/report.json.
type Delivery struct {
	Manifest

	Kind      string     `json:"kind"` // "export"
	Result    Result     `json:"result"`
	Rejection *Rejection `json:"rejection,omitempty"` // with result "failed" or "cancelled": why
	Ledger    string     `json:"ledger"`
	Store     Text       `json:"store"`
	Outbox    Text       `json:"outbox"`
	JobHash   string     `json:"job_hash"`
	Due       time.Time  `json:"due,omitzero"` // the moment of the schedule
	Server    Text       `json:"server,omitempty"`
	Version   string     `json:"server_version,omitempty"`
	SQL       Text       `json:"sql"`
	Started   time.Time  `json:"started"`
	Steps     []Step     `json:"steps,omitempty"`
}

// Log is the text of <state>/runs/RUN/log.
func (d *Delivery) Log() []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	lines := [][2]string{
		{"File", fmt.Sprintf("%s, %d bytes, %d rows", Quote(d.File, maxValue), d.Size, d.Rows)},
		{"Job", Visible(d.Label) + " (" + Visible(d.Job) + ")"}, {"Run", fmt.Sprint(d.Run)}, {"Result", string(d.Result)},
		{"To", "store " + Visible(d.Store) + ", folder " + Visible(d.Outbox)}, {"SHA-256", d.SHA256},
		{"Server", Visible(d.Server)}, {"Version", d.Version}, {"Asked", Visible(d.SQL)}, {"Job hash", d.JobHash}, {"Ledger", d.Ledger},
	}
	if d.Rejection != nil {
		lines = append(lines, [2]string{"Why", Visible(d.Rejection.Message) + " [" + d.Rejection.Code + "]"})
	}
	for _, l := range lines {
		if l[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", l[0], l[1])
		}
	}
	w.Flush() // into memory: can't fail
	for i, s := range d.Steps {
		title(&b, i, "Steps")
		fmt.Fprintf(&b, "  %s  %-10s %v\n", s.Began.UTC().Format("15:04:05.000"), s.Name, s.Took.Round(time.Microsecond))
	}
	return b.Bytes()
}

// WriteOperator writes report.json and log into dir, as Report's does.
func (d *Delivery) WriteOperator(dir string) error {
	encoded, err := Encode(d, "  ")
	if err == nil {
		err = makeDir(dir)
	}
	if err == nil {
		err = writeTexts(dir, []text{{filepath.Join(dir, "report.json"), encoded}, {filepath.Join(dir, "log"), d.Log()}})
	}
	if err != nil {
		return fmt.Errorf("write the report of run %d: %w", d.Run, err)
	}
	return nil
}
