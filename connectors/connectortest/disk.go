package connectortest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Disk is a real file system, small and in memory, that can be full or read-only. It is mounted in a namespace of its own, in which a plain user may mount as
// well where the kernel lets users have namespaces; everybody reaches it by Path.
type Disk struct {
	Path string

	t       testing.TB
	holder  Process
	orders  io.Writer
	answers *bufio.Scanner
}

// holdDisk mounts, and then does what it is told.
const holdDisk = `mount -t tmpfs -o "size=$1,nr_inodes=$2,mode=0755" none "$0" && echo mounted || exit
while read -r how; do mount -o "remount,$how" "$0" && echo "$how"; done`

// StartDisk makes a file system of so many KiB and files, for one test.
func StartDisk(t testing.TB, kib, files int) *Disk {
	t.Helper()
	dir := t.TempDir()
	c := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", holdDisk, dir, fmt.Sprintf("%dk", kib), fmt.Sprint(files))
	c.Stderr = os.Stderr
	orders, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d := &Disk{t: t, orders: orders, answers: bufio.NewScanner(answers)}
	if err := d.holder.Launch(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.holder.Kill)
	d.want("mounted", "a small file system needs root, or a kernel that gives plain users namespaces (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces)")
	d.Path = filepath.Join(fmt.Sprintf("/proc/%d/root", c.Process.Pid), dir)
	return d
}

func (d *Disk) want(answer, otherwise string) {
	d.t.Helper()
	if !d.answers.Scan() || d.answers.Text() != answer {
		d.t.Fatalf("%s: got %q, %v", otherwise, d.answers.Text(), d.answers.Err())
	}
}

// ReadOnly mounts it anew, so that it can't be written to any more, or again. No file of it may be open for writing.
func (d *Disk) ReadOnly(is bool) {
	d.t.Helper()
	how := map[bool]string{true: "ro", false: "rw"}[is]
	if _, err := fmt.Fprintln(d.orders, how); err != nil {
		d.t.Fatal(err)
	}
	d.want(how, "mount it anew")
}

// Fill takes all the room there is, for bytes and for files, until Clear.
func (d *Disk) Fill() {
	d.t.Helper()
	dir := filepath.Join(d.Path, "filler")
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		err = d.fillBytes(filepath.Join(dir, "bytes"))
	}
	for n := 0; err == nil; n++ {
		err = os.WriteFile(filepath.Join(dir, fmt.Sprint(n)), nil, 0o600)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatalf("fill the disk: %v", err)
	}
}

// fillBytes returns nil when there isn't room for another byte.
func (d *Disk) fillBytes(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return err
}

// Clear gives the room back.
func (d *Disk) Clear() {
	d.t.Helper()
	if err := os.RemoveAll(filepath.Join(d.Path, "filler")); err != nil {
		d.t.Fatal(err)
	}
}
