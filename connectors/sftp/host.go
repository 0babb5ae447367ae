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
	Reason   string   // why a certificate isn't accepted; empty for keys
}

func (e *HostKeyError) Error() string {
	switch {
	case e.Revoked:
		return fmt.Sprintf("SFTP server %s shows a REVOKED HOST KEY, %s, by %s: nothing is sent to it", e.Address, e.Offered, e.Source)
	case len(e.Expected) == 0:
		return fmt.Sprintf("SFTP server %s isn't known: %s has no key for it. Get its key's fingerprint from whoever runs it, compare it with "+
			"what ssh-keyscan prints, and add that line there", e.Address, e.Source)
	case e.Reason != "":
		return fmt.Sprintf("SFTP server %s shows A HOST CERTIFICATE THAT ISN'T ACCEPTED, %s: %s. Expected is %s, by %s. %s",
			e.Address, e.Offered, e.Reason, strings.Join(e.Expected, " or "), e.Source, hostKeyAdvice)
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
		return nil, trouble("read known_hosts", err, "let chute's user read it, or correct known_hosts")
	}
	if err != nil {
		return nil, fmt.Errorf("known_hosts can't be used: %w", err)
	}
	check := hostCheck{source: strings.Join(c.KnownHosts, ", ")}
	check.verify = func(key ssh.PublicKey, remote net.Addr) error {
		return check.judge(address, key, db.HostKeyCallback()(address, remote, key))
	}
	certified := false
	for _, key := range db.HostKeys(address) {
		word := describeKey(key.PublicKey)
		if certified = certified || key.Cert; key.Cert {
			word = "a certificate by " + word
		}
		check.expected = append(check.expected, word)
	}
	// Go offers its own order of kinds and takes the first that the server has: another kind than the recorded one would look like a changed key. Of certificates
	// any kind will do: an authority signs keys of other kinds than its own. They are asked for first and by themselves, so that a key that is known by itself
	// is good beside one.
	supported, checks := ssh.SupportedAlgorithms().HostKeys, []hostCheck(nil)
	if check.algorithms = pick(supported, isCertificate); certified && len(check.algorithms) > 0 {
		checks = append(checks, check)
	}
	known := db.HostKeyAlgorithms(address)
	check.algorithms = pick(known, func(a string) bool { return slices.Contains(supported, a) && !isCertificate(a) })
	if len(check.algorithms) > 0 {
		checks = append(checks, check)
	}
	if len(checks) == 0 {
		return nil, &HostKeyError{Address: address, Expected: check.expected, Source: check.source}
	}
	return checks, nil
}

// pick are those that are wanted.
func pick(all []string, wanted func(string) bool) (some []string) {
	for _, one := range all {
		if wanted(one) {
			some = append(some, one)
		}
	}
	return some
}

func isCertificate(algorithm string) bool { return strings.Contains(algorithm, "-cert-v01@") }

// judge makes of what known_hosts says of a key the error for people.
func (check *hostCheck) judge(address string, key ssh.PublicKey, err error) error {
	if err == nil {
		return nil
	}
	wrong := &HostKeyError{Address: address, Offered: describeKey(key), Expected: check.expected, Source: check.source}
	certificate, certified := key.(*ssh.Certificate)
	switch {
	case errors.As(err, new(*xknownhosts.RevokedError)):
		wrong.Revoked, wrong.Expected = true, nil
	case certified && !slices.Contains(check.expected, "a certificate by "+describeKey(certificate.SignatureKey)):
		wrong.Reason = "no authority that is trusted for this server has signed it"
	case certified:
		wrong.Reason = strings.TrimPrefix(err.Error(), "ssh: ")
	case knownhosts.IsHostKeyChanged(err), knownhosts.IsHostUnknown(err):
	default:
		return fmt.Errorf("host key of %s: %w", address, err)
	}
	return wrong
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

func describeKey(key ssh.PublicKey) string {
	if c, ok := key.(*ssh.Certificate); ok {
		return fmt.Sprintf("%s %s for %q, signed by %s", c.Key.Type(), ssh.FingerprintSHA256(c.Key), c.ValidPrincipals, describeKey(c.SignatureKey))
	}
	return key.Type() + " " + ssh.FingerprintSHA256(key)
}
