package connectortest

import (
	"math/rand/v2"
	"slices"
)

// Crash is a power cut: m and all that was opened from it answer ErrGone from now on, and the folder that it returns has what the disk
// has when the power is back. Where that may be one thing or another, r decides.
func (m *Memory) Crash(r *rand.Rand) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	c := &crash{rand: r, copies: make(map[*node]*node)}
	c.collect(m.root, make(map[*node]bool))
	for i := range c.names {
		c.names[i].left = c.names[i].could[r.IntN(len(c.names[i].could))]
	}
	c.restoreLost()
	c.oneNameForFolders()
	after := &Memory{Work: m.Work, Room: m.Room, serial: m.serial, abuses: m.abuses}
	after.root = c.copy(m.root)
	return after
}

// crash decides for every name of every folder what it stands for afterwards.
type crash struct {
	rand   *rand.Rand
	names  []crashedName // in an order that depends on the tree only
	copies map[*node]*node
}

type crashedName struct {
	dir   *node
	name  string
	could []*node // what it may stand for: first the durable, last the newest
	left  *node   // what it does
}

// collect finds all names, in folders that have a name or had one.
func (c *crash) collect(dir *node, seen map[*node]bool) {
	if dir == nil || !dir.mode.IsDir() || seen[dir] {
		return
	}
	seen[dir] = true
	could := make(map[string][]*node)
	for name, n := range dir.names {
		could[name] = []*node{n}
	}
	for name, nodes := range dir.past {
		could[name] = nodes
	}
	for _, name := range sorted(could) {
		c.names = append(c.names, crashedName{dir: dir, name: name, could: could[name]})
		for _, n := range could[name] {
			c.collect(n, seen)
		}
	}
}

// restoreLost mends what can't be: something that was only renamed is left without a name though it has a durable one. It gets that one
// back, for a rename isn't half done. If the old name stands for something else by now, all changes are done whole, which is always possible.
func (c *crash) restoreLost() {
	left := make(map[*node]bool)
	for i := range c.names {
		left[c.names[i].left] = true
	}
	whole := false
	for i := range c.names {
		n := c.names[i].could[0]
		switch {
		case n == nil || n.removed || left[n]:
		case c.names[i].left == nil:
			c.names[i].left = n
		default:
			whole = true
		}
	}
	for i := range c.names {
		if could := c.names[i].could; whole {
			c.names[i].left = could[len(could)-1]
		}
	}
}

// oneNameForFolders leaves each folder one of its names, by lot: folders have no second ones.
func (c *crash) oneNameForFolders() {
	named := make(map[*node][]int)
	var order []*node
	for i := range c.names {
		if n := c.names[i].left; n != nil && n.mode.IsDir() {
			if named[n] == nil {
				order = append(order, n)
			}
			named[n] = append(named[n], i)
		}
	}
	for _, n := range order {
		at := named[n]
		keep := at[c.rand.IntN(len(at))]
		for _, i := range at {
			if i != keep {
				c.names[i].left = nil
			}
		}
	}
}

// copy makes the node that is there afterwards; all of it is durable.
func (c *crash) copy(n *node) *node {
	if done := c.copies[n]; done != nil {
		return done
	}
	after := &node{serial: n.serial, mode: n.mode, changed: n.changed, data: slices.Clone(n.data), synced: true}
	c.copies[n] = after
	if !n.synced && n.mode.IsRegular() {
		after.data = after.data[:c.rand.IntN(len(after.data)+1)]
	}
	if !n.mode.IsDir() {
		return after
	}
	after.names, after.past = make(map[string]*node), make(map[string][]*node)
	for _, name := range c.names {
		if name.dir == n && name.left != nil {
			after.names[name.name] = c.copy(name.left)
			after.names[name.name].links++
		}
	}
	return after
}
