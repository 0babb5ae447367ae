// Package connectors is chute's vocabulary: the few interfaces and records that everything else is written in.
//
// A Folder is a store's tree of files, on this machine or on a partner's server. A Database is an engine that has
// tables; a Session is a line to one of its servers. A Verdict is what becomes of a file. There is no logic here:
// what these words promise is said in the comments and checked by the suites of connectors/connectortest, which every
// implementation passes.
package connectors

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"chute/connectors/native"
)

// File is one entry of a folder as a listing shows it. Two looks at the same File that are equal mean: nobody touched it.
type File struct {
	Name    string // the entry's own name, without folders; bytes as the file system has them, maybe not UTF-8
	Size    int64  // bytes
	ModTime time.Time
	Inode   uint64      // 0 where the store has none
	Links   uint64      // hard links; 0 where the store doesn't tell
	Mode    fs.FileMode // type and permission bits, never followed through a link
}

// Regular tells whether the entry is a plain file: not a folder, link, pipe, socket or device.
func (f File) Regular() bool { return f.Mode.IsRegular() }

// Same tells whether two looks saw the same, untouched file.
func (f File) Same(g File) bool {
	return f.Name == g.Name && f.Size == g.Size && f.Inode == g.Inode && f.ModTime.Equal(g.ModTime)
}

// Folder is a store's tree. Names are slash-separated and relative to the store's root; one that would leave the root,
// through ".." or through a link, is refused with an error wrapping fs.ErrInvalid, and so is an absolute one.
// All methods may be called from several goroutines. Missing entries give errors wrapping fs.ErrNotExist.
//
// What a method did survives a crash of this process at once, and a power cut after Sync of the folders it changed. A store on another
// machine keeps the second promise as far as its server can sync: what it can't is left to that machine.
//
// An error that wraps ErrUnavailable leaves open whether anything was done: who needs to know looks.
type Folder interface {
	// List returns the entries of dir, in no particular order, without "." and "..". Entries that vanish meanwhile are left out.
	List(ctx context.Context, dir string) ([]File, error)

	// Open opens a regular file for reading without following a link at any step. Something that isn't a regular file
	// is refused with an error wrapping ErrIrregular, without blocking. Reading it may end with ctx.
	Open(ctx context.Context, name string) (OpenFile, error)

	// Create starts a new file below the work folder; nothing has the name until Commit. Missing folders above it are made, private
	// (0700), and their making is durable when Create returns. A name outside of the work folder is refused with fs.ErrPermission.
	// Writing it may end with ctx.
	Create(ctx context.Context, name string) (PendingFile, error)

	// Rename moves a file or an own folder to a name that doesn't exist yet; one that exists gives an error wrapping
	// fs.ErrExist and changes nothing, under every race. Missing folders above `to` are made and their making is durable
	// when Rename returns; the new name is durable after Sync of both folders. When both are on different file systems
	// (EXDEV) nothing is changed and the error wraps ErrCrossDevice.
	Rename(ctx context.Context, from, to string) error

	// Remove removes an own file or an own empty folder. It refuses, with fs.ErrPermission, whatever isn't below the store's
	// work folder: nothing outside of it is ever removed.
	Remove(ctx context.Context, name string) error

	// Sync makes the entries of the folders durable, one after the other in the order given: after it a power cut doesn't undo names given or
	// taken in them. After a rename sync the new name's folder before the old one's: between the two the file has both names
	// after a power cut, and the other way round it might have none.
	Sync(ctx context.Context, dirs ...string) error
}

// OpenFile is a file being read.
type OpenFile interface {
	io.ReadCloser
	io.ReaderAt
	// Stat looks at the file now; Name is the last part of the name it was opened with. For a file that nobody touched it agrees with
	// List: the two are the Same and of one Mode.
	Stat() (File, error)
}

// PendingFile is a file that is being written and has no name yet.
type PendingFile interface {
	io.Writer
	// Commit syncs the content and gives the file its name, which must not exist (fs.ErrExist otherwise). The name is
	// durable after Folder.Sync of its folder.
	Commit(ctx context.Context) error
	// Discard gives up the file. After Commit it does nothing, so it can be deferred.
	Discard() error
}

// NewFile is a small file that is to be made.
type NewFile struct {
	Name    string // relative to the store's root, below the work folder
	Content []byte
}

// Filer is a Folder that makes many small files for little more than the price of one.
type Filer interface {
	// CreateAll makes new files as Create, Write and Commit do, but all of them, with their names, are durable when it returns nil. After an
	// error, or a crash on the way, any of them may be there, in part as well.
	CreateAll(ctx context.Context, files []NewFile) error
}

// WriterSeer is a Folder that can tell whether some process has a file open for writing (a read lease, where the kernel tells).
type WriterSeer interface {
	// BeingWritten reports whether name is open for writing; false as well when it can't be told.
	BeingWritten(ctx context.Context, name string) (bool, error)
}

// Sifter is a Folder in which looking at an entry costs more than hearing its name. With very many entries that nobody wants it matters.
type Sifter interface {
	// Sift is List that asks about each entry, by its name and its type (as in Mode), whether it is wanted: others aren't looked at and are
	// left out. wanted is called once for each entry, by one goroutine, and must not block.
	Sift(ctx context.Context, dir string, wanted func(name string, kind fs.FileMode) bool) ([]File, error)
}

// Waker is a Folder that can say that something may have changed. It is a hint: events get lost, the listing is the truth.
type Waker interface {
	// Wake calls wake, never more than one call at a time, whenever something may have changed in one of the folders,
	// until ctx ends. A folder that doesn't exist yet, or vanishes and comes back, is picked up again by a later call of the returned
	// function, which is cheap when nothing changed; what came into it before that call is found by looking after it. wake must not block.
	Wake(ctx context.Context, dirs []string, wake func()) (refresh func(), err error)
}

// Sizer is a Folder that knows how much room is left.
type Sizer interface {
	// Free returns the bytes left for chute on the store's file system; math.MaxInt64 where the store doesn't tell.
	Free(ctx context.Context) (int64, error)
}

// Fetcher is a Folder that is far away: its files are copied to this machine before they are read.
type Fetcher interface {
	// Fetch copies a regular file from the byte offset on to the same place in `to`, and returns up to which byte `to` has the file without a
	// gap: offset, or more. It does so with an error too, and a later call goes on from there. Nil means that each byte was asked for and came,
	// and that the file had seen's size and time before and after; one that hasn't gives an error wrapping ErrChanged, and what was copied is
	// of no use. `to` isn't synced.
	Fetch(ctx context.Context, name string, seen File, to io.WriterAt, offset int64) (int64, error)
}

// Database is an engine with tables. It is safe for concurrent use.
type Database interface {
	// Session returns a line to the server at address, or, for "", to any that answers. A run stays on one server: it
	// records Server().Address and comes back to it after a crash. Errors that mean "not reachable now" wrap ErrUnavailable.
	Session(ctx context.Context, address string) (Session, error)
	// Close ends all sessions. It is called once, when nothing uses them any more.
	Close() error
}

// Session is a line to one server. It is safe for concurrent use; each statement has its own connection. Sessions are shared and not closed.
// When ctx ends the running statement is killed on the server and the error wraps ctx's cause.
// An error from the server is a *DatabaseError; not being able to reach it wraps ErrUnavailable.
type Session interface {
	// Server describes the server: asked of it when the session was made, never assumed.
	Server() Server

	// Exec runs a statement without a result and returns when it is done.
	Exec(ctx context.Context, s Statement) error

	// Query runs a statement and calls each for every block of its result, which is only valid during the call; but each may keep memory of its columns
	// and leave other memory in its place, for a later block. An error from each ends the statement and is returned. Blocks may have no rows.
	Query(ctx context.Context, s Statement, each func(*native.Block) error) error

	// Insert starts an insert. s.SQL is the table, quoted, with nothing around it; columns are those that every block will have,
	// in this order.
	Insert(ctx context.Context, s Statement, columns []native.Column) (Inserter, error)

	// Kill ends the statements whose ID begins with idPrefix and returns when they are gone.
	Kill(ctx context.Context, idPrefix string) error

	// Sync makes what statements have written so far survive a power cut, where the engine leaves that to us; else it does nothing.
	Sync(ctx context.Context) error
}

// Inserter is a running insert. Not safe for concurrent use. Exactly one of Commit and Abort ends it; Abort after Commit does nothing, so that
// it can be deferred.
type Inserter interface {
	// Write sends one block. The block may be reused when Write returns.
	Write(b *native.Block) error
	// Commit ends the insert; when it returns nil every row is in the table.
	Commit() error
	// Abort ends the insert without its success. Rows of blocks sent before may be in the table: that is what stages are for.
	Abort() error
}

// Statement is SQL with what belongs to it.
type Statement struct {
	ID       string            // the statement's id on the server; Kill finds it by prefix. Empty: the server's choice
	SQL      string            // identifiers quoted by native.Identifier; each ? stands for one of Args
	Args     []any             // bound by native.Bind: strings, integers, []string, time.Time …
	Settings map[string]string // for this statement only; a setting that the server doesn't have is an error
}

// Server is what is known of a server.
type Server struct {
	Address   string // where it is: "host:port"; for the embedded engine "embedded:" and the ledger-independent absolute data path
	Version   string // as it says: "26.5.3.1"
	Embedded  bool
	Abilities Abilities
}

// Abilities are what a server can do, each probed or asked when the session starts.
type Abilities struct {
	AttachAll         bool            // ALTER TABLE … ATTACH PARTITION ALL FROM
	LightweightDelete bool            // DELETE FROM … WHERE
	FsyncSettings     bool            // MergeTree settings fsync_after_insert, fsync_part_directory
	SyncsAll          bool            // Session.Sync makes everything durable, at once: no table needs settings for it
	SkipIndexes       bool            // INDEX … TYPE minmax in CREATE TABLE
	MutationsSync     bool            // setting mutations_sync
	LateDates         bool            // Date reaches 2149-06-06 and DateTime 2106-02-07; servers whose calendar ends with 2105 show other days for later ones
	Settings          map[string]bool // names of the query settings that the server knows
	MergeTreeSettings map[string]bool // names of the MergeTree settings that it knows
	Types             map[string]bool // names of the types that it knows, as "Bool", "DateTime64"
}

// DatabaseError is an error that the server answered with.
type DatabaseError struct {
	Code    int    // ClickHouse's error code
	Name    string // "UNKNOWN_TABLE"; empty where the server doesn't tell
	Message string // may hold values of records: for operators only
}

func (e *DatabaseError) Error() string { return e.Message }

// ProbePrefix begins the names of tables and databases that are made for a trial and dropped at once. What a killed process left of them holds no rows
// and is dropped by a later start.
const ProbePrefix = "chute_probe_"

// Outcome is what becomes of a file. There are three, and unknown errors mean Later.
type Outcome int

const (
	Later    Outcome = iota // not the file's fault, or not known whose: it waits and is tried again
	Done                    // finished: loaded, perhaps with rejects, or skipped as loaded before
	Rejected                // the file itself is at fault
)

func (o Outcome) String() string { return [...]string{"later", "done", "rejected"}[o] }

// Verdict says what became of one file that was handed over.
type Verdict struct {
	File    File
	Run     uint64 // 0 when no run was begun: the file is still in its inbox
	Outcome Outcome
	Err     error // for Later: why. It is for operators. Without a run one that wraps fs.ErrNotExist says that somebody else took the file.
	Stuck   bool  // for Later with a run: parked, it isn't to be tried again by itself
}

// Reason says why one record, or one value in it, was refused. It goes to the partner, so Message never names a table, host or path of ours.
type Reason struct {
	Record  uint64 // number of the record in its file, from 1, header not counted
	Line    int64  // line of the file on which the record begins, from 1
	Offset  int64  // byte offset, in the decompressed file, of the record (of the bad byte for encoding errors)
	Column  string // the file's name for the column, or "#3" without a header; empty when the whole record is meant
	Code    string // stable, for programs: "out_of_range", "unclosed_quote" …
	Value   []byte // the refused text, as delivered, cut to a bounded length
	Message string // one sentence for a person
	Source  string // "text" (reading, types, rules) or "database"
}

// Rejection is the only error that rejects a file; every other error means Later. Message goes to the partner.
type Rejection struct {
	Code    string // stable, for programs: "too_many_rejects", "truncated", "header" …
	Message string // one or two sentences for a person, without anything internal
}

func (r *Rejection) Error() string { return r.Message }

var (
	// ErrIrregular: the entry isn't a regular file.
	ErrIrregular = errors.New("not a regular file")
	// ErrCrossDevice: a rename between file systems, or between mounts of one.
	ErrCrossDevice = errors.New("on different file systems or mounts")
	// ErrChanged: the file isn't the one that was seen before, or it changed meanwhile.
	ErrChanged = errors.New("the file changed")
	// ErrUnavailable: the database or store can't be reached now; trying later is all there is to do.
	ErrUnavailable = errors.New("not reachable")
	// ErrParked: a person wants it to wait. It is nobody's fault.
	ErrParked = errors.New("it waits until somebody lets it go on")
	// ErrUnclaimable: the store doesn't let chute take the file out of its inbox.
	ErrUnclaimable = errors.New("the file can't be taken out of its inbox")
	// ErrUnreadable: the store has the file and doesn't let chute read it. That is this file's trouble alone.
	ErrUnreadable = errors.New("the file can't be read")
	// ErrNoTable: the table doesn't exist.
	ErrNoTable = errors.New("no such table")
)
