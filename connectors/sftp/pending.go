package sftp

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"

	client "github.com/pkg/sftp"

	"chute/connectors"
)

// Pending is a file being uploaded, in the folder where it will get its name, under a temporary one: ".pending-" and a random text. A killed process,
// or a line that broke, leaves that behind, below its own ledger's part of the work folder, for whoever clears up there.
// It is used by one goroutine at a time.
type Pending struct {
	folder *Folder
	line   *line
	ctx    context.Context // what it was created with: no write outlives it
	file   *client.File    // nil once closed
	temp   string          // its name now; empty when it has none any more
	name   string          // its name to be
	mode   fs.FileMode

	buffer []byte // not sent yet
	sent   int64
	digest hash.Hash // of all that was written, up to what is read back

	free   chan []byte // buffers for packets, as many as may be under way
	writes sync.WaitGroup
	mu     sync.Mutex
	failed error // of the first write that failed
}

// Create implements connectors.Folder; the result is a *Pending.
func (f *Folder) Create(ctx context.Context, name string) (connectors.PendingFile, error) {
	p, err := f.create(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("create %q: %w", name, err)
	}
	return p, nil
}

func (f *Folder) create(ctx context.Context, name string) (*Pending, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if !f.own(name) {
		return nil, fmt.Errorf("not below %q: %w", f.config.Work, fs.ErrPermission)
	}
	if err := f.ensureDir(ctx, parent(name)); err != nil {
		return nil, err
	}
	l, err := f.connect(ctx)
	if err != nil {
		return nil, err
	}
	p := &Pending{folder: f, line: l, ctx: ctx, temp: path.Join(parent(name), ".pending-"+rand.Text()), name: name, mode: f.config.FileMode,
		digest: sha256.New(), free: make(chan []byte, l.width(f.config.Window))}
	for range cap(p.free) {
		p.free <- nil // made when needed
	}
	err = l.run(ctx, func(c *client.Client) (err error) {
		p.file, err = c.OpenFile(f.path(p.temp), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Write implements io.Writer. It returns before the bytes have arrived; a failure comes with a later call, at the latest with Commit.
func (p *Pending) Write(b []byte) (int, error) {
	if p.file == nil {
		return 0, fmt.Errorf("write %q: %w", p.name, fs.ErrClosed)
	}
	written := 0
	for written < len(b) {
		if p.buffer == nil {
			if p.buffer = <-p.free; p.buffer == nil {
				p.buffer = make([]byte, 0, packet)
			}
		}
		if err := p.failure(); err != nil {
			return written, fmt.Errorf("write %q: %w", p.name, err)
		}
		n := min(p.line.packet-len(p.buffer), len(b)-written)
		p.buffer = append(p.buffer, b[written:written+n]...)
		written += n
		if len(p.buffer) == p.line.packet {
			p.send()
		}
	}
	if p.sent <= p.folder.config.ReadBack {
		p.digest.Write(b)
	}
	return written, nil
}

// send sends what is in the buffer, without waiting for the answer.
func (p *Pending) send() {
	b, at, file := p.buffer, p.sent, p.file
	p.buffer = nil
	p.sent += int64(len(b))
	p.writes.Go(func() {
		err := p.line.transfer(p.ctx, func(*client.Client) error {
			_, err := file.WriteAt(b, at)
			return err
		})
		if err == nil {
			p.line.moved.Add(int64(len(b)))
		} else {
			p.mu.Lock()
			if p.failed == nil {
				p.failed = err
			}
			p.mu.Unlock()
		}
		p.free <- b[:0]
	})
}

func (p *Pending) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// Chmod sets the permission bits that the file will have from Commit on, in place of Config.FileMode.
func (p *Pending) Chmod(mode fs.FileMode) error {
	p.mode = mode.Perm()
	return nil
}

// Commit implements connectors.PendingFile. After a failure the file can only be discarded.
func (p *Pending) Commit(ctx context.Context) error {
	if err := p.commit(ctx); err != nil {
		return fmt.Errorf("commit %q: %w", p.name, err)
	}
	return nil
}

func (p *Pending) commit(ctx context.Context) error {
	if p.file == nil {
		return fs.ErrClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(p.buffer) > 0 {
		p.send()
	}
	p.writes.Wait()
	if err := p.failure(); err != nil {
		return err
	}
	file := p.file
	p.file = nil
	if err := p.finish(ctx, file); err != nil {
		return err
	}
	was, err := p.folder.lstat(ctx, p.temp)
	if err != nil {
		return err
	}
	if was.Size != p.sent {
		return fmt.Errorf("%d bytes were sent and the server has %d: it said that it had all", p.sent, was.Size)
	}
	if err := p.compare(ctx); err != nil {
		return err
	}
	if err := p.folder.move(ctx, move{from: p.temp, to: p.name, was: was, private: true}); err != nil {
		return err
	}
	p.temp = ""
	return nil
}

// finish makes the content durable, where the server can, and closes the file.
func (p *Pending) finish(ctx context.Context, file *client.File) error {
	return p.line.run(ctx, func(c *client.Client) error {
		if err := file.Chmod(p.mode); err != nil && !refused(err) {
			return err
		}
		if syncs(c) {
			if err := file.Sync(); err != nil {
				return errors.Join(err, file.Close())
			}
		}
		return file.Close()
	})
}

// compare reads a small file again. Where the folder can only be written to, its size has to do.
func (p *Pending) compare(ctx context.Context) error {
	if p.sent > p.folder.config.ReadBack || p.sent == 0 {
		return nil
	}
	o, err := p.folder.openOnce(ctx, p.temp)
	if refused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer o.Close() // it was only read
	o.size = p.sent
	content := make([]byte, p.sent)
	if _, err := o.readAt(ctx, content, 0); err != nil && err != io.EOF {
		return err
	}
	if got := sha256.Sum256(content); !bytes.Equal(got[:], p.digest.Sum(nil)) {
		return errors.New("read again it has another content than was sent: the server, or a disk there, is broken")
	}
	return nil
}

// Discard implements connectors.PendingFile.
func (p *Pending) Discard() error {
	if p.temp == "" {
		return nil
	}
	p.writes.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), p.folder.config.Timeout)
	defer cancel()
	if p.file != nil {
		_ = p.line.run(ctx, func(*client.Client) error { return p.file.Close() })
		p.file = nil
	}
	temp := p.temp
	p.temp = ""
	err := p.folder.ask(ctx, func(c *client.Client) error { return c.Remove(p.folder.path(temp)) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("discard %q: %w", p.name, err)
	}
	return nil
}
