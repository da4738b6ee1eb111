//go:build linux || darwin || freebsd

package embedded

import (
	"errors"
	"io"
	"os"
	"strings"
)

const (
	logName  = "postgres.log"
	logLimit = 10 << 20 // bytes; two files of this size at most, give or take half a minute
)

// rotate moves a log that grew over the limit to postgres.log.1 and goes on with an empty one. The
// server keeps its file open and appends, so the content is copied and the file emptied; lines
// written in between are lost.
func (c *cluster) rotate(limit int64) error {
	path := c.file(logName)
	in, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // our own file
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil || info.Size() <= limit {
		return err
	}
	if _, err := in.Seek(max(0, info.Size()-logLimit), io.SeekStart); err != nil {
		return err
	}
	out, err := os.OpenFile(path+".1", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // our own file
	if err != nil {
		return errors.Join(err, in.Truncate(0)) // a full disk is no reason to keep growing
	}
	_, err = io.Copy(out, io.LimitReader(in, logLimit))
	return errors.Join(err, likeParent(out.Name()), out.Close(), in.Truncate(0))
}

// logSince returns the last lines of what was logged from an offset on.
func (c *cluster) logSince(from int64) string {
	f, err := os.Open(c.file(logName))
	if err != nil {
		return ""
	}
	defer f.Close()
	const most = 2000
	if info, err := f.Stat(); err == nil {
		from = max(from, info.Size()-most)
		if from > info.Size() {
			from = 0 // it was rotated
		}
	}
	text := make([]byte, most)
	n, _ := f.ReadAt(text, from)
	return strings.TrimSpace(string(text[:n]))
}
