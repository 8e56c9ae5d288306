// Package files makes the work folders that trials run in and removes them, and tells
// what became of the files in them and of shared memory.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
)

// Room holds the work folders of one campaign, below the system's temporary folder.
type Room struct {
	dir string

	// Removing takes about as long as launching a target, so it is done beside the trials.
	lock     sync.Mutex
	leftover []string // work folders that are no longer used
	removing bool
	closed   bool
	removals sync.WaitGroup
}

// maxLeftover bounds the work folders that wait for their removal: where trials make more
// files than can be removed meanwhile, they wait.
const maxLeftover = 8

// roomPrefix begins the name of every room; PID and start time of its owner follow. It
// names the PID namespace: containers may share the folder, and a PID means nothing
// in another namespace.
func roomPrefix() string {
	link, _ := os.Readlink("/proc/self/ns/pid") //nolint:errcheck // then all share the number 0
	inode, _ := proc.Inode(link, "pid")
	return fmt.Sprintf("sigprobe-%d-", inode)
}

// NewRoom makes a room, and removes those whose owners died without a chance to.
func NewRoom() (*Room, error) {
	self, err := proc.ReadMember(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("make a folder for trials: %w", err)
	}
	removeStale(os.TempDir())
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-%d-", roomPrefix(), self.PID, self.StartTicks))
	if err != nil {
		return nil, fmt.Errorf("make a folder for trials: %w; set TMPDIR to a folder that can be written", err)
	}
	return &Room{dir: dir}, nil
}

// Close removes the room with all that is in it.
func (r *Room) Close() error {
	r.lock.Lock()
	r.closed = true
	r.lock.Unlock()
	r.removals.Wait()
	return removeTree(r.dir)
}

// remove removes a work folder, soon or at once. What fails soon is tried again by
// Close, which tells.
func (r *Room) remove(dir string) error {
	r.lock.Lock()
	if r.closed || len(r.leftover) >= maxLeftover {
		r.lock.Unlock()
		return removeTree(dir)
	}
	defer r.lock.Unlock()
	r.leftover = append(r.leftover, dir)
	if !r.removing {
		r.removing = true
		r.removals.Go(r.removeLeftover)
	}
	return nil
}

func (r *Room) removeLeftover() {
	for dir := r.nextLeftover(); dir != ""; dir = r.nextLeftover() {
		removeTree(dir) //nolint:errcheck // see remove
	}
}

// nextLeftover takes the oldest; "" when there is none, and nobody removes any more.
func (r *Room) nextLeftover() string {
	r.lock.Lock()
	defer r.lock.Unlock()
	if len(r.leftover) == 0 {
		r.removing = false
		return ""
	}
	dir := r.leftover[0]
	r.leftover = r.leftover[1:]
	return dir
}

// removeStale removes this user's rooms whose owners are gone.
func removeStale(parent string) {
	rooms, _ := filepath.Glob(filepath.Join(parent, roomPrefix()+"*-*-*")) //nolint:errcheck // the pattern is sound
	for _, dir := range rooms {
		var stat unix.Stat_t
		mine := unix.Lstat(dir, &stat) == nil && int(stat.Uid) == os.Geteuid() && stat.Mode&unix.S_IFMT == unix.S_IFDIR
		if mine && !ownerAlive(filepath.Base(dir)) {
			removeTree(dir) //nolint:errcheck // the next run tries again
		}
	}
}

func ownerAlive(name string) bool {
	parts := strings.Split(strings.TrimPrefix(name, roomPrefix()), "-")
	if len(parts) != 3 {
		return true // not made by us
	}
	pid, errPID := strconv.Atoi(parts[0])
	start, errStart := strconv.ParseUint(parts[1], 10, 64)
	if errPID != nil || errStart != nil {
		return true
	}
	owner, err := proc.ReadMember(pid)
	return err == nil && owner.StartTicks == start
}

// Workspace is the folders of one trial.
type Workspace struct {
	room *Room
	root string
	// Work is the folder that the target runs in, and Temp its TMPDIR, beside it.
	Work, Temp string
}

// Workspace makes the folders of a trial and copies the inputs into the work folder:
// a file or folder by its name, a folder that ends in a slash by its content.
func (r *Room) Workspace(inputs []string) (*Workspace, error) {
	root, err := os.MkdirTemp(r.dir, "trial-")
	if err != nil {
		return nil, fmt.Errorf("make a work folder: %w", err)
	}
	w := &Workspace{room: r, root: root, Work: filepath.Join(root, "work"), Temp: filepath.Join(root, "tmp")}
	if err := w.fill(inputs); err != nil {
		w.Close() //nolint:errcheck // the error that counts is the other
		return nil, err
	}
	return w, nil
}

func (w *Workspace) fill(inputs []string) error {
	for _, dir := range []string{w.Work, w.Temp} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("make a work folder: %w", err)
		}
	}
	for _, input := range inputs {
		into := filepath.Join(w.Work, filepath.Base(input))
		if strings.HasSuffix(input, "/") {
			into = w.Work
		}
		if err := copyTree(input, into); err != nil {
			return fmt.Errorf("copy %s into the work folder: %w", input, err)
		}
	}
	return nil
}

// Close has the folders removed, whatever the target made of their permissions. They
// are gone when the room is closed, at the latest.
func (w *Workspace) Close() error { return w.room.remove(w.root) }

// removeTree removes a folder, giving itself the permission where a folder in it was
// locked. It never follows a link.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error { //nolint:errcheck // the second removal tells
		if entry != nil && entry.IsDir() {
			os.Chmod(path, 0o700) //nolint:errcheck // likewise
		}
		return nil
	})
	return os.RemoveAll(dir)
}
