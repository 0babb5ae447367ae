package control

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNobody means that no process takes requests now, and that nothing was done.
var ErrNobody = errors.New("nobody takes requests")

const readEvery = 20 * time.Millisecond

// Call has the state's owner do something, and copies what it prints. The error is about the way there and back; what the command itself
// says is in exit. When ctx ends, so does the request. ErrNobody means that nobody is there: the state may be free now. An owner that gives no sign of life is
// told of on stderr, and after a minute the request is withdrawn.
func Call(ctx context.Context, dir string, r Request, stdout, stderr io.Writer) (exit int, err error) {
	root := filepath.Join(dir, controlFolder)
	control, err := openFolder(unix.AT_FDCWD, root)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, ErrNobody
	}
	if err != nil {
		return 0, fmt.Errorf("hand a request to the owner of %s: %w", dir, err)
	}
	defer control.close()
	c := &call{root: root, control: control, name: fmt.Sprintf("%020d-%08x", time.Now().UnixNano(), rand.Uint32())}
	defer c.close()
	if err := c.handIn(r); err != nil {
		return 0, fmt.Errorf("hand a request to the owner of %s: %w", dir, err)
	}
	if err := c.taken(ctx, stderr); err != nil {
		return 0, err
	}
	return c.copy(ctx, stdout, stderr)
}

// call is a request on the side of the one who asks.
type call struct {
	root    string
	control *folder
	name    string
	folder  *folder
	lock    *os.File // its end, with this process or before, ends the request
	read    *os.File
}

// close removes the folder: first the request, so that nobody begins it now, and the lock last.
func (c *call) close() {
	if c.folder != nil {
		unix.Unlinkat(c.folder.fd, requestFile, 0)
	}
	os.RemoveAll(filepath.Join(c.root, c.name)) // what fails here the owner does
	os.RemoveAll(filepath.Join(c.root, "."+c.name))
	for _, f := range []*os.File{c.read, c.lock} {
		if f != nil {
			f.Close()
		}
	}
	if c.folder != nil {
		c.folder.close()
	}
}

// handIn writes the request where nobody looks and gives it its name.
func (c *call) handIn(r Request) error {
	hidden := "." + c.name
	if err := unix.Mkdirat(c.control.fd, hidden, 0o700); err != nil {
		return err
	}
	var err error
	if c.folder, err = openFolder(c.control.fd, hidden); err != nil {
		return err
	}
	if err := c.giveAway(); err != nil {
		return err
	}
	if c.lock, err = c.folder.locked(clientFile); err != nil {
		return err
	}
	if c.read, err = c.folder.create(readFile); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	file, err := c.folder.create(requestFile)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	// Root's files have to be readable for the owner; nobody else gets into the folder.
	for _, f := range []*os.File{c.lock, c.read, file} {
		err = errors.Join(err, f.Chmod(0o644))
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return unix.Renameat(c.control.fd, hidden, c.control.fd, c.name)
}

// giveAway lets the state's user into a folder that root made. request.json stays root's: it says who asked.
func (c *call) giveAway() error {
	var st unix.Stat_t
	if err := unix.Fstat(c.control.fd, &st); err != nil || int(st.Uid) == os.Geteuid() {
		return err
	}
	return unix.Fchown(c.folder.fd, int(st.Uid), int(st.Gid))
}

// taken waits until the owner has begun. When there is no owner the request is withdrawn, in the same way in which an owner begins it.
func (c *call) taken(ctx context.Context, stderr io.Writer) error {
	p := &patience{control: c.control, dir: filepath.Dir(c.root)}
	for !c.folder.exists(ownerFile) {
		if !c.folder.exists(requestFile) {
			return errors.New("the request was refused; the log of the process that owns the state says why")
		}
		err := pause(ctx, readEvery)
		if err == nil && !c.control.held(servingFile) {
			err = ErrNobody
		}
		if err == nil {
			err = p.ask(stderr)
		}
		if err == nil {
			continue
		}
		lock, taken := c.folder.locked(ownerFile)
		if taken == nil {
			lock.Close()
			return err
		}
		if !errors.Is(taken, fs.ErrExist) {
			return errors.Join(err, taken)
		}
	}
	return nil
}

// copy prints the answer as it comes.
func (c *call) copy(ctx context.Context, stdout, stderr io.Writer) (int, error) {
	out, err := c.folder.open(stdoutFile, unix.O_RDWR)
	if err != nil {
		return 0, errors.Join(errCutOff, err)
	}
	defer out.Close()
	said, err := c.folder.open(stderrFile, unix.O_RDWR)
	if err != nil {
		return 0, errors.Join(errCutOff, err)
	}
	defer said.Close()
	streams := []*stream{{file: out, to: stdout, at: 0}, {file: said, to: stderr, at: 8}}
	for {
		there := c.folder.held(ownerFile) // before the rest is read: afterwards nothing more comes
		code, ended := c.exit()
		for _, s := range streams {
			if err := s.copy(c.read); err != nil {
				return 0, err
			}
		}
		switch {
		case ended:
			return code, nil
		case !there:
			return 0, errCutOff
		}
		if err := pause(ctx, readEvery); err != nil {
			return 0, err
		}
	}
}

var errCutOff = errors.New("the process that owns the state ended before its answer was complete")

func (c *call) exit() (code int, ended bool) {
	file, err := c.folder.open(exitFile, unix.O_RDONLY)
	if err != nil {
		return 0, false
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 100))
	if err != nil {
		return 0, false
	}
	code, err = strconv.Atoi(strings.TrimSpace(string(text)))
	return code, err == nil
}

// stream is stdout or stderr of the answer.
type stream struct {
	file *os.File
	to   io.Writer
	at   int64 // where in the file read to write the progress
	read int64
}

// copy prints what is new, says how far it has come, and gives the room on the disk back where the file system can do that.
func (s *stream) copy(progress *os.File) error {
	buffer := make([]byte, 256<<10)
	for {
		n, err := s.file.ReadAt(buffer, s.read)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if _, err := s.to.Write(buffer[:n]); err != nil {
			return err
		}
		from := s.read
		s.read += int64(n)
		_ = unix.Fallocate(int(s.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, from, int64(n))
		if _, err := progress.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(s.read)), s.at); err != nil {
			return err
		}
	}
}
