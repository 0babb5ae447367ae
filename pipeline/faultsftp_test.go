package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"chute/connectors/connectortest/sshd"
	"chute/connectors/sftp"
)

// sshServer is Debian's sshd, one for all tests of the package that ask for it.
var sshServer struct {
	sync.Mutex
	*sshd.Server
}

func startSSHD(t testing.TB) *sshd.Server {
	t.Helper()
	sshServer.Lock()
	defer sshServer.Unlock()
	if sshServer.Server == nil {
		dir, err := os.MkdirTemp("", "chute-sshd-")
		if err != nil {
			t.Fatal(err)
		}
		if sshServer.Server, err = sshd.Launch(dir); err != nil {
			os.RemoveAll(dir)
			t.Fatal(err)
		}
	}
	return sshServer.Server
}

func stopSSHD() {
	if s := sshServer.Server; s != nil {
		s.Kill()
		os.RemoveAll(s.Dir)
	}
}

// SFTP is how a child reaches the store: through a real sshd.
type SFTP struct {
	Port                  int
	User, Key, KnownHosts string
}

// overSFTP has the world's store reached through sshd.
func (w *world) overSFTP() {
	w.t.Helper()
	s := startSSHD(w.t)
	w.SFTP = &SFTP{Port: s.Port, User: s.User, Key: s.Key, KnownHosts: s.KnownHosts}
}

func (s *SFTP) open(root, work string) (*sftp.Folder, error) {
	return sftp.New(sftp.Config{Host: "127.0.0.1", Port: s.Port, User: s.User, Root: root, Work: work, KnownHosts: []string{s.KnownHosts},
		PrivateKey: func() (string, error) { return s.Key, nil }})
}

// atStore are the steps that do something in the store: true; or that write down what was done there, or is about to be: on SFTP stores it is them
// that may go another way.
var atStore = map[string]bool{
	"claiming": false, "rename": true, "give back": true, "sync back": true, "claim.json": true, "sync claim": true, "claimed": false, "fetch": true,
	"staging": false, "sidecars": true, "sync stage": false, "publishing": false, "published": false, "drop": false, "move": true, "new name": false,
	"move file": true, "take left": true, "delete": true, "put away": true, "other left": false, "put back": true, "sync folders": true, "settled": false,
}

// sftpCells are the cells on SFTP stores: each of their steps with each fault, on both engines, single files and batches, for one kind of table. The
// selection has each step that does something in the store once, on the server, and takes turns with the rest.
func sftpCells(whole, short bool) (cells []faultCell) {
	turn := 0
	for _, step := range faultSteps {
		touches, listed := atStore[step.effect]
		if !listed || !whole && !touches {
			continue
		}
		turn++
		for f, fault := range faults {
			for _, engine := range []string{"chdb", "clickhouse"} {
				for b, batch := range []bool{false, true} {
					mine := f == turn%4 && engine == "clickhouse" && b == turn/4%2
					if whole || mine && (!short || turn == 5) {
						cells = append(cells, faultCell{engine: engine, step: step, target: faultTargets[0], fault: fault, batch: batch, sftp: true})
					}
				}
			}
		}
	}
	return cells
}

// TestFaultTableSFTP is TestFaultTable with the store behind a real sshd.
func TestFaultTableSFTP(t *testing.T) {
	cells := sftpCells(*wholeTable, testing.Short())
	for _, c := range cells {
		t.Run(c.name(), func(t *testing.T) { (&faultWorld{newWorld(t, c.engine), c}).play() })
	}
	t.Logf("%d cells", len(cells))
}

// TestFaultSFTP: the selection of cells on SFTP stores has each step that does something there, each fault, and single files as well as batches.
func TestFaultSFTP(t *testing.T) {
	steps, often := map[string]bool{}, map[string]int{}
	for _, c := range sftpCells(false, false) {
		steps[c.step.effect] = true
		often[c.fault.name]++
		often[fmt.Sprint(c.batch)]++
	}
	for step, touches := range atStore {
		if steps[step] != touches {
			t.Errorf("the step %q is in the selection: %t", step, steps[step])
		}
	}
	if len(often) != len(faults)+2 {
		t.Errorf("each fault, and single files and batches, so often: %v", often)
	}
}

// wantStoreClean checks that nothing of the connector's own is left in the work folder.
func (w *faultWorld) wantStoreClean() {
	w.t.Helper()
	left, err := filepath.Glob(filepath.Join(w.Dir, "store/.chute/*"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range left {
		if strings.HasPrefix(filepath.Base(name), "probe-") {
			w.t.Errorf("left in the work folder: %s", name)
		}
	}
}
