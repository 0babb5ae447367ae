package systemd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFiles(t *testing.T) {
	p := Plan{
		Program: "/opt/my chute/chute", Config: "/etc/other/100%.toml",
		Stores:      []Store{{"acme", "/srv/chute/acme"}, {"odd", `/srv/a "b" 50%\c`}, {"home", "/home/globex/drop"}},
		Folders:     []string{"/var/lib/chute", "/var/lib/chute/chdb", "/data/chdb"},
		Credentials: []string{"globex-key", "clickhouse"},
	}
	got := map[string]string{}
	for _, f := range p.Files() {
		got[f.Path] = f.Text
	}
	for path, want := range map[string]string{
		"/etc/systemd/system/chute.service":                         `(?m)^ExecStart="/opt/my chute/chute" --config /etc/other/100%%\.toml run$`,
		"/etc/sysusers.d/chute.conf":                                `(?m)^u chute `,
		"/etc/tmpfiles.d/chute.conf":                                `(?m)^d /etc/chute/credentials 0700 root root -$`,
		"/etc/systemd/system/chute.service.d/credentials.conf":      `(?s)\[Service\]\nLoadCredential=clickhouse:/etc/chute/credentials/clickhouse\nLoadCredential=globex-key:/etc/chute/credentials/globex-key\n$`,
		"/etc/systemd/system/chute.service.d/folder-data-chdb.conf": `\[Service\]\nReadWritePaths=-/data/chdb\n$`,
		"/etc/systemd/system/chute.service.d/store-acme.conf":       `\[Service\]\nReadWritePaths=-/srv/chute/acme\n$`,
		"/etc/systemd/system/chute.service.d/store-odd.conf":        regexp.QuoteMeta(`ReadWritePaths="-/srv/a \"b\" 50%%\\c"` + "\n"),
		"/etc/systemd/system/chute.service.d/store-home.conf":       `\nProtectHome=tmpfs\nBindPaths=-/home/globex/drop\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(got[path]) {
			t.Errorf("%s doesn't match %s:\n%s", path, want, got[path])
		}
		delete(got, path)
	}
	for path := range got {
		t.Errorf("%s isn't wanted", path)
	}
	if err := errors.Join(p.Check(), p.Unseen()); err != nil {
		t.Error(err)
	}
	for _, bad := range []Plan{{Stores: []Store{{"a", "/tmp/a"}}}, {Folders: []string{"/data", "/var/tmp"}}} {
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), "tmp: a service has a folder of its own there") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for _, bad := range []Plan{{Config: "/tmp/chute.toml"}, {Config: "/etc/chute.toml", Jobs: "/root/jobs.d"}} {
		if err := bad.Unseen(); err == nil || !strings.Contains(err.Error(), "is hidden from a service") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := (Plan{Config: "/tmpfiles/chute.toml", Jobs: "/homes"}).Unseen(); err != nil {
		t.Error(err)
	}
}

// TestSysusers has systemd make the users of the samples, in a folder that passes for the whole system.
func TestSysusers(t *testing.T) {
	for _, sample := range []string{"sysusers.conf", "partners/sysusers.conf"} {
		root := t.TempDir()
		if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		sysusers := exec.Command("systemd-sysusers", "--root="+root, "-")
		sysusers.Stdin = bytes.NewReader(text)
		said, err := sysusers.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", sample, err, said)
		}
		users, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			if len(words) == 0 || words[0] != "u" {
				continue
			}
			home := words[slices.IndexFunc(words, func(word string) bool { return word[0] == '/' })]
			want := fmt.Sprintf("(?m)^%s:.*:%s:[^:]*$", words[1], home)
			if !regexp.MustCompile(want).Match(users) {
				t.Errorf("%s: no user as %s in\n%s", sample, want, users)
			}
		}
	}
}

// TestSigned takes a file for somebody's own as soon as anything in it is changed.
func TestSigned(t *testing.T) {
	f := File{"/etc/x", "a\nb\n"}.Signed()
	if !Unchanged(f.Text) {
		t.Error("a file that nobody has changed counts as changed")
	}
	for _, text := range []string{"", "a\nb\n", f.Text + "c\n", "c\n" + f.Text, strings.Replace(f.Text, "b", "c", 1), strings.TrimSuffix(f.Text, "\n"), f.Text + f.Text} {
		if Unchanged(text) {
			t.Errorf("%q counts as unchanged", text)
		}
	}
}

// TestUnit lets systemd judge what the unit is exposed to, in tenths; and there is a reason above what is in it.
func TestUnit(t *testing.T) {
	out, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--threshold=15", "chute.service").CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze: %v\n%s", err, out)
	}
	for _, paragraph := range strings.Split(unit, "\n\n") {
		for _, line := range strings.Split(paragraph, "\n") {
			if strings.HasPrefix(line, "#") {
				break // what follows has its reason
			}
			key, _, set := strings.Cut(line, "=")
			if set && key != "Description" && key != "WantedBy" {
				t.Errorf("%s has no reason above it", line)
			}
		}
	}
}

type owned struct {
	fs.FileInfo
	mode fs.FileMode
	uid  uint32
}

func (o owned) Mode() fs.FileMode { return o.mode }
func (o owned) Sys() any          { return &syscall.Stat_t{Uid: o.uid} }

func TestOnlyRoot(t *testing.T) {
	good := map[string]owned{"/": {mode: fs.ModeDir | 0o755}, "/usr": {mode: fs.ModeDir | 0o755}, "/usr/lib": {mode: fs.ModeDir | 0o755}, "/usr/lib/x.so": {mode: 0o644}}
	look := func(change string, to owned) func(string) (fs.FileInfo, error) {
		return func(name string) (fs.FileInfo, error) {
			if name == change {
				return to, nil
			}
			if o, ok := good[name]; ok {
				return o, nil
			}
			return nil, fs.ErrNotExist
		}
	}
	if err := onlyRoot("/usr/lib/x.so", look("", owned{})); err != nil {
		t.Error(err)
	}
	for name, of := range good {
		for _, bad := range []owned{{mode: of.mode, uid: 1000}, {mode: of.mode | 0o020}, {mode: of.mode | 0o002}, {mode: of.mode | fs.ModeSticky | 0o002}} {
			if err := onlyRoot("/usr/lib/x.so", look(name, bad)); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s with %v of user %d: %v", name, bad.mode, bad.uid, err)
			}
		}
	}
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink("/usr/lib/os-release", link); err != nil {
		t.Fatal(err)
	}
	if real, err := OnlyRoot(link); err != nil || real != "/usr/lib/os-release" {
		t.Errorf("a link to a file of root's: %q, %v", real, err)
	}
	mine := filepath.Join(dir, "mine")
	if err := os.WriteFile(mine, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OnlyRoot(mine); err == nil {
		t.Error("a file below a folder of everybody's is trusted")
	}
	if _, err := OnlyRoot(filepath.Join(dir, "missing")); err == nil {
		t.Error("a file that isn't there is trusted")
	}
}

// TestNotices listens as systemd does.
func TestNotices(t *testing.T) {
	if err := Ready(); err != nil {
		t.Errorf("without a listener: %v", err)
	}
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	told := func(tell func() error) []string {
		t.Helper()
		if err := tell(); err != nil {
			t.Fatal(err)
		}
		packet := make([]byte, 1<<16)
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(packet)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(string(packet[:n]), "\n")
	}
	if got := told(Ready); !slices.Equal(got, []string{"READY=1"}) {
		t.Errorf("%q", got)
	}
	if got := told(Stopping); !slices.Equal(got, []string{"STOPPING=1"}) {
		t.Errorf("%q", got)
	}
	got := told(Reloading)
	if len(got) != 2 || got[0] != "RELOADING=1" || !regexp.MustCompile(`^MONOTONIC_USEC=\d+$`).MatchString(got[1]) {
		t.Errorf("%q", got)
	}
	got = told(func() error { return Alive("one\nREADY=0\r\ttwo \xff " + strings.Repeat("ü", 2000)) })
	if len(got) != 2 || got[0] != "WATCHDOG=1" || !strings.HasPrefix(got[1], "STATUS=one READY=0 two ? üü") || !strings.HasSuffix(got[1], "ü…") || len(got[1]) > 1100 {
		t.Errorf("%q", got)
	}
	os.Remove(socket)
	if err := Ready(); err == nil {
		t.Error("a listener that is gone is no error")
	}
}

func TestService(t *testing.T) {
	t.Setenv("SYSTEMD_EXEC_PID", strconv.Itoa(os.Getpid()))
	if !Service() {
		t.Error("the process that systemd started")
	}
	t.Setenv("SYSTEMD_EXEC_PID", strconv.Itoa(os.Getppid()))
	if Service() {
		t.Error("a process that another one started")
	}
}
