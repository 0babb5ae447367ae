package watcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/connectors/connectortest/sshd"
	"chute/connectors/sftp"
)

// unwoken is a store that tells of no changes, as those on servers; it notes when it is looked at.
type unwoken struct {
	connectors.Folder
	note func()
}

func (u unwoken) List(ctx context.Context, dir string) ([]connectors.File, error) {
	u.note()
	return u.Folder.List(ctx, dir)
}

// TestPollVaries: where nothing tells of changes an inbox is looked at every poll, a tenth more or less, so that the looks at several stores don't stay together.
func TestPollVaries(t *testing.T) {
	simulate(t, func(x *world) {
		var looks []time.Duration
		x.job("orders", "*.csv", func(j *Job) {
			j.Config.Poll = config.Duration(10 * time.Second)
			j.Folder = &unwoken{x.store, func() { looks = append(looks, time.Since(x.start)) }}
		})
		x.run()
		x.pass(10 * time.Minute)
		x.stop()
		shortest, longest := never, moment(0)
		for i := 1; i < len(looks); i++ {
			shortest, longest = min(shortest, looks[i]-looks[i-1]), max(longest, looks[i]-looks[i-1])
		}
		if shortest < 9*time.Second || longest > 11*time.Second || longest-shortest < time.Second/2 || len(looks) < 54 {
			t.Errorf("%d looks, %v to %v apart", len(looks), shortest, longest)
		}
	})
}

// TestTenThousandFarAway: a look at a remote inbox of so many files is one listing, with no question about any of them, and the second one finds them all at rest.
func TestTenThousandFarAway(t *testing.T) {
	const files = 10_000
	d := &sshd.Disk{Root: t.TempDir()}
	must(t, os.Mkdir(filepath.Join(d.Root, "many"), 0o755))
	for i := range files {
		d.Entries = append(d.Entries, sshd.Entry{File: fmt.Sprintf("orders_%05d.csv", files-1-i), Time: time.Unix(1e9, 0)})
	}
	var asked, opened atomic.Int64
	d.Before = func(what, name string) error {
		switch what {
		case "Lstat", "Stat":
			asked.Add(1)
		case "Get":
			opened.Add(1)
		}
		return nil
	}
	s := sshd.StartStub(t, d.Serve)
	folder, err := sftp.New(sftp.Config{Host: s.Host, Port: s.Port, User: "chute", Root: "/", KnownHosts: []string{s.KnownHosts},
		PrivateKey: func() (string, error) { return s.Key, nil }})
	must(t, err)
	defer folder.Close()
	w := &Watcher{Jobs: []Job{{Config: jobConfig(t, "orders", "orders_*.csv"), Folder: folder, Handle: nobody, Resume: noRuns}}}
	w.Jobs[0].Config.Settle, w.Jobs[0].Config.Inbox = config.Duration(time.Nanosecond), "many"
	must(t, w.LookOnce(t.Context(), "acme", "many"))
	in := w.inboxOf("acme", "many")
	began := in.clock.now()
	again, err := in.list(t.Context())
	must(t, err)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.update(again, span{began, in.clock.now()})
	queued := in.takers[0].queue.waiting()
	if len(queued) != files || queued[0].file.Name != "orders_00000.csv" || queued[files-1].file.Name != "orders_09999.csv" {
		t.Errorf("%d files are queued", len(queued))
	}
	if asked.Load() > 4 || opened.Load() > 0 { // about the folder itself
		t.Errorf("the server was asked %d times about an entry, %d files were opened", asked.Load(), opened.Load())
	}
}

func nobody(context.Context, []connectors.File) []connectors.Verdict {
	panic(errors.New("nothing is to be taken"))
}
