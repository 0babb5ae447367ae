package systemd

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// OnlyRoot follows the links of a path, and tells why somebody else than root could put another file there: an owner, or a mode, of the file or of a folder
// above it.
func OnlyRoot(name string) (real string, err error) {
	real, err = filepath.EvalSymlinks(name)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return "", err
	}
	return real, onlyRoot(real, os.Lstat)
}

func onlyRoot(real string, look func(string) (fs.FileInfo, error)) error {
	for at := real; ; at = filepath.Dir(at) {
		info, err := look(at)
		if err != nil {
			return err
		}
		switch st, ok := info.Sys().(*syscall.Stat_t); {
		case !ok || st.Uid != 0:
			return fmt.Errorf("%s doesn't belong to root", at)
		case info.Mode().Perm()&0o022 != 0:
			return fmt.Errorf("others than root may write to %s (mode %04o)", at, info.Mode().Perm())
		}
		if at == "/" {
			return nil
		}
	}
}
