package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"chute/connectors/connectortest/sshd"
)

// ownSSHD gives the script an sshd that it can stop. The first start fills its address, $SFTP, and the file that knows its keys, $KNOWN, into the
// configurations, and writes the files key, which opens it, other_key, which doesn't, other_hosts, which knows another server
// there, and no_hosts, which knows none. One that is read-only lets nobody change anything, root neither.
func (w *world) ownSSHD(ts *testscript.TestScript, what string, readOnly bool) {
	switch {
	case what == "stop" && w.sshd != nil:
		w.sshd.Kill()
	case what == "start" && w.sshd != nil:
		ts.Check(w.sshd.Start())
	case what == "own" && w.sshd == nil && readOnly:
		w.launchSSHD(ts, "ForceCommand internal-sftp -R")
	case what == "own" && w.sshd == nil:
		w.launchSSHD(ts)
	default:
		ts.Fatalf("sshd %s?", what)
	}
}

func (w *world) launchSSHD(ts *testscript.TestScript, more ...string) {
	dir, err := os.MkdirTemp("", "chute-sshd-")
	ts.Check(err)
	s, err := sshd.Launch(dir, more...)
	if err != nil {
		os.RemoveAll(dir)
		ts.Fatalf("%v", err)
	}
	w.sshd = s
	other, public, err := sshd.NewKey("ed25519")
	ts.Check(err)
	for name, text := range map[string]string{"key": s.Key, "other_key": other, "other_hosts": s.KnownBy(public), "no_hosts": ""} {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
	ts.Check(w.fill("$SFTP", fmt.Sprintf("sftp://%s@%s%s/store", s.User, s.Address(), w.dir), "$KNOWN", s.KnownHosts))
}

// partner has OpenSSH's own client do what a file of the script says, in the store on the script's sshd.
func (w *world) partner(ts *testscript.TestScript, batch string) {
	s := w.sshd
	words := append(w.sshOptions(), "-q", "-b", ts.MkAbs(batch), "-P", strconv.Itoa(s.Port), "-i", ts.MkAbs("key"), s.User+"@"+s.Host+":"+filepath.Join(w.dir, "store"))
	ts.Check(ts.Exec("sftp", words...))
}

// cuts cuts all connections to the script's sshd so many times, each time when there is a new one and two more files have been taken.
func (w *world) cuts(ts *testscript.TestScript, n int) {
	began := 0
	for i := range n {
		w.until(ts, fmt.Sprintf("session %d, with %d files taken", i+1, 2*i), func() bool {
			now := bytes.Count(w.sshdLog(ts), []byte("Starting session: subsystem 'sftp'"))
			if now <= began || w.countRuns(ts, "1") < 2*i {
				return false
			}
			began = now
			return true
		})
		if w.sshd.Cut() == 0 {
			ts.Fatalf("there was no connection to cut")
		}
	}
}

func (w *world) sshdLog(ts *testscript.TestScript) []byte {
	log, err := os.ReadFile(filepath.Join(w.sshd.Dir, "sshd.log"))
	ts.Check(err)
	return log
}
