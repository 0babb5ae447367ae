package control

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A process that is alive looks for requests ten times a second, and says when it has its hands full.
const (
	wordAfter   = 3 * time.Second // after which it is said that the owner doesn't answer
	giveUpAfter = time.Minute     // after which nobody waits any longer
)

// patience waits for an owner that gives no sign of life.
type patience struct {
	control *folder
	dir     string    // the state's folder
	since   time.Time // of the last sign
	turn    uint64    // as it was then
	said    bool
}

// ask tells of a silent owner once, on stderr; an error ends the waiting.
func (p *patience) ask(stderr io.Writer) error {
	now := time.Now()
	if turn := p.control.turn(); p.since.IsZero() || turn != p.turn {
		p.since, p.turn = now, turn
	}
	silent := now.Sub(p.since)
	if silent >= giveUpAfter {
		return fmt.Errorf("%s doesn't answer: it hasn't begun what was asked for in %v, and isn't going to: the request was taken back", p.owner(), giveUpAfter)
	}
	if silent < wordAfter || p.said {
		return nil
	}
	p.said = true
	_, err := fmt.Fprintf(stderr, "chute: %s doesn't answer; waiting for it, at most %v\n", p.owner(), giveUpAfter)
	return err
}

// owner is who has the state, as its lock says.
func (p *patience) owner() string {
	file, err := os.Open(filepath.Join(p.dir, "lock"))
	if err != nil {
		return "the owner of " + p.dir
	}
	defer file.Close()
	text, _ := io.ReadAll(io.LimitReader(file, 100))
	if _, process, ok := strings.Cut(strings.TrimSpace(string(text)), ", "); ok {
		return process
	}
	return "the owner of " + p.dir
}

// turn is how often the owner had no slot for a request.
func (f *folder) turn() uint64 {
	file, err := f.open(servingFile, unix.O_RDONLY)
	if err != nil {
		return 0
	}
	defer file.Close()
	var b [8]byte
	_, _ = file.ReadAt(b[:], 0) // empty: it always had one
	return binary.LittleEndian.Uint64(b[:])
}

// sayBusy is the sign of life for those who wait for a slot. What can't be written there has them give up sooner, and that is all.
func (s *Server) sayBusy() {
	s.turn++
	_, _ = s.serving.WriteAt(binary.LittleEndian.AppendUint64(nil, s.turn), 0)
}
