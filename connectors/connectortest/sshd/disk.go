package sshd

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pkg/sftp"
)

// Disk is the SFTP of a Stub whose files are in Root and whose ways are those of the worst servers that partners have. A rename there doesn't
// overwrite unless told to. Names it is given are absolute; Root is "/" for those who come.
type Disk struct {
	Root string

	// Before is called before everything that is asked for, with pkg/sftp's word for it ("Get" and "Put" open files, "Read", "Write" and "Close" are
	// about open ones, then "List", "Stat", "Lstat", "Setstat", "Rename", "Mkdir", "Rmdir", "Remove") and the name without its first slash. Its error
	// is the answer. It may block, or change files. nil: nothing happens.
	Before func(what, name string) error
	// Read changes an answer to a read: n bytes were read at a place, and as many as it returns are sent. nil: all.
	Read func(name string, at int64, n int) int
	// Write says whether bytes are really written; the answer says so in any case. nil: they are.
	Write func(name string, at int64, n int) bool

	Overwrites  bool          // a rename replaces what has the name
	IgnoresExcl bool          // making a file that exists is no error
	FoldsCase   bool          // names are in lower case, whatever case they are asked for in
	Without     fs.FileMode   // bits that attributes don't tell, as fs.ModeType
	Entries     []fs.FileInfo // what a listing of "/many" shows
	Endless     bool          // … again and again, without an end
}

// Serve is for StartStub.
func (d *Disk) Serve(channel io.ReadWriteCloser) error {
	h := diskHandlers{d}
	return sftp.NewRequestServer(channel, sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h}).Serve()
}

type diskHandlers struct{ *Disk }

func (d diskHandlers) before(what, name string) error {
	if d.Before == nil {
		return nil
	}
	return d.Before(what, strings.TrimPrefix(name, "/"))
}

func (d diskHandlers) path(name string) string {
	if d.FoldsCase {
		name = strings.ToLower(name)
	}
	return filepath.Join(d.Root, name)
}

func (d diskHandlers) open(what string, r *sftp.Request, flags int) (*diskFile, error) {
	if err := d.before(what, r.Filepath); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(d.path(r.Filepath), flags, 0o644)
	if err != nil {
		return nil, answer(err)
	}
	return &diskFile{file, d, strings.TrimPrefix(r.Filepath, "/")}, nil
}

// Fileread implements sftp.FileReader.
func (d diskHandlers) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	return d.open("Get", r, os.O_RDONLY)
}

// Filewrite implements sftp.FileWriter.
func (d diskHandlers) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	flags, asked := os.O_WRONLY, r.Pflags()
	if asked.Creat {
		flags |= os.O_CREATE
	}
	if asked.Excl && !d.IgnoresExcl {
		flags |= os.O_EXCL
	}
	if asked.Trunc {
		flags |= os.O_TRUNC
	}
	return d.open("Put", r, flags)
}

type diskFile struct {
	file *os.File
	disk diskHandlers
	name string
}

func (f *diskFile) ReadAt(p []byte, at int64) (int, error) {
	if err := f.disk.before("Read", f.name); err != nil {
		return 0, err
	}
	n, err := f.file.ReadAt(p, at)
	if f.disk.Read != nil && n > 0 {
		if fewer := f.disk.Read(f.name, at, n); fewer < n {
			return fewer, nil
		}
	}
	return n, err
}

func (f *diskFile) WriteAt(p []byte, at int64) (int, error) {
	if err := f.disk.before("Write", f.name); err != nil {
		return 0, err
	}
	if f.disk.Write != nil && !f.disk.Write(f.name, at, len(p)) {
		return len(p), nil
	}
	return f.file.WriteAt(p, at)
}

func (f *diskFile) Close() error {
	return errors.Join(f.file.Close(), f.disk.before("Close", f.name))
}

// Filecmd implements sftp.FileCmder.
func (d diskHandlers) Filecmd(r *sftp.Request) error {
	if err := d.before(r.Method, r.Filepath); err != nil {
		return err
	}
	path := d.path(r.Filepath)
	switch r.Method {
	case "Setstat":
		if !r.AttrFlags().Permissions {
			return nil
		}
		return answer(os.Chmod(path, r.Attributes().FileMode()))
	case "Rename":
		return answer(d.rename(path, d.path(r.Target)))
	case "Mkdir":
		return answer(os.Mkdir(path, 0o755))
	case "Rmdir":
		return answer(syscall.Rmdir(path))
	case "Remove":
		return answer(syscall.Unlink(path))
	}
	return sftp.ErrSSHFxOpUnsupported
}

func (d diskHandlers) rename(from, to string) error {
	if _, err := os.Lstat(to); err == nil && !d.Overwrites {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// answer is an error as most servers tell it: what isn't "missing" or "forbidden" is a failure.
func answer(err error) error {
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return err
	case errors.Is(err, syscall.ENOTDIR):
		return fs.ErrNotExist
	}
	return sftp.ErrSSHFxFailure
}

// Filelist implements sftp.FileLister.
func (d diskHandlers) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if err := d.before(r.Method, r.Filepath); err != nil {
		return nil, err
	}
	if r.Method == "Stat" {
		return d.entry(os.Stat(d.path(r.Filepath)))
	}
	if r.Filepath == "/many" && d.Entries != nil {
		return listing{d.Entries, d.Endless}, nil
	}
	found, err := os.ReadDir(d.path(r.Filepath))
	if err != nil {
		return nil, answer(err)
	}
	var all entries
	for _, e := range found {
		if info, err := e.Info(); err == nil { // else it is gone again
			all = append(all, attributes{info, d.Without})
		}
	}
	return all, nil
}

// Lstat implements sftp.LstatFileLister.
func (d diskHandlers) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	if err := d.before("Lstat", r.Filepath); err != nil {
		return nil, err
	}
	return d.entry(os.Lstat(d.path(r.Filepath)))
}

func (d diskHandlers) entry(info fs.FileInfo, err error) (sftp.ListerAt, error) {
	if err != nil {
		return nil, answer(err)
	}
	return entries{attributes{info, d.Without}}, nil
}

// attributes are those of a file, less some.
type attributes struct {
	fs.FileInfo
	without fs.FileMode
}

// Mode leaves out what isn't told. The kind of a file can't be left out of a regular one by fs.FileMode: Irregular has no bits in the protocol.
func (a attributes) Mode() fs.FileMode {
	if a.without&fs.ModeType != 0 {
		return a.FileInfo.Mode().Perm() | fs.ModeIrregular
	}
	return a.FileInfo.Mode()
}

// listing is that of Disk.Entries.
type listing struct {
	entries
	endless bool
}

func (l listing) ListAt(into []fs.FileInfo, at int64) (int, error) {
	if l.endless {
		at %= int64(len(l.entries))
		return copy(into, l.entries[at:]), nil
	}
	return l.entries.ListAt(into, at)
}

type entries []fs.FileInfo

func (e entries) ListAt(into []fs.FileInfo, at int64) (int, error) {
	if at >= int64(len(e)) {
		return 0, io.EOF
	}
	n := copy(into, e[at:])
	if n < len(into) {
		return n, io.EOF
	}
	return n, nil
}

// Entry is a regular file for Disk.Entries.
type Entry struct {
	File string
	Time time.Time
}

func (e Entry) Name() string       { return e.File }
func (e Entry) Size() int64        { return int64(len(e.File)) }
func (e Entry) Mode() fs.FileMode  { return 0o644 }
func (e Entry) ModTime() time.Time { return e.Time }
func (e Entry) IsDir() bool        { return false }
func (e Entry) Sys() any           { return nil }
