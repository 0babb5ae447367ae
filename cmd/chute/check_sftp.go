package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"chute/config"
	"chute/connectors"
	"chute/connectors/sftp"
)

// serverVisit looks at one store on a server.
type serverVisit struct {
	*visit
	server *sftp.Folder
	moves  bool // real renames are tried
}

// serverStore logs in and lists the store's folders. Only with --probe something is made there, and removed again.
func (i *inspection) serverStore(ctx context.Context, s *config.Store, f finding) {
	f.Code = "store_unusable"
	server, err := openServerStore(&i.connections, s, i.config.Limits)
	if i.bad(f, err) {
		return
	}
	defer server.Close()
	v := serverVisit{visit: &visit{inspection: i, store: s}, server: server}
	folders := v.folders()
	if !v.login(ctx, f, folders) {
		return
	}
	if v.rootMissing(ctx, f) {
		return
	}
	i.lost(ctx, f, s, server)
	v.forsaken(ctx, f, server)
	if i.probe {
		v.able(ctx, f)
	}
	free := ""
	if bytes, err := server.Free(ctx); err == nil && bytes < 1<<62 {
		free = fmt.Sprintf(", %s left", v.tellRoom(f, bytes))
	}
	for _, sf := range folders {
		v.folder(ctx, sf)
	}
	if !i.probe {
		free += "; whether files can be renamed and written there wasn't tried: --probe does it"
	}
	v.settle(f, "%s%s", place(s), free)
}

// login makes the first request. What keeps it from being answered is said once, with what to do about it.
func (v *serverVisit) login(ctx context.Context, f finding, folders []*storeFolder) bool {
	root := "."
	if len(folders) > 0 {
		root = folders[0].name // the store's own folder may be closed to listing
	}
	_, err := v.server.List(ctx, root)
	var key *sftp.HostKeyError
	var login *sftp.LoginError
	var local *sftp.LocalError
	switch {
	case errors.As(err, &local):
		f.Code, f.Mend = "login_unready", "it is something on this machine; until it is mended, files of the store wait, and nothing is known of the server"
		err = local
	case errors.As(err, &key):
		f.Code, f.Mend = "host_key", "see to it that known_hosts or host_key has the key of the right server; until then nothing is sent to it"
		f.Commands = []string{fmt.Sprintf("ssh-keyscan -p %d %s | ssh-keygen -lf -", v.store.SFTP.Port, shell(v.store.SFTP.Host))}
		err = key
	case errors.As(err, &login):
		f.Code, f.Mend = "login_refused", "correct private_key, certificate, agent, password or the user in sftp, or have the server's owner let it in"
		err = login
	case errors.Is(err, connectors.ErrUnavailable):
		f.Code, f.Mend = "store_unreachable", "until it answers its files wait; other stores don't"
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrInvalid):
		return true // it answers; the folder is looked at by itself
	}
	v.bad(f, err)
	return false
}

// rootMissing tells of a store whose own folder isn't there: of what should be in it there is no more to say.
func (v *serverVisit) rootMissing(ctx context.Context, f finding) bool {
	f.Level, f.Code = levelProblem, "store_missing"
	switch err := v.server.Root(ctx); {
	case errors.Is(err, fs.ErrNotExist):
		f.Text, f.Mend = place(v.store)+" isn't there on the server", "have that folder made there, or correct sftp; until then its files wait"
	case errors.Is(err, syscall.ENOTDIR):
		f.Text, f.Mend = place(v.store)+" is no folder", "have the file of this name moved away, or correct sftp; until then its files wait"
	default:
		return false // what else is the matter shows when it is used
	}
	v.add(f)
	return true
}

// able tells what the server can do, and how chute goes round what it can't.
func (v *serverVisit) able(ctx context.Context, f finding) {
	able, err := v.server.Probe(ctx)
	if v.bad(withCode(f, "work_unusable"), err) {
		return
	}
	for _, line := range able.Lines() {
		v.add(finding{Level: levelOK, Kind: "server", Subject: v.store.Name, Code: "ability", Text: line})
	}
	claims := slices.ContainsFunc(v.jobs, func(j *config.Job) bool { return j.Store == v.store.Name && j.Claim == "rename" && j.Enabled })
	v.moves = able.ReadOnly == "" && able.Rename != sftp.Never
	if claims && !v.moves {
		f.Mend = `let the user of sftp make and rename files there, or give the jobs claim = "remember"`
		v.bad(withCode(f, "work_unusable"), errors.New("files can't be claimed: the server lets nothing be renamed or made"))
	}
}

// tellRoom says how much room is left, and whether that is too little.
func (v *serverVisit) tellRoom(f finding, bytes int64) config.Size {
	if bytes < int64(v.config.Limits.MinFree) {
		f.Level, f.Code = levelProblem, "no_room"
		f.Text = fmt.Sprintf("%s left, less than limits.min_free = %s: no new file is claimed", roughly(bytes), v.config.Limits.MinFree)
		f.Mend = "have room made there, or lower limits.min_free"
		v.add(f)
	}
	return roughly(bytes)
}

// folder tries one folder of the store.
func (v *serverVisit) folder(ctx context.Context, sf *storeFolder) {
	f := finding{Kind: "folder", Subject: v.store.Name + ":" + sf.name, Jobs: sf.jobs, Code: "folder_unusable"}
	files, err := v.server.List(ctx, sf.name)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case missing && sf.inbox:
		f.Level, f.Code, f.Text = levelProblem, "inbox_missing", fmt.Sprintf("%s has no folder %q", place(v.store), sf.name)
		f.Mend = "have it made, or correct inbox; until then nothing arrives"
		v.add(f)
		return
	case errors.Is(err, fs.ErrInvalid):
		f.Mend = "name the folder that it leads to: inside of a store no link is followed"
		v.bad(f, errors.New("it is a link, or a folder on the way to it is one"))
		return
	case errors.Is(err, syscall.ENOTDIR):
		f.Mend = "a file has this name: have it moved away, or name another folder"
		v.bad(f, errors.New("it is no folder"))
		return
	case err != nil && !missing && sf.inbox:
		f.Mend = "have the user of sftp be allowed to list it"
		v.bad(f, fmt.Errorf("it can't be listed: %w", cause(err)))
		return
	}
	if missing { // trying it would make it, and nothing of a check stays
		v.settle(f, "it isn't there yet and is made when it is needed")
		return
	}
	if v.moves && v.renames(sf) {
		if err := v.tryMoves(ctx, sf.name, files); err != nil {
			f.Mend = "have the user of sftp be allowed to make and rename files in it"
			v.bad(f, fmt.Errorf("files can't be moved into it and out of it: %w", cause(err)))
			return
		}
		v.settle(f, "files can be moved")
		return
	}
	if err != nil { // only inboxes are listed
		v.settle(f, "it is there")
		return
	}
	v.settle(f, "it can be listed")
}

// renames tells whether a job moves files in this folder.
func (v *serverVisit) renames(sf *storeFolder) bool {
	return slices.ContainsFunc(v.jobs, func(j *config.Job) bool {
		return slices.Contains(sf.jobs, j.Name) && j.WhenDone != "leave"
	}) || slices.ContainsFunc(v.config.Exports, func(e *config.Export) bool { return slices.Contains(sf.jobs, e.Name) })
}

// probeName begins names that no job takes.
const probeName = ".chute-probe-"

// tryMoves moves a file from the work folder into a folder and back, and takes back what a check left there that was broken off.
func (v *serverVisit) tryMoves(ctx context.Context, folder string, files []connectors.File) error {
	own := path.Join(v.store.Work, probeName+rand.Text())
	outside := path.Join(folder, path.Base(own))
	for _, left := range files {
		if strings.HasPrefix(left.Name, probeName) {
			_ = v.takeBack(ctx, path.Join(folder, left.Name), own) // somebody else's check may be at work
		}
	}
	pending, err := v.server.Create(ctx, own)
	if err != nil {
		return err
	}
	defer pending.Discard()
	if _, err = pending.Write([]byte("chute tries whether files can be moved here\n")); err == nil {
		err = pending.Commit(ctx)
	}
	if err != nil {
		return err
	}
	if err := v.server.Rename(ctx, own, outside); err != nil {
		return errors.Join(err, v.server.Remove(ctx, own))
	}
	return v.takeBack(context.WithoutCancel(ctx), outside, own)
}

// takeBack removes a probe's file from where nothing is ever removed: by way of the work folder.
func (v *serverVisit) takeBack(ctx context.Context, outside, own string) error {
	if err := v.server.Rename(ctx, outside, own); err != nil {
		return err
	}
	return v.server.Remove(ctx, own)
}
