package oracle

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
)

// hashed asks for content with a given SHA-256, or with that of a manifest as sha256sum(1)
// writes it, whose names are relative to the manifest's folder or to the work folder.
// It sees every difference, and cannot say where.
func hashed(k *look) error {
	want, err := k.wantedHash()
	if err != nil {
		return err
	}
	file, err := k.open(k.File, "the file")
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.CopyBuffer(sum, onlyReader{file}, make([]byte, chunk)); err != nil {
		return err
	}
	got := hex.EncodeToString(sum.Sum(nil))
	switch {
	case strings.EqualFold(got, want):
		return nil
	case file.size == 0:
		return broken(Empty, 0, "the file is empty, and its SHA-256 should be %s", want)
	}
	return broken(Changed, -1, "its SHA-256 is %s, and should be %s", got, want)
}

// onlyReader hides every method but Read, so that a copy goes through its buffer.
type onlyReader struct{ io.Reader }

func (k *look) wantedHash() (string, error) {
	name, isManifest := strings.CutPrefix(k.oracle.Argument, "@")
	if !isManifest {
		return k.oracle.Argument, nil
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(k.Dir, name)
	}
	manifest, err := k.openOther(path, "the manifest "+name)
	if err != nil {
		return "", err
	}
	return k.lookUp(manifest, name, filepath.Dir(path))
}

// lookUp finds the file in a manifest.
func (k *look) lookUp(manifest *source, name, dir string) (string, error) {
	lines := bufio.NewScanner(manifest)
	for lines.Scan() {
		hash, of, good := manifestLine(lines.Bytes())
		if good && k.isThis(of, dir) {
			return hash, nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("read the manifest %s: %w", name, err)
	}
	return "", fmt.Errorf("the manifest %s does not name %s; write it with sha256sum, with names relative to its folder", name, k.Path)
}

// isThis says that a name of a manifest in a folder is that of the file.
func (k *look) isThis(name, dir string) bool {
	if filepath.IsAbs(name) {
		return filepath.Clean(name) == filepath.Clean(k.File)
	}
	return filepath.Join(dir, name) == filepath.Clean(k.File) || filepath.Join(k.Dir, name) == filepath.Clean(k.File)
}

var manifestForm = regexp.MustCompile(`^(\\?)([0-9a-fA-F]{64}) [ *](.+)$`)

// manifestLine reads `HASH  NAME` or `HASH *NAME`. A backslash in front says that line
// breaks and backslashes of the name are written \n, \r and \\ (GNU coreutils).
func manifestLine(line []byte) (hash, name string, good bool) {
	m := manifestForm.FindSubmatch(bytes.TrimSuffix(line, []byte{'\r'}))
	if m == nil {
		return "", "", false
	}
	name = string(m[3])
	if len(m[1]) > 0 {
		name = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(name)
	}
	return string(m[2]), name, true
}
