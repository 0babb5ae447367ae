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

// same tells whether two marks are of one database as far as can be seen. Servers that have an address in common are of one cluster; an address of
// the machine itself is another one elsewhere.
func (m *DatabaseMark) same(n *DatabaseMark) bool {
	if m.Path != "" || n.Path != "" {
		return m.Path == n.Path && m.Host == n.Host
	}
	return m.Database == n.Database && slices.ContainsFunc(m.Address, func(address string) bool {
		return slices.Contains(n.Address, address) && (m.Host == n.Host || !ownAddress(address))
	})
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
	if o.SameDatabase || c.Database == nil || here == nil || o.Ledger == o.Base.Ledger.ID() || c.Database.same(here) {
		return nil
	}
	return fmt.Errorf("its chute loaded into another database than the one here: into %s; here is %s. Adopt it with a chute that has that database, or, if both are one, with --same-database",
		c.Database, here)
}
