package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"

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
		said.Reset()
		c := exec.Command("chute", append([]string{"status", "--dir", ts.MkAbs("state")}, args[2:]...)...)
		c.Stdout, c.Stderr = &said, &said
		_ = c.Run() // the code says it
		if got = c.ProcessState.ExitCode(); got == 1 && bytes.HasPrefix(said.Bytes(), []byte("panic")) {
			ts.Fatalf("%s", said.Bytes())
		}
		return got == code && wanted.Match(said.Bytes())
	})
}
