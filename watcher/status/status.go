// Package status tells by files how chute is doing, so that whoever may read them needs neither the process nor its configuration.
//
// In the folder lie daemon.json, for each job jobs/JOB.json, for each file that is being loaded runs/RUN.json, metrics.prom for node_exporter's textfile
// collector, and for people index.html. Each is written under a
// temporary name and renamed, so a reader finds an old one or a new one and never half of one. They aren't synced: after a power cut the next start
// writes them anew, and until then what they said is of no use to anybody.
//
// daemon.json is written at each beat, even when nothing happens: that it gets older is how one knows that nobody writes it. The others are written
// only when they say something else than before. None of them has values of records in it.
//
// What the files mean for a person on call is decided where they are read, by Judge: the process that is in trouble isn't asked whether it is.
package status

import "time"

// Schema is the version of the files. Fields are added within a version; removing or changing one makes a new version.
const Schema = 1

// Daemon is daemon.json: how the process and its surroundings are. The README's tables are made of these comments.
type Daemon struct {
	Schema        int           `json:"schema"`              // 1
	Heartbeat     time.Time     `json:"heartbeat"`           // when this was written
	StaleAfter    int64         `json:"stale_after_seconds"` // a heartbeat that is older than this means that the daemon is dead or hangs
	Stopped       time.Time     `json:"stopped,omitzero"`    // when the daemon ended in order; missing while it runs
	Version       string        `json:"version"`             // of chute
	Process       int           `json:"process"`             // the process's number
	Started       time.Time     `json:"started"`             // when the daemon was
	Uptime        int64         `json:"uptime_seconds"`      // since then
	Configuration Configuration `json:"configuration"`       // what is in effect
	Database      Database      `json:"database"`            // whether it answers
	Blocked       Blocked       `json:"blocked,omitzero"`    // why no file of any job can be loaded, where that is chute's own matter; missing when they can
	Queue         Queue         `json:"queue"`               // files and runs of all jobs
	Stores        []Store       `json:"stores"`              // those of the configuration, with the inboxes that jobs have there
	Disks         []Disk        `json:"disks"`               // the room in the state folder and the stores on this machine, and stores on servers that are lost
	Unwanted      []Inbox       `json:"unwanted"`            // entries of inboxes that no job takes
}

// Configuration is what the daemon goes by.
type Configuration struct {
	Loaded  time.Time `json:"loaded"`            // when what is in effect was read
	Jobs    int       `json:"jobs"`              // how many there are
	Refused time.Time `json:"refused,omitzero"`  // when a reload was refused since; missing when none was
	Problem string    `json:"problem,omitempty"` // why it was
}

// Database tells whether the database answers.
type Database struct {
	Up     bool      `json:"up"`               // it answered the last question
	Since  time.Time `json:"since,omitzero"`   // since when it has been so; missing until it was asked
	Reason string    `json:"reason,omitempty"` // what came instead of an answer
}

// Blocked tells why no file can be loaded because of chute's own ledger or state.
type Blocked struct {
	Since  time.Time `json:"since"`  // since when it has been so
	Reason string    `json:"reason"` // what is the matter
}

// Queue has numbers over all jobs.
type Queue struct {
	Waiting     int `json:"waiting"`     // files in inboxes that jobs want and that aren't handed over, whatever they wait for
	Queued      int `json:"queued"`      // those of them that are at rest
	Running     int `json:"running"`     // files that are being loaded
	Unwanted    int `json:"unwanted"`    // entries of inboxes that no job takes
	Retrying    int `json:"retrying"`    // runs that met an error and are tried again, those that are being cancelled among them
	Stuck       int `json:"stuck"`       // runs that wait for a person after too many errors
	Interrupted int `json:"interrupted"` // runs about which a person has to decide
	Held        int `json:"held"`        // jobs that take no files until they are released
}

// Store tells whether a store's inbox can be looked at.
type Store struct {
	Store   string    `json:"store"`             // the store's name
	Inbox   string    `json:"inbox"`             // the folder in it
	Failing bool      `json:"failing"`           // it can't be looked at
	Since   time.Time `json:"since,omitzero"`    // of the failing
	Reason  string    `json:"reason,omitempty"`  // of the failing
	Looked  time.Time `json:"looked,omitzero"`   // the end of the last look that succeeded; missing before the first
	Entries int       `json:"entries,omitempty"` // what was in it then, without what is being loaded; missing for none
}

// Disk tells how much room there is.
type Disk struct {
	Place   string `json:"place"`            // "state", or the store's name
	Path    string `json:"path"`             // where that is
	Known   bool   `json:"known"`            // it could be asked; if not, the rest says nothing
	Free    int64  `json:"free_bytes"`       // room left for chute
	MinFree int64  `json:"min_free_bytes"`   // with less nothing is claimed: limits.min_free
	Below   bool   `json:"below_min_free"`   // there is less
	Reason  string `json:"reason,omitempty"` // why it couldn't be asked
	Lost    string `json:"lost,omitempty"`   // why the store isn't what it was: mostly its file system isn't mounted, and nothing is done in it
}

// Inbox has the entries of one inbox that no job takes.
type Inbox struct {
	Store   string         `json:"store"`              // the store's name
	Inbox   string         `json:"inbox"`              // the folder in it
	Files   map[string]int `json:"files"`              // how many there are in each state
	Entries []File         `json:"entries"`            // those that have been there longest, at most 20
	LeftOut int            `json:"left_out,omitempty"` // how many aren't among them
}

// Job is jobs/JOB.json: how one job is doing.
type Job struct {
	Schema     int            `json:"schema"`                    // 1
	Job        string         `json:"job"`                       // the job's name
	Label      string         `json:"label,omitempty"`           // its title
	Kind       string         `json:"kind"`                      // import or export; "" where only the hold of a job is left that isn't configured any more
	Store      string         `json:"store"`                     // the store's name
	Inbox      string         `json:"inbox"`                     // the folder in it; "" of an export
	Outbox     string         `json:"outbox,omitempty"`          // of an export: the folder, as its key has it
	Due        time.Time      `json:"due,omitzero"`              // of an export: the moment of the delivery that is under way, or is to be tried again
	NextDue    time.Time      `json:"next_due,omitzero"`         // of an export: when its schedule wants the next delivery
	Delivered  uint64         `json:"delivered,omitempty"`       // of an export: how many files it has delivered to its outbox so far
	Rows       uint64         `json:"delivered_rows,omitempty"`  // of an export: how many rows were in them
	Bytes      uint64         `json:"delivered_bytes,omitempty"` // of an export: how many bytes they had
	Latest     time.Time      `json:"last_delivery,omitzero"`    // of an export: when the last of them was delivered
	State      string         `json:"state"`                     // disabled, held, running, paused (after an error), waiting (files are in the inbox), idle; gone: it is configured no more, and has runs that wait
	Reason     string         `json:"reason,omitempty"`          // of held, paused and gone, or why no new files are claimed
	Since      time.Time      `json:"since,omitzero"`            // of held
	Until      time.Time      `json:"until,omitzero"`            // of paused
	Kept       string         `json:"kept,omitempty"`            // why the store doesn't let files of the job be taken, as of the last try
	Files      map[string]int `json:"files"`                     // how many files of the inbox are in each state
	Waiting    []File         `json:"waiting"`                   // those of them that have been there longest, at most 100
	LeftOut    int            `json:"left_out,omitempty"`        // how many aren't among them
	Oldest     time.Time      `json:"oldest,omitzero"`           // first sight of the file that has waited longest to be taken, in the inbox or, being retried, in the work folder
	StuckAfter int64          `json:"stuck_after_seconds"`       // from then on a file that still waits, or a delivery, is late: the key stuck_after; 0: never
	Runs       []Run          `json:"runs"`                      // those that are retrying, cancelling after an error, stuck, interrupted or paused, each kind the newest first, at most 100; of an export also the last one if it has failed
	RunsOut    int            `json:"runs_left_out,omitempty"`   // how many aren't among them
}

// File is an entry of an inbox: one state, and one reason for it.
type File struct {
	File   string    `json:"file"`                  // its name; what doesn't print is escaped with a backslash
	Exact  string    `json:"file_base64,omitempty"` // the name's bytes, where they aren't what file shows
	Size   int64     `json:"size"`                  // in bytes; 0 of what nobody takes
	State  string    `json:"state"`                 // see above
	Reason string    `json:"reason"`                // a sentence
	Next   string    `json:"next"`                  // what is going to happen to it
	At     time.Time `json:"at,omitzero"`           // when, if nothing changes; missing where that depends on something else
	Since  time.Time `json:"since"`                 // of this state
}

// Run is a run that isn't through and isn't simply under way.
type Run struct {
	Run     uint64    `json:"run"`               // the run's number; chute show RUN tells more
	File    string    `json:"file"`              // the file's name, escaped
	Status  string    `json:"status"`            // retrying, cancelling, stuck, interrupted, paused; failed, of an export
	Tries   int       `json:"attempts"`          // how many have failed
	Started time.Time `json:"started"`           // when the file was claimed, or the export begun
	Next    time.Time `json:"next_try,omitzero"` // when it is tried again; missing where that isn't known
}

// Progress is runs/RUN.json: how far a run has come. It is there while the run has a file in hand.
type Progress struct {
	Schema  int       `json:"schema"`                 // 1
	Run     uint64    `json:"run"`                    // the run's number
	Job     string    `json:"job"`                    // the job's name
	File    string    `json:"file"`                   // the file's name, escaped
	Step    string    `json:"step"`                   // which part of the way it is on: load, judge, publish, settle …
	Size    int64     `json:"size"`                   // of the file as delivered, in bytes
	Bytes   int64     `json:"bytes"`                  // how many of them were read
	Percent int       `json:"percent"`                // the same in hundredths
	Records uint64    `json:"records"`                // that were found so far
	Rejects uint64    `json:"rejects"`                // how many of them were refused
	Began   time.Time `json:"began"`                  // when reading began
	Elapsed int64     `json:"elapsed_seconds"`        // since then
	Left    int64     `json:"left_seconds,omitempty"` // how long reading is going to take still, at the pace so far; missing where that can't be told
}
