// Package volume looks whether the file system under a directory is encrypted, as far as Linux tells a program without rights.
package volume

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// State is what a look found.
type State string

// The states. Not is what the kernel shows; a disk that the cloud or the hardware encrypts below it looks the same.
const (
	Encrypted State = "encrypted"
	Not       State = "not"
	Unknown   State = "unknown"
)

// Probe says whether dir lies on an encrypted volume, with how it is known. It reads /proc and /sys and asks nobody.
func Probe(dir string) (State, string) { return look("/", dir) }

// look is Probe with another root for /proc and /sys.
func look(root, dir string) (State, string) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return Unknown, err.Error()
	}
	mounts, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return Unknown, "this system does not list its mounts"
	}
	m, ok := mountOf(mounts, abs)
	if !ok {
		return Unknown, "no mount holds " + abs
	}
	switch m.kind {
	case "ecryptfs", "fuse.gocryptfs", "fuse.encfs", "fuse.cryfs":
		return Encrypted, fmt.Sprintf("%s is mounted by %s", m.at, m.kind)
	case "zfs":
		return Unknown, fmt.Sprintf("%s is the ZFS dataset %s; `zfs get encryption %s` tells", m.at, m.source, m.source)
	case "overlay", "tmpfs", "nfs", "nfs4", "9p", "virtiofs", "cifs":
		return Unknown, fmt.Sprintf("%s is a %s mount, which hides what is below it", m.at, m.kind)
	}
	device := m.device
	if strings.HasPrefix(device, "0:") { // btrfs and others have no device number of their own
		var st syscall.Stat_t
		if err := syscall.Stat(m.source, &st); err != nil || !strings.HasPrefix(m.source, "/dev/") {
			return Unknown, fmt.Sprintf("%s (%s) has no block device that can be looked at", m.at, m.kind)
		}
		device = fmt.Sprintf("%d:%d", st.Rdev>>8&0xfff, st.Rdev&0xff|st.Rdev>>12&0xfff00)
	}
	return lookAtDevice(filepath.Join(root, "sys/dev/block", device), m, 0)
}

// lookAtDevice follows a block device down to the disks below it: it is encrypted if it is a dm-crypt target or every device
// below it is.
func lookAtDevice(sys string, m mount, depth int) (State, string) {
	if _, err := os.Stat(sys); err != nil || depth > 8 {
		return Unknown, fmt.Sprintf("the block device of %s cannot be looked at", m.at)
	}
	if uuid, err := os.ReadFile(filepath.Join(sys, "dm/uuid")); err == nil && bytes.HasPrefix(uuid, []byte("CRYPT-")) {
		return Encrypted, fmt.Sprintf("%s lies on a dm-crypt device (%s)", m.at, strings.SplitN(string(bytes.TrimSpace(uuid)), "-", 3)[1])
	}
	below, err := filepath.Glob(filepath.Join(sys, "slaves", "*"))
	if err != nil || len(below) == 0 {
		return Not, fmt.Sprintf("%s lies on %s without dm-crypt", m.at, m.source)
	}
	for _, b := range below {
		if state, detail := lookAtDevice(b, m, depth+1); state != Encrypted {
			return state, detail
		}
	}
	return Encrypted, fmt.Sprintf("every device below %s is a dm-crypt device", m.at)
}

type mount struct{ device, at, kind, source string }

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// mountOf returns the mount that holds a path: the last of the longest.
func mountOf(info []byte, path string) (best mount, ok bool) {
	for lines := bufio.NewScanner(bytes.NewReader(info)); lines.Scan(); {
		left, right, cut := strings.Cut(lines.Text(), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !cut || len(l) < 6 || len(r) < 2 {
			continue
		}
		m := mount{device: l[2], at: unescape.Replace(l[4]), kind: r[0], source: unescape.Replace(r[1])}
		if (m.at == "/" || m.at == path || strings.HasPrefix(path, m.at+"/")) && (!ok || len(m.at) >= len(best.at)) {
			best, ok = m, true
		}
	}
	return best, ok
}
