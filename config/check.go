package config

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// checker judges decoded values together: what no type could tell by itself. Its tree knows what was given and where.
type checker struct {
	tree     *node
	problems *Problems
}

// bad reports a problem with a key where it stands, or where it would.
func (c checker) bad(key, format string, args ...any) {
	c.problems.add(c.tree.at(key), key, format, args...)
}

func (c checker) has(key string) bool { return c.tree.find(key) != nil }

// required reports a key that is missing or is the empty text.
func (c checker) required(key, example string) {
	switch n := c.tree.find(key); {
	case n == nil && !c.tree.damaged:
		c.bad(key, "is missing; write for example %s", example)
	case n != nil && n.kind == text && n.text == "" && !c.broken(key):
		c.bad(key, "can't be empty; write for example %s", example)
	}
}

// atLeast reports a number that is too small. A number that couldn't be read has its default here, which is fine.
func (c checker) atLeast(key string, value, least int64) {
	if value < least {
		c.bad(key, "must be at least %d", least)
	}
}

func (c checker) atLeastSize(key string, value, least Size) {
	if value < least {
		c.bad(key, "must be at least %s", least)
	}
}

func (c checker) absolute(key, value string) {
	if value != "" && !filepath.IsAbs(value) {
		c.bad(key, "must be an absolute path, beginning with a slash")
	}
}

func (c checker) chute(chute *Chute) {
	c.database(&chute.Database)
	c.absolute("state.dir", chute.State.Dir)
	c.notEmpty("state.dir", "jobs.dir")
	c.atLeastSize("limits.memory", chute.Limits.Memory, 16<<20)
	c.atLeastSize("limits.engine_memory", chute.Limits.EngineMemory, 64<<20)
	c.atLeast("limits.parallel", int64(chute.Limits.Parallel), 1)
	c.stores(chute.Stores)
}

// broken tells whether a key was given and couldn't be understood, so that nothing should be concluded from its value.
func (c checker) broken(key string) bool {
	n := c.tree.find(key)
	if n == nil {
		return c.tree.damaged
	}
	at := n.pos
	return n.kind == broken || slices.ContainsFunc(*c.problems, func(p Problem) bool { return p.Position == at })
}

// notEmpty reports keys that are given and empty.
func (c checker) notEmpty(keys ...string) {
	for _, key := range keys {
		if n := c.tree.find(key); n != nil && n.kind == text && n.text == "" {
			c.bad(key, "can't be empty; leave the key out for its default")
		}
	}
}

// database refuses keys of the other engine: accepted in silence they would seem to work.
func (c checker) database(d *Database) {
	other, foreign := "clickhouse", []string{"address", "username", "password", "tls", "ca_file", "compression", "connections"}
	if d.Engine == "clickhouse" {
		other, foreign = "chdb", []string{"path", "library"}
		c.servers(d)
	}
	for _, key := range foreign {
		if c.has("database."+key) && !c.broken("database.engine") {
			c.bad("database."+key, `is only for engine = %q, and the engine is %q`, other, d.Engine)
		}
	}
	c.absolute("database.path", d.Path)
	c.absolute("database.library", d.Library)
	c.absolute("database.ca_file", d.CAFile)
	c.notEmpty("database.path", "database.library", "database.database", "database.staging")
}

func (c checker) servers(d *Database) {
	if !c.has("database.address") && !c.tree.damaged || c.has("database.address") && d.Address != nil && len(d.Address) == 0 {
		c.bad("database.address", `is needed for engine = "clickhouse"; write for example ["localhost:9000"]`)
	}
	for _, address := range d.Address {
		host, port, err := net.SplitHostPort(address)
		number, bad := strconv.ParseUint(port, 10, 16)
		if address != "" && (err != nil || host == "" || bad != nil || number == 0) {
			c.bad("database.address", `%q isn't "host:port"`, address)
		}
	}
	if d.Connections < 1 || d.Connections > 16 {
		c.bad("database.connections", "must be from 1 to 16")
	}
	if d.CAFile != "" && !d.TLS {
		c.bad("database.ca_file", "is only used with tls = true")
	}
}

// entryChecker is a checker for one entry of a list of tables.
type entryChecker struct {
	checker
	prefix  string
	damaged bool
}

func (e entryChecker) bad(key, format string, args ...any) {
	e.problems.add(e.tree.at(key), strings.TrimSuffix(e.prefix+"."+key, "."), format, args...)
}

func (e entryChecker) required(key, example string) {
	switch n := e.tree.get(key); {
	case n == nil && !e.damaged:
		e.bad(key, "is missing; write for example %s", example)
	case n != nil && n.kind == text && n.text == "":
		e.bad(key, "can't be empty; write for example %s", example)
	}
}
