package sftp

import (
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"
)

func (c *Config) readCertificate() (*ssh.Certificate, error) {
	text, err := os.ReadFile(c.Certificate)
	if err != nil {
		return nil, trouble("read the certificate", err, "let chute's user read it, or correct certificate")
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil, fmt.Errorf("the certificate in %s can't be read: %w", c.Certificate, err)
	}
	certificate, ok := key.(*ssh.Certificate)
	if !ok {
		return nil, fmt.Errorf("%s holds a public key, not a certificate: it should be what ssh-keygen -s made", c.Certificate)
	}
	return certificate, nil
}

// wrongCertificate tells why a server may refuse the certificate, as far as that stands in it; "" for no reason. Servers don't say why, and may know principals by
// which others than those named are let in: it is only asked when the login was refused.
func (c *Config) wrongCertificate(now time.Time) string {
	if c.Certificate == "" {
		return ""
	}
	certificate, err := c.readCertificate()
	if err != nil {
		return "" // the login said so
	}
	begin, end, at := certificate.ValidAfter, certificate.ValidBefore, uint64(now.Unix())
	wrong := ""
	switch {
	case certificate.CertType != ssh.UserCert:
		wrong = "is one for servers, not for users"
	case end <= math.MaxInt64 && at >= end:
		wrong = fmt.Sprintf("was valid until %s: have a new one made", time.Unix(int64(end), 0).UTC().Format(time.RFC3339))
	case begin <= math.MaxInt64 && at < begin:
		wrong = fmt.Sprintf("is valid from %s on", time.Unix(int64(begin), 0).UTC().Format(time.RFC3339))
	case len(certificate.ValidPrincipals) == 0:
		wrong = "names no principal: have one made for the user, with ssh-keygen -n"
	case !slices.Contains(certificate.ValidPrincipals, c.User):
		wrong = fmt.Sprintf("is for %q: correct the user, or have one made for it", certificate.ValidPrincipals)
	default:
		return ""
	}
	return "the certificate in " + c.Certificate + " " + wrong
}
