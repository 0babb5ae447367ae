package control

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzRequest: whatever lies in request.json, what is taken has arguments and an absolute folder, reads the same when it is written again, and is asked for by
// the file's owner, whoever it says it is.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{`{"args":["query","SELECT 1"],"dir":"/"}`, `{"args":["x"],"dir":"/","uid":0,"UID":0,"-":7,"width":80,"terminal":true}`, `{"ARGS":[""],"Dir":"/\u0000"}`,
		`{"args":["\xff"],"dir":"/"}{}`, `null`, `[[[[`, `{"args":["x"],"args":null,"dir":"/"}`} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, requestFile), text, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := readFrom(t, dir)
		if err != nil {
			return
		}
		if len(r.Args) == 0 || !filepath.IsAbs(r.Dir) || int(r.UID) != os.Geteuid() {
			t.Fatalf("%q gives %+v", text, r)
		}
		written, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, requestFile), written, 0o600); err != nil {
			t.Fatal(err)
		}
		if again, err := readFrom(t, dir); err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%+v is written %q and read as %+v, %v", r, written, again, err)
		}
	})
}

func readFrom(t *testing.T, dir string) (Request, error) {
	t.Helper()
	root, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	folder, err := openFolder(int(root.Fd()), ".")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.close()
	return folder.readRequest()
}
