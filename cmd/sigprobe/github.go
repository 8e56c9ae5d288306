package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/render"
)

// github shows the report in GitHub Actions without being asked: annotations on standard
// output, where the runner reads them, unless a report has that; and the job's summary,
// where GITHUB_STEP_SUMMARY names its file. Other systems have taken over that variable,
// so it counts by itself. That the summary cannot be written is no failure of the run.
func (d desk) github(r render.Report) error {
	r.Info.Files = inCheckout(r.Info.Files)
	var err error
	if os.Getenv("GITHUB_ACTIONS") == "true" && !d.outputs.takesStdout() {
		if err = render.Annotations(d.std.out, r, render.Style{}); readerGone(err) {
			err = nil
		}
	}
	if path := os.Getenv("GITHUB_STEP_SUMMARY"); path != "" {
		if failed := appendSummary(path, r); failed != nil {
			note(d.std.err, "the summary for GITHUB_STEP_SUMMARY is not written: %v", failed)
		}
	}
	return err
}

// inCheckout names files from the top of the checkout, as annotations do.
func inCheckout(files []reports.SourceFile) []reports.SourceFile {
	top := os.Getenv("GITHUB_WORKSPACE")
	if top == "" {
		top = "."
	}
	top, err := filepath.Abs(top)
	files = slices.Clone(files)
	for i := range files {
		path, failed := filepath.Abs(files[i].Path)
		if relative, outside := filepath.Rel(top, path); errors.Join(err, failed, outside) == nil {
			files[i].Path = relative
		}
	}
	return files
}

// leastSummary is the room below which a summary says nothing.
const leastSummary = 4 << 10

// appendSummary adds the report to those that other commands of the step have written.
// GitHub shows none of them where they are too large together.
func appendSummary(path string, r render.Report) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	room := render.SummaryLimit - int(min(info.Size(), render.SummaryLimit))
	if room < leastSummary {
		err = fmt.Errorf("%s has %d bytes already, and %d are shown at the most; write the reports of this step to files", path, info.Size(), render.SummaryLimit)
	} else {
		err = render.MarkdownWithin(file, r, room)
	}
	return errors.Join(err, file.Close())
}
