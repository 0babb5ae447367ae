package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// SFTP is where a store on a server is, written as an address: sftp://USER@HOST:PORT/FOLDER. The zero SFTP is none.
type SFTP struct {
	User string
	Host string
	Port int    // 22 when none was written
	Root string // the folder: absolute on the server, or relative to the one that a login begins in, "." for that one itself
}

var errSFTP = errors.New(`not an SFTP address: write "sftp://USER@HOST/FOLDER" or "sftp://USER@HOST:PORT/FOLDER"`)

// UnmarshalText parses an address. What is wrong with it isn't repeated: it may hold a password.
func (s *SFTP) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Scheme != "sftp" || u.Hostname() == "" || u.Opaque != "" {
		return errSFTP
	}
	if _, given := u.User.Password(); given {
		return errors.New("a password isn't written into the configuration: leave it out of the address and give password, private_key or agent")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return errors.New("? and # have no meaning in an SFTP address; in the name of a folder write them as %3F and %23")
	}
	if u.User.Username() == "" {
		return errors.New("the user to log in as is missing; write sftp://USER@HOST/FOLDER")
	}
	port := uint64(22)
	if word := u.Port(); word != "" {
		if port, err = strconv.ParseUint(word, 10, 16); err != nil || port == 0 {
			return fmt.Errorf("%s isn't a port: write a number from 1 to 65535", word)
		}
	}
	root, err := rootOf(u.Path)
	if err != nil {
		return err
	}
	*s = SFTP{User: u.User.Username(), Host: u.Hostname(), Port: int(port), Root: root}
	return nil
}

// rootOf is the folder that the path of an address means.
func rootOf(text string) (string, error) {
	for part := range strings.SplitSeq(text, "/") {
		if part == ".." {
			return "", errors.New(`".." isn't allowed in folders`)
		}
		if strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", errors.New("a folder's name has control characters")
		}
	}
	if text == "" || text == "/~" {
		return ".", nil
	}
	if home, ok := strings.CutPrefix(text, "/~/"); ok {
		return path.Clean(strings.TrimLeft(home, "/")), nil
	}
	return path.Clean(text), nil
}

// IsZero tells whether no address was given.
func (s SFTP) IsZero() bool { return s == SFTP{} }

// Address is the server with its port.
func (s SFTP) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// String writes the address so that UnmarshalText reads the same.
func (s SFTP) String() string {
	if s.IsZero() {
		return ""
	}
	u := url.URL{Scheme: "sftp", User: url.User(s.User), Host: s.Address(), Path: s.Root}
	switch {
	case s.Root == ".":
		u.Path = ""
	case !path.IsAbs(s.Root):
		u.Path = "/~/" + s.Root
	}
	return u.String()
}

// Of is the address of something in the folder. Odd bytes of a name are escaped as in every address.
func (s SFTP) Of(name string) string {
	s.Root = path.Join(s.Root, name)
	return s.String()
}
