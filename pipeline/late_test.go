package pipeline

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
)

// TestLateStatement holds back the statement that publishes, on its way to the server, until the run was tried again, has published, and counted its rows:
// what a process sent before it died may be read as late as that, when its server or the network was slow. By then the stage has another name.
func TestLateStatement(t *testing.T) {
	for _, engine := range []string{"clickhouse", "wire"} {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			road := newSlowRoad(t, w.Address[0], "ATTACH PARTITION", "chute_stage_")
			w.Address = []string{road.address()}
			w.job(orders)
			dropFour(w)
			w.open()
			wantLater(t, w.importAll())
			w.im.Fault = func(effect string, before bool) error {
				if effect == "published" && before {
					return road.release()
				}
				return nil
			}
			w.resumeAll()
			if answer := road.answer(); !bytes.Contains(answer, []byte("chute_stage_")) {
				t.Errorf("the server answered the late statement with %q, and not that there is no such table", answer)
			}
			w.im.Fault = nil
			w.goOn()
			wantFour(w)
		})
	}
}

// TestFreshStage has a run that publishes killed again and again while its stage gets another name: each try has a name of its own, and none is forgotten.
func TestFreshStage(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.job(orders)
	dropFour(w)
	w.killedChild("publishing", false)
	for _, effect := range []string{"-fresh stage", "fresh stage", "published"} {
		w.killedChild(effect, true)
	}
	w.open()
	stages := w.rows("SELECT name FROM system.tables WHERE name LIKE 'chute_stage_" + w.im.Ledger.ID() + "%'")
	if len(stages) != 1 || !strings.HasSuffix(stages[0], "_4") {
		t.Errorf("stages %q, want one under its fourth name", stages)
	}
	w.resumeAll()
	wantFour(w)
}

// slowRoad lies between chute and a server. What has certain words in it on its way there stays on it; the sender is told that the line is broken.
type slowRoad struct {
	listener net.Listener
	held     chan []byte
	arrived  chan []byte
	server   net.Conn // of the held one

	mu    sync.Mutex
	words []string // none once something is held
	last  []byte
}

func newSlowRoad(t *testing.T, server string, words ...string) *slowRoad {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &slowRoad{listener: listener, words: words, held: make(chan []byte, 1), arrived: make(chan []byte, 1)}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go r.travel(client, server)
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.server != nil {
			r.server.Close()
		}
	})
	return r
}

func (r *slowRoad) address() string { return r.listener.Addr().String() }

// travel carries bytes in both directions until either side ends.
func (r *slowRoad) travel(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	go func() {
		defer client.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			if r.isHeld(server) {
				r.arrived <- bytes.Clone(buffer[:n])
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			server.Close()
			return
		}
		if r.hold(server, buffer[:n]) {
			return // the server sees nothing of the end
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// hold keeps what has the words in it, once.
func (r *slowRoad) hold(server net.Conn, sent []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.words) == 0 {
		return false
	}
	for _, word := range r.words {
		if !bytes.Contains(sent, []byte(word)) {
			return false
		}
	}
	r.words, r.server = nil, server
	r.held <- bytes.Clone(sent)
	return true
}

func (r *slowRoad) isHeld(server net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.server == server
}

// release lets the held bytes go on and waits for the server's answer.
func (r *slowRoad) release() error {
	select {
	case sent := <-r.held:
		if _, err := r.server.Write(sent); err != nil {
			return err
		}
		r.last = <-r.arrived
		return nil
	default:
		return errors.New("nothing was held")
	}
}

func (r *slowRoad) answer() []byte { return r.last }
