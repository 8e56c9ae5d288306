package calls

// Subject is a file that a call is about, and where among the arguments it is named.
// A field that does not apply is -1.
type Subject struct {
	// FD is the argument that is an open descriptor, the file itself.
	FD int
	// Path is the argument that points to a path, and Dir the one that is the
	// descriptor it is relative to (AT_FDCWD for the current folder).
	Path, Dir int
}

func fd(i int) Subject             { return Subject{FD: i, Path: -1, Dir: -1} }
func path(i int) Subject           { return Subject{FD: -1, Path: i, Dir: -1} }
func pathAt(dir, path int) Subject { return Subject{FD: -1, Path: path, Dir: dir} }

// subjects tells of the calls whose first argument is not just a descriptor or nothing
// of the kind. The order is that of the arguments: the source first.
var subjects = map[string][]Subject{
	"sendfile": {fd(0), fd(1)}, "copy_file_range": {fd(0), fd(2)}, "splice": {fd(0), fd(2)},
	"open": {path(0)}, "creat": {path(0)}, "openat": {pathAt(0, 1)}, "openat2": {pathAt(0, 1)},
	"rename": {path(0), path(1)}, "renameat": {pathAt(0, 1), pathAt(2, 3)}, "renameat2": {pathAt(0, 1), pathAt(2, 3)},
	"unlink": {path(0)}, "rmdir": {path(0)}, "unlinkat": {pathAt(0, 1)},
	"link": {path(0), path(1)}, "linkat": {pathAt(0, 1), pathAt(2, 3)},
	"symlink": {path(1)}, "symlinkat": {pathAt(1, 2)},
	"mkdir": {path(0)}, "mkdirat": {pathAt(0, 1)}, "mknod": {path(0)}, "mknodat": {pathAt(0, 1)},
	"truncate": {path(0)}, "stat": {path(0)}, "lstat": {path(0)}, "newfstatat": {pathAt(0, 1)}, "statx": {pathAt(0, 1)},
	"access": {path(0)}, "faccessat": {pathAt(0, 1)}, "faccessat2": {pathAt(0, 1)},
	"chmod": {path(0)}, "fchmodat": {pathAt(0, 1)}, "chown": {path(0)}, "lchown": {path(0)}, "fchownat": {pathAt(0, 1)},
	"execve": {path(0)}, "execveat": {pathAt(0, 1)}, "chdir": {path(0)}, "utimensat": {pathAt(0, 1)},
}

// byDescriptor are the calls whose first argument is the descriptor of the file.
var byDescriptor = map[string]bool{
	"write": true, "writev": true, "pwrite64": true, "pwritev": true, "pwritev2": true,
	"read": true, "readv": true, "pread64": true, "preadv": true, "preadv2": true,
	"ftruncate": true, "fallocate": true, "fsync": true, "fdatasync": true, "sync_file_range": true, "syncfs": true,
	"close": true, "lseek": true, "fstat": true, "fchmod": true, "fchown": true, "flock": true, "fcntl": true,
	"ioctl": true, "getdents64": true, "fchdir": true,
	"sendto": true, "sendmsg": true, "sendmmsg": true, "recvfrom": true, "recvmsg": true, "recvmmsg": true,
	"connect": true, "accept": true, "accept4": true, "bind": true, "listen": true,
}

// Subjects lists the files that a call is about; nil for calls about none, and for
// those that are not in the table.
func Subjects(number int) []Subject {
	name := Name(number)
	if byDescriptor[name] {
		return []Subject{fd(0)}
	}
	return subjects[name]
}
