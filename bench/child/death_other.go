//go:build !linux

package child

import "syscall"

// DiesWithParent is for Linux only: elsewhere a process outlives its parent.
func DiesWithParent() *syscall.SysProcAttr { return nil }
