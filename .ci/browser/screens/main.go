// Screens takes the pictures of the HTML report that stand in docs/screens: a page of
// drawn trials in light, in dark, and on a phone, and one trial of it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	browser "github.com/sigprobe/sigprobe/ci/browser"
)

// screen is a picture to take.
type screen struct {
	name     string
	view     browser.View
	fragment string // of the address
	script   string // run before
}

// Drawn trials are what is shown: every verdict and every ending.
const trials = 5000

var (
	desk  = browser.View{Width: 1100, Height: 1300}
	dark  = browser.View{Width: 1100, Height: 1300, Dark: true}
	phone = browser.View{Width: 390, Height: 900}
)

var screens = []screen{
	{"report-light", desk, "", ""},
	{"report-dark", dark, "", ""},
	{"report-phone", phone, "", ""},
	{"sweep", desk, "scenario/every-write", ""},
	{"trial", desk, "", `location.hash = [...document.querySelectorAll("details.trial article")].find((a) => a.querySelector(".survivor")).id`},
}

func main() {
	command := flag.String("sigprobe", "bin/sigprobe", "the command that renders")
	out := flag.String("out", "docs/screens", "folder of the pictures")
	flag.Parse()
	if err := take(*command, *out); err != nil {
		fmt.Fprintln(os.Stderr, "screens:", err)
		os.Exit(1)
	}
}

func take(command, out string) (err error) {
	path, err := browser.Find()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "sigprobe-screens-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	if _, err := browser.Synthetic(filepath.Join(folder, ".sigprobe"), trials); err != nil {
		return err
	}
	if command, err = filepath.Abs(command); err != nil {
		return err
	}
	page := filepath.Join(folder, "report.html")
	render := exec.Command(command, "report", "latest", "--format", "html", "-o", page)
	render.Dir, render.Stderr = folder, os.Stderr // so that the lines to paste are short
	if err := errors.Join(os.MkdirAll(out, 0o755), render.Run()); err != nil {
		return err
	}
	chromium, err := browser.Start(path)
	if err != nil {
		return err
	}
	defer chromium.Close()
	for _, s := range screens {
		if err := s.take(chromium, page, out); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (s screen) take(chromium *browser.Chromium, page, out string) error {
	if s.fragment != "" {
		page += "#" + s.fragment
	}
	s.view.Still = true // a picture of a page that scrolls is blurred
	tab, err := chromium.Open(page, s.view)
	if err != nil {
		return err
	}
	defer tab.Close()
	if s.script != "" {
		if err := tab.Do(browser.Script(s.script)); err != nil {
			return err
		}
	}
	picture, err := tab.Picture()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, s.name+".png"), picture, 0o644)
}
