package browsertest

import (
	"context"
	"fmt"
	"os"

	"github.com/chromedp/chromedp"

	"entente.dev/internal/browsertest/find"
)

// Browser is one running Chromium with a profile of its own.
type Browser struct {
	ctx    context.Context
	cancel context.CancelFunc
}

// Launch starts the browser. It fails, saying how to get one, where there is none.
func Launch(ctx context.Context) (*Browser, error) {
	path, err := find.Browser()
	if err != nil {
		return nil, err
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("lang", "en-GB"),
		chromedp.Flag("no-pings", true),
	)
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox) // Chromium's sandbox refuses to run as root
	}
	alloc, stopAlloc := chromedp.NewExecAllocator(ctx, opts...)
	quiet := func(string, ...any) {}
	tab, stopTab := chromedp.NewContext(alloc, chromedp.WithLogf(quiet), chromedp.WithErrorf(quiet))
	b := &Browser{tab, func() { stopTab(); stopAlloc() }}
	if err := chromedp.Do(tab); err != nil {
		b.cancel()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return b, nil
}

// Close ends the browser and removes its profile.
func (b *Browser) Close() { b.cancel() }
