package connectortest

import "golang.org/x/sys/unix"

// NameCalls are the system calls that give or take names.
var NameCalls = []uint32{
	unix.SYS_RENAME, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINK, unix.SYS_LINKAT, unix.SYS_SYMLINK, unix.SYS_SYMLINKAT,
	unix.SYS_MKDIR, unix.SYS_MKDIRAT, unix.SYS_UNLINK, unix.SYS_UNLINKAT, unix.SYS_RMDIR,
}

// WriteCalls are those that change what is in a file, or make one.
var WriteCalls = []uint32{unix.SYS_OPEN, unix.SYS_OPENAT, unix.SYS_CREAT, unix.SYS_WRITE, unix.SYS_WRITEV, unix.SYS_PWRITE64, unix.SYS_FTRUNCATE}

// openFlags tells which argument of those that open files has the flags.
var openFlags = map[uint32]uint32{unix.SYS_OPEN: 1, unix.SYS_OPENAT: 2}

const auditArch = unix.AUDIT_ARCH_X86_64
