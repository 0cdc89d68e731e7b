package components

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const browserLimit = time.Minute // for one answer, on a busy machine

// A Browser is one Chromium without a window. It reaches no host.
type Browser struct {
	t      testing.TB
	to     io.Writer
	log    string
	failed chan struct{} // closed when it says no more

	mu      sync.Mutex
	number  int
	waiting map[int]chan answer
	pages   map[string]*Page // by session
}

type answer struct {
	result json.RawMessage
	err    error
}

// Chromium starts a browser, which ends with the test.
func Chromium(t testing.TB) *Browser {
	t.Helper()
	binary := program(t, chromium, chromium)
	dir := t.TempDir()
	b := &Browser{t: t, log: filepath.Join(dir, "chromium.log"), failed: make(chan struct{}), waiting: map[int]chan answer{}, pages: map[string]*Page{}}
	log, err := os.Create(b.log)
	if err != nil {
		t.Fatal(err)
	}
	commands, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND",
		"--hide-scrollbars", "--font-render-hinting=none", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{commands, answers}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = ownGroup()
	if err := errors.Join(cmd.Start(), commands.Close(), answers.Close(), log.Close()); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	b.to = to
	go b.listen(from)
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		to.Close()
		<-b.failed
		from.Close()
		if t.Failed() {
			said, _ := os.ReadFile(b.log)
			t.Logf("end of the log of chromium:\n%s", said[max(0, len(said)-4096):])
		}
	})
	return b
}

func (b *Browser) listen(from io.Reader) {
	defer close(b.failed)
	r := bufio.NewReaderSize(from, 1<<16)
	for {
		raw, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID        int
			SessionID string
			Method    string
			Params    json.RawMessage
			Result    json.RawMessage
			Error     *struct{ Message string }
		}
		if json.Unmarshal(raw[:len(raw)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		switch {
		case m.ID != 0:
			a := answer{result: m.Result}
			if m.Error != nil {
				a.err = errors.New(m.Error.Message)
			}
			if c := b.waiting[m.ID]; c != nil {
				c <- a
				delete(b.waiting, m.ID)
			}
		case b.pages[m.SessionID] != nil:
			b.pages[m.SessionID].happened(m.Method, m.Params)
		}
		b.mu.Unlock()
	}
}

// call asks the browser, or a page of it where session is not empty.
func (b *Browser) call(session, method string, params map[string]any, into any) {
	b.t.Helper()
	answered := make(chan answer, 1)
	b.mu.Lock()
	b.number++
	message := map[string]any{"id": b.number, "method": method, "params": params}
	if session != "" {
		message["sessionId"] = session
	}
	b.waiting[b.number] = answered
	raw, err := json.Marshal(message)
	if err == nil {
		_, err = b.to.Write(append(raw, 0))
	}
	b.mu.Unlock()
	if err != nil {
		b.t.Fatalf("chromium: %s: %v", method, err)
	}
	select {
	case a := <-answered:
		if a.err == nil && into != nil {
			a.err = json.Unmarshal(a.result, into)
		}
		if a.err != nil {
			b.t.Fatalf("chromium: %s: %v", method, a.err)
		}
	case <-b.failed:
		b.t.Fatalf("chromium ended before it answered %s", method)
	case <-time.After(browserLimit):
		b.t.Fatalf("chromium did not answer %s within %v", method, browserLimit)
	}
}

// View is how a page is looked at.
type View struct {
	Width, Height int
	Dark          bool
	Paper         bool // as it is printed, on a sheet as wide
}

// Page is one page that was loaded.
type Page struct {
	b       *Browser
	session string
	loaded  chan struct{}

	said, requested []string // under Browser.mu
}

// Open loads a page and returns when it is loaded.
func (b *Browser) Open(url string, v View) *Page {
	b.t.Helper()
	var target struct{ TargetID string }
	b.call("", "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p := &Page{b: b, session: attached.SessionID, loaded: make(chan struct{}, 1)}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		p.call(domain+".enable", nil, nil)
	}
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	media := ""
	if v.Paper {
		media = "print"
	}
	p.call("Emulation.setEmulatedMedia", map[string]any{"media": media, "features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": v.Width, "height": v.Height, "deviceScaleFactor": 1, "mobile": false}, nil)
	p.call("Page.navigate", map[string]any{"url": url}, nil)
	select {
	case <-p.loaded:
	case <-b.failed:
		b.t.Fatalf("chromium ended before it loaded %s", url)
	case <-time.After(browserLimit):
		b.t.Fatalf("chromium did not load %s within %v", url, browserLimit)
	}
	return p
}

func (p *Page) call(method string, params map[string]any, into any) {
	p.b.t.Helper()
	p.b.call(p.session, method, params, into)
}

// happened notes an event. Browser.mu is held.
func (p *Page) happened(method string, params json.RawMessage) {
	switch method {
	case "Page.loadEventFired":
		select {
		case p.loaded <- struct{}{}:
		default:
		}
	case "Network.requestWillBeSent":
		var e struct{ Request struct{ URL string } }
		if json.Unmarshal(params, &e) == nil {
			p.requested = append(p.requested, e.Request.URL)
		}
	case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
		p.said = append(p.said, method+" "+string(params))
	}
}

// Said is what the page wrote to the console, exceptions included.
func (p *Page) Said() []string {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	return append([]string{}, p.said...)
}

// Requested are the addresses that the page asked for, its own first.
func (p *Page) Requested() []string {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	return append([]string{}, p.requested...)
}

// Evaluate puts the value of a JavaScript expression into into.
func (p *Page) Evaluate(expression string, into any) {
	p.b.t.Helper()
	var e struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Text string }
	}
	p.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &e)
	if e.ExceptionDetails != nil {
		p.b.t.Fatalf("chromium: %s: %s", strings.TrimSpace(expression), e.ExceptionDetails.Text)
	}
	if err := json.Unmarshal(e.Result.Value, into); err != nil {
		p.b.t.Fatalf("chromium: %s gives %s: %v", expression, e.Result.Value, err)
	}
}

// Screenshot is all of the page as PNG.
func (p *Page) Screenshot() []byte {
	p.b.t.Helper()
	return p.data("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true})
}

// PDF is the page as it is printed on A4.
func (p *Page) PDF() []byte {
	p.b.t.Helper()
	return p.data("Page.printToPDF", map[string]any{"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": true})
}

func (p *Page) data(method string, params map[string]any) []byte {
	p.b.t.Helper()
	var got struct{ Data string }
	p.call(method, params, &got)
	raw, err := base64.StdEncoding.DecodeString(got.Data)
	if err != nil {
		p.b.t.Fatal(fmt.Errorf("chromium: %s: %w", method, err))
	}
	return raw
}
