package app

import (
	"fmt"
	"io"
	"os"
)

// maxInput is far more than any file needs that a command reads whole.
const maxInput = 1 << 20

// input returns a file that a command is told to read: all of it. A longer one is refused, since its beginning may well say something
// else than the whole.
func input(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	if err == nil && len(data) > maxInput {
		err = fmt.Errorf("%s is longer than %d KiB: this is another file", path, maxInput>>10)
	}
	return data, err
}
