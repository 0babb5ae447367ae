package sftp

import (
	"encoding/binary"
	"errors"
	"io"
	"sync/atomic"

	client "github.com/pkg/sftp"
)

// answers reads what the server's SFTP sends, packet by packet, for the client. The client asks again for what an answer didn't bring, so that a
// server that brings nothing would be asked for ever: such an answer is turned into a refusal here. So is one that brings more of a listing than there is room
// for, and long words are cut. Used by one goroutine.
type answers struct {
	in       io.Reader
	moved    *atomic.Int64 // bytes of files that came
	listings *listings

	head   [headSize]byte
	unread []byte // of head, or of a packet that was made of one
	left   int64  // of the packet, behind that
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

// longestWords is how much of what a server says in words is kept; wordsCut stands where it said more.
const (
	longestWords = 300
	wordsCut     = " … (it said more)"
)

// longestStatus is what a status of so many words takes behind its kind.
const longestStatus = int64(headSize - 1 + longestWords + len(wordsCut) + lengthSize)

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
		if a.left > longestStatus && a.left <= longestAnswer {
			return a.cut()
		}
	}
	if kind != dataAnswer && kind != nameAnswer || a.left < headSize-lengthSize-1 || a.left > longestAnswer {
		return nil
	}
	n, err = io.ReadFull(a.in, a.head[lengthSize+1:])
	a.unread, a.left = a.head[:lengthSize+1+n], a.left-int64(n)
	if err != nil {
		return err
	}
	request, brought := binary.BigEndian.Uint32(a.head[lengthSize+1:]), binary.BigEndian.Uint32(a.head[headSize-4:])
	if brought > 0 {
		a.empty = 0
		if kind == nameAnswer {
			if all, fits := a.listings.take(request, brought, a.left); !fits {
				return a.refuse(crowded + uint32(min(all, crowded-1)))
			}
		}
		return nil
	}
	if kind == nameAnswer {
		if a.empty++; a.empty <= emptyListings {
			return nil
		}
	}
	return a.refuse(noBytes)
}

// refuse turns the packet into a refusal with a code.
func (a *answers) refuse(code uint32) error {
	n, err := io.CopyN(io.Discard, a.in, a.left)
	a.left -= n
	binary.BigEndian.PutUint32(a.head[:], headSize-lengthSize)
	a.head[lengthSize] = statusAnswer
	binary.BigEndian.PutUint32(a.head[headSize-4:], code)
	return err
}

// cut shortens the words of a status: they go into errors, which are logged, kept and shown.
func (a *answers) cut() error {
	packet := make([]byte, headSize+lengthSize+longestWords)
	had := copy(packet, a.head[:lengthSize+1])
	n, err := io.ReadFull(a.in, packet[had:])
	a.left -= int64(n)
	if err != nil {
		a.unread = packet[:had+n]
		return err
	}
	n64, err := io.CopyN(io.Discard, a.in, a.left)
	if a.left -= n64; err != nil {
		a.unread = packet
		return err
	}
	words := packet[headSize+lengthSize:]
	words = words[:min(uint32(len(words)), binary.BigEndian.Uint32(packet[headSize:]))]
	packet = append(packet[:headSize+lengthSize+len(words)], wordsCut...)
	binary.BigEndian.PutUint32(packet[headSize:], uint32(len(packet)-headSize-lengthSize))
	packet = append(packet, 0, 0, 0, 0) // the language, which nobody reads
	binary.BigEndian.PutUint32(packet, uint32(len(packet)-lengthSize))
	a.unread = packet
	return nil
}

// shortened is an error whose words a server chose, and chose too many of.
type shortened struct{ error }

// shorten cuts the words of an SSH server, which come in errors of the library.
func shorten(err error) error {
	if err == nil || len(err.Error()) <= longestWords {
		return err
	}
	return shortened{err}
}

func (s shortened) Error() string { return s.error.Error()[:longestWords] + wordsCut }

func (s shortened) Unwrap() error { return s.error }

// broughtNothing tells the refusal that an answer was turned into.
func broughtNothing(err error) bool {
	var status *client.StatusError
	return errors.As(err, &status) && status.Code == noBytes
}
