package child

import "syscall"

// DiesWithParent lets the kernel kill a process when the thread that started it
// ends.
func DiesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
