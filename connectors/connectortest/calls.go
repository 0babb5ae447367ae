package connectortest

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// callsFile is the descriptor by which a child hands its calls over. Nothing else in a test comes that far.
const callsFile = 900

// OfferCalls is for a child process: from now on each of these calls, by whichever thread, waits until the parent lets it pass (KillAtCall). Of those
// that open files only the ones that make them do.
func OfferCalls(calls ...uint32) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("offer system calls: %w", err)
	}
	filter := callFilter(calls)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	flags := uintptr(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH)
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return fmt.Errorf("offer system calls: seccomp: %w", errno)
	}
	if err := unix.Dup3(int(fd), callsFile, unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("offer system calls: %w", err)
	}
	return unix.Close(int(fd))
}

// callFilter is the program that the kernel runs before each call: the ones that are named ask the parent, all others pass.
func callFilter(calls []uint32) []unix.SockFilter {
	const number, arch, arguments = 0, 4, 16 // offsets in the kernel's struct seccomp_data
	jump := func(op uint16, value uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, Jt: yes, Jf: no, K: value}
	}
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	answer := func(what uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what} }

	filter := []unix.SockFilter{load(arch), jump(unix.BPF_JEQ, auditArch, 1, 0), answer(unix.SECCOMP_RET_ALLOW), load(number)}
	for _, call := range calls {
		flags := openFlags[call]
		if flags == 0 {
			filter = append(filter, jump(unix.BPF_JEQ, call, 0, 1), answer(unix.SECCOMP_RET_USER_NOTIF))
			continue
		}
		filter = append(filter, jump(unix.BPF_JEQ, call, 0, 4), load(arguments+8*flags),
			jump(unix.BPF_JSET, unix.O_CREAT|unix.O_TRUNC, 0, 1), answer(unix.SECCOMP_RET_USER_NOTIF), answer(unix.SECCOMP_RET_ALLOW))
	}
	return append(filter, answer(unix.SECCOMP_RET_ALLOW))
}

// callNotice and callAnswer are the kernel's struct seccomp_notif and seccomp_notif_resp.
type (
	callNotice struct {
		id          uint64
		pid, flags  uint32
		nr          int32
		arch        uint32
		instruction uint64
		arguments   [6]uint64
	}
	callAnswer struct {
		id    uint64
		value int64
		errno int32
		flags uint32
	}
)

// KillAtCall waits for a child that was started and offers its calls, and kills it before it makes the n-th; with n = 0 it lets it live. It returns how many
// calls were made, when the child is gone, and the child's end as exec.Cmd.Wait tells it.
func KillAtCall(child *exec.Cmd, n int) (made int, ended, err error) {
	gone := make(chan struct{})
	go func() {
		ended = child.Wait()
		close(gone)
	}()
	calls, err := takeCalls(child.Process.Pid, gone)
	if err == nil {
		made, err = passCalls(calls, gone, func(made int) bool { return made+1 != n })
		err = errors.Join(err, unix.Close(calls))
	}
	_ = child.Process.Kill() // fails when it is gone already
	<-gone
	return made, ended, err
}

// takeCalls gets the descriptor that the child has made, as soon as it has.
func takeCalls(pid int, gone <-chan struct{}) (int, error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0, fmt.Errorf("the child's process: %w", err)
	}
	defer unix.Close(process)
	for {
		calls, err := unix.PidfdGetfd(process, callsFile, 0)
		if !errors.Is(err, unix.EBADF) {
			return calls, err
		}
		select {
		case <-gone:
			return 0, errors.New("the child ended before it offered its system calls")
		default:
			_, _ = unix.Poll(nil, 1)
		}
	}
}

// passCalls lets calls pass as long as on says so, until the child is gone.
func passCalls(calls int, gone <-chan struct{}, on func(made int) bool) (made int, err error) {
	for {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(calls), Events: unix.POLLIN}}, 20)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return made, fmt.Errorf("wait for system calls: %w", err)
		}
		select {
		case <-gone:
			return made, nil
		default:
		}
		if ready <= 0 {
			continue
		}
		var notice callNotice
		if err := ioctl(calls, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&notice)); errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINTR) {
			continue // whoever made the call is gone
		} else if err != nil {
			return made, fmt.Errorf("receive a system call: %w", err)
		}
		if !on(made) {
			return made, nil
		}
		made++
		answer := callAnswer{id: notice.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if err := ioctl(calls, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer)); err != nil && !errors.Is(err, unix.ENOENT) {
			return made, fmt.Errorf("let a system call pass: %w", err)
		}
	}
}

func ioctl(fd int, request uint, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}

// Killed tells whether a process ended by kill -9.
func Killed(ended error) bool {
	var exit *exec.ExitError
	if !errors.As(ended, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
