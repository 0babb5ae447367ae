// Package install gets the embedded engine's library onto this machine.
//
// The library is 559 MB and no part of chute. It is published as a package for npm, so npm's own client fetches it, from
// wherever the machine's npm is set up to fetch from. What it brings is believed only when it has the hash that stands
// here: the package as a whole, and then the one file that is taken out of it. A file that was carried over by hand is
// checked the same way. The library gets its name, in one step, when it is complete and on the disk.
package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Version is the version of the library that is installed.
const Version = "26.5.3"

// Package is a published package with the library in it.
type Package struct {
	Name      string // for npm, with its version
	Integrity string // SHA-512 of the archive, as npm writes it: "sha512-" and base64
	Member    string // the library's name in the archive
	SHA256    string // of the library
}

// packages are the platforms that chute is tested on.
var packages = map[string]Package{
	"linux/amd64": {
		Name:      "@chdb/lib-linux-x64-gnu@" + Version,
		Integrity: "sha512-fPrLmRt5Moor9yGz4mazbrNje4t7X9KB2mTGkXFWRxRBs2iKy8yh6jx11xsa0Qr3iDFMU/yHqd+bVdYJXu3QaQ==",
		Member:    "package/libchdb.so",
		SHA256:    "4330da79405733f7572f27c1442f46c03a08301f00859dce0368645731b1e1dc",
	},
}

// Installer puts the library into Dir. The zero value fetches this platform's package into the user's cache.
type Installer struct {
	Dir      string                  // default: chute in the user's cache folder
	From     string                  // a .tgz of the package or the library itself, instead of a download
	Package  *Package                // default: the one pinned for this platform
	Progress func(done, total int64) // called now and then with the bytes of the present step; total is 0 where it isn't known. May be nil
}

// Install makes sure that the right library is in Dir and returns its path. When it is there already nothing is fetched.
func (i Installer) Install(ctx context.Context) (string, error) {
	p, err := i.pinned()
	if err != nil {
		return "", err
	}
	if i.Dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("install the engine library: %w; name a folder", err)
		}
		i.Dir = filepath.Join(cache, "chute")
	}
	path := filepath.Join(i.Dir, "libchdb-"+Version+".so")
	right, err := i.installed(ctx, path, p)
	if right || err != nil {
		return path, err
	}
	if err := os.MkdirAll(i.Dir, 0o755); err != nil {
		return "", fmt.Errorf("install the engine library: %w", err)
	}
	i.removeLeftovers()
	if err := i.fetch(ctx, p, path); err != nil {
		return "", fmt.Errorf("install the engine library %s: %w", Version, err)
	}
	return path, nil
}

func (i Installer) pinned() (Package, error) {
	if i.Package != nil {
		return *i.Package, nil
	}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	p, ok := packages[platform]
	if !ok {
		return Package{}, fmt.Errorf("no engine library is known for %s: get libchdb %s for it from the chDB project and name the file with library in [database] or with the variable CHUTE_LIBCHDB, or use a ClickHouse server: engine = \"clickhouse\"", platform, Version)
	}
	return p, nil
}

// Known tells whether the library of this platform is known by its hash.
func Known() bool {
	_, err := Installer{}.pinned()
	return err == nil
}

// Right tells whether the file at path is the library that chute is tested with. Where none is known for the platform, none is.
func (i Installer) Right(ctx context.Context, path string) (bool, error) {
	p, err := i.pinned()
	if err != nil {
		return false, nil
	}
	return i.installed(ctx, path, p)
}

// installed tells whether the file at path is the right library. A wrong one, as an interrupted copy, is replaced.
func (i Installer) installed(ctx context.Context, path string, p Package) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the installed engine library: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("look at the installed engine library: %w", err)
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, i.reader(ctx, f, info.Size())); err != nil {
		return false, fmt.Errorf("check the installed engine library %s: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)) == p.SHA256, nil
}

// Temporary names in Dir.
const (
	downloadPrefix = ".download-"
	libraryPrefix  = ".libchdb-"
)

// removeLeftovers clears what a killed installer left, up to a gigabyte. What is younger than a day may belong to one that
// runs. Failing to is no reason not to install.
func (i Installer) removeLeftovers() {
	entries, err := os.ReadDir(i.Dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), downloadPrefix) && !strings.HasPrefix(e.Name(), libraryPrefix) {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			_ = os.RemoveAll(filepath.Join(i.Dir, e.Name()))
		}
	}
}

// fetch gets the library from wherever it is to come from.
func (i Installer) fetch(ctx context.Context, p Package, path string) error {
	source := i.From
	if source == "" {
		folder, err := os.MkdirTemp(i.Dir, downloadPrefix)
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		if source, err = i.download(ctx, p, folder); err != nil {
			return err
		}
	}
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer f.Close()
	archive, err := isArchive(f)
	if err != nil {
		return err
	}
	if archive {
		if err := i.checkArchive(ctx, f, p); err != nil {
			return err
		}
		return i.unpack(ctx, f, p, path)
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return i.place(i.reader(ctx, f, info.Size()), p, path, "the file "+source)
}

// reader reads with an eye on the context, and tells of its progress.
func (i Installer) reader(ctx context.Context, r io.Reader, total int64) io.Reader {
	return &reader{ctx: ctx, from: r, total: total, progress: i.Progress}
}

type reader struct {
	ctx         context.Context
	from        io.Reader
	done, total int64
	told        int64
	progress    func(done, total int64)
}

// progressStep is how many bytes pass between two calls of Progress.
const progressStep = 4 << 20

func (r *reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	n, err := r.from.Read(p)
	r.done += int64(n)
	if r.progress != nil && (r.done-r.told >= progressStep || err != nil) {
		r.told = r.done
		r.progress(r.done, r.total)
	}
	return n, err
}
