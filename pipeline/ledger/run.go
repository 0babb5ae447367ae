package ledger

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"chute/connectors"
)

// State is how far a run has come: the last effect that was announced. What it means for a restart is design.md, section 4.
type State string

// The states of a run, in the order in which a file goes through them.
const (
	Claiming   State = "claiming"   // about to take the file out of the inbox
	Claimed    State = "claimed"    // the file is in the work folder
	Staging    State = "staging"    // server and stage are named; the stage may exist and hold anything
	Publishing State = "publishing" // the stage is whole; the target may hold none, some or all of its rows
	Published  State = "published"  // the target has the rows, counted
	Rejecting  State = "rejecting"  // nothing of the file is to be loaded: rejected, or skipped as loaded before
	Settled    State = "settled"    // everything is at its final name
	Withdrawn  State = "withdrawn"  // the claim was lost or taken back: nothing of the run is left

	// The states of an export, before it is settled or withdrawn.
	Writing    State = "writing"    // the file is being made in the work folder, where nobody sees it
	Delivering State = "delivering" // the file is whole and checked; it and what goes with it move to the outbox, in the order of Moves
)

// before lists the states from which each state can be reached. Writing a run again in the state it is in is always allowed: a
// transaction whose acknowledgement got lost can be repeated. Nothing leaves settled or withdrawn.
var before = map[State][]State{
	Claimed:    {Claiming, Staging, Publishing}, // from the latter two: the stage is dropped, or the rows withdrawn, to stage again
	Staging:    {Claimed},
	Publishing: {Staging},
	Published:  {Publishing},
	Rejecting:  {Claimed, Staging},
	Delivering: {Writing},
	Settled:    {Published, Rejecting, Delivering, Writing},                             // from writing: nothing is to be delivered
	Withdrawn:  {Claiming, Claimed, Staging, Publishing, Published, Rejecting, Writing}, // from the latter two: the file changed since the claim
}

// may tells whether a run in state s can be written with state next.
func (s State) may(next State) bool { return s == next || slices.Contains(before[next], s) }

// Status is how a run is doing, in the words people are told.
type Status string

// The statuses of a run.
const (
	Queued              Status = "queued"
	Running             Status = "running"
	Retrying            Status = "retrying"
	Stuck               Status = "stuck"
	Finished            Status = "finished"
	FinishedWithRejects Status = "finished-with-rejects"
	Rejected            Status = "rejected"
	Failed              Status = "failed"
	Interrupted         Status = "interrupted"
	Skipped             Status = "skipped"
	Pausing             Status = "pausing"
	Paused              Status = "paused"
	Cancelling          Status = "cancelling"
	Cancelled           Status = "cancelled"
)

// Statuses are those that a run can have in this ledger; Queued is for files that have none yet.
var Statuses = []Status{Running, Retrying, Stuck, Pausing, Paused, Cancelling, Finished, FinishedWithRejects, Rejected, Cancelled, Failed, Interrupted, Skipped}

// Move is a rename in the store that is still to be done: recorded before anything moves, repeated after a crash.
type Move struct {
	From, To string // names in the store
}

// The kinds of runs.
const (
	Import = "import"
	Export = "export"
)

// Run is one file's way through chute. ID, Kind, Job, Store, Inbox, File.Name and Started are fixed by Begin; Update ignores
// changes to them.
type Run struct {
	ID      uint64 // given by Begin, growing, never used twice
	Batch   uint64 // run that leads the batch it was begun with; given by Begin, its own when it came alone
	Kind    string // "import" or "export"
	Job     string
	JobHash string
	Store   string
	Inbox   string
	File    connectors.File // as claimed: Name, Size, ModTime and Inode are kept
	State   State
	Status  Status
	SHA256  string // of the delivered bytes, hex; known from judging on

	Server     string // address of the server that has the stage
	Target     string // quoted
	Stage      string // quoted
	Definition string // the target's definition when the stage was made
	Lineage    string // JSON: names of the lineage columns; "" without

	Records, Accepted, Rejects, Warnings uint64

	Moves  []Move
	Report []byte // JSON
	SameAs uint64 // for a skipped file the run that loaded it

	Attempts int
	Error    string    // the last one, for operators
	NextTry  time.Time // zero: none is planned
	Started  time.Time
	Finished time.Time // zero until then
}

// formatMoves writes moves as lines that a person can read. Names may hold any bytes; quoting keeps them exactly.
func formatMoves(moves []Move) string {
	var b strings.Builder
	for _, m := range moves {
		b.WriteString(strconv.Quote(m.From) + " " + strconv.Quote(m.To) + "\n")
	}
	return b.String()
}

func parseMoves(text string) ([]Move, error) {
	var moves []Move
	for line := range strings.Lines(text) {
		from, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("unreadable move %q: %w", line, err)
		}
		to, err := strconv.QuotedPrefix(strings.TrimPrefix(line[len(from):], " "))
		if err != nil {
			return nil, fmt.Errorf("unreadable move %q: %w", line, err)
		}
		// QuotedPrefix has checked both.
		var m Move
		m.From, _ = strconv.Unquote(from)
		m.To, _ = strconv.Unquote(to)
		moves = append(moves, m)
	}
	return moves, nil
}

// nanos is how times are stored: nanoseconds since 1970 UTC, NULL for the zero time.
func nanos(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixNano()
}
