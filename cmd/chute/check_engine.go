package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"chute/connectors"
	"chute/connectors/chdb"
	"chute/connectors/chdb/install"
	"chute/pipeline"
)

// embedded tries the engine in this process.
func (i *inspection) embedded(ctx context.Context) {
	library, usable := i.library(ctx)
	path := i.config.Database.Path
	f := finding{Kind: "engine", Subject: path, Code: "engine_unusable"}
	place, there := i.ownFolder(ctx, f)
	if there {
		i.enough(ctx, f, folderAt(path))
	}
	_, err := os.Stat(filepath.Join(path, "metadata"))
	switch {
	case !usable:
		i.unchecked("the engine's library can't be used")
	case there && os.Geteuid() == 0 && place.UID != 0:
		f.Level, f.Code = levelWarning, "engine_not_opened"
		f.Text, f.Mend = "root doesn't open it: that would leave files there that "+userName(place.UID)+" can't write", "check as that user"
		i.add(f)
		i.unchecked("the engine isn't opened")
	case i.owner != nil && !reflect.DeepEqual(i.config.Database, i.owner.config.Database):
		f.Level, f.Code = levelWarning, "engine_not_opened"
		f.Text, f.Mend = "[database] was changed since the process that owns the state was started, and goes on as it was", "restart it, then check again"
		i.add(f)
		i.unchecked("the engine isn't opened")
	case there && err == nil:
		i.openEngine(ctx, f, library)
	default: // before the first start there are no tables
		for _, j := range i.jobs {
			i.judge(j, pipeline.CheckUnmade(j), "")
		}
		for _, e := range i.config.Exports {
			i.fine("query", e.Name, "its question is looked at once the engine has been started")
		}
	}
}

// openEngine asks the engine that is open in this process, or opens it for this time.
func (i *inspection) openEngine(ctx context.Context, f finding, library string) {
	var database connectors.Database
	if i.owner != nil {
		database = i.owner.database
	} else {
		engine := &embedded{config: chdb.Config{Library: library, Path: i.config.Database.Path, Memory: int64(i.config.Limits.EngineMemory)}}
		defer engine.Close()
		database = engine
	}
	session, err := database.Session(ctx, "")
	if i.bad(f, err) {
		i.unchecked("the engine can't be opened")
		return
	}
	i.settle(f, "ClickHouse %s", session.Server().Version)
	i.tables(ctx, session, "")
}

// library tries the engine's library.
func (i *inspection) library(ctx context.Context) (path string, usable bool) {
	f := finding{Kind: "library", Subject: "libchdb " + chdb.Version, Code: "library_missing"}
	path, err := chdb.Find(i.config.Database.Library)
	if err != nil {
		f.Mend = "run chute engine install, or name the file with library in [database]"
		return "", !i.bad(f, firstLine(err))
	}
	f.Subject, f.Code = path, "library_unusable"
	if i.owner != nil { // it has loaded its library and can't load another one any more
		i.settle(f, "libchdb %s", chdb.Version)
		return path, true
	}
	if i.bad(f, chdb.Loads(path)) {
		return path, false
	}
	right, err := install.Installer{}.Right(ctx, path)
	if i.bad(f, err) {
		return path, false
	}
	if !right {
		f.Level, f.Code, f.Text = levelWarning, "library_unknown", "it isn't the library that this chute is tested with (libchdb "+chdb.Version+", by its hash)"
		f.Commands = []string{"chute engine install"}
		i.add(f)
	}
	i.settle(f, "libchdb %s", chdb.Version)
	return path, true
}

// firstLine is an error whose text goes on in lists and advice.
func firstLine(err error) error {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(strings.TrimSuffix(line, "; looked for:"))
}
