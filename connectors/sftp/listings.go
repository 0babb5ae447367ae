package sftp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	client "github.com/pkg/sftp"
)

// listings counts what has come for each listing that is under way. The client keeps all of it until the listing ends, and a server may never end it. Requests
// and answers go by numbers, each another one, and the folder that a request is about stands in the request alone; so both are looked at.
type listings struct {
	most int64 // bytes that one may take

	mu   sync.Mutex
	open map[string]*listing // by the handle that the server gave the folder
}

type listing struct {
	request uint32 // the latest: there is one at a time
	entries int64
	bytes   int64
}

// entryBytes is what an entry takes besides what the server sent for it, of which a half is kept: its name, and not the line that describes it.
const entryBytes = 200

// Kinds of requests.
const (
	closeRequest   = 4
	readdirRequest = 12
)

// asked notes a request.
func (l *listings) asked(kind byte, request uint32, handle string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch known := l.open[handle]; {
	case kind == closeRequest:
		delete(l.open, handle)
	case known != nil:
		known.request = request
	default:
		l.open[handle] = &listing{request: request}
	}
}

// take counts the entries of an answer and tells how many have come for its listing, and whether they still have room.
func (l *listings) take(request, entries uint32, bytes int64) (all int64, fits bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, of := range l.open {
		if of.request == request {
			of.entries += min(int64(entries), bytes) // which may say anything
			of.bytes += min(int64(entries), bytes)*entryBytes + bytes/2
			return of.entries, of.bytes <= l.most
		}
	}
	return 0, true
}

// requests looks at what the client sends. It sends a packet at a time, and the beginning of each in one piece.
type requests struct {
	io.WriteCloser
	listings *listings
	left     int // of the packet
}

func (r *requests) Write(p []byte) (int, error) {
	if r.left <= 0 && len(p) >= headSize {
		r.left = lengthSize + int(binary.BigEndian.Uint32(p))
		kind, request, handle := p[lengthSize], binary.BigEndian.Uint32(p[lengthSize+1:]), p[headSize:]
		if kind == closeRequest || kind == readdirRequest {
			r.listings.asked(kind, request, string(handle))
		}
	}
	r.left -= len(p)
	return r.WriteCloser.Write(p)
}

// crowded is, with the number of entries that had come, the code of the refusal of a listing's next part: none of the protocol's.
const crowded = 1 << 31

// tooMany says of a listing that was refused so that it was.
func tooMany(err error) error {
	var status *client.StatusError
	if !errors.As(err, &status) || status.Code < crowded {
		return err
	}
	return fmt.Errorf("it has more than %d entries, and for more there is no room in memory: have what isn't wanted moved out of it there, or raise limits.memory", status.Code-crowded)
}
