package sftp

import (
	"context"
	"fmt"
	"io"
	"path"
	"sync"

	client "github.com/pkg/sftp"

	"chute/connectors"
)

// openFile is a file being read. It is bound to the line that it was opened on.
type openFile struct {
	folder *Folder
	line   *line
	ctx    context.Context // what it was opened with: no read outlives it
	file   *client.File
	name   string
	size   int64 // when it was opened

	mu    sync.Mutex // guards what Read uses
	at    int64
	ahead []byte // read from at on, not delivered yet
	store []byte
}

// Open implements connectors.Folder.
func (f *Folder) Open(ctx context.Context, name string) (connectors.OpenFile, error) {
	o, err := f.open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", name, err)
	}
	return o, nil
}

// open looks, opens and looks at what it has opened: a link that was put in between leads to another file. A file that is being written differs
// too, for a moment.
func (f *Folder) open(ctx context.Context, name string) (*openFile, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := f.walk(ctx, parent(name)); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		before, err := f.lstat(ctx, name)
		if err != nil {
			return nil, err
		}
		if !before.Regular() {
			return nil, connectors.ErrIrregular
		}
		o, err := f.openOnce(ctx, name)
		if err != nil {
			return nil, err
		}
		now, err := o.stat(ctx)
		switch {
		case err == nil && now.Regular() && same(before, now):
			o.size = now.Size
			return o, nil
		case err == nil && !now.Regular():
			err = connectors.ErrIrregular
		case err == nil && try == 3:
			err = fmt.Errorf("it differs from what has the name: %w", connectors.ErrChanged)
		}
		_ = o.Close()
		if err != nil {
			return nil, err
		}
	}
}

func (f *Folder) openOnce(ctx context.Context, name string) (*openFile, error) {
	l, err := f.connect(ctx)
	if err != nil {
		return nil, err
	}
	o := &openFile{folder: f, line: l, ctx: ctx, name: path.Base(name)}
	err = l.run(ctx, func(c *client.Client) (err error) {
		o.file, err = c.Open(f.path(name))
		return err
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Stat implements connectors.OpenFile.
func (o *openFile) Stat() (connectors.File, error) {
	file, err := o.stat(o.ctx)
	if err != nil {
		return file, fmt.Errorf("look at open file %q: %w", o.name, err)
	}
	return file, nil
}

func (o *openFile) stat(ctx context.Context) (file connectors.File, err error) {
	err = o.line.run(ctx, func(*client.Client) error {
		info, err := o.file.Stat()
		if err == nil {
			file = fileOf(o.name, info)
		}
		return err
	})
	return file, err
}

// Close implements io.Closer.
func (o *openFile) Close() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.ctx), o.folder.config.Timeout)
	defer cancel()
	err := o.line.run(ctx, func(*client.Client) error { return o.file.Close() })
	if err != nil && !lost(err) { // a line takes its open files with it
		return fmt.Errorf("close %q: %w", o.name, err)
	}
	return nil
}

// ReadAt implements io.ReaderAt.
func (o *openFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := o.readAt(o.ctx, p, at)
	if err != nil && err != io.EOF {
		return n, fmt.Errorf("read %q: %w", o.name, err)
	}
	return n, err
}

// readAt asks for several packets at a time.
func (o *openFile) readAt(ctx context.Context, p []byte, at int64) (int, error) {
	size := o.line.packet
	parts := (len(p) + size - 1) / size
	ends := make([]int, parts) // how far each part came, in p
	part, err := inOrder(o.line.width(o.folder.config.Window), parts, func(part, _ int) error {
		from := part * size
		n, err := o.readPacket(ctx, p[from:min(from+size, len(p))], at+int64(from))
		ends[part] = from + n
		return err
	})
	if err == nil {
		return len(p), nil
	}
	return ends[part], err
}

// readPacket reads at most one packet. An answer with fewer bytes is followed by a request for the rest, until the server says that the file ends;
// nil means that all of p was read.
func (o *openFile) readPacket(ctx context.Context, p []byte, at int64) (n int, err error) {
	err = o.line.transfer(ctx, func(*client.Client) (err error) {
		n, err = o.file.ReadAt(p, at)
		return err
	})
	switch {
	case err == nil && n < len(p):
		return n, io.ErrNoProgress
	case !broughtNothing(err):
		return n, err
	case at+int64(n) >= o.size: // some say so that it ends
		return n, io.EOF
	}
	return n, fmt.Errorf("the SFTP server answers without any bytes at byte %d of %d, and not that the file ends: it is broken, see to it there", at+int64(n), o.size)
}

// Read implements io.Reader. It reads ahead, for callers with small buffers.
func (o *openFile) Read(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ahead) == 0 {
		if o.store == nil {
			o.store = make([]byte, min(max(o.size, 1), 8*packet))
		}
		n, err := o.ReadAt(o.store, o.at)
		if n == 0 && len(p) > 0 {
			return 0, err
		}
		o.ahead = o.store[:n] // an error that came with bytes comes again after them
	}
	n := copy(p, o.ahead)
	o.ahead = o.ahead[n:]
	o.at += int64(n)
	return n, nil
}
