package wire

import (
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
)

// Fault is what is to go wrong, once, with a statement.
type Fault struct {
	SQL string // part of the statement's text
	At  Moment
	Die bool // the process is killed; else it drops the statement's connection
}

// Moment is a point in the life of a statement.
type Moment int

const (
	Before Moment = iota + 1 // it has been received and not been executed
	During                   // an insert has written its first block
	After                    // it has been executed, and nobody has been told
)

// errDropped ends a connection without a word.
var errDropped = errors.New("the connection is dropped by a fault that the test asked for")

// faults are what the test has asked for.
type faults struct {
	sync.Mutex
	armed    Fault
	happened bool
}

func (f *faults) arm(next Fault) {
	f.Lock()
	defer f.Unlock()
	f.armed, f.happened = next, false
}

func (f *faults) over() bool {
	f.Lock()
	defer f.Unlock()
	return f.happened
}

// strike makes the fault happen if this is its moment.
func (f *faults) strike(sql string, at Moment) error {
	f.Lock()
	defer f.Unlock()
	if f.happened || f.armed.At != at || !strings.Contains(sql, f.armed.SQL) {
		return nil
	}
	f.happened = true
	if f.armed.Die {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // nothing can be said of its failure; the test waits for the end
	}
	return errDropped
}
