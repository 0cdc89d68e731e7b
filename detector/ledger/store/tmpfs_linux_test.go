package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A real full disk: a small tmpfs in a mount namespace of its own, which needs
// no privileges where user namespaces are allowed.
func TestFullFileSystem(t *testing.T) {
	if dir, ok := childDir(); ok {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
			t.Skip("tmpfs cannot be mounted: ", err)
		}
		ballast := filepath.Join(dir, "ballast")
		fillAndFree(t, filepath.Join(dir, "state"), func(left uint64) {
			f, err := os.Create(ballast)
			if err != nil {
				t.Fatal(err)
			}
			block := make([]byte, 4096)
			for err == nil {
				_, err = f.Write(block)
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			info, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Truncate(max(0, info.Size()-int64(left%(16<<10)))); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}, func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		})
		return
	}
	cmd := childCommand(t, t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case cmd.Process == nil:
		t.Skip("user namespaces are not allowed here: ", err)
	case strings.Contains(string(out), "SKIP"):
		t.Skip(string(out))
	case err != nil || !strings.Contains(string(out), "PASS"):
		t.Errorf("%v\n%s", err, out)
	}
}
