package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// fetch copies a run's file, from where an earlier try was cut off, and gives the copy its name when it is whole.
func (s *Spool) fetch(ctx context.Context, from connectors.Fetcher, name string, run ledger.Run) error {
	final, err := s.name(run)
	if err != nil {
		return err
	}
	base := filepath.Join(s.Dir, s.base(run.ID))
	c, err := openCopy(base, run.File.Size)
	if err != nil {
		return err
	}
	err = c.fetch(ctx, from, name, run.File)
	if err = errors.Join(err, c.close()); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(final), 0o700); err != nil {
		return err
	}
	if err := os.Rename(base+partSuffix, final); err != nil {
		return err
	}
	return os.Remove(base + uptoSuffix)
}

// markEvery is how much of a file is copied between two notes of how far it has come.
const markEvery = 4 << 20

// partial is a copy that is being made. What comes may come in any order, so that its size doesn't tell how far it has come: that is noted beside it, each
// time behind the bytes that it is about.
type partial struct {
	part, upto *os.File

	mu     sync.Mutex
	whole  int64           // up to here there is no gap
	noted  int64           // what stands in upto
	beyond map[int64]int64 // what came behind a gap: its beginnings and ends
}

func openCopy(base string, size int64) (*partial, error) {
	part, err := os.OpenFile(base+partSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	upto, err := os.OpenFile(base+uptoSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errors.Join(err, part.Close())
	}
	c := &partial{part: part, upto: upto, beyond: map[int64]int64{}}
	var note [8]byte
	if _, err := upto.ReadAt(note[:], 0); err == nil {
		c.noted = int64(binary.LittleEndian.Uint64(note[:]))
	} else if !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, c.close())
	}
	info, err := part.Stat()
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	if c.noted < 0 || c.noted > info.Size() || c.noted > size {
		c.noted = 0
	}
	c.whole = c.noted
	return c, nil
}

func (c *partial) close() error { return errors.Join(c.part.Close(), c.upto.Close()) }

// fetch copies what is missing, and compares sizes: each byte came, and there are no others.
func (c *partial) fetch(ctx context.Context, from connectors.Fetcher, name string, seen connectors.File) error {
	had, err := from.Fetch(ctx, name, seen, c, c.whole)
	if err == nil && (had != seen.Size || c.whole != seen.Size) {
		err = fmt.Errorf("of %d bytes %d came: it is copied again", seen.Size, c.whole)
		c.whole = 0
	}
	if noteErr := c.note(c.whole); noteErr != nil {
		return errors.Join(err, noteErr)
	}
	return errors.Join(err, c.part.Truncate(c.whole))
}

// WriteAt may be called by several goroutines.
func (c *partial) WriteAt(p []byte, at int64) (int, error) {
	n, err := c.part.WriteAt(p, at)
	if err != nil {
		return n, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beyond[at] = max(c.beyond[at], at+int64(n))
	for {
		end, more := c.beyond[c.whole]
		if !more || end == c.whole {
			break
		}
		delete(c.beyond, c.whole)
		c.whole = end
	}
	if c.whole-c.noted >= markEvery {
		return n, c.note(c.whole)
	}
	return n, nil
}

// note writes down how far the copy has come.
func (c *partial) note(whole int64) error {
	_, err := c.upto.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(whole)), 0)
	c.noted = whole
	return err
}
