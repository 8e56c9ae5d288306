package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// The bounds of a command that prints what is there.
const (
	commandTime  = 30 * time.Second
	commandBytes = 256 << 20
)

// acknowledged holds what a target said it had done against what is there.
//
// A line that arrived was printed, so what it says was acknowledged: before the end of
// the main process if it was read before that, or if nobody was left who could have
// printed it later. Other lines are in flight. A line without its end says nothing.
func (l *inspection) acknowledged(ctx context.Context, o observation.Observation) *observation.Acknowledged {
	said, asked := o.Output.Said, l.expect.Acknowledged
	if said == nil {
		said = &observation.Said{}
	}
	if said.Overflow != "" {
		return &observation.Acknowledged{Said: said.Len(), Unknown: said.Overflow}
	}
	content, err := l.recorded(ctx, *asked)
	if err != nil {
		return &observation.Acknowledged{Said: said.Len(), Unknown: err.Error()}
	}
	if file, opened := content.(*os.File); opened {
		defer file.Close() //nolint:errcheck // nothing was written
	}
	a, err := weigh(said, certainty(o), content, *asked)
	if err != nil {
		a = observation.Acknowledged{Said: said.Len(), Unknown: fmt.Sprintf("read what is there: %v", err)}
	}
	return &a
}

// certainty tells of a time at which a line was read whether what it says was
// acknowledged before the end of the main process.
func certainty(o observation.Observation) func(time.Duration) bool {
	alone := len(o.Lingering) == 0 && len(o.Survivors) == 0 && o.TreeEmpty != nil
	return func(at time.Duration) bool { return alone || o.Exit != nil && at <= o.Exit.At }
}

// recorded opens what is there. Where there is no file, nothing is there.
func (l *inspection) recorded(ctx context.Context, asked scenario.Acknowledged) (io.ReadSeeker, error) {
	if asked.Command != "" {
		return l.printed(ctx, asked.Command)
	}
	path := within(l.dir, asked.In)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bytes.NewReader(nil), nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file; name the file of the records, or a command that prints them", asked.In)
	}
	return os.Open(path)
}

// printed runs the command that prints what is there, in the work folder.
func (l *inspection) printed(ctx context.Context, text string) (io.ReadSeeker, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	out := &bounded{room: commandBytes}
	command := exec.CommandContext(ctx, "/bin/sh", "-c", text)
	command.Dir, command.Env = l.dir, l.env
	command.Stdout, command.Stderr = out, &bounded{room: 4 << 10, cut: true}
	// What it started dies with it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = time.Second
	if err := command.Run(); err != nil {
		said := bytes.TrimSpace(command.Stderr.(*bounded).text)
		return nil, fmt.Errorf("the command %q: %w: %s", text, err, said)
	}
	return bytes.NewReader(out.text), nil
}

// bounded keeps what is written up to a number of bytes. More is an error, or is cut.
type bounded struct {
	text []byte
	room int
	cut  bool
}

func (b *bounded) Write(text []byte) (int, error) {
	kept := text[:min(len(text), b.room-len(b.text))]
	b.text = append(b.text, kept...)
	if len(kept) < len(text) && !b.cut {
		return len(kept), fmt.Errorf("it printed more than %d bytes", b.room)
	}
	return len(text), nil
}

// within is a path of the scenario as the harness has to open it.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// firstOfEach is how many records of each fate are named.
const firstOfEach = 3

// weigh counts what became of acknowledged records. The content is read twice.
//
// Without a description of a record ([scenario.Acknowledged].As) an id that stands
// anywhere as a word is there, so that nothing is called lost that may be there. For
// duplicates and order only one column counts, the one in which most of the ids stand: a
// number may well stand in a second record as an amount. A file's last line without its
// newline is torn then; with a description it is torn where the description is cut.
func weigh(said *observation.Said, certain func(time.Duration) bool, content io.ReadSeeker, asked scenario.Acknowledged) (observation.Acknowledged, error) {
	found, err := findRecords(said, content, asked)
	if err != nil {
		return observation.Acknowledged{}, err
	}
	a := observation.Acknowledged{Said: said.Len()}
	torn := found.tornAtEnd(said, certain)
	misplaced := found.misplaced(said, certain)
	for i := range said.Len() {
		if found.whole[i] {
			a.Found++
		}
		if !certain(said.At[i]) {
			continue
		}
		a.Certain++
		switch {
		case found.whole[i]:
			if found.times[i] > 1 {
				a.Duplicated++
				found.name(&a, said, i, "duplicated")
			}
			if asked.Ordered && misplaced[i] {
				a.Misplaced++
				found.name(&a, said, i, "misplaced")
			}
		case found.open[i] || i == torn:
			a.Torn++
			found.name(&a, said, i, "torn")
		default:
			a.Lost++
			found.name(&a, said, i, "lost")
		}
	}
	return a, nil
}
