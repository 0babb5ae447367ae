package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/reconcile"
)

// answerTime is how long a server may take for one thing that it is asked.
const answerTime = 15 * time.Second

// servers tries every server by itself: that another one would take its place is no reason not to know that it is down.
func (i *inspection) servers(ctx context.Context) {
	password, ok := i.password()
	if !ok {
		i.unchecked("nobody can log in without the password")
		return
	}
	database := serversOf(i.config, password)
	defer database.Close()
	answered := 0
	addresses := i.config.Database.Address
	for _, address := range addresses {
		session, err := i.ask(ctx, database, address)
		f := finding{Kind: "server", Subject: address}
		if err != nil {
			i.refused(f, err)
			continue
		}
		answered++
		i.encrypted(f, password)
		i.settle(f, "ClickHouse %s%s", session.Server().Version, map[bool]string{true: ", by TLS"}[i.config.Database.TLS])
		on := ""
		if len(addresses) > 1 {
			on = " on " + address
		}
		i.tables(ctx, session, on)
	}
	if answered == 0 {
		i.unchecked("no server can be used")
	}
}

func (i *inspection) ask(ctx context.Context, database connectors.Database, address string) (connectors.Session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, fmt.Errorf("no answer for %v: %w", answerTime, connectors.ErrUnavailable))
	defer cancel()
	return database.Session(ctx, address)
}

// password reads the secret. Of what only systemd has for its service it can't be said that it is missing.
func (i *inspection) password() (password string, ok bool) {
	secret := i.config.Database.Password
	if secret.IsZero() {
		return "", true
	}
	f := finding{Kind: "secret", Subject: "database.password", Code: "secret_unreadable"}
	password, err := secret.Read()
	if err != nil && secret.Credential != "" && os.Getenv("CREDENTIALS_DIRECTORY") == "" {
		f.Level, f.Code = levelWarning, "secret_elsewhere"
		f.Text, f.Mend = secret.String()+" is given by systemd to the service alone", "check while the service is running: it does the checking then"
		i.add(f)
		return "", false
	}
	if i.bad(f, err) {
		return "", false
	}
	i.settle(f, "%s can be read", secret)
	return password, true
}

// encrypted tells of a password that anybody on the way can read.
func (i *inspection) encrypted(f finding, password string) {
	host, _, err := net.SplitHostPort(f.Subject)
	if err != nil || i.config.Database.TLS || password == "" || onThisMachine(host) {
		return
	}
	f.Level, f.Code, f.Text = levelWarning, "server_unencrypted", "the password and all records go over the network as they are"
	f.Mend = "use the server's TLS port and tls = true"
	i.add(f)
}

// refused says what to do about a server that doesn't let us in.
func (i *inspection) refused(f finding, err error) {
	f.Code, f.Mend = "server_down", "start the server, or correct address and tls; until then files wait"
	var answer *connectors.DatabaseError
	switch {
	case errors.As(err, &answer):
		f.Code, f.Mend = "server_refuses", reconcile.Allowance(err)
		switch answer.Code {
		case 192, 193, 194, 516: // an unknown user, a wrong or missing password
			f.Mend = "correct username and password"
		case 81:
			f.Mend = "make the database, or correct database"
			f.Statements = []string{"CREATE DATABASE " + native.Identifier(i.config.Database.Database)}
		}
	case !errors.Is(err, connectors.ErrUnavailable):
		f.Code, f.Mend = "server_refuses", "correct address, tls and ca_file: the certificate has to be for the address's host, and its authority known"
	}
	text := err.Error()
	for _, joint := range []string{": ", " is "} {
		text = strings.TrimPrefix(text, "ClickHouse server "+f.Subject+joint) // it stands there already
	}
	i.bad(f, errors.New(text))
}

// onThisMachine tells whether what is sent to a host stays on this machine.
func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
