package verify

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"runtime"
)

// parsed is a line of entries, or why it cannot be read.
type parsed struct {
	prepared
	err error
}

// linesAtOnce is how many lines one worker parses at a time.
const linesAtOnce = 512

// chunk is some lines on their way through a worker.
type chunk struct {
	lines [][]byte
	done  chan []parsed
}

// eachLine parses lines and hashes their entries on every core, and calls fn for them in order, until it returns an error.
func eachLine(in io.Reader, fn func(parsed) error) error {
	work, order, stop := make(chan chunk), make(chan chunk, 2*runtime.GOMAXPROCS(0)), make(chan struct{})
	defer close(stop)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for c := range work {
				out := make([]parsed, len(c.lines))
				for i, l := range c.lines {
					out[i] = parse(l)
				}
				c.done <- out
			}
		}()
	}
	failed := make(chan error, 1)
	go func() {
		defer close(order)
		defer close(work)
		failed <- cut(in, func(lines [][]byte) bool {
			c := chunk{lines, make(chan []parsed, 1)}
			for _, to := range []chan chunk{work, order} {
				select {
				case to <- c:
				case <-stop:
					return false
				}
			}
			return true
		})
	}()
	for c := range order {
		for _, l := range <-c.done {
			if err := fn(l); err != nil {
				return err
			}
		}
	}
	return <-failed
}

// cut hands out copies of the lines of in, linesAtOnce at a time.
func cut(in io.Reader, give func([][]byte) bool) error {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 64<<10), maxLineLength)
	var lines [][]byte
	for s.Scan() {
		if lines = append(lines, bytes.Clone(s.Bytes())); len(lines) == linesAtOnce {
			if !give(lines) {
				return nil
			}
			lines = nil
		}
	}
	if len(lines) > 0 && !give(lines) {
		return nil
	}
	return s.Err()
}

func parse(line []byte) (p parsed) {
	var e Entry
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if p.err = dec.Decode(&e); p.err == nil && dec.More() {
		p.err = errors.New("there is more than one value on the line")
	}
	if p.err == nil {
		p.prepared = prepare(e)
	}
	return p
}
