package reports

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// maxLine is the longest line that is read, in bytes. A longer one is no trial.
const maxLine = 64 << 20

// maxWarnings bounds the list of warnings; what comes after is only counted.
const maxWarnings = 100

// Warning is something in a stored run that could not be used.
type Warning struct {
	// File is the file's name in the run's folder.
	File string `json:"file"`
	// Line counts from 1; 0 when the warning is about the whole file.
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// String is the warning in one line.
func (w Warning) String() string {
	if w.Line == 0 {
		return w.File + ": " + w.Message
	}
	return fmt.Sprintf("%s:%d: %s", w.File, w.Line, w.Message)
}

// Reader reads trials one by one. A trial that was recorded more than once, as after
// a resumed run, is given once: its first conclusive record, else its first one. What
// is no trial is skipped with a warning.
//
// Conclusive trials come in the order of the record, the others after them. Memory
// does not grow with the size of the trials, only by some bytes for each, to find
// those that stand twice.
type Reader struct {
	source io.ReaderAt
	closer io.Closer
	in     *bufio.Reader
	limit  int // of a line, in bytes

	line   []byte
	number int   // of line, from 1
	offset int64 // of the first byte after line

	// counted holds the keys of conclusive trials that were given; waiting, those of
	// the others, until the end shows that nothing better comes.
	counted map[key]bool
	waiting map[key]int // index in queue
	queue   []place
	atEnd   bool

	trial    harness.Trial
	err      error
	warnings []Warning
	dropped  int
	unknown  map[string]bool // unknown fields that were warned of
}

type key struct {
	scenario string
	trial    int
}

// place is where a record stands.
type place struct {
	key    key
	line   int
	offset int64
	length int
}

// NewReader reads the first size bytes of source.
func NewReader(source io.ReaderAt, size int64) *Reader {
	return &Reader{
		source:  source,
		limit:   maxLine,
		in:      bufio.NewReaderSize(io.NewSectionReader(source, 0, size), 64<<10),
		counted: map[key]bool{}, waiting: map[key]int{}, unknown: map[string]bool{},
	}
}

// Scan goes on to the next trial. It is false at the end and after an error of reading.
func (r *Reader) Scan() bool {
	for !r.atEnd {
		if !r.readLine() {
			r.atEnd = true
		} else if r.take() {
			return true
		}
	}
	return r.err == nil && r.scanQueue()
}

// Trial is the trial that Scan went on to.
func (r *Reader) Trial() harness.Trial { return r.trial }

// Err is the error that ended Scan; nil at the end of the record. Only reading itself
// can fail, content cannot.
func (r *Reader) Err() error { return r.err }

// Warnings tells what was skipped so far: the first hundred, and a count of the rest.
func (r *Reader) Warnings() []Warning {
	if r.dropped == 0 {
		return r.warnings
	}
	return append(r.warnings[:len(r.warnings):len(r.warnings)],
		Warning{File: trialsName, Message: fmt.Sprintf("%d more warnings", r.dropped)})
}

// Close releases the file.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// take looks at the line and says whether it is a trial to give now.
func (r *Reader) take() bool {
	trial, skipped, ok := r.decode()
	if !ok {
		return false
	}
	k := key{trial.Scenario, trial.Index}
	at, waits := r.waiting[k]
	switch {
	case r.counted[k]:
		r.warn("trial %d of %s is recorded already; this record does not count", k.trial, k.scenario)
		return false
	case conclusive(trial):
		if waits {
			r.warnAt(r.queue[at].line, "trial %d of %s is recorded again in line %d, conclusively; this record does not count", k.trial, k.scenario, r.number)
		}
		r.counted[k] = true
		r.trial = trial
		return true
	case waits:
		r.warn("trial %d of %s is recorded already; this record does not count", k.trial, k.scenario)
		return false
	}
	r.waiting[k] = len(r.queue)
	r.queue = append(r.queue, place{k, r.number, r.offset - int64(len(r.line)-skipped), len(r.line) - skipped})
	return false
}

func conclusive(t harness.Trial) bool {
	return t.Judgement.Verdict == verdict.Graceful || t.Judgement.Verdict == verdict.Violation
}

// scanQueue gives the trials that never became conclusive.
func (r *Reader) scanQueue() bool {
	for len(r.queue) > 0 {
		next := r.queue[0]
		r.queue = r.queue[1:]
		if r.counted[next.key] {
			continue
		}
		text := make([]byte, next.length)
		if _, err := r.source.ReadAt(text, next.offset); err != nil && err != io.EOF {
			r.err = err
			return false
		}
		if trial, _, err := parseTrial(text); err == nil {
			r.trial = trial
			return true
		}
		r.warnAt(next.line, "the record changed while it was read")
	}
	return false
}

// readLine reads up to the next newline, newline included. It is false at the end.
func (r *Reader) readLine() bool {
	r.line = r.line[:0]
	r.number++
	tooLong := false
	for {
		chunk, err := r.in.ReadSlice('\n')
		r.offset += int64(len(chunk))
		tooLong = tooLong || len(r.line)+len(chunk) > r.limit
		if !tooLong {
			r.line = append(r.line, chunk...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if tooLong {
			r.warn("the line is longer than %d bytes and was skipped", r.limit)
			r.line = r.line[:0]
		}
		if err != nil && err != io.EOF {
			r.err = err
			return false
		}
		return err == nil || len(r.line) > 0 || tooLong
	}
}

// decode makes a trial of the line. skipped is the number of bytes before it: where
// a torn line was not ended, the next record stands behind it in the same line.
func (r *Reader) decode() (trial harness.Trial, skipped int, ok bool) {
	if len(bytes.TrimSpace(r.line)) == 0 {
		return trial, 0, false
	}
	trial, surprise, err := parseTrial(r.line)
	if err == nil {
		r.noteSurprise(surprise)
		return trial, 0, true
	}
	// A record's opening cannot stand inside a JSON string, where its quotes would be
	// escaped, so the last one in the line is the start of a record.
	if at := bytes.LastIndex(r.line, []byte(recordOpening)); at > 0 {
		if trial, _, err := parseTrial(r.line[at:]); err == nil {
			r.warn("a torn record stands before a whole one in this line; it was skipped")
			return trial, at, true
		}
	}
	if r.line[len(r.line)-1] != '\n' {
		r.warn("the last line is torn and was skipped: sigprobe was killed while it wrote, or is writing now")
	} else {
		r.warn("the line is no trial and was skipped: %v", err)
	}
	return trial, 0, false
}

// recordOpening is how every record begins; see the fields of harness.Trial.
const recordOpening = `{"scenario":`

// parseTrial reads one record and refuses what is JSON but no trial. surprise tells of
// a field that this version does not know; the trial is good all the same.
func parseTrial(text []byte) (trial harness.Trial, surprise, err error) {
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	surprise = strict.Decode(&trial)
	if surprise != nil || strict.More() {
		trial = harness.Trial{}
		if err := json.Unmarshal(text, &trial); err != nil {
			return trial, nil, err
		}
	}
	return trial, surprise, valid(trial)
}

// valid says why no reader takes the trial; nil when it is one.
func valid(t harness.Trial) error {
	if err := checkKey(t); err != nil {
		return err
	}
	switch t.Judgement.Verdict {
	case verdict.Graceful, verdict.Violation, verdict.Inconclusive, verdict.Error:
		return nil
	}
	return fmt.Errorf("trial %d of %s: %q is no verdict", t.Index, t.Scenario, t.Judgement.Verdict)
}

// noteSurprise warns of an unknown field once, and not in every line.
func (r *Reader) noteSurprise(surprise error) {
	if surprise == nil || r.unknown[surprise.Error()] || len(r.unknown) >= maxWarnings {
		return
	}
	r.unknown[surprise.Error()] = true
	r.warn("%v: a newer sigprobe wrote it; it was left out, here and in later lines", surprise)
}

func (r *Reader) warn(format string, args ...any) { r.warnAt(r.number, format, args...) }

func (r *Reader) warnAt(line int, format string, args ...any) {
	if len(r.warnings) >= maxWarnings {
		r.dropped++
		return
	}
	r.warnings = append(r.warnings, Warning{trialsName, line, fmt.Sprintf(format, args...)})
}
