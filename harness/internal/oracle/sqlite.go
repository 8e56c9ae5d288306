package oracle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// sqliteDatabase is a database that SQLite itself calls sound once it has recovered it.
// The file is copied with its journal and its write-ahead log, opened for writing by the
// program sqlite3, which recovers, and held to PRAGMA integrity_check. Rows that refer to
// none (foreign_key_check) are told with the answer, and are no damage. It cannot see
// a transaction that is missing as a whole. Without sqlite3 in PATH it cannot say
// anything: linking SQLite would double the time of every build (docs/adr/0012).
func sqliteDatabase(k *look, file *source) error {
	if d, err := noDatabase(file); d != nil || err != nil {
		return orErr(d, err)
	}
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		return errors.New("there is no sqlite3 in PATH; install SQLite's command line program")
	}
	dir, err := os.MkdirTemp("", "sigprobe-oracle-")
	if err != nil {
		return fmt.Errorf("make a folder for a copy: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what is left lies in the temporary folder
	if err := k.copyDatabase(dir); err != nil {
		return err
	}
	asked := exec.Command(program, "-batch", "-init", os.DevNull, filepath.Join(dir, databaseCopy), sqliteQuestions)
	asked.Dir = dir
	said, err := k.run(asked)
	if err != nil {
		return err
	}
	return k.judgeDatabase(said, asked.ProcessState.Success())
}

// databaseCopy is the name of the copy. Journal and log must be named after it.
const databaseCopy = "database"

// foreignKeys stands between the answers of the two checks.
const foreignKeys = "-- foreign keys:"

// sqliteQuestions is what is asked. A schema may name functions; it is not trusted.
const sqliteQuestions = "PRAGMA trusted_schema=OFF; PRAGMA integrity_check(10); SELECT '" + foreignKeys + "'; PRAGMA foreign_key_check;"

var sqliteMagic = []byte("SQLite format 3\x00")

// sqliteHeader is the length of a database's header in bytes.
const sqliteHeader = 100

// noDatabase is damage that is seen without SQLite. A file of no bytes is a database
// without tables.
func noDatabase(file *source) (*damage, error) {
	magic := make([]byte, min(int64(len(sqliteMagic)), file.size))
	if _, err := file.ReadAt(magic, 0); notEnd(err) != nil {
		return nil, err
	}
	switch {
	case !bytes.HasPrefix(sqliteMagic, magic):
		return broken(Malformed, 0, "it does not begin as an SQLite database does"), nil
	case file.size > 0 && file.size < sqliteHeader:
		return broken(Truncated, file.size, "it ends within its header"), nil
	}
	return nil, nil
}

func (k *look) copyDatabase(dir string) error {
	for _, suffix := range []string{"", "-journal", "-wal"} {
		from, err := k.open(k.File+suffix, "the file"+suffix)
		if suffix != "" && isAbsence(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := copyTo(filepath.Join(dir, databaseCopy+suffix), from); err != nil {
			return err
		}
	}
	return nil
}

func copyTo(path string, from *source) (err error) {
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(0o600))
	if err != nil {
		return fmt.Errorf("copy %s: %w", from.name, withoutPath(err))
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if _, err = io.CopyBuffer(onlyWriter{to}, onlyReader{from}, make([]byte, chunk)); err != nil {
		return fmt.Errorf("copy %s: %w", from.name, withoutPath(err))
	}
	return nil
}

// onlyWriter hides every method but Write, so that a copy goes through its buffer.
type onlyWriter struct{ io.Writer }

// A database that is damaged makes sqlite3 say so in its answer, or end with one of the
// result codes SQLITE_CORRUPT (11) and SQLITE_NOTADB (26).
var sqliteCorrupt = regexp.MustCompile(`(?m)\((11|26)\)\s*$|malformed|not a database`)

func (k *look) judgeDatabase(said string, ended bool) error {
	checked, keys, complete := strings.Cut(said, foreignKeys)
	lines := strings.Split(strings.TrimSpace(checked), "\n")
	switch {
	case complete && slices.Equal(lines, []string{"ok"}):
		if loose := strings.TrimSpace(keys); loose != "" && ended {
			k.remark = fmt.Sprintf("rows that refer to rows that are not there: %d", len(strings.Split(loose, "\n")))
		}
		return nil
	case (complete && ended) || sqliteCorrupt.MatchString(said):
		d := broken(Malformed, -1, "SQLite says: %s", lines[0])
		d.excerpt = strings.TrimSpace(checked)
		return d
	}
	return fmt.Errorf("sqlite3 did not answer: %s", said)
}
