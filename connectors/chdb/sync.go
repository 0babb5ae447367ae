package chdb

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// syncer makes what the engine has written survive a power cut: the engine itself syncs nothing by default.
//
// The kernel tells of an error in writing once to each open file, and after that nobody knows which data are lost. So the folder stays open from before
// the first write on, and after one error nothing counts as synced any more until the process is started anew and looks at its tables again.
type syncer struct {
	mutex  sync.Mutex // held while syncing: an error that goes to one must be known to all
	folder *os.File
	failed error
}

// begin opens the data path, before the engine writes there.
func (s *syncer) begin(path string) (err error) {
	if s.folder, err = os.Open(path); err != nil {
		return fmt.Errorf("open the engine's folder: %w", err)
	}
	return nil
}

// sync asks the kernel to write the whole file system of the data path, and waits.
func (s *syncer) sync() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.failed != nil {
		return s.failed
	}
	if err := unix.Syncfs(int(s.folder.Fd())); err != nil {
		s.failed = fmt.Errorf("sync the engine's data on %s: %w; look after the disk, then restart chute, which goes on from what is really there", s.folder.Name(), err)
	}
	return s.failed
}

func (s *syncer) close() error {
	if s.folder == nil {
		return nil
	}
	return s.folder.Close()
}

// earlySync is after how many bytes sent to the engine they are synced for the first time, while it goes on with the next ones. What is left for the sync that
// counts is little then.
const earlySync = 64 << 20

// sent counts bytes on their way to the engine, and has those that it has written by now synced meanwhile.
func (i *inserter) sent(bytes int) {
	if i.unsynced += bytes; i.unsynced < earlySync {
		return
	}
	i.unsynced = 0
	i.early.Wait()
	i.early.Go(func() { _ = i.statement.database.disk.sync() }) // an error isn't lost: the next sync has it too
}
