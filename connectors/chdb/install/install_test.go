package install

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

const content = "not really a library"

// member is one entry of an archive.
type member struct {
	name, content string
	kind          byte
}

// archive makes a package and what is to be known of it.
func archive(t *testing.T, members ...member) ([]byte, *Package) {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	files := tar.NewWriter(zipped)
	for _, m := range members {
		header := &tar.Header{Name: m.name, Typeflag: m.kind, Mode: 0o644, Size: int64(len(m.content))}
		if m.kind == tar.TypeSymlink {
			header.Linkname, header.Size = m.content, 0
		}
		if err := files.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if m.kind == tar.TypeReg {
			if _, err := files.Write([]byte(m.content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(files.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), describe(b.Bytes())
}

func describe(archive []byte) *Package {
	whole, library := sha512.Sum512(archive), sha256.Sum256([]byte(content))
	return &Package{
		Name: "some-package@1", Member: "package/libchdb.so",
		Integrity: "sha512-" + base64.StdEncoding.EncodeToString(whole[:]), SHA256: hex.EncodeToString(library[:]),
	}
}

func write(t *testing.T, name string, data []byte, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantInstalled(t *testing.T, path, dir string) {
	t.Helper()
	if want := filepath.Join(dir, "libchdb-"+Version+".so"); path != want {
		t.Errorf("installed as %s, want %s", path, want)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o755 {
		t.Errorf("mode %s", info.Mode())
	}
	wantOnly(t, dir, filepath.Base(path))
}

// wantOnly checks that nothing is left in dir but the named entries.
func wantOnly(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("in the folder: %q, want %q", got, want)
	}
}

func good(t *testing.T) ([]byte, *Package) {
	t.Helper()
	return archive(t, member{"package/index.js", "x", tar.TypeReg}, member{"package/libchdb.so", content, tar.TypeReg}, member{"package/z", "x", tar.TypeReg})
}

func TestFromArchive(t *testing.T) {
	data, p := good(t)
	dir := filepath.Join(t.TempDir(), "made", "here")
	var done int64
	i := Installer{Dir: dir, From: write(t, "a.tgz", data, 0o600), Package: p, Progress: func(d, _ int64) { done = d }}
	path, err := i.Install(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	wantInstalled(t, path, dir)
	if done == 0 {
		t.Error("no progress was told")
	}
}

func TestInstalledAlready(t *testing.T) {
	_, p := good(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "libchdb-"+Version+".so")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	i := Installer{Dir: dir, From: "/nowhere", Package: p}
	if got, err := i.Install(testContext(t)); got != path || err != nil {
		t.Errorf("%q, %v", got, err)
	}

	// What an interrupted copy left is replaced.
	if err := os.WriteFile(path, []byte(content[:5]), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Install(testContext(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a damaged library passed: %v", err)
	}
	i.From = write(t, "libchdb.so", []byte(content), 0o600)
	got, err := i.Install(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	wantInstalled(t, got, dir)
}

// TestRight: the installed library is right, another file isn't, and a missing one is no error.
func TestRight(t *testing.T) {
	_, p := archive(t)
	dir := t.TempDir()
	right, wrong := filepath.Join(dir, "right"), filepath.Join(dir, "wrong")
	if err := errors.Join(os.WriteFile(right, []byte(content), 0o644), os.WriteFile(wrong, []byte(content+"!"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{right: true, wrong: false, filepath.Join(dir, "none"): false} {
		if got, err := (Installer{Package: p}).Right(testContext(t), path); got != want || err != nil {
			t.Errorf("%s: %t, %v", path, got, err)
		}
	}
}

func TestLeftovers(t *testing.T) {
	data, p := good(t)
	dir := t.TempDir()
	old := time.Now().Add(-25 * time.Hour)
	for name, old := range map[string]time.Time{downloadPrefix + "1/cache": old, libraryPrefix + "2/x": old, downloadPrefix + "3/cache": time.Now(), "other/x": old} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(path, 0o700), os.Chtimes(filepath.Dir(path), old, old)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := (Installer{Dir: dir, From: write(t, "a.tgz", data, 0o600), Package: p}).Install(testContext(t)); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, downloadPrefix+"3", "libchdb-"+Version+".so", "other")
}

func TestRefused(t *testing.T) {
	data, p := good(t)
	outside, outsideOf := archive(t, member{"../../package/libchdb.so", content, tar.TypeReg}, member{"/package/libchdb.so", content, tar.TypeReg})
	link, linkOf := archive(t, member{"package/libchdb.so", "/etc/passwd", tar.TypeSymlink})
	wrong, wrongOf := archive(t, member{"package/libchdb.so", "another library", tar.TypeReg})
	cut := data[:len(data)-40]
	for name, c := range map[string]struct {
		data []byte
		p    *Package
		want string
	}{
		"archive's hash":     {append(bytes.Clone(data), 0), p, "not the package"},
		"library's hash":     {wrong, wrongOf, "not the library"},
		"bare library":       {[]byte("another library"), p, "not the library"},
		"empty file":         {nil, p, "not the library"},
		"cut, hash known":    {cut, describe(cut), "unexpected EOF"},
		"cut":                {cut, p, "not the package"},
		"gzip's header only": {data[:2], describe(data[:2]), "unpack"},
		"names outside":      {outside, outsideOf, "has no package/libchdb.so"},
		"a link":             {link, linkOf, "not a file"},
	} {
		dir := t.TempDir()
		i := Installer{Dir: dir, From: write(t, "a.tgz", c.data, 0o600), Package: c.p}
		if _, err := i.Install(testContext(t)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		wantOnly(t, dir)
	}
}

func TestContextEnds(t *testing.T) {
	data, p := good(t)
	gaveUp := errors.New("gave up")
	ctx, cancel := context.WithCancelCause(testContext(t))
	cancel(gaveUp)
	dir := t.TempDir()
	if _, err := (Installer{Dir: dir, From: write(t, "a.tgz", data, 0o600), Package: p}).Install(ctx); !errors.Is(err, gaveUp) {
		t.Errorf("error %v", err)
	}
	wantOnly(t, dir)
}

// standIn puts a script in npm's place: the tests have no network.
func standIn(t *testing.T, script string) {
	t.Helper()
	t.Setenv("PATH", filepath.Dir(write(t, "npm", []byte("#!/bin/sh\n"+script), 0o755))+":/usr/bin:/bin")
}

func TestDownload(t *testing.T) {
	data, p := good(t)
	standIn(t, `test "$1 $2 $3" = "pack some-package@1 --json" || exit 9
while test "$1" != --pack-destination; do shift; done
cp `+write(t, "a.tgz", data, 0o600)+` "$2"/some-package-1.tgz`)
	dir := t.TempDir()
	path, err := Installer{Dir: dir, Package: p}.Install(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	wantInstalled(t, path, dir)
}

func TestDownloadFails(t *testing.T) {
	_, p := good(t)
	dir := t.TempDir()
	for script, want := range map[string]string{
		"echo 'no route to host' >&2; exit 1": "no route to host",
		"exit 0":                              "0 archives",
	} {
		standIn(t, script)
		if _, err := (Installer{Dir: dir, Package: p}).Install(testContext(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
		wantOnly(t, dir)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := (Installer{Dir: dir, Package: p}).Install(testContext(t)); err == nil || !strings.Contains(err.Error(), "--from FILE") {
		t.Errorf("without npm: %v", err)
	}
}

func TestDownloadIsStopped(t *testing.T) {
	_, p := good(t)
	started := filepath.Join(t.TempDir(), "started")
	standIn(t, "touch "+started+"; exec sleep 1000")
	gaveUp := errors.New("gave up")
	ctx, cancel := context.WithCancelCause(testContext(t))
	defer cancel(nil)
	dir := t.TempDir()
	i := Installer{Dir: dir, Package: p, Progress: func(int64, int64) {
		if _, err := os.Stat(started); err == nil {
			cancel(gaveUp)
		}
	}}
	if _, err := i.Install(ctx); !errors.Is(err, gaveUp) {
		t.Errorf("error %v", err)
	}
	wantOnly(t, dir)
}

func TestPlatforms(t *testing.T) {
	for platform, p := range packages {
		if !strings.HasSuffix(p.Name, "@"+Version) || len(p.SHA256) != 64 || !strings.HasPrefix(p.Integrity, "sha512-") || p.Member == "" {
			t.Errorf("%s: %+v", platform, p)
		}
	}
	// Find looks for the file by its version; the two packages may not import each other.
	source, err := os.ReadFile("../find.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(source), `const Version = "`+Version+`"`) {
		t.Errorf("package chdb is for another version than %s", Version)
	}
}

// The library of this machine has the hash that is pinned.
func TestRealLibrary(t *testing.T) {
	library := os.Getenv("CHUTE_LIBCHDB")
	if library == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		library = filepath.Join(cache, "chute", "libchdb-"+Version+".so")
	}
	if _, err := os.Stat(library); err != nil {
		t.Fatalf("this test needs the engine library, run `chute engine install`: %v", err)
	}
	dir := t.TempDir()
	var done, total int64
	i := Installer{Dir: dir, From: library, Progress: func(d, of int64) { done, total = d, of }}
	path, err := i.Install(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	wantInstalled(t, path, dir)
	if done != total || done == 0 {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	i.From = "/nowhere"
	if _, err := i.Install(testContext(t)); err != nil {
		t.Errorf("installing again: %v", err)
	}
}
