package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Chromium is a browser without a window.
type Chromium struct {
	ctx  context.Context
	stop []context.CancelFunc
}

// Find gives the path of Chromium. The error says what to install.
func Find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no chromium in PATH; install Debian's package chromium")
}

// Start starts the browser; Close ends it.
func Start(path string) (*Chromium, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WSURLReadTimeout(time.Minute))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses root with it
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancelBrowser := chromedp.NewContext(allocator)
	c := &Chromium{ctx, []context.CancelFunc{cancelBrowser, cancel}}
	if err := chromedp.Do(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return c, nil
}

// Close ends the browser and waits for it.
func (c *Chromium) Close() {
	for _, stop := range c.stop {
		stop()
	}
}

// View is how a page is looked at.
type View struct {
	Width, Height int64
	// Dark prefers the dark scheme, Print shows what a printer gets.
	Dark, Print bool
	// NoScript forbids JavaScript.
	NoScript bool
	// Still asks for no motion.
	Still bool
}

// Tab is an open page and what it did.
type Tab struct {
	ctx      context.Context
	close    context.CancelFunc
	mu       sync.Mutex
	requests []string
	errors   []string
}

// Open opens a file, or a file with #fragment behind it, in a tab of its own.
func (c *Chromium) Open(path string, v View) (*Tab, error) {
	tab := &Tab{}
	ctx, cancel := chromedp.NewContext(c.ctx, chromedp.WithListener(tab.note))
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	tab.ctx, tab.close = ctx, func() { stop(); cancel() }
	scheme, motion, media := "light", "no-preference", "screen"
	if v.Dark {
		scheme = "dark"
	}
	if v.Still {
		motion = "reduce"
	}
	if v.Print {
		media = "print"
	}
	path, err := filepath.Abs(path)
	err = errors.Join(err, chromedp.Do(ctx),
		command(ctx, network.Enable, network.EnableParams{}),
		command(ctx, log.Enable, cdp.Empty{}),
		command(ctx, runtime.Enable, cdp.Empty{}),
		command(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript}),
		command(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: v.Width, Height: v.Height, DeviceScaleFactor: 1}),
		command(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media, Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
		}}),
		chromedp.Do(ctx, chromedp.Navigate("file://"+path)))
	if err != nil {
		tab.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return tab, nil
}

// command sends one whose answer says nothing.
func command[P any](ctx context.Context, c cdp.Command[P, cdp.Empty], params P) error {
	_, err := chromedp.Call(ctx, c, params)
	return err
}

// Close closes the tab.
func (t *Tab) Close() { t.close() }

func (t *Tab) note(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		t.requests = append(t.requests, e.Request.URL)
	case *log.EventEntryAdded:
		t.errors = append(t.errors, e.Entry.Text)
	case *runtime.EventExceptionThrown:
		t.errors = append(t.errors, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		t.errors = append(t.errors, fmt.Sprintf("console.%s", e.Type))
	case *page.EventJavascriptDialogOpening:
		t.errors = append(t.errors, "dialog: "+e.Message)
	}
}

// Requests are what the page asked for beside itself.
func (t *Tab) Requests() (others []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, url := range t.requests {
		if i > 0 || !strings.HasPrefix(url, "file://") {
			others = append(others, url)
		}
	}
	return others
}

// Errors are the messages of the page's console, what the policy refused among them.
func (t *Tab) Errors() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.errors...)
}

// Step is something to do in a page.
type Step = chromedp.Action[chromedp.Void]

// Do does the steps one after the other.
func (t *Tab) Do(steps ...Step) error { return chromedp.Do(t.ctx, steps...) }

// Script is a step that runs JavaScript in the page.
func Script(text string) Step { return chromedp.Evaluate[chromedp.Void](text) }

// Value is what an expression gives in the page.
func Value[T any](t *Tab, expression string) (T, error) {
	return chromedp.Run(t.ctx, chromedp.Evaluate[T](expression))
}

// Picture is what the tab shows, as PNG.
func (t *Tab) Picture() ([]byte, error) { return chromedp.Run(t.ctx, chromedp.CaptureScreenshot()) }
