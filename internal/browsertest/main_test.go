package browsertest

import (
	"context"
	"os"
	"sync"
	"testing"
)

var launched = sync.OnceValues(func() (*Browser, error) { return Launch(context.Background()) })

// theBrowser is the one browser of all tests here.
func theBrowser(t testing.TB) *Browser {
	t.Helper()
	b, err := launched()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMain(m *testing.M) {
	code := m.Run()
	if b, err := launched(); err == nil {
		b.Close()
	}
	os.Exit(code)
}
