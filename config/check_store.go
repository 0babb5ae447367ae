package config

import (
	"encoding/base64"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var storeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func (c checker) stores(stores []Store) {
	for i, store := range stores {
		tree := c.tree.get("store").items[i]
		if tree.kind != table {
			continue
		}
		key := "store[" + strconv.Itoa(i+1) + "]"
		each := entryChecker{checker{tree, c.problems}, key, c.tree.damaged}
		each.required("name", `name = "acme"`)
		if store.Name != "" && !storeName.MatchString(store.Name) {
			each.bad("name", "has letters, digits, dots, dashes and underscores, at most 100, and begins with a letter or digit")
		}
		each.place(&store)
		if err := folderProblem(store.Work); err != nil {
			each.bad("work", "%v", err)
		} else if filepath.Clean(store.Work) == "." {
			each.bad("work", "must be a folder of its own inside the store")
		}
		each.twins(stores[:i], store)
		stores[i].Path, stores[i].Work = cleanPath(store.Path), cleanPath(store.Work)
	}
}

// cleanPath cleans a path and leaves an empty one, which was reported, alone.
func cleanPath(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Clean(path)
}

// place judges where a store is.
func (e entryChecker) place(store *Store) {
	switch {
	case e.has("path") && e.has("sftp"):
		e.bad("sftp", "only one of path and sftp can be given")
	case e.has("sftp"):
		e.server(store)
	default:
		e.required("path", `path = "/srv/chute/acme", or sftp = "sftp://chute@sftp.example.com/"`)
		if store.Path != "" && !filepath.IsAbs(store.Path) {
			e.bad("path", "must be an absolute path, beginning with a slash")
		}
		for _, key := range []string{"known_hosts", "host_key", "private_key", "passphrase", "certificate", "agent", "password", "connect_timeout", "timeout"} {
			if e.has(key) {
				e.bad(key, "is only for stores on a server, which have sftp instead of path")
			}
		}
	}
}

// server judges how a store's server proves itself and how we log in.
func (e entryChecker) server(store *Store) {
	switch hosts, key := e.has("known_hosts"), e.has("host_key"); {
	case hosts && key:
		e.bad("host_key", "only one of known_hosts and host_key can be given")
	case !hosts && !key && !e.damaged:
		e.bad("known_hosts", `is missing; write for example known_hosts = "/etc/chute/known_hosts", or host_key = ["SHA256:…"] with what ssh-keygen -l prints: `+
			"there is no way to trust any server")
	}
	if e.has("host_key") && len(store.HostKey) == 0 && !e.broken("host_key") {
		e.bad("host_key", "needs at least one fingerprint")
	}
	for _, fingerprint := range store.HostKey {
		if fingerprint != "" && !isFingerprint(fingerprint) {
			e.bad("host_key", `%q isn't a fingerprint: write what ssh-keygen -l prints, "SHA256:" and 43 characters behind it`, fingerprint)
		}
	}
	if !e.has("private_key") && !e.has("agent") && !e.has("password") && !e.damaged {
		e.bad("private_key", `is missing; write for example private_key = { credential = "acme-key" }, or agent or password`)
	}
	for _, key := range []string{"passphrase", "certificate"} {
		if e.has(key) && !e.has("private_key") {
			e.bad(key, "is only used with private_key")
		}
	}
	for key, value := range map[string]string{"known_hosts": store.KnownHosts, "certificate": store.Certificate, "agent": store.Agent} {
		if e.has(key) && value == "" && !e.broken(key) {
			e.bad(key, "can't be empty; leave the key out")
		}
		if value != "" && !filepath.IsAbs(value) {
			e.bad(key, "must be an absolute path, beginning with a slash")
		}
	}
	for key, value := range map[string]Duration{"connect_timeout": store.ConnectTimeout, "timeout": store.Timeout} {
		if value <= 0 && !e.broken(key) {
			e.bad(key, "must be more than nothing")
		}
	}
}

// isFingerprint tells whether a text can be the SHA-256 fingerprint of a key.
func isFingerprint(text string) bool {
	digits, ok := strings.CutPrefix(text, "SHA256:")
	sum, err := base64.RawStdEncoding.DecodeString(digits)
	return ok && err == nil && len(sum) == 32
}

// twins compares a store with those before it. Stores inside each other would claim each other's files.
func (e entryChecker) twins(before []Store, store Store) {
	if i := slices.IndexFunc(before, func(s Store) bool { return s.Name == store.Name && s.Name != "" }); i >= 0 {
		e.bad("name", "another store has this name already, in line %d", before[i].Pos.Line)
	}
	for _, other := range before {
		switch {
		case filepath.IsAbs(store.Path) && filepath.IsAbs(other.Path):
			if overlapping(split(filepath.Clean(store.Path)), split(other.Path)) {
				e.bad("path", "is the same as, inside of, or around the path of store %q (%s): their folders would be in each other", other.Name, other.Path)
			}
		case store.Remote() && other.Remote() && sameLogin(store.SFTP, other.SFTP):
			if overlapping(split(store.SFTP.Root), split(other.SFTP.Root)) {
				e.bad("sftp", "is the same as, inside of, or around the folder of store %q (%s): their folders would be in each other", other.Name, other.SFTP)
			}
		}
	}
}

// sameLogin tells whether the folders of two stores can be compared: they are on one server, which shows them to the same user, and both are
// given from its root or both from the login's folder.
func sameLogin(a, b SFTP) bool {
	return a.User == b.User && strings.EqualFold(a.Host, b.Host) && a.Port == b.Port && path.IsAbs(a.Root) == path.IsAbs(b.Root)
}
