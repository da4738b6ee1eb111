package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// server is the program under measurement, started by the bench.
type server struct {
	cmd         *exec.Cmd
	addr, admin string
	toReady     time.Duration // from the start of the process to the first answer of /readyz
	done        chan error
}

// serve starts the program on a data directory and waits until it is ready to serve.
func serve(ctx context.Context, bin, data, log string) (*server, error) {
	addr, admin := freePort(), freePort()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	s := &server{addr: addr, admin: admin, done: make(chan error, 1)}
	s.cmd = exec.Command(bin, "serve", "--addr", addr, "--admin-addr", admin, "--data", data) //nolint:gosec // the program that was just built
	s.cmd.Stdout, s.cmd.Stderr = out, out
	start := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.done <- s.cmd.Wait() }()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		if ready(addr) {
			s.toReady = time.Since(start)
			return s, nil
		}
		select {
		case err := <-s.done:
			return nil, fmt.Errorf("the program ended at once (%w); see %s", err, log)
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("the program was not ready in time; see %s", log), s.stop())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// stop ends the program as an operator would and waits for it.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.done:
		return err
	case <-time.After(time.Minute):
		return errors.Join(errors.New("the program did not stop within a minute"), s.cmd.Process.Kill())
	}
}

func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer l.Close()
	return l.Addr().String()
}

func ready(addr string) bool {
	c := newClient(addr)
	defer c.close()
	status, _, err := c.do([]byte("GET /readyz HTTP/1.1\r\nHost: " + addr + "\r\n\r\n"))
	return err == nil && status == http.StatusOK
}

// keep writes what a URL of the admin address gives into a file: a profile.
func keep(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", url, resp.StatusCode)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.Create(file) //nolint:gosec // in the bench's own directory
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	return errors.Join(err, f.Close())
}
