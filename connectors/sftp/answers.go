package sftp

import (
	"encoding/binary"
	"errors"
	"io"
	"sync/atomic"

	client "github.com/pkg/sftp"
)

// answers reads what the server's SFTP sends, packet by packet, for the client. The client asks again for what an answer didn't bring, so that a
// server that brings nothing would be asked for ever: such an answer is turned into a refusal here. Used by one goroutine.
type answers struct {
	in    io.Reader
	moved *atomic.Int64 // bytes of files that came

	head   [headSize]byte
	unread []byte // of head
	left   int64  // of the packet, behind head
	data   bool   // they are a file's
	empty  int    // listings without a name, one after the other
}

// What an answer with bytes or names begins with: its length, its kind, the request's number, and how many there are.
const (
	lengthSize = 4
	headSize   = lengthSize + 1 + 4 + 4
)

// Kinds of answers.
const (
	statusAnswer = 101
	dataAnswer   = 103
	nameAnswer   = 104
)

// noBytes is the code of the refusal, none of the protocol's.
const noBytes = 0x63687574

// emptyListings is how often in a row a listing may go on without a name: a server may leave out those that it doesn't show.
const emptyListings = 100

// longestAnswer is what the client takes.
const longestAnswer = 256 << 10

// Read implements io.Reader.
func (a *answers) Read(p []byte) (int, error) {
	if len(a.unread) == 0 && a.left == 0 {
		if err := a.next(); len(a.unread) == 0 {
			return 0, err
		}
	}
	if len(a.unread) > 0 {
		n := copy(p, a.unread)
		a.unread = a.unread[n:]
		return n, nil
	}
	n, err := a.in.Read(p[:min(int64(len(p)), a.left)])
	a.left -= int64(n)
	if a.data {
		a.moved.Add(int64(n))
	}
	return n, err
}

// next reads the head of the next packet. What came of one that is cut off is left to the client.
func (a *answers) next() error {
	n, err := io.ReadFull(a.in, a.head[:lengthSize+1])
	if a.unread = a.head[:n]; err != nil {
		return err
	}
	a.left = max(int64(binary.BigEndian.Uint32(a.head[:]))-1, 0)
	kind := a.head[lengthSize]
	a.data = kind == dataAnswer
	if kind == statusAnswer {
		a.empty = 0
	}
	if kind != dataAnswer && kind != nameAnswer || a.left < headSize-lengthSize-1 || a.left > longestAnswer {
		return nil
	}
	n, err = io.ReadFull(a.in, a.head[lengthSize+1:])
	a.unread, a.left = a.head[:lengthSize+1+n], a.left-int64(n)
	if err != nil {
		return err
	}
	if binary.BigEndian.Uint32(a.head[headSize-4:]) > 0 {
		a.empty = 0
		return nil
	}
	if kind == nameAnswer {
		if a.empty++; a.empty <= emptyListings {
			return nil
		}
	}
	return a.refuse()
}

// refuse turns the packet into a refusal.
func (a *answers) refuse() error {
	n, err := io.CopyN(io.Discard, a.in, a.left)
	a.left -= n
	binary.BigEndian.PutUint32(a.head[:], headSize-lengthSize)
	a.head[lengthSize] = statusAnswer
	binary.BigEndian.PutUint32(a.head[headSize-4:], noBytes)
	return err
}

// broughtNothing tells the refusal that an answer was turned into.
func broughtNothing(err error) bool {
	var status *client.StatusError
	return errors.As(err, &status) && status.Code == noBytes
}
