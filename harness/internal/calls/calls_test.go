package calls

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, names := range map[string][]string{
		"write":        {"write", "pwrite64", "copy_file_range"},
		"=write":       {"write"},
		"chmod":        {"chmod"},
		"rename,fsync": {"rename", "renameat2", "fsync", "fdatasync"},
		"%modify":      {"write", "unlinkat", "ftruncate", "fsync"},
	} {
		set, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, number := range set.Numbers() {
			got = append(got, Name(number))
		}
		for _, name := range names {
			if table()[name] == 0 && name != "read" {
				continue // arm64 has no rename(2), for instance
			}
			if !slices.Contains(got, name) {
				t.Errorf("%s is %v, without %s", text, got, name)
			}
		}
		if strings.HasPrefix(text, "=") && len(got) != 1 {
			t.Errorf("%s is %v, not one call", text, got)
		}
	}
	for _, text := range []string{"", "nonsense", "write,", "%nothing", "==write"} {
		if set, err := Parse(text); err == nil {
			t.Errorf("%q was taken for %v", text, set.Numbers())
		}
	}
}

// TestEveryMemberIsKnown catches a misspelt name: each is a call of some machine.
func TestEveryMemberIsKnown(t *testing.T) {
	elsewhere := []string{"open", "creat", "rename", "unlink", "rmdir", "link", "symlink", "mkdir", "fork", "vfork", "poll", "select", "epoll_wait"}
	for class, members := range classes {
		for _, member := range members {
			if _, known := table()[member]; !known && !slices.Contains(elsewhere, member) {
				t.Errorf("class %s: %s is no system call here", class, member)
			}
		}
	}
	for union, members := range unions {
		for _, member := range members {
			if classes[member] == nil {
				t.Errorf("%s: %s is no class", union, member)
			}
		}
	}
	for name := range subjects {
		if _, known := table()[name]; !known && !slices.Contains(elsewhere, name) {
			t.Errorf("subjects of %s, which is no system call here", name)
		}
	}
}
