// Command browser makes sure that the browser tests have a browser: it does nothing when
// one is installed, installs Debian's chromium where it may, and otherwise says what to do.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"

	"entente.dev/internal/browsertest/find"
)

func main() {
	if _, err := find.Browser(); err == nil {
		return
	} else if os.Getenv(find.Env) != "" {
		fail(err)
	}
	if err := install(); err != nil {
		fail(err)
	}
	if _, err := find.Browser(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "browser tests:", err)
	os.Exit(1)
}

// install runs apt-get as root or by a sudo that asks no password; elsewhere it does nothing.
func install() error {
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return nil
	}
	var prefix []string
	if os.Geteuid() != 0 {
		if exec.Command("sudo", "-n", "true").Run() != nil {
			return nil
		}
		prefix = []string{"sudo", "-n"}
	}
	fmt.Fprintln(os.Stderr, "browser tests: installing chromium with apt-get")
	for _, args := range [][]string{{"update", "-q"}, {"install", "-q", "-y", "chromium"}} {
		line := append(append(prefix[:len(prefix):len(prefix)], "env", "DEBIAN_FRONTEND=noninteractive", apt), args...)
		var out bytes.Buffer
		cmd := exec.Command(line[0], line[1:]...)
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, out.Bytes())
		}
	}
	return nil
}
