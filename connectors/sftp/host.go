package sftp

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// HostKeyError says that the server didn't prove to be the one that is meant. Nothing was sent to it, not even the user's name.
type HostKeyError struct {
	Address  string
	Offered  string   // the key that the server showed: its kind and fingerprint; empty when it has none of the kinds wanted
	Expected []string // the keys that it should have, likewise; empty when none is known
	Source   string   // where those are from
	Revoked  bool     // the key is marked as revoked
}

func (e *HostKeyError) Error() string {
	switch {
	case e.Revoked:
		return fmt.Sprintf("SFTP server %s shows a REVOKED HOST KEY, %s, by %s: nothing is sent to it", e.Address, e.Offered, e.Source)
	case len(e.Expected) == 0:
		return fmt.Sprintf("SFTP server %s isn't known: %s has no key for it. Get its key's fingerprint from whoever runs it, compare it with "+
			"what ssh-keyscan prints, and add that line there", e.Address, e.Source)
	case e.Offered == "":
		return fmt.Sprintf("SFTP server %s HAS NONE OF THE HOST KEYS THAT ARE EXPECTED: %s, by %s. %s", e.Address, strings.Join(e.Expected, " or "), e.Source, hostKeyAdvice)
	}
	return fmt.Sprintf("SFTP server %s HAS ANOTHER HOST KEY THAN EXPECTED: it shows %s, expected is %s, by %s. %s",
		e.Address, e.Offered, strings.Join(e.Expected, " or "), e.Source, hostKeyAdvice)
}

const hostKeyAdvice = "Either it was set up anew or somebody is in between: nothing is sent to it, and no other key is accepted. " +
	"Ask whoever runs it, and write down its new key only when they confirm it"

// hostCheck is one login's way to know the server.
type hostCheck struct {
	algorithms []string // to be asked for; nil: any
	verify     func(key ssh.PublicKey, remote net.Addr) error
	expected   []string
	source     string
}

// hostChecks are the logins to be tried, mostly one. A fingerprint doesn't say which kind of key it is of, and the server shows one key at a
// time: each kind is asked for, until it is the pinned one.
func (c *Config) hostChecks(address string) ([]hostCheck, error) {
	if len(c.Fingerprints) > 0 {
		return c.pinned(address), nil
	}
	db, err := knownhosts.NewDB(c.KnownHosts...)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("read known_hosts: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("known_hosts can't be used: %w", err)
	}
	check := hostCheck{source: strings.Join(c.KnownHosts, ", ")}
	// Go offers its own order of kinds and takes the first that the server has: another kind than the recorded one would look like a changed key.
	supported := ssh.SupportedAlgorithms().HostKeys
	for _, algorithm := range db.HostKeyAlgorithms(address) {
		if slices.Contains(supported, algorithm) {
			check.algorithms = append(check.algorithms, algorithm)
		}
	}
	for _, key := range db.HostKeys(address) {
		check.expected = append(check.expected, describeKey(key))
	}
	if len(check.algorithms) == 0 {
		return nil, &HostKeyError{Address: address, Expected: check.expected, Source: check.source}
	}
	check.verify = func(key ssh.PublicKey, remote net.Addr) error {
		err := db.HostKeyCallback()(address, remote, key)
		var revoked *xknownhosts.RevokedError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &revoked):
			return &HostKeyError{Address: address, Offered: describeKey(key), Source: check.source, Revoked: true}
		case knownhosts.IsHostKeyChanged(err), knownhosts.IsHostUnknown(err):
			return &HostKeyError{Address: address, Offered: describeKey(key), Expected: check.expected, Source: check.source}
		}
		return fmt.Errorf("host key of %s: %w", address, err)
	}
	return []hostCheck{check}, nil
}

// kinds are the kinds of host keys, each with its algorithms, best first.
var kinds = [][]string{
	{ssh.KeyAlgoED25519},
	{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
	{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
}

func (c *Config) pinned(address string) []hostCheck {
	var checks []hostCheck
	for _, algorithms := range kinds {
		check := hostCheck{algorithms: algorithms, expected: c.Fingerprints, source: "fingerprint"}
		check.verify = func(key ssh.PublicKey, _ net.Addr) error {
			if slices.Contains(c.Fingerprints, ssh.FingerprintSHA256(key)) {
				return nil
			}
			return &HostKeyError{Address: address, Offered: describeKey(key), Expected: check.expected, Source: check.source}
		}
		checks = append(checks, check)
	}
	return checks
}

func describeKey(key ssh.PublicKey) string { return key.Type() + " " + ssh.FingerprintSHA256(key) }
