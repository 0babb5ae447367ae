package sftp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"chute/connectors"
	"chute/connectors/connectortest/sshd"
)

// TestManyLongNames: one listing of 10,000 entries, no look at any of them.
func TestManyLongNames(t *testing.T) {
	var all []fs.FileInfo
	for i := range 10_000 {
		all = append(all, sshd.Entry{File: fmt.Sprintf("%05d-%s", i, strings.Repeat("n", 249)), Time: time.Unix(int64(i), 0)})
	}
	var looks atomic.Int64
	f, dir := disk(t, &sshd.Disk{Entries: all, Before: func(what, _ string) error {
		if what == "Lstat" || what == "Stat" {
			looks.Add(1)
		}
		return nil
	}})
	put(t, dir, "many/x", nil)
	files, err := f.List(t.Context(), "many")
	if err != nil || len(files) != len(all) || looks.Load() != 1 {
		t.Fatalf("%d entries with %d looks, %v", len(files), looks.Load(), err)
	}
	for i, file := range files {
		if file.Name != all[i].Name() || !file.ModTime.Equal(all[i].ModTime()) || !file.Regular() || file.Size != 255 {
			t.Fatalf("%+v", file)
		}
	}
}

// TestEndlessListing: a listing that takes more memory than it may is given up, with the number of its entries; others on the same line go on.
func TestEndlessListing(t *testing.T) {
	var all []fs.FileInfo
	for i := range 100 {
		all = append(all, sshd.Entry{File: fmt.Sprintf("%03d-%s", i, strings.Repeat("n", 196))})
	}
	d := &sshd.Disk{Entries: all, Root: t.TempDir()}
	f := store(t, onStub(stub(t, d.Serve), "/"), func(c *Config) { c.ListBytes = 1 << 20 })
	put(t, d.Root, "many/x", nil)
	put(t, d.Root, "in/a", nil)
	for range 30 { // each is counted by itself
		if files, err := f.List(t.Context(), "many"); err != nil || len(files) != len(all) {
			t.Fatalf("%d entries, %v", len(files), err)
		}
	}
	d.Endless = true
	_, err := f.List(t.Context(), "many")
	var entries int
	if err == nil || errors.Is(err, connectors.ErrUnavailable) {
		t.Fatalf("error %v", err)
	}
	if _, scan := fmt.Sscanf(err.Error(), `list "many": it has more than %d entries`, &entries); scan != nil || entries < 1000 || entries > 1<<20/entryBytes || !strings.Contains(err.Error(), "moved out of it there") {
		t.Fatalf("error %v", err)
	}
	if files, err := f.List(t.Context(), "in"); err != nil || len(files) != 1 || f.server.failures != 0 {
		t.Fatalf("the line is of no use any more: %v, %v", files, err)
	}
}

// TestListingMemory: what is counted is about what a listing takes, and as many entries as an inbox ever has find room.
func TestListingMemory(t *testing.T) {
	l := &listings{most: Config{}.withDefaults().ListBytes, open: map[string]*listing{}}
	l.asked(readdirRequest, 1, "h")
	for range 1000 { // as OpenSSH sends them: the name, a line that has it again, and attributes
		if all, fits := l.take(1, 100, 100*(255+320+40)); !fits {
			t.Fatalf("no room for %d entries", all)
		}
	}
	if all, fits := l.take(1, 100_000, 100_000*(255+320+40)); fits || all != 200_000 {
		t.Errorf("room for %d entries", all)
	}
	l.asked(closeRequest, 2, "h")
	if _, fits := l.take(1, 1, 1<<40); !fits || len(l.open) != 0 {
		t.Errorf("what was closed is counted still: %v", l.open)
	}
}

// TestLongWords: what a server says is cut where it comes in.
func TestLongWords(t *testing.T) {
	for _, words := range []string{strings.Repeat("refused ", 25_000), strings.Repeat("no ", 90), ""} {
		var refuse atomic.Bool
		f, dir := disk(t, &sshd.Disk{Before: func(what, _ string) error {
			if what == "Rename" && refuse.Load() {
				return errors.New(words)
			}
			return nil
		}})
		put(t, dir, "in/a", nil)
		if _, err := f.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		refuse.Store(true)
		err := f.Rename(t.Context(), "in/a", ".chute/a")
		if err == nil || errors.Is(err, connectors.ErrUnavailable) || len(err.Error()) > 600 {
			t.Fatalf("error %.1000v", err)
		}
		if long := len(words) > longestWords; strings.Contains(err.Error(), "it said more") != long || !strings.Contains(err.Error(), words[:min(len(words), longestWords)]) {
			t.Errorf("error %v", err)
		}
	}
}

// TestLongSSHWords: so is what comes before there is SFTP; what the error is stays known.
func TestLongSSHWords(t *testing.T) {
	long := &ssh.OpenChannelError{Reason: ssh.Prohibited, Message: strings.Repeat("no ", 70_000)}
	short := shorten(long)
	if len(short.Error()) > 400 || !strings.HasSuffix(short.Error(), "(it said more)") || !errors.Is(short, long) {
		t.Errorf("%.1000v", short)
	}
	l := &line{gone: make(chan struct{}), conn: new(net.TCPConn)}
	if l.end(long); len(l.cause.Error()) > 400 {
		t.Errorf("a line ended with %.1000v", l.cause)
	}
	if err := shorten(io.ErrClosedPipe); err != io.ErrClosedPipe {
		t.Errorf("%v", err)
	}
}

// TestSillyNames: a server may send anything for a name; nothing leads out of the folder.
func TestSillyNames(t *testing.T) {
	var all []fs.FileInfo
	for _, name := range []string{"good", "", ".", "..", "/", "a/../../b", "zero\x00byte", strings.Repeat("x", longestName+1)} {
		all = append(all, sshd.Entry{File: name})
	}
	f, dir := disk(t, &sshd.Disk{Entries: all})
	put(t, dir, "many/x", nil)
	files, err := f.List(t.Context(), "many")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := checkName("many/" + file.Name); err != nil || strings.Contains(file.Name, "/") || len(file.Name) > longestName {
			t.Errorf("listed is %q", file.Name)
		}
	}
}

// TestKindsNotTold: an entry whose kind the server keeps to itself isn't taken for a file.
func TestKindsNotTold(t *testing.T) {
	f, dir := disk(t, &sshd.Disk{Without: fs.ModeType})
	put(t, dir, "a", nil)
	files, err := f.List(t.Context(), ".")
	if err != nil || len(files) != 1 || files[0].Regular() {
		t.Fatalf("%+v, %v", files, err)
	}
	if _, err := f.Open(t.Context(), "a"); err == nil {
		t.Fatal("opened")
	}
}
