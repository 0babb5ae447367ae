package local

import "testing"

// TestNetwork: /proc is certainly none, and so is the folder of the test; a real network file system isn't to be had in a test.
func TestNetwork(t *testing.T) {
	for _, root := range []string{t.TempDir(), "/proc"} {
		f, err := Open(root, ".chute")
		if err != nil {
			t.Fatal(err)
		}
		if kind, network, err := f.Network(); err != nil || network {
			t.Errorf("%s is taken for %q (%v)", root, kind, err)
		}
	}
	for magic, want := range map[int64]string{0x6969: "NFS", 0xff534d42: "SMB", 0xfe534d42: "SMB", 0x65735546: "FUSE"} { // from linux/magic.h
		if networks[magic] != want {
			t.Errorf("%#x is %q, want %s", magic, networks[magic], want)
		}
	}
}
