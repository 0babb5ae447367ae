package pipeline

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// DatabaseMark tells a database from others. There is nothing secret in it.
type DatabaseMark struct {
	Host     string   `json:"host"`               // the machine that chute ran on
	Path     string   `json:"path,omitempty"`     // the embedded engine's folder on it; "": servers
	Address  []string `json:"address,omitempty"`  // of servers, "host:port"
	Database string   `json:"database,omitempty"` // has the tables that are named without one
}

func (m *DatabaseMark) String() string {
	if m.Path != "" {
		return fmt.Sprintf("the embedded engine's in %q on machine %q", m.Path, m.Host)
	}
	return fmt.Sprintf("%q at %q, as machine %q calls it", m.Database, strings.Join(m.Address, " "), m.Host)
}

// same tells whether two marks are of one database as far as can be seen.
func (m *DatabaseMark) same(n *DatabaseMark) bool { return common(m.keys(), n.keys()) }

// keys are what a database is known by: one in common makes two marks of one database. Servers that have an address in common are of one cluster; an address of
// the machine itself is another one elsewhere.
func (m *DatabaseMark) keys() (keys [][]string) {
	if m.Path != "" {
		return [][]string{{"path", m.Host, m.Path}}
	}
	for _, address := range m.Address {
		host := ""
		if ownAddress(address) {
			host = m.Host
		}
		keys = append(keys, []string{"address", host, m.Database, address})
	}
	return keys
}

func common(one, two [][]string) bool {
	return slices.ContainsFunc(one, func(key []string) bool {
		return slices.ContainsFunc(two, func(other []string) bool { return slices.Equal(key, other) })
	})
}

// hashes are those of the keys, for a claim of a ledger.
func (m *DatabaseMark) hashes(of string) (hashes []string) {
	if m == nil {
		return nil
	}
	for _, key := range m.keys() {
		hashes = append(hashes, hashed(append([]string{of}, key...)...))
	}
	return hashes
}

// ownAddress tells whether an address leads back to the machine that uses it.
func ownAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// sameDatabase makes sure that the tables at hand are those that another chute's files were loaded into: in others their rows would be missed, and files that are
// loaded would go back to their inbox.
func (o *Orphans) sameDatabase(c *claim) error {
	here := o.Base.DatabaseAt
	if o.SameDatabase || here == nil || o.Ledger == o.Base.Ledger.ID() {
		return nil
	}
	if own := here.hashes(c.Ledger); len(c.Databases) > 0 && !slices.ContainsFunc(own, func(hash string) bool { return slices.Contains(c.Databases, hash) }) {
		return fmt.Errorf("its chute loaded into another database than the one here, which is %s. Adopt it with a chute that has that database, or, if both are one, with --same-database", here)
	}
	if c.Database == nil || c.Database.same(here) {
		return nil
	}
	return fmt.Errorf("its chute loaded into another database than the one here: into %s; here is %s. Adopt it with a chute that has that database, or, if both are one, with --same-database",
		c.Database, here)
}
