package connectortest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// serverConfig leaves HTTP and the port between servers off, and keeps the caches small: a test's server is one of several.
// "trace" isn't logged: it is most of the server's work on small statements.
const serverConfig = `<?xml version="1.0"?>
<yandex>
  <logger><level>warning</level><log>%[1]s/server.log</log><errorlog>%[1]s/server.err.log</errorlog></logger>
  <listen_host>127.0.0.1</listen_host>
  <tcp_port>%[2]s</tcp_port>
  <tcp_port_secure>%[3]s</tcp_port_secure>
  <openSSL><server>
    <certificateFile>%[1]s/server.crt</certificateFile>
    <privateKeyFile>%[1]s/server.key</privateKeyFile>
    <verificationMode>none</verificationMode>
    <loadDefaultCAFile>false</loadDefaultCAFile>
    <disableProtocols>sslv2,sslv3</disableProtocols>
  </server></openSSL>
  <path>%[1]s/data/</path>
  <tmp_path>%[1]s/tmp/</tmp_path>
  <user_files_path>%[1]s/user_files/</user_files_path>
  <users_config>%[1]s/users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <timezone>UTC</timezone>
  <mark_cache_size>67108864</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <max_concurrent_queries>100</max_concurrent_queries>
</yandex>
`

// poll_interval is how long a server that is told to stop waits for idle connections; 10 s would be its default.
const serverUsers = `<?xml version="1.0"?>
<yandex>
  <profiles><default><poll_interval>1</poll_interval></default><reader><readonly>1</readonly></reader><noddl><allow_ddl>0</allow_ddl></noddl></profiles>
  <quotas><default><interval><duration>3600</duration><queries>0</queries><errors>0</errors><result_rows>0</result_rows><read_rows>0</read_rows><execution_time>0</execution_time></interval></default></quotas>
  <users>
    <default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
    <chute><password_sha256_hex>%s</password_sha256_hex><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></chute>
    <reader><password></password><networks><ip>127.0.0.1</ip></networks><profile>reader</profile><quota>default</quota></reader>
    <noddl><password></password><networks><ip>127.0.0.1</ip></networks><profile>noddl</profile><quota>default</quota></noddl>
  </users>
</yandex>
`

// configure chooses ports and writes everything that the server reads at its start.
func (s *Server) configure() error {
	var err error
	if s.Address, err = FreePort(); err != nil {
		return err
	}
	if s.TLSAddress, err = FreePort(); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(s.Address)
	_, tlsPort, _ := net.SplitHostPort(s.TLSAddress)
	for _, dir := range []string{"data", "tmp", "user_files"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, dir), 0o700); err != nil {
			return err
		}
	}
	password := sha256.Sum256([]byte(ServerPassword))
	for name, text := range map[string]string{
		"config.xml": fmt.Sprintf(serverConfig, s.Dir, port, tlsPort),
		"users.xml":  fmt.Sprintf(serverUsers, hex.EncodeToString(password[:])),
	} {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	s.CAFile = filepath.Join(s.Dir, "server.crt")
	return WriteCertificate(s.CAFile, filepath.Join(s.Dir, "server.key"))
}

// WriteCertificate makes a certificate for 127.0.0.1 and localhost that vouches for itself, and its key.
func WriteCertificate(certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "chute test server " + serial.String()},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(certFile, "CERTIFICATE", cert); err != nil {
		return err
	}
	return writePEM(keyFile, "PRIVATE KEY", der)
}

func writePEM(name, kind string, der []byte) error {
	return os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
