//go:build linux || darwin || freebsd

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lock takes the data directory for this process until the file is closed or the process dies. It
// tries for a moment, because Attach elsewhere looks at the lock by touching it.
func lock(ctx context.Context, dataDir string) (*os.File, error) {
	path := filepath.Join(dataDir, "entente.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's directory
	if err != nil {
		return nil, fail(CodeDataDir, err, "The lock file %s cannot be opened.", path)
	}
	patience, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	err = poll(patience, func() (bool, error) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, nil
		}
		return true, err
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		err = inUse(dataDir, path)
	case err == nil:
		if err = f.Truncate(0); err == nil {
			_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		}
		if err != nil {
			err = fail(CodeDataDir, err, "The lock file %s cannot be written%s.", path, because(err.Error()))
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func inUse(dataDir, path string) error {
	holder := "another program"
	if text, err := os.ReadFile(path); err == nil { //nolint:gosec // our own lock file
		if pid := strings.TrimSpace(string(text)); pid != "" {
			holder = "process " + pid
		}
	}
	return fail(CodeInUse, nil, "The data directory %s is in use by %s. Stop that program first, or choose another directory with --data.", dataDir, holder)
}

// unlock gives the data directory back.
func unlock(f *os.File) {
	_ = f.Truncate(0)
	_ = f.Close()
}

// held reports whether a living program holds the data directory.
func held(dataDir string) (bool, error) {
	f, err := os.Open(filepath.Join(dataDir, "entente.lock")) //nolint:gosec // the operator's directory
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// poll asks done every few milliseconds until it is true or fails, or ctx ends.
func poll(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// because turns the commonest reasons in a system's or server's message into a clause for the
// operator, or nothing.
func because(text string) string {
	lower := strings.ToLower(text)
	for _, r := range []struct{ sign, clause string }{
		{"no space left", "the disk is full"},
		{"check free disk space", "the disk is full"},
		{"disk quota exceeded", "the disk quota is used up"},
		{"read-only file system", "the file system is read-only"},
		{"permission denied", "a permission is missing"},
		{"operation not permitted", "a permission is missing"},
		{"could not resize shared memory", "shared memory (/dev/shm) is too small"},
		{"cannot allocate memory", "there is too little memory"},
	} {
		if strings.Contains(lower, r.sign) {
			return fmt.Sprintf(" because %s", r.clause)
		}
	}
	return ""
}
