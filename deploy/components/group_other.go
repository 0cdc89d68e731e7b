//go:build unix && !linux

package components

import "syscall"

// ownGroup puts a process into a group of its own, so that all of it can be
// stopped. Only Linux can let it die with the test binary.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
