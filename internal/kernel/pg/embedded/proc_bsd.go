//go:build darwin || freebsd

package embedded

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

func processAttributes(h host, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: h.cred}
}

func (h host) begin(cmd *exec.Cmd) error { return cmd.Start() }

// usableCaps is empty: there are no capabilities to hand on.
func usableCaps() [][]uintptr { return orderedSubsets(nil, 0) }

// isPostmaster reports whether pid is a PostgreSQL server on the cluster, not some process that got
// a dead server's number.
func isPostmaster(pid int, pg string) bool {
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output() //nolint:gosec // a number
	return err == nil && strings.Contains(string(out), "postgres") && strings.Contains(string(out), "-D "+pg)
}

// killStrays does nothing: a process's directory cannot be asked for here. Left-over backends end by
// themselves when they next look for their postmaster, and Start waits for that.
func killStrays(string) {}
