package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// incoming is where blobs are written before they are renamed to their key; keys never begin with a dot.
const incoming = ".incoming"

// dir is a directory of this host. os.Root keeps every path inside it, symbolic links included.
type dir struct {
	root *os.Root
	path string
}

func newDir(p string) (*dir, error) {
	if err := os.MkdirAll(p, 0o700); err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	root, err := os.OpenRoot(p)
	if err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	if err := root.MkdirAll(incoming, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("files: %w", err), root.Close())
	}
	return &dir{root: root, path: p}, nil
}

func (d *dir) String() string { return "dir:" + d.path }

// Put writes to a temporary file, makes it durable, and renames it.
func (d *dir) Put(ctx context.Context, key string, r io.Reader) error {
	if err := check(key); err != nil {
		return err
	}
	tmp := path.Join(incoming, strings.ToLower(rand.Text()))
	f, err := d.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	_, err = io.Copy(f, reading{ctx, r})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.publish(tmp, key)
	}
	if err != nil {
		return errors.Join(err, d.root.Remove(tmp))
	}
	return nil
}

// publish renames a finished file to its key and makes the directories on the way durable.
func (d *dir) publish(tmp, key string) error {
	parent := path.Dir(key)
	if err := d.root.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	if err := d.root.Rename(tmp, key); err != nil {
		return err
	}
	for {
		if err := d.sync(parent); err != nil {
			return err
		}
		if parent == "." {
			return nil
		}
		parent = path.Dir(parent)
	}
}

func (d *dir) sync(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d *dir) Get(_ context.Context, key string) (io.ReadCloser, error) {
	if err := check(key); err != nil {
		return nil, err
	}
	f, err := d.root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	return f, nil
}

func (d *dir) Delete(_ context.Context, key string) error {
	if err := check(key); err != nil {
		return err
	}
	err := d.root.Remove(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = d.sync(path.Dir(key))
	}
	return err
}

func (d *dir) List(ctx context.Context, prefix string, fn func(Info) error) error {
	return fs.WalkDir(d.root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case e.IsDir() && (p == incoming || p != "." && !strings.HasPrefix(p+"/", prefix) && !strings.HasPrefix(prefix, p+"/")):
			return fs.SkipDir
		case e.IsDir() || !strings.HasPrefix(p, prefix):
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return fn(Info{Key: p, Size: info.Size(), At: info.ModTime()})
	})
}

func (d *dir) Forget(ctx context.Context, before time.Time) (n int, err error) {
	list, err := fs.ReadDir(d.root.FS(), incoming)
	for _, e := range list {
		if info, ierr := e.Info(); ierr == nil && info.ModTime().Before(before) && ctx.Err() == nil {
			if rerr := d.root.Remove(path.Join(incoming, e.Name())); rerr == nil {
				n++
			}
		}
	}
	return n, err
}

func (d *dir) Check(ctx context.Context) error {
	key := "check-" + strings.ToLower(rand.Text())
	if err := d.Put(ctx, key, strings.NewReader("ok")); err != nil {
		return err
	}
	return d.Delete(ctx, key)
}

// reading gives up when its context does.
type reading struct {
	ctx context.Context
	r   io.Reader
}

func (r reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
