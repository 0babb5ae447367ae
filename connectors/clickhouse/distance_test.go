package clickhouse

import (
	"net"
	"testing"
	"time"
)

func TestNear(t *testing.T) {
	at := func(ip string) *net.TCPAddr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 9000} }
	for name, c := range map[string]struct {
		here, there net.Addr
		roundTrip   time.Duration
		want        bool
	}{
		"loopback, on a busy machine": {at("127.0.0.1"), at("127.0.0.1"), time.Second, true},
		"loopback of version 6":       {at("::1"), at("::1"), 0, true},
		"own address":                 {at("192.0.2.7"), at("192.0.2.7"), time.Millisecond, true},
		"container":                   {at("172.17.0.1"), at("172.17.0.2"), 40 * time.Microsecond, true},
		"same building":               {at("192.0.2.7"), at("192.0.2.8"), 300 * time.Microsecond, false},
		"far away":                    {at("192.0.2.7"), at("198.51.100.1"), 30 * time.Millisecond, false},
		"not known":                   {at("192.0.2.7"), at("198.51.100.1"), 0, false},
		"no TCP":                      {&net.UnixAddr{}, &net.UnixAddr{}, 0, false},
	} {
		if got := near(c.here, c.there, c.roundTrip); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestRoundTrip: the kernel has measured the way by the time a line is connected.
func TestRoundTrip(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	line, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	if got := roundTrip(line.(*net.TCPConn)); got <= 0 || got > time.Minute {
		t.Errorf("%v", got)
	}
	for compression, want := range map[string]bool{"": false, "auto": false, "always": true, "never": false} {
		if got := (&Config{Compression: compression}).compressed(line); got != want {
			t.Errorf("%q over loopback: %v", compression, got)
		}
	}
}
