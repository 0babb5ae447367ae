package watcher

import (
	"context"

	"chute/connectors"
)

// notice is what a Waker's hints need: they may not be had yet, or not any more.
type notice struct {
	inbox *inbox
	again func()
	tried moment
	told  bool // that there are none
}

// refresh sees to it that changes of the folder wake the inbox, where the store can do that.
func (n *notice) refresh(ctx context.Context) {
	waker, ok := n.inbox.folder.(connectors.Waker)
	now := n.inbox.clock.now()
	switch {
	case !ok:
	case n.again != nil:
		n.again()
	case n.told && now-n.tried < n.inbox.every():
	default:
		again, err := waker.Wake(ctx, []string{n.inbox.dir}, n.inbox.Look)
		n.again, n.tried = again, now
		if err != nil {
			n.again = nil
			if !n.told {
				n.inbox.log.Warn().Err(err).Dur("rescan", n.inbox.every()).Msg("changes aren't noticed at once: the inbox is looked at every rescan")
			}
			n.told = true
		}
	}
}
