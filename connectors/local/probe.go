package local

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"
)

// Probe tries the moves that files make in a store, with a file of its own: only a real rename proves that two folders are on one file
// system and in one mount, and that we may give and take names there. What it makes lies in a folder of its own below the work folder, and
// goes for a moment into others under a hidden name, which no job takes. All of it is written down there before it is done, and the folder is locked as
// long as the process lives, so that whoever finds it without its lock may clear up (SweepProbes). Killed at its very beginning it may leave an
// empty work folder, as if the store had been in use before.
type Probe struct {
	folder *Folder
	own    string // folder below the work folder
	hidden string // the file's name outside of it
	lock   int    // descriptor of own, locked
	file   mark
	made   []string // folders that the probe made, from the outermost on
}

// mark says which file it is, whatever it is called.
type mark struct{ Device, Inode uint64 }

// plan is what a killed probe may have left, as written in its folder.
type plan struct {
	File  mark     // the probe's file
	Names []string // that it may have outside of the folder
	Made  []string // folders that weren't there before, from the outermost on
}

const (
	probePrefix = "probe-"        // of folders in the work folder
	hiddenProbe = ".chute-probe-" // of names elsewhere
	probeFile   = "file"
	planFile    = "plan"
)

// NewProbe makes a probe for moves into the folders, which needn't be there. Close ends it.
func (f *Folder) NewProbe(ctx context.Context, folders []string) (*Probe, error) {
	p := &Probe{folder: f, lock: -1}
	if err := p.open(ctx, folders); err != nil {
		return nil, errors.Join(fmt.Errorf("make a probe in %q: %w", f.Work, err), p.Close())
	}
	return p, nil
}

func (p *Probe) open(ctx context.Context, folders []string) (err error) {
	if p.made, err = p.folder.missing(ctx, p.folder.Work); err != nil {
		return err
	}
	if err := p.enter(ctx); err != nil {
		return err
	}
	if err := p.write(ctx, probeFile, []byte("chute tries whether files can be moved here\n")); err != nil {
		return err
	}
	if p.file, err = p.folder.mark(p.at(probeFile)); err != nil {
		return err
	}
	text, err := json.Marshal(plan{File: p.file, Names: p.names(folders), Made: p.made})
	if err != nil {
		return err
	}
	return p.write(ctx, planFile, text)
}

// enter makes the probe's folder and locks it. Between the two somebody may take it for a leftover and remove it: then another one is made.
func (p *Probe) enter(ctx context.Context) error {
	for try := 1; ; try++ {
		err := p.tryEnter(ctx)
		if !errors.Is(err, fs.ErrNotExist) || try == 100 {
			return err
		}
	}
}

func (p *Probe) tryEnter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name := rand.Text()
	p.own, p.hidden = path.Join(p.folder.Work, probePrefix+name), hiddenProbe+name
	fd, err := p.folder.ensureDir(p.own)
	if err == nil {
		fd, err = reopen(fd)
	}
	if err != nil {
		return err
	}
	_ = retry(func() error { return unix.Flock(fd, unix.LOCK_EX) }) // where folders can't be locked, age tells leftovers
	var st unix.Stat_t
	err = fstat(fd, &st)
	if err == nil {
		var there mark
		if there, err = p.folder.mark(p.own); err == nil && there != (mark{st.Dev, st.Ino}) {
			err = fs.ErrNotExist
		}
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	p.lock = fd
	return nil
}

func (p *Probe) at(name string) string { return path.Join(p.own, name) }

func (p *Probe) write(ctx context.Context, name string, content []byte) error {
	file, err := p.folder.Create(ctx, p.at(name))
	if err != nil {
		return err
	}
	defer file.Discard()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Commit(ctx)
}

// names are those that the probe's file may get: in each of the folders, or in any folder above.
func (p *Probe) names(folders []string) (names []string) {
	for _, dir := range folders {
		for {
			names = append(names, path.Join(dir, p.hidden))
			if dir == "." || dir == "/" {
				break
			}
			dir = path.Dir(dir)
		}
	}
	return names
}

// Through moves the file into the folder, or where that isn't there into the nearest one above it, and back. It must be one of those that the probe
// was made for.
func (p *Probe) Through(ctx context.Context, dir string) error {
	landing, err := p.folder.Landing(ctx, dir)
	if err != nil {
		return err
	}
	outside := path.Join(landing, p.hidden)
	if err := p.folder.Rename(ctx, p.at(probeFile), outside); err != nil {
		return err
	}
	return p.folder.fetch(context.WithoutCancel(ctx), outside, p.at(probeFile), p.file)
}

// Replaces tells whether the file system can only rename in a way that may replace what has the new name.
func (p *Probe) Replaces(ctx context.Context) (bool, error) {
	fd, err := p.folder.openDir(p.own)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	err = retry(func() error {
		return p.folder.renameat2(fd, probeFile, fd, planFile, unix.RENAME_NOREPLACE)
	})
	switch err {
	case unix.EEXIST:
		return false, nil
	case unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP:
		return true, nil
	case nil:
		return true, errors.New("a rename that mustn't replace anything did")
	}
	return false, err
}

// Leases tells whether the file system has leases, by which writers are seen.
func (p *Probe) Leases(ctx context.Context) (bool, error) {
	fd, _, err := p.folder.openRegular(ctx, p.at(probeFile))
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	return lease(fd, unix.F_RDLCK) == nil, nil
}

// Close removes everything that the probe made.
func (p *Probe) Close() error {
	if p.own == "" {
		return nil
	}
	ctx := context.Background() // whatever ended the probe, nothing is to stay
	err := p.folder.clearProbe(ctx, p.own)
	if err == nil {
		p.folder.unmake(p.made)
	}
	if p.lock >= 0 {
		unix.Close(p.lock)
		p.lock = -1
	}
	return err
}

// fetch brings a probe's file back below the work folder. Another file that somebody put in its place is left where it was.
func (f *Folder) fetch(ctx context.Context, from, to string, file mark) error {
	if err := f.Rename(ctx, from, to); err != nil {
		return err
	}
	found, err := f.mark(to)
	if err != nil || found == file {
		return err
	}
	return errors.Join(fmt.Errorf("%q isn't the file that was put there", from), f.Rename(ctx, to, from))
}

func (f *Folder) mark(name string) (mark, error) {
	dir, base := split(name)
	fd, err := f.openDir(dir)
	if err != nil {
		return mark{}, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	err = lstat(fd, base, &st)
	return mark{st.Dev, st.Ino}, err
}

// missing are the folders that aren't there on the way to one, from the outermost on.
func (f *Folder) missing(ctx context.Context, dir string) ([]string, error) {
	landing, err := f.Landing(ctx, dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for ; dir != landing; dir = path.Dir(dir) {
		names = append([]string{dir}, names...)
	}
	return names, nil
}

// unmake removes folders that a probe made, as long as they are empty.
func (f *Folder) unmake(made []string) {
	for i := len(made) - 1; i >= 0; i-- {
		dir, base := split(made[i])
		fd, err := f.openDir(dir)
		if err != nil {
			return
		}
		err = retry(func() error { return unix.Unlinkat(fd, base, unix.AT_REMOVEDIR) })
		unix.Close(fd)
		if err != nil {
			return // somebody uses it by now
		}
	}
}

// readPlan reads what a probe wrote down. A probe without a plan hasn't moved anything yet.
func (f *Folder) readPlan(ctx context.Context, own string) (p plan, err error) {
	file, err := f.Open(ctx, path.Join(own, planFile))
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 1<<20))
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(text, &p)
}
