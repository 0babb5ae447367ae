package chdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Version is the version of libchdb that chute is made for and tested with.
const Version = "26.5.3"

// Variable names the environment variable that may hold the library's path.
const Variable = "CHUTE_LIBCHDB"

// Find says where the engine library is: setting, $CHUTE_LIBCHDB, the user's cache, the system's folders. A setting or
// a variable that names a missing file is an error: silently taking another library would be a surprise.
func Find(setting string) (string, error) { return find(setting, places(true)) }

// FindInstalled is Find without the user's cache, for services: what is in there is the user's own to change.
func FindInstalled(setting string) (string, error) { return find(setting, places(false)) }

func find(setting string, places []string) (string, error) {
	if setting != "" {
		return existing(setting, "the setting library in [database]")
	}
	if path := os.Getenv(Variable); path != "" {
		return existing(path, "the variable "+Variable)
	}
	for _, path := range places {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("the engine library libchdb %s is not on this machine; looked for:\n  %s\n"+
		"run `chute engine install` (on a machine without network: `chute engine install --from FILE`), or put libchdb.so in one of these places, "+
		"or name it with library in [database] or with the variable %s, or use a ClickHouse server: engine = \"clickhouse\": %w",
		Version, strings.Join(places, "\n  "), Variable, fs.ErrNotExist)
}

func existing(path, source string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("engine library from %s: %w", source, err)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("engine library from %s: %s doesn't exist; correct it, or leave it out and run `chute engine install`: %w", source, path, fs.ErrNotExist)
	case err != nil:
		return "", fmt.Errorf("engine library from %s: %w", source, err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("engine library from %s: %s is not a file", source, path)
	}
	return path, nil
}

// places are where a library is looked for without being told. Exact version first: a plain libchdb.so may be any.
func places(cached bool) []string {
	versioned := "libchdb-" + Version + ".so"
	var places []string
	if cache, err := os.UserCacheDir(); err == nil && cached {
		places = append(places, filepath.Join(cache, "chute", versioned))
	}
	for _, folder := range []string{"/usr/local/lib/chute", "/usr/lib/chute"} {
		places = append(places, filepath.Join(folder, versioned), filepath.Join(folder, "libchdb.so"))
	}
	return places
}
