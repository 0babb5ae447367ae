package watcher

import (
	"io/fs"
	"time"

	"github.com/rs/zerolog"
)

// State is why an entry of an inbox is where it is. Every entry has exactly one.
type State uint8

const (
	Settling      State = iota + 1 // not unchanged for long enough
	TemporaryName                  // a name that programs give while they write
	OddName                        // a name that is never taken
	Irregular                      // not a plain file
	Linked                         // has a second name
	Unmatched                      // no job wants it
	Disabled                       // only a disabled job wants it
	Ignored                        // empty, and the job ignores empty files
	BeingWritten                   // some process has it open for writing
	Unfinished                     // a text whose last line has no end
	Unreadable                     // can't be opened
	Remembered                     // taken before, and its job leaves files where they are
	Retrying                       // left in the inbox after an error
	Queued                         // at rest
	Running                        // handed over
)

var stateNames = [...]string{
	Settling: "settling", TemporaryName: "temporary name", OddName: "odd name", Irregular: "not a regular file",
	Linked: "second hard link", Unmatched: "no job matches", Disabled: "job disabled", Ignored: "empty file ignored",
	BeingWritten: "being written", Unfinished: "no final line end", Unreadable: "unreadable", Remembered: "taken before", Retrying: "retrying",
	Queued: "queued", Running: "running",
}

func (s State) String() string {
	if int(s) >= len(stateNames) {
		return "unknown"
	}
	return stateNames[s]
}

// MarshalText gives the state's name, for status files.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// reason is a sentence for states that need nothing but their name to be explained.
func (s State) reason() string {
	switch s {
	case TemporaryName:
		return "programs give such names while they write; it is taken when it gets its real name"
	case OddName:
		return "such a name is never taken: rename the file"
	case Linked:
		return "the file has more than one name (hard link): remove the others"
	case Unmatched:
		return "the pattern of no job for this inbox matches the name"
	case Disabled:
		return "the job that matches has enabled = false"
	case Ignored:
		return `the file is empty and the job says empty = "ignore"`
	case BeingWritten:
		return "a process has it open for writing"
	case Unfinished:
		return "the last line has no line end: more may come, so it has to rest longer"
	case Remembered:
		return "the job took it before and leaves it where it is; it is taken again when it changes"
	case Running:
		return "handed over"
	}
	return ""
}

// next says what is going to happen to an entry in this state.
func (s State) next() string {
	switch s {
	case Settling, Unfinished:
		return "it is taken when it has rested so long"
	case TemporaryName:
		return "nothing until it has its real name"
	case OddName:
		return "nothing until it is renamed"
	case Irregular:
		return "nothing: only plain files are taken"
	case Linked:
		return "it is taken once it has a single name"
	case Unmatched:
		return "nothing until it is renamed, or a job matches"
	case Disabled:
		return "nothing until the job is enabled"
	case Ignored:
		return "nothing until something is in it"
	case BeingWritten:
		return "it is taken when it has rested since nobody has it open"
	case Unreadable, Retrying:
		return "it is tried again"
	case Queued:
		return "it is taken when its turn comes"
	case Running:
		return "it goes to done or rejected, with its log beside it"
	}
	return ""
}

// level is how loudly a change into this state is logged: what needs a person is a warning, the usual way of a file is only for debugging.
func (s State) level() zerolog.Level {
	switch s {
	case OddName, Irregular, Linked, Unreadable, Retrying:
		return zerolog.WarnLevel
	case Unmatched, Disabled, BeingWritten, Unfinished:
		return zerolog.InfoLevel
	}
	return zerolog.DebugLevel
}

// irregularReason says what an entry is that isn't a plain file.
func irregularReason(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder: sub-folders aren't looked into"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link: links are never followed"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "not a plain file"
}

// Waiting is one entry of an inbox: its state, and one reason for it.
type Waiting struct {
	Store  string
	Inbox  string
	Name   string // bytes as the file system has them: to be escaped before it is shown
	Size   int64  // 0 of what nobody takes
	State  State
	Reason string    // for operators
	Next   string    // what is going to happen to it
	At     time.Time // when it is tried next, if nothing changes; zero when that depends on something else
	Since  time.Time // of this state
	Seen   time.Time // first seen with this name
	Job    string    // empty when none matches
}

// Counts are numbers of entries by their State.
type Counts [Running + 1]int

// Tally counts the entries of an inbox that one job wants, or those that none wants.
type Tally struct {
	Store, Inbox string
	Job          string // empty: nobody takes them
	Counts       Counts
	Oldest       time.Time // first sight of the one that waits to be taken and has been there longest; zero for none
}

// Place is how one inbox is doing.
type Place struct {
	Store, Inbox string
	Problem      string        // why it can't be looked at, empty when it can
	Since        time.Time     // of the problem
	Looked       time.Time     // end of the last look that succeeded; zero before the first
	Took         time.Duration // by the last look; after it nobody looks for nine times as long
	Entries      int           // in the folder and not running, as of then
}

// Activity is how one job is doing.
type Activity struct {
	Job      string
	Queued   int       // files at rest
	Running  int       // files and runs in Handle or Resume
	Begun    []uint64  // runs waiting to be resumed
	NotReady string    // why no new files of this job are claimed, as its own Ready says; empty when they are
	Problem  string    // the last Later's error, empty after a round without one
	Until    time.Time // end of the pause, when there is a Problem
	Kept     bool      // the Problem is that the store doesn't let the files be taken
}

// Snapshot is everything that waits, at one moment.
type Snapshot struct {
	NotReady string // why no new files of any job are claimed, empty when they are
	Inboxes  []Place
	Jobs     []Activity
	Tallies  []Tally // for each inbox one for each of its jobs, and one for what none of them wants
	Waiting  []Waiting
}
