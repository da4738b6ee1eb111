package embedded

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const (
	capDACOverride   = 1
	capDACReadSearch = 2

	prGetSecurebits     = 27
	prSetSecurebits     = 28
	secbitNoSetuidFixup = 1 << 2
)

func processAttributes(h host, signal syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: h.cred, AmbientCaps: h.caps, Pdeathsig: signal}
}

// begin starts a prepared child from a locked thread. If the child keeps capabilities, the thread
// gives it SECBIT_NO_SETUID_FIXUP: without it access(2), with which PostgreSQL looks at its own
// binaries, and the lookup of the binary itself disregard the capabilities of a user who is not root.
func (h host) begin(cmd *exec.Cmd) error {
	if len(h.caps) == 0 {
		return cmd.Start()
	}
	bits, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prGetSecurebits, 0, 0)
	if errno == 0 {
		_, _, errno = syscall.RawSyscall(syscall.SYS_PRCTL, prSetSecurebits, bits|secbitNoSetuidFixup, 0)
	}
	if errno != 0 { // root without CAP_SETPCAP: enough if only the data is behind closed directories
		return cmd.Start()
	}
	err := cmd.Start()
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetSecurebits, bits, 0); errno != 0 {
		runtime.LockOSThread() // once more than it is unlocked: the thread ends with its goroutine
	}
	return err
}

// usableCaps returns sets of capabilities that let a child pass closed directories, least first, of
// those this process may hand on.
func usableCaps() [][]uintptr {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	have := ^uint64(0)
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "CapPrm" || name == "CapBnd" {
			set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			if err != nil {
				return nil
			}
			have &= set
		}
	}
	return orderedSubsets([]uintptr{capDACReadSearch, capDACOverride}, have)
}

// isPostmaster reports whether pid is a PostgreSQL server on the cluster, not some process that got
// a dead server's number.
func isPostmaster(pid int, pg string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	text, err := os.ReadFile(filepath.Join(proc, "cmdline"))
	if err != nil {
		return false
	}
	args := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	if filepath.Base(args[0]) != "postgres" {
		return false
	}
	at := slices.Index(args, "-D")
	return at > 0 && at+1 < len(args) && args[at+1] == pg || worksIn(proc, pg)
}

func worksIn(proc, dir string) bool {
	a, err := os.Stat(filepath.Join(proc, "cwd"))
	if err != nil {
		return false
	}
	b, err := os.Stat(dir)
	return err == nil && os.SameFile(a, b)
}

// killStrays kills what is left of a server whose postmaster was killed: backends in the middle of a
// long statement notice that late and keep its shared memory. What they were doing is lost already.
func killStrays(pg string) {
	comms, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, comm := range comms {
		text, err := os.ReadFile(comm) //nolint:gosec // under /proc
		if err != nil || strings.TrimSpace(string(text)) != "postgres" {
			continue
		}
		proc := filepath.Dir(comm)
		if pid, err := strconv.Atoi(filepath.Base(proc)); err == nil && worksIn(proc, pg) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
