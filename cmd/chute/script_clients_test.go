package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// client is a program that partners send files with, for one of them on the script's sshd.
type client struct {
	w    *world
	dir  string // local files, and the client's home
	key  string
	name string // who the partner is
}

// clientRate is how many bytes a second a slow upload sends, and clientRows how many records each file has: three seconds of it.
const (
	clientRate = 50_000
	clientRows = 6000
)

// uploads are the ways in which files are sent, all at the same time. Each has a file of its own, from "begin", which sends it slowly; "killed" ones
// are killed half-way, and sent on or again by "resume".
var uploads = []struct {
	file   string
	begin  func(c *client, file string) *exec.Cmd
	resume func(c *client, file string) *exec.Cmd
}{
	{"slow_sftp", func(c *client, file string) *exec.Cmd { return c.sftp(true, "put -p %[1]s in/%[1]s", file) }, nil},
	{"slow_renamed", func(c *client, file string) *exec.Cmd {
		return c.sftp(true, "put -p %[1]s in/%[1]s.part\nchmod 600 in/%[1]s.part\nchmod 644 in/%[1]s.part\nrename in/%[1]s.part in/%[1]s\n-chmod 640 in/%[1]s", file)
	}, nil},
	{"slow_scp", func(c *client, file string) *exec.Cmd { return c.scp(file) }, nil},
	{"slow_lftp", func(c *client, file string) *exec.Cmd {
		return c.lftp(true, "set xfer:use-temp-file yes; set xfer:temp-file-name *.part; put -O in %[1]s; chmod 640 in/%[1]s || true", file)
	}, nil},
	{"patient_rclone", func(c *client, file string) *exec.Cmd { return c.rclone(true, file) }, nil},
	{"slow_killed_sftp", func(c *client, file string) *exec.Cmd { return c.sftp(true, "put %[1]s in/%[1]s.part", file) },
		func(c *client, file string) *exec.Cmd {
			return c.sftp(false, "reput %[1]s in/%[1]s.part\nrename in/%[1]s.part in/%[1]s", file)
		}},
	{"patient_killed_sftp", func(c *client, file string) *exec.Cmd { return c.sftp(true, "put %[1]s in/%[1]s", file) },
		func(c *client, file string) *exec.Cmd { return c.sftp(false, "reput %[1]s in/%[1]s", file) }},
	{"patient_killed_lftp", func(c *client, file string) *exec.Cmd { return c.lftp(true, "put -O in %s", file) },
		func(c *client, file string) *exec.Cmd { return c.lftp(false, "put -c -O in %s", file) }},
	{"patient_killed_rclone", func(c *client, file string) *exec.Cmd { return c.rclone(true, file) },
		func(c *client, file string) *exec.Cmd { return c.rclone(false, file) }},
}

// clients lets a partner send a file in each of the ways: clients NAME. It returns when all are through.
func (w *world) clients(ts *testscript.TestScript, name string) {
	c := &client{w: w, dir: ts.MkAbs("sent"), key: ts.MkAbs(name + "_key"), name: w.partners.names[name]}
	ts.Check(os.Mkdir(c.dir, 0o700))
	failed := make([]error, len(uploads))
	var running sync.WaitGroup
	for i, u := range uploads {
		running.Go(func() {
			file := u.file + ".csv"
			if failed[i] = writeRecords(filepath.Join(c.dir, file), i); failed[i] != nil {
				return
			}
			if u.resume == nil {
				failed[i] = c.run(u.begin(c, file))
				return
			}
			if failed[i] = c.killHalfWay(u.begin(c, file), filepath.Join(w.partners.store(name), "in", file)); failed[i] == nil {
				failed[i] = c.run(u.resume(c, file))
			}
		})
	}
	running.Wait()
	for i, err := range failed {
		if err != nil {
			ts.Fatalf("%s: %v", uploads[i].file, err)
		}
	}
}

// writeRecords writes file i: the records i*10000 … with the amounts 0 …, 23 bytes each, so that a packet's end isn't a record's.
func writeRecords(name string, i int) error {
	text := []byte("id,amount\n")
	for j := range clientRows {
		text = fmt.Appendf(text, "%09d,%012d\n", i*10_000+j, j)
	}
	return os.WriteFile(name, text, 0o640)
}

func (c *client) run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%q: %w: %s", cmd.Args, err, out)
	}
	return nil
}

// killHalfWay kills the client when a good part of its file, under the name or that of an upload, is on the server.
func (c *client) killHalfWay(cmd *exec.Cmd, name string) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("%q ended before it could be killed: %w", cmd.Args, err)
		case <-deadline:
			_ = cmd.Process.Kill()
			return fmt.Errorf("%q doesn't come half-way", cmd.Args)
		case <-tick.C:
		}
		for _, there := range []string{name, name + ".part"} {
			if info, err := os.Stat(there); err == nil && info.Size() > clientRate/2 {
				err = cmd.Process.Kill()
				<-ended
				return err
			}
		}
	}
}

func (c *client) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "LC_ALL=C.UTF-8"}
	return cmd
}

func (c *client) sftp(slowly bool, batch, file string) *exec.Cmd {
	args := append(c.w.sshOptions(), "-q", "-b", "-", "-P", strconv.Itoa(c.w.sshd.Port), "-i", c.key)
	if slowly {
		args = append(args, "-B", "8192", "-l", strconv.Itoa(clientRate*8/1000)) // the first packet isn't counted, and is all of the file by default
	}
	cmd := c.command("sftp", append(args, c.name+"@"+c.w.sshd.Host)...)
	cmd.Stdin = strings.NewReader(fmt.Sprintf(batch, file))
	return cmd
}

func (c *client) scp(file string) *exec.Cmd {
	args := append(c.w.sshOptions(), "-q", "-p", "-X", "buffer=8192", "-l", strconv.Itoa(clientRate*8/1000), "-P", strconv.Itoa(c.w.sshd.Port), "-i", c.key)
	return c.command("scp", append(args, file, c.name+"@"+c.w.sshd.Host+":in/"+file)...)
}

func (c *client) lftp(slowly bool, commands, file string) *exec.Cmd {
	program := "ssh -a -x -i " + c.key + " " + strings.Join(c.w.sshOptions(), " ")
	settings := "set cmd:fail-exit yes; set net:max-retries 1; set sftp:connect-program \"" + program + "\"; "
	if slowly {
		settings += fmt.Sprintf("set net:limit-rate 0:%d; ", clientRate)
	}
	open := fmt.Sprintf("open -u %s, sftp://%s; ", c.name, c.w.sshd.Address())
	return c.command("lftp", "--norc", "-c", settings+open+fmt.Sprintf(commands, file))
}

func (c *client) rclone(slowly bool, file string) *exec.Cmd {
	args := []string{"copyto", file, ":sftp:in/" + file, "--config", "/dev/null", "--retries", "1", "--sftp-host", c.w.sshd.Host, "--sftp-port", strconv.Itoa(c.w.sshd.Port),
		"--sftp-user", c.name, "--sftp-key-file", c.key, "--sftp-known-hosts-file", c.w.sshd.KnownHosts}
	if slowly {
		args = append(args, "--bwlimit", fmt.Sprintf("%dB", clientRate))
	}
	return c.command("rclone", args...)
}
