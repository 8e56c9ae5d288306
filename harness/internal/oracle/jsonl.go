package oracle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// jsonLines is a JSON value of UTF-8 on each line, and the end of the last line. An
// empty line is left alone, and no lines at all are good. It cannot see a cut behind a
// line.
func jsonLines(k *look, file *source) error {
	r := bufio.NewReaderSize(file, chunk)
	for at, line := int64(0), 1; ; line++ {
		raw, err := readLine(r, file, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(raw) > 0 {
			if d := jsonLine(raw, at, line); d != nil {
				return d
			}
		}
		if err != nil {
			return nil
		}
		at += int64(len(raw))
	}
}

// jsonLine is what is wrong with a line, its end with it; nil where nothing is.
func jsonLine(raw []byte, at int64, line int) *damage {
	body, ended := bytes.CutSuffix(raw, []byte{'\n'})
	if !ended {
		return broken(Torn, at, "line %d has %d bytes and no end", line, len(raw)).inLine(line)
	}
	if len(bytes.TrimSpace(body)) == 0 || (json.Valid(body) && utf8.Valid(body)) {
		return nil
	}
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(body, new(json.RawMessage)); {
	case errors.As(err, &syntax):
		return broken(Malformed, at+max(0, syntax.Offset-1), "line %d is no JSON: %s", line, err).inLine(line)
	case err != nil:
		return broken(Malformed, at, "line %d is no JSON: %s", line, err).inLine(line)
	}
	return broken(Malformed, at, "line %d is no UTF-8", line).inLine(line)
}

// readLine reads a line with its end. It holds no more than the longest token.
func readLine(r *bufio.Reader, file *source, at int64) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if line == nil && err == nil {
			return part, nil // good until the next read
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > longestToken {
			return nil, file.fail("the line at byte %d is longer than the limit of %d bytes", at, longestToken)
		}
	}
}
