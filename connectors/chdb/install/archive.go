package install

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// isArchive tells a gzipped package from a bare library by its first bytes.
func isArchive(f *os.File) (bool, error) {
	var magic [2]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return magic == [2]byte{0x1f, 0x8b}, nil
}

// checkArchive compares the whole archive with its hash before a byte of it is unpacked.
func (i Installer) checkArchive(ctx context.Context, f *os.File, p Package) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	hash := sha512.New()
	if _, err := io.Copy(hash, i.reader(ctx, f, info.Size())); err != nil {
		return fmt.Errorf("read %s: %w", f.Name(), err)
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(hash.Sum(nil)); got != p.Integrity {
		return fmt.Errorf("%s is not the package %s that chute was tested with: its hash is %s, not %s; nothing was installed, get it again", f.Name(), p.Name, got, p.Integrity)
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// unpack takes the library, and nothing else, out of the archive. Names in it are only compared, never used.
func (i Installer) unpack(ctx context.Context, f *os.File, p Package, path string) error {
	zipped, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return fmt.Errorf("unpack %s: %w", f.Name(), err)
	}
	for files := tar.NewReader(i.reader(ctx, zipped, 0)); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s has no %s in it", f.Name(), p.Member)
		}
		if err != nil {
			return fmt.Errorf("unpack %s: %w", f.Name(), err)
		}
		if header.Name != p.Member {
			continue
		}
		if header.Typeflag != tar.TypeReg {
			return fmt.Errorf("%s: %s in it is not a file", f.Name(), p.Member)
		}
		return i.place(files, p, path, p.Member+" of "+f.Name())
	}
}

// place writes the library where nobody looks, checks and syncs it, and gives it its name.
func (i Installer) place(from io.Reader, p Package, path, what string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), libraryPrefix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // closed already, or of no interest any more
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	hash := sha256.New()
	if _, err := io.CopyBuffer(io.MultiWriter(f, hash), from, make([]byte, 1<<20)); err != nil {
		return fmt.Errorf("copy %s: %w", what, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != p.SHA256 {
		return fmt.Errorf("%s is not the library that chute was tested with: its SHA-256 is %s, not %s; nothing was installed", what, got, p.SHA256)
	}
	// Readable for the service's own user, whoever installs it.
	if err := errors.Join(f.Chmod(0o755), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the new name durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
