package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// newTerminal makes a terminal of 24 lines: its own side, and the side that a program sees.
func newTerminal(width int) (own, theirs *os.File, err error) {
	if own, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(int(own.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(own.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(own.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(width)})
	}
	if err == nil {
		theirs, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		own.Close()
		return nil, nil, err
	}
	return own, theirs, nil
}

// onTerminal runs a command on a terminal and prints everything that it wrote there, as it came: terminal WIDTH COMMAND…
func onTerminal(ts *testscript.TestScript, neg bool, args []string) {
	own, theirs, err := newTerminal(number(ts, args[0]))
	ts.Check(err)
	defer own.Close()
	c := exec.Command(args[1], args[2:]...)
	c.Dir, c.Stdin, c.Stdout, c.Stderr = ts.MkAbs("."), theirs, theirs, theirs
	for _, name := range []string{"PATH", "HOME", "CHUTE_LIBCHDB", "XDG_CACHE_HOME", "GOCOVERDIR"} {
		c.Env = append(c.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(c.Start())
	theirs.Close()
	var out bytes.Buffer
	read := make(chan bool)
	go func() {
		defer close(read)
		_, _ = io.Copy(&out, own) // ends with an error when nobody has their side any more
	}()
	late := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	err = c.Wait()
	late.Stop()
	<-read
	fmt.Fprint(ts.Stdout(), out.String())
	if (err != nil) != neg {
		ts.Fatalf("%v on the terminal: %v\n%s", args[1:], err, out.String())
	}
}
