package browsertest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

var (
	launched = sync.OnceValues(func() (*Browser, error) { return Launch(context.Background()) })
	served   = sync.OnceValues(func() (*Program, error) { return Start(context.Background(), false, &programLog) })
	// programLog is shown when a test fails: the cause of a page's request id stands there.
	programLog lockedBuffer
	asked      struct{ browser, program bool }
)

// lockedBuffer is written to by the program while it runs.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// theBrowser is the one browser of all tests here.
func theBrowser(t testing.TB) *Browser {
	t.Helper()
	b, err := launched()
	if err != nil {
		t.Fatal(err)
	}
	asked.browser = true
	return b
}

// theProgram is the one program of all tests here.
func theProgram(t testing.TB) *Program {
	t.Helper()
	p, err := served()
	if err != nil {
		t.Fatal(err)
	}
	asked.program = true
	return p
}

func TestMain(m *testing.M) {
	code := m.Run()
	if asked.browser {
		if b, err := launched(); err == nil {
			b.Close()
		}
	}
	if asked.program {
		if p, err := served(); err == nil {
			if err := p.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stopping the program:", err)
				code = 1
			}
		}
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the program's log:\n%s\n", programLog.String())
	}
	os.Exit(code)
}
