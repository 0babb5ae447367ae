package clickhouse

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// nextDoor is the longest way there and back that counts as near: to a container or a virtual machine on this host, to a host at the same switch of a fast
// network. There it is the processors that bound a load, and a core compresses less in a second than such a line carries.
const nextDoor = 100 * time.Microsecond

// compressed decides about a line that has just been connected.
func (c *Config) compressed(line net.Conn) bool {
	switch c.Compression {
	case "always":
		return true
	case "never":
		return false
	}
	tcp, ok := line.(*net.TCPConn)
	return !ok || !near(tcp.LocalAddr(), tcp.RemoteAddr(), roundTrip(tcp))
}

// near tells whether compressing for the other side costs more than it saves. A round trip of 0 isn't known. A machine's own address is as near
// as loopback, which its traffic goes over.
func near(here, there net.Addr, roundTrip time.Duration) bool {
	from, ok1 := here.(*net.TCPAddr)
	to, ok2 := there.(*net.TCPAddr)
	if ok1 && ok2 && (to.IP.IsLoopback() || to.IP.Equal(from.IP)) {
		return true
	}
	return roundTrip > 0 && roundTrip <= nextDoor
}

// roundTrip is the quickest answer so far that the kernel knows of, in connecting at the least; 0 when it doesn't tell.
func roundTrip(line *net.TCPConn) time.Duration {
	raw, err := line.SyscallConn()
	if err != nil {
		return 0
	}
	var quickest uint32
	if err := raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			quickest = info.Min_rtt
		}
	}); err != nil || quickest == ^uint32(0) { // no answer yet
		return 0
	}
	return time.Duration(quickest) * time.Microsecond
}
