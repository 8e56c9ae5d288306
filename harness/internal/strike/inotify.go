package strike

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FileWatch tells of files that come to be below a folder, are renamed there, or are
// closed after writing (inotify(7)). The kernel merges writes, so those cannot be
// counted by it; creations, renames and closes are told one by one.
type FileWatch struct {
	fd   int
	dirs map[int32]string
	// told are files that were found when their folder came to be watched, too late for
	// the kernel to tell of them.
	told map[string]bool
	buf  []byte
}

// FileEvent is what happened to a file.
type FileEvent struct {
	// Kind is create, rename (to the path) or close.
	Kind string
	Path string
}

// maxDirs bounds how many folders are watched; the kernel's own bound for a user is in
// /proc/sys/fs/inotify/max_user_watches.
const maxDirs = 8192

const watchedEvents = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_CLOSE_WRITE | unix.IN_ONLYDIR

// WatchFiles watches a folder that exists and all below it.
func WatchFiles(root string) (*FileWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch files: inotify_init1: %w", err)
	}
	w := &FileWatch{fd: fd, dirs: map[int32]string{}, told: map[string]bool{}, buf: make([]byte, 16<<10)}
	if _, err := w.add(root); err != nil {
		w.Close()
		return nil, err
	}
	w.told = map[string]bool{} // what is there before the target is launched is no event
	return w, nil
}

// FD is readable when something happened.
func (w *FileWatch) FD() int { return w.fd }

// Close ends the watch.
func (w *FileWatch) Close() { unix.Close(w.fd) } //nolint:errcheck // nothing was written

// add watches a folder and those below it, and tells of the files that are in it
// already: they were made before the watch was there.
func (w *FileWatch) add(root string) (found []FileEvent, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if path == root {
				return err
			}
			return nil // it was removed meanwhile, or is not to be read
		}
		if !entry.IsDir() {
			found = append(found, FileEvent{"create", path})
			w.told[path] = true
			return nil
		}
		return w.watch(path)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return found, fmt.Errorf("watch files below %s: %w", root, err)
	}
	return found, nil
}

func (w *FileWatch) watch(dir string) error {
	if len(w.dirs) >= maxDirs {
		return fmt.Errorf("more than %d folders; write a pattern with a longer fixed part", maxDirs)
	}
	number, err := unix.InotifyAddWatch(w.fd, dir, watchedEvents)
	if err != nil {
		return os.NewSyscallError("inotify_add_watch", err)
	}
	w.dirs[int32(number)] = dir
	return nil
}

// Read tells what has happened since the last call. It does not block.
func (w *FileWatch) Read() (events []FileEvent, err error) {
	for {
		n, err := unix.Read(w.fd, w.buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, unix.EAGAIN) {
			return events, nil
		}
		if err != nil {
			return events, fmt.Errorf("watch files: %w", err)
		}
		more, err := w.parse(w.buf[:n])
		if events = append(events, more...); err != nil {
			return events, err
		}
	}
}

func (w *FileWatch) parse(buf []byte) (events []FileEvent, err error) {
	for len(buf) >= unix.SizeofInotifyEvent {
		head := (*unix.InotifyEvent)(unsafe.Pointer(&buf[0]))
		name := bytes.TrimRight(buf[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+head.Len], "\x00")
		buf = buf[unix.SizeofInotifyEvent+head.Len:]
		if head.Mask&unix.IN_Q_OVERFLOW != 0 {
			return events, errors.New("watch files: the kernel's queue of events overflowed; some were lost")
		}
		dir, known := w.dirs[head.Wd]
		if !known || len(name) == 0 {
			continue
		}
		more, err := w.event(head.Mask, filepath.Join(dir, string(name)))
		if events = append(events, more...); err != nil {
			return events, err
		}
	}
	return events, nil
}

func (w *FileWatch) event(mask uint32, path string) ([]FileEvent, error) {
	if mask&unix.IN_ISDIR != 0 {
		if mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0 {
			return w.add(path)
		}
		return nil, nil
	}
	switch {
	case mask&unix.IN_CREATE != 0 && w.told[path]:
		delete(w.told, path)
		return nil, nil
	case mask&unix.IN_CREATE != 0:
		return []FileEvent{{"create", path}}, nil
	case mask&unix.IN_MOVED_TO != 0:
		return []FileEvent{{"rename", path}}, nil
	}
	return []FileEvent{{"close", path}}, nil
}
