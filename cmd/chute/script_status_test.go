package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// told waits until `chute status --dir` leaves with a code and prints what is wanted, as a monitoring system would find it. The command has no
// configuration: there is none at the default place.
func (w *world) told(ts *testscript.TestScript, args []string) {
	code, wanted := number(ts, args[0]), regexp.MustCompile(args[1])
	var said bytes.Buffer
	got := -1
	defer func() { fmt.Fprintf(ts.Stdout(), "%s", said.Bytes()) }()
	w.until(ts, fmt.Sprintf("chute status to leave with %d and say %s", code, wanted), func() bool {
		pause(&said)
		c := exec.Command("chute", append([]string{"status", "--dir", ts.MkAbs("state")}, args[2:]...)...)
		c.Stdout, c.Stderr = &said, &said
		_ = c.Run() // the code says it
		if got = c.ProcessState.ExitCode(); got == 1 && bytes.HasPrefix(said.Bytes(), []byte("panic")) {
			ts.Fatalf("%s", said.Bytes())
		}
		return got == code && wanted.Match(said.Bytes())
	})
}

// why waits until `chute why` leaves with 0 and prints what is wanted.
func (w *world) why(ts *testscript.TestScript, args []string) {
	wanted, file := regexp.MustCompile("^"+args[0]), args[1]
	if store, _, _ := strings.Cut(file, ":"); store != "acme" {
		file = ts.MkAbs(unescape(ts, file))
	}
	var said bytes.Buffer
	defer func() { fmt.Fprintf(ts.Stdout(), "%s", said.Bytes()) }()
	w.until(ts, fmt.Sprintf("chute why %q to say %s", file, wanted), func() bool {
		pause(&said)
		c := exec.Command("chute", "--config", ts.MkAbs("chute.toml"), "why", file)
		c.Stdout, c.Stderr = &said, &said
		_ = c.Run() // what it prints says enough
		_, rest, _ := strings.Cut(said.String(), "\n")
		return wanted.Match(said.Bytes()) || wanted.MatchString(rest)
	})
}

// pause makes ready for asking again: not so often that asking is all that the machine does.
func pause(said *bytes.Buffer) {
	if said.Len() > 0 {
		time.Sleep(200 * time.Millisecond)
	}
	said.Reset()
}
