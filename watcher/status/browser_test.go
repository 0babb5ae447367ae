package status

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// browser is a headless Chromium, which is told what to do through a pipe (the DevTools protocol), with one page open.
type browser struct {
	t       *testing.T
	to      io.Writer
	from    *bufio.Reader
	session string
	sent    int
	width   int // of the window
	height  int
	events  []answer
}

type answer struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	theirs, to, err := os.Pipe()
	must(t, err)
	from, answers, err := os.Pipe()
	must(t, err)
	must(t, from.SetReadDeadline(time.Now().Add(2*time.Minute)))
	var said bytes.Buffer
	c := exec.Command("chromium-headless-shell", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run", "--force-color-profile=srgb", "--hide-scrollbars", "--user-data-dir="+t.TempDir(), "about:blank")
	c.ExtraFiles, c.Stderr = []*os.File{theirs, answers}, &said
	if err := c.Start(); err != nil {
		t.Fatalf("%v (.ci/setup installs it)", err)
	}
	theirs.Close()
	answers.Close()
	b := &browser{t: t, to: to, from: bufio.NewReaderSize(from, 1<<20)}
	t.Cleanup(func() {
		to.Close() // it ends when nobody tells it anything any more
		_, _ = io.Copy(io.Discard, from)
		from.Close()
		if err := c.Wait(); err != nil {
			t.Errorf("chromium ended with %v: %s", err, &said)
		}
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Network", "Log", "Runtime"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// call asks for something and waits for the answer. Events that come meanwhile are kept.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.sent++
	m := map[string]any{"id": b.sent, "method": method, "params": params}
	if params == nil {
		m["params"] = map[string]any{}
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	must(b.t, err)
	_, err = b.to.Write(append(text, 0))
	must(b.t, err)
	for {
		m := b.read()
		switch {
		case m.ID == 0:
			b.events = append(b.events, m)
		case m.ID == b.sent && m.Error != nil:
			b.t.Fatalf("%s: %s", method, m.Error)
		case m.ID == b.sent:
			if result != nil {
				must(b.t, json.Unmarshal(m.Result, result))
			}
			return
		}
	}
}

func (b *browser) read() (m answer) {
	b.t.Helper()
	text, err := b.from.ReadBytes(0)
	must(b.t, err)
	must(b.t, json.Unmarshal(text[:len(text)-1], &m))
	return m
}

// open opens a file and waits until all of it is there.
func (b *browser) open(path string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": "file://" + path}, nil)
	for !b.happened("Page.loadEventFired") {
		b.events = append(b.events, b.read())
	}
}

func (b *browser) happened(method string) bool { return len(b.all(method)) > 0 }

// all are the events of a kind so far.
func (b *browser) all(method string) (params []string) {
	for _, e := range b.events {
		if e.Method == method {
			params = append(params, string(e.Params))
		}
	}
	return params
}

// eval is the value of an expression, as a text.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var got struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &got)
	if got.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, got.ExceptionDetails)
	}
	return fmt.Sprint(got.Result.Value)
}

// looks sets the size of the window and the colours that its user likes.
func (b *browser) looks(width int, scheme string) {
	b.t.Helper()
	b.width, b.height = width, 900
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": b.height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// picture is a part of the page as a PNG file.
func (b *browser) picture(from, height int) []byte {
	b.t.Helper()
	var shot struct{ Data []byte }
	clip := map[string]any{"x": 0, "y": from, "width": b.width, "height": height, "scale": 1}
	b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": from+height > b.height, "clip": clip}, &shot)
	return shot.Data
}

// pictures writes the whole page, part by part.
func (b *browser) pictures(name string) {
	b.t.Helper()
	const part = 1200
	height, err := strconv.Atoi(b.eval(`document.documentElement.scrollHeight`))
	must(b.t, err)
	for i := 0; i*part < height; i++ {
		must(b.t, os.WriteFile(fmt.Sprintf("%s-%d.png", name, i), b.picture(i*part, min(part, height-i*part)), 0o644))
	}
}

// spoken is what a screen reader finds on the page: by its role, the names.
func (b *browser) spoken() map[string][]string {
	b.t.Helper()
	type value struct{ Value any }
	var tree struct {
		Nodes []struct {
			Ignored    bool
			Role, Name value
		}
	}
	b.call("Accessibility.getFullAXTree", nil, &tree)
	names := map[string][]string{}
	for _, n := range tree.Nodes {
		if role := fmt.Sprint(n.Role.Value); !n.Ignored {
			names[role] = append(names[role], strings.TrimSpace(fmt.Sprint(n.Name.Value)))
		}
	}
	return names
}
