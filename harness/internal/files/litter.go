package files

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// litterRule says what a kind of litter looks like. All that is given must hold.
type litterRule struct {
	kind  string
	types []string
	// name fits the last name of the path; nil for every name.
	name *regexp.Regexp
	// content says whether the first bytes fit; nil for every content. It is asked about
	// files only.
	content func(head []byte) bool
}

// litterRules are tried one after the other. They are about what programs leave when
// they are stopped, so a name alone must be telling.
var litterRules = []litterRule{
	{kind: "socket", types: []string{"socket"}},
	{kind: "fifo", types: []string{"fifo"}},
	// The first line of a pid file is a number, as in PostgreSQL's postmaster.pid; an empty
	// one is what a program leaves that was stopped while it wrote it.
	{kind: "pid", types: []string{"file"}, name: regexp.MustCompile(`(?i)^(.+\.pid|\.?pid|pid-?file)$`), content: holdsPID},
	// These are called locks, and record versions of packages. They are meant to stay.
	{kind: "", types: []string{"file"}, name: regexp.MustCompile(`^(\.package-lock|(?i:bun|bundle|cargo|composer|conan|deno|flake|gemfile|gopkg|mix|npm-shrinkwrap|package|packages|paket|pdm|pipfile|pixi|podfile|poetry|pubspec|pylock|symfony|uv|yarn))\.lock$`)},
	// x.lock and x.lck of many programs, LCK..ttyS0 of UUCP, .~lock.x# of office suites,
	// .#x of Emacs, which is a link. Who locks with mkdir(2) leaves a folder.
	{kind: "lock", types: []string{"file", "link", "folder"}, name: regexp.MustCompile(`(?i)^(.+\.(lock|lck|lockfile)|\.?lock|lock-?file|LCK\.\..+|\.~lock\..+#)$`)},
	{kind: "lock", types: []string{"link"}, name: regexp.MustCompile(`^\.#.+$`)},
	// Endings that say so, also with digits or letters of mkstemp(3) behind them, as in
	// x.tmp-1a2b3c; x~ and #x# of editors; downloads that are under way.
	{kind: "temporary", types: []string{"file", "link", "folder"}, name: regexp.MustCompile(`(?i)^.*\.(tmp|temp)([-._][0-9a-z]+|[0-9]+)?$`)},
	{kind: "temporary", types: []string{"file", "link"}, name: regexp.MustCompile(`(?i)^(.+~|#.+#|.*\.(part|partial|crdownload|download|swp|swo|swx|incomplete|inprogress|in-progress))$`)},
	// tmp.XXXXXXXXXX of mktemp(1), tmpXXXXXXXX of Python's tempfile, .tmpXXXXXX of Rust's,
	// .goutputstream-XXXXXX of GLib, and what NFS and FUSE put in place of open files.
	{kind: "temporary", types: []string{"file", "folder", "link"}, name: regexp.MustCompile(`^(tmp\.[A-Za-z0-9]{6,}|tmp[a-z0-9_]{8}|\.tmp([-._].+|[A-Za-z0-9]{6,})|\.goutputstream-.+|\.nfs[0-9a-f]{16,}|\.fuse_hidden[0-9a-f]+)$`)},
}

// maxPID is the largest PID that Linux gives (PID_MAX_LIMIT, proc_sys_kernel(5)).
const maxPID = 1 << 22

// holdsPID says that the first line is a PID, or that there is nothing yet.
func holdsPID(head []byte) bool {
	line, _, _ := strings.Cut(strings.TrimSpace(string(head)), "\n")
	if line == "" {
		return true
	}
	pid, err := strconv.ParseUint(strings.TrimSpace(line), 10, 32)
	return err == nil && pid > 0 && pid <= maxPID
}

// litterHead is how much of a file its rules may want to see, in bytes.
const litterHead = 64

// Litter says what a path looks like that a program made and did not remove: temporary,
// lock, pid, socket or fifo; "" for none of these. The type is that of an entry; head
// is the begin of a file's content, at least 64 bytes where there are so many.
// The journals of SQLite are no litter: they belong to the database.
func Litter(path, kind string, head []byte) string {
	for _, rule := range litterRules {
		if rule.nameFits(lastName(path), kind) && (rule.content == nil || rule.content(head)) {
			return rule.kind
		}
	}
	return ""
}

func lastName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func (r litterRule) nameFits(name, kind string) bool {
	return slices.Contains(r.types, kind) && (r.name == nil || r.name.MatchString(name))
}

// MarkLitter notes in the changes of a folder which of the paths that were made look
// like litter. It reads the begin of a file where a rule wants to see it; one that cannot
// be read counts as empty.
func MarkLitter(dir string, changes []observation.Change) {
	root, err := openat(unix.AT_FDCWD, dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return // then nothing was made in it
	}
	defer unix.Close(root) //nolint:errcheck // nothing was written
	for i := range changes {
		if c := &changes[i]; c.Before == nil && c.After != nil {
			path := observation.UnescapePath(c.Path)
			c.Litter = Litter(path, c.After.Type, readHead(root, path, c.After.Type))
		}
	}
}

// readHead reads the begin of a file whose name alone does not tell.
func readHead(root int, path, kind string) []byte {
	asked := func(r litterRule) bool { return r.content != nil && r.nameFits(lastName(path), kind) }
	if !slices.ContainsFunc(litterRules, asked) {
		return nil
	}
	file, _, err := openRegular(root, path)
	if err != nil {
		return nil
	}
	defer file.Close() //nolint:errcheck // nothing was written
	head := make([]byte, litterHead)
	n, _ := file.ReadAt(head, 0) //nolint:errcheck // what was read counts
	return head[:n]
}
