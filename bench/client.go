package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// client is one kept connection that sends prepared requests and reads whole answers. Not safe for concurrent use.
type client struct {
	addr string
	c    net.Conn
	in   *bufio.Reader
	body []byte
}

func newClient(addr string) *client { return &client{addr: addr, body: make([]byte, 0, 64<<10)} }

func (c *client) dial() error {
	conn, err := net.DialTimeout("tcp", c.addr, 5*time.Second)
	if err != nil {
		return err
	}
	c.c = conn
	if c.in == nil {
		c.in = bufio.NewReaderSize(conn, 64<<10)
	}
	c.in.Reset(conn)
	return nil
}

func (c *client) close() {
	if c.c != nil {
		_ = c.c.Close()
		c.c = nil
	}
}

// do sends req, a whole HTTP/1.1 request, and returns the answer. The body is valid until the next call. After an error the
// next call connects anew.
func (c *client) do(req []byte) (status int, body []byte, err error) {
	if c.c == nil {
		if err := c.dial(); err != nil {
			return 0, nil, err
		}
	}
	_ = c.c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err = c.c.Write(req); err == nil {
		status, body, err = c.read()
	}
	if err != nil {
		c.close()
	}
	return status, body, err
}

var (
	contentLength = []byte("content-length")
	transfer      = []byte("transfer-encoding")
	connection    = []byte("connection")
)

func (c *client) read() (status int, body []byte, err error) {
	line, err := c.line()
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 || string(line[:9]) != "HTTP/1.1 " {
		return 0, nil, fmt.Errorf("not an HTTP/1.1 answer: %.40q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, err
	}
	length, chunked, last := -1, false, false
	for {
		if line, err = c.line(); err != nil {
			return 0, nil, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, contentLength):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, nil, err
			}
		case bytes.EqualFold(name, transfer):
			chunked = true
		case bytes.EqualFold(name, connection):
			last = bytes.EqualFold(value, []byte("close"))
		}
	}
	c.body = c.body[:0]
	switch {
	case status == 204 || status == 304 || length == 0:
	case chunked:
		err = c.chunks()
	case length > 0:
		err = c.fill(length)
	default:
		return 0, nil, errors.New("an answer without a length")
	}
	if last {
		c.close()
	}
	return status, c.body, err
}

// line reads one header line without its end.
func (c *client) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// fill appends n bytes to the body.
func (c *client) fill(n int) error {
	at := len(c.body)
	if cap(c.body) < at+n {
		grown := make([]byte, at, 2*(at+n))
		copy(grown, c.body)
		c.body = grown
	}
	c.body = c.body[:at+n]
	_, err := io.ReadFull(c.in, c.body[at:])
	return err
}

func (c *client) chunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(line), 16, 32)
		if err != nil {
			return fmt.Errorf("chunk size %.20q: %w", line, err)
		}
		if size == 0 {
			for { // trailers
				if line, err = c.line(); err != nil || len(line) == 0 {
					return err
				}
			}
		}
		if err := c.fill(int(size)); err != nil {
			return err
		}
		if _, err := c.line(); err != nil {
			return err
		}
	}
}
