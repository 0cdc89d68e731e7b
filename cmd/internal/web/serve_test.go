package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func listen(t *testing.T, n int) []net.Listener {
	t.Helper()
	all, err := Listen(strings.Split(strings.Repeat("127.0.0.1:0 ", n), " ")[:n])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// client keeps no connection, so that none is left when a test ends.
func client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
}

func TestServeEndsRequestsUnderWay(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		io.WriteString(w, "whole")
	})
	listeners := listen(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() {
		served <- Serve(ctx, listeners, ServeOptions{Handler: h, Logger: slog.New(slog.DiscardHandler)})
	}()

	answered := make(chan string)
	go func() {
		resp, err := client().Get("http://" + listeners[1].Addr().String())
		if err != nil {
			answered <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answered <- string(body)
	}()
	<-begun
	cancel()
	close(finish)
	if got := <-answered; got != "whole" {
		t.Errorf("answer %q", got)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := client().Get("http://" + listeners[0].Addr().String()); err == nil {
		t.Error("still served after the end")
	}
}

func TestServeCutsOffWhatDoesNotEnd(t *testing.T) {
	begun := make(chan struct{})
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})
	listeners := listen(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() {
		served <- Serve(ctx, listeners, ServeOptions{Handler: h, Logger: slog.New(slog.DiscardHandler), Grace: time.Millisecond})
	}()
	answered := make(chan error)
	go func() {
		resp, err := client().Get("http://" + listeners[0].Addr().String())
		if err == nil {
			resp.Body.Close()
		}
		answered <- err
	}()
	<-begun
	cancel()
	if err := <-answered; err == nil {
		t.Error("the request was answered")
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestServeBasicAuth(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "basic_auth_users:\n  jo: %s\n", hash), 0o600); err != nil {
		t.Fatal(err)
	}
	listeners := listen(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() {
		served <- Serve(ctx, listeners, ServeOptions{Handler: mustHandler(t, options()), Logger: slog.New(slog.DiscardHandler), ConfigFile: file})
	}()
	for _, l := range listeners {
		for password, want := range map[string]int{"secret": 200, "guess": 401} {
			r, err := http.NewRequest("GET", "http://"+l.Addr().String()+"/-/healthy", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth("jo", password)
			resp, err := client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s: status %d, want %d", password, resp.StatusCode, want)
			}
		}
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestServeRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, []byte("tls_servre_config: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, config := range []string{file, file + ".missing"} {
		err := Serve(t.Context(), listen(t, 1), ServeOptions{Handler: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler), ConfigFile: config})
		if err == nil || !strings.Contains(err.Error(), "--web.config.file") {
			t.Errorf("%v", err)
		}
	}
	if _, err := Listen(nil); err == nil {
		t.Error("no address was taken")
	}
	taken := listen(t, 1)
	defer taken[0].Close()
	if _, err := Listen([]string{"127.0.0.1:0", taken[0].Addr().String()}); err == nil || !strings.Contains(err.Error(), "--web.listen-address") {
		t.Errorf("%v", err)
	}
}

func TestServeFailsWithItsListener(t *testing.T) {
	listeners := listen(t, 2)
	listeners[0].Close()
	err := Serve(t.Context(), listeners, ServeOptions{Handler: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), listeners[0].Addr().String()) {
		t.Errorf("%v", err)
	}
}
