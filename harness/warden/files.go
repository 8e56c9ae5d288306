package warden

import (
	"os"
	"path/filepath"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sigprobe/sigprobe/harness/internal/strike"
	"github.com/sigprobe/sigprobe/harness/observation"
)

// fileCounter counts the events of files that fit the point.
type fileCounter struct {
	watch *strike.FileWatch
	seen  int
}

// prepareFiles watches the part of the file system that the point's pattern can reach,
// before the target is launched.
func (t *trial) prepareFiles() *observation.Failure {
	point := t.req.Shot.Point.File
	if point == nil {
		return nil
	}
	watch, err := strike.WatchFiles(t.watchRoot(point.Path))
	if err != nil {
		return &observation.Failure{
			Kind: "launch", Message: err.Error(),
			Remedy: "look at fs.inotify.max_user_watches and max_user_instances, or write a pattern with a longer fixed part",
		}
	}
	t.files = &fileCounter{watch: watch}
	return nil
}

// watchRoot is the deepest folder that exists and has all that the pattern can match.
func (t *trial) watchRoot(pattern string) string {
	base, _ := doublestar.SplitPattern(pattern)
	root := t.inWorkdir(base)
	for {
		if info, err := os.Stat(root); err == nil && info.IsDir() || root == filepath.Dir(root) {
			return root
		}
		root = filepath.Dir(root)
	}
}

// noteFiles counts what happened to files, and fires at the one that is waited for.
func (t *trial) noteFiles(at time.Duration) {
	point := t.req.Shot.Point.File
	events, err := t.files.watch.Read()
	for _, e := range events {
		if e.Kind != string(point.Event) || !fitsPath(point.Path, e.Path, t.req.Dir) {
			continue
		}
		if t.files.seen++; t.files.seen == point.Nth && t.fired == nil {
			t.fired = &lineSeen{at, e.Kind + " " + e.Path}
		}
	}
	if err != nil {
		t.degrade("files", err.Error())
	}
}
