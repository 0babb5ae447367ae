package connectortest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// Process is a server's process. It dies with the process that started it, however that ends.
type Process struct {
	exited chan struct{} // closed when the process is gone; nil before the first start
	cmd    *exec.Cmd
}

// Launch starts the process.
func (p *Process) Launch(cmd *exec.Cmd) error {
	p.cmd, p.exited = cmd, make(chan struct{})
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error, 1)
	go run(cmd, started, p.exited)
	return <-started
}

// run starts the process and waits for it. The kernel sends the parent-death signal when the *thread* that made the
// child ends, so that thread is kept until the child is gone.
func run(cmd *exec.Cmd, started chan<- error, exited chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(exited)
	err := cmd.Start()
	started <- err
	if err == nil {
		_ = cmd.Wait() // killed is a normal end here; a start that fails is seen by its silence
	}
}

// Kill ends the process at once, as a crash would, and returns when it is gone.
func (p *Process) Kill() {
	if !p.Running() {
		return
	}
	_ = p.cmd.Process.Kill() // fails only when it is gone, which is what is wanted
	<-p.exited
}

// Exited is closed when the process is gone. It is that of the latest start.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Running tells whether the process was started and isn't gone.
func (p *Process) Running() bool {
	if p.exited == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}
