package observation

import "time"

// Files is what became of the files and other named objects that a trial could touch.
type Files struct {
	// Work are the differences of the work folder between right before the launch and
	// after the settling time, in the order of their paths; Temp those of TMPDIR.
	Work []Change `json:"work,omitempty"`
	Temp []Change `json:"temp,omitempty"`
	// Cut says that a list was longer than what is kept, and by how much at least.
	Cut int `json:"cut,omitempty"`
	// Shared are the objects of shared memory that were made in the trial and are left.
	Shared []SharedObject `json:"shared,omitempty"`
	// Examined are the answers of the oracles, in the order of what was asked.
	Examined []Examined `json:"examined,omitempty"`
}

// Change is one path that differs.
type Change struct {
	// Path is relative to its folder, with slashes, written by [EscapePath]; "." is the
	// folder itself.
	Path string `json:"path"`
	// Before and After describe it; nil where it did not exist.
	Before *Entry `json:"before,omitempty"`
	After  *Entry `json:"after,omitempty"`
	// Litter says what a path that was made in the trial looks like: temporary, lock, pid,
	// socket or fifo; "" for none of these.
	Litter string `json:"litter,omitempty"`
}

// Entry describes one path at one time.
type Entry struct {
	// Type is file, folder, link, socket, fifo or device; unknown where even that was not
	// told (see Unread).
	Type string `json:"type"`
	// Size in bytes, of files only.
	Size int64 `json:"size,omitempty"`
	// Mode holds the permission bits as stat(2) gives them, with setuid, setgid and sticky.
	Mode uint32 `json:"mode"`
	// SHA256 is the content's hash in hexadecimal, of a link that of its target's name; ""
	// where the content was not read (see Unread).
	SHA256 string `json:"sha256,omitempty"`
	// Unread says why the content was not read, or a folder not looked into: no
	// permission, too large, not asked for.
	Unread string `json:"unread,omitempty"`
}

// SharedObject is an object of shared memory, or another named object of the system.
type SharedObject struct {
	// Kind is shm (a name in /dev/shm), semaphore (/dev/shm/sem.*), sysv-shm, sysv-sem or
	// sysv-msg (ids of /proc/sysvipc).
	Kind string `json:"kind"`
	// Name is its name in /dev/shm, written by [EscapePath], or its key and id: 0x1234abcd:7.
	Name  string `json:"name"`
	Bytes int64  `json:"bytes,omitempty"`
	// Inode is that of a name in /dev/shm, and 0 of others: a name that was given again
	// is another object.
	Inode uint64 `json:"inode,omitempty"`
	// Maker is the PID that made it. The kernel tells it of sysv-shm alone; 0 of others.
	Maker int `json:"maker,omitempty"`
}

// Examined is an oracle's answer about one file: a fact. Whether it is allowed is the
// verdict's business.
type Examined struct {
	// Path is the file, relative to the work folder, or absolute. For a pattern that no
	// file fits it is the pattern.
	Path string `json:"path"`
	// Oracle is what was asked, in the words of the scenario: old-or-new, format:json, …
	Oracle string `json:"oracle"`
	// Answer is whole, damaged, missing or unknown.
	Answer Answer `json:"answer"`
	// Kind names the damage in a word that stays the same between trials: torn, truncated,
	// empty, changed, created, left, trailing-garbage, zero-filled, not-a-prefix, command, …
	Kind string `json:"kind,omitempty"`
	// Message says what is wrong, in one line, or why the answer is unknown.
	Message string `json:"message,omitempty"`
	// Offset is the first damaged byte, from 0, and Line its line, from 1; nil and 0 where
	// that cannot be said.
	Offset *int64 `json:"offset,omitempty"`
	Line   int    `json:"line,omitempty"`
	// Size is the file's, Expected what was expected, where something was.
	Size     int64  `json:"size"`
	Expected *int64 `json:"expected,omitempty"`
	// Excerpt shows the place: a short hexdump or difference, a command's output.
	Excerpt string `json:"excerpt,omitempty"`
	// Took is how long the oracle looked.
	Took time.Duration `json:"took_ns,omitempty"`
}

// Answer is what an oracle found.
type Answer string

// The answers.
const (
	Whole   Answer = "whole"
	Damaged Answer = "damaged"
	Missing Answer = "missing" // there is no such file
	// Undecided means that the oracle cannot say: no permission, beyond its limits, no
	// reference.
	Undecided Answer = "unknown"
)
