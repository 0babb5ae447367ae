package sshd

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Kill ends the server with all its sessions, as a crash of its machine would.
func (s *Server) Kill() {
	if s.cmd != nil && s.Running() {
		_ = syscall.Kill(s.cmd.Process.Pid, syscall.SIGSTOP) // it takes no new session meanwhile; gone is what is wanted
		s.Cut()
	}
	s.Process.Kill()
}

// Cut ends all sessions at once, and tells how many processes those were. Each is a process group of its own, so they are found by their parents: first all are
// stopped, since of one whose parent is gone nobody knows whose it was.
func (s *Server) Cut() int {
	if s.cmd == nil || !s.Running() {
		return 0
	}
	server := s.cmd.Process.Pid
	stopped := map[int]bool{}
	for more := true; more; {
		more = false
		for pid, parent := range parents() {
			if !stopped[pid] && (parent == server || stopped[parent]) {
				_ = syscall.Kill(pid, syscall.SIGSTOP) // gone is what is wanted
				stopped[pid], more = true, true
			}
		}
	}
	for pid := range stopped {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return len(stopped)
}

// parents has the parent of each process that isn't gone already.
func parents() map[int]int {
	of := map[int]int{}
	names, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// PID (NAME) STATE PARENT …, and a name may have anything in it.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 2 || fields[0][0] == 'Z' {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			continue
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil {
			of[pid] = parent
		}
	}
	return of
}
