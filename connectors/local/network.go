package local

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// networks are the file systems (statfs(2), f_type) whose files somebody else's machine may be writing: no lease and no notice tells of it.
var networks = map[int64]string{
	unix.NFS_SUPER_MAGIC:  "NFS",
	unix.SMB_SUPER_MAGIC:  "SMB",
	unix.SMB2_SUPER_MAGIC: "SMB",
	unix.CIFS_SUPER_MAGIC: "SMB",
	unix.V9FS_MAGIC:       "9P",
	unix.CEPH_SUPER_MAGIC: "Ceph",
	unix.AFS_SUPER_MAGIC:  "AFS",
	unix.FUSE_SUPER_MAGIC: "FUSE",
}

// Network tells whether the store lies on a network file system, and on which kind.
func (f *Folder) Network() (kind string, network bool, err error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Statfs(f.Root, &st) }); err != nil {
		return "", false, fmt.Errorf("ask for the file system of %q: %w", f.Root, err)
	}
	kind, network = networks[int64(uint32(st.Type))]
	return kind, network, nil
}
