package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// output lets fill write a file that a command was told to make: whole or not at all, readable for its owner only. A file that is there
// already is refused before anything is done, unless force says to take its place; force replaces a file, never a directory.
func output(path string, force bool, fill func(f *os.File) error) error {
	there := func() error {
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil
		case err != nil:
			return err
		case info.IsDir():
			return fmt.Errorf("%s is a directory; name a file to write", path)
		case !force:
			return fmt.Errorf("%s exists already; name another file, or take its place with --force", path)
		}
		return nil
	}
	if err := there(); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // with mode 0600
	if p := new(fs.PathError); errors.As(err, &p) {
		return fmt.Errorf("%s cannot be written: %w", path, p.Err)
	}
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing is left of it once it has its name
	defer f.Close()
	if err := fill(f); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close(), there()); err != nil { // it may have come meanwhile
		return err
	}
	return os.Rename(f.Name(), path)
}
