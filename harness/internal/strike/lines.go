package strike

import (
	"bytes"
	"regexp"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// maxLine bounds the part of a line that is kept and matched; the rest of a longer
// line is counted and not looked at.
const maxLine = 16 << 10

// Lines cuts streams of output into lines and counts those that match patterns.
// Counting is over all streams together, in the order in which they were read.
type Lines struct {
	patterns []*regexp.Regexp
	seen     []observation.Seen
	// OnMatch is called for every line that matches pattern i for the count-th time.
	OnMatch func(i, count int, line string, at time.Duration)
	// OnWhole, where not nil, is called for every line that ended with its newline. The
	// line is valid during the call only.
	OnWhole func(line []byte, at time.Duration)
}

// NewLines watches for the patterns.
func NewLines(patterns []*regexp.Regexp) *Lines {
	l := &Lines{patterns: patterns, seen: make([]observation.Seen, len(patterns))}
	for i, p := range patterns {
		l.seen[i].Pattern = p.String()
	}
	return l
}

// Seen tells what has matched so far, a row a pattern.
func (l *Lines) Seen() []observation.Seen { return l.seen }

// Stream is one stream of output.
type Stream struct {
	lines *Lines
	// partial is the beginning of a line whose end has not come.
	partial []byte
	// last is the latest whole line.
	last []byte
	// Lines counts the whole lines.
	Lines int64
}

// Stream opens one more stream whose lines count.
func (l *Lines) Stream() *Stream { return &Stream{lines: l} }

// Write takes what was read at a moment.
func (s *Stream) Write(text []byte, at time.Duration) {
	if len(s.lines.patterns) == 0 && s.lines.OnWhole == nil {
		s.skim(text)
		return
	}
	for {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			s.hold(text)
			return
		}
		s.hold(text[:end])
		s.line(at, true)
		text = text[end+1:]
	}
}

// skim counts lines and keeps the last one, for output that nobody watches: a target
// may print gigabytes.
func (s *Stream) skim(text []byte) {
	end := bytes.LastIndexByte(text, '\n')
	if end < 0 {
		s.hold(text)
		return
	}
	s.Lines += int64(bytes.Count(text[:end+1], []byte("\n")))
	start := bytes.LastIndexByte(text[:end], '\n') + 1
	if start > 0 {
		s.partial = s.partial[:0]
	}
	s.hold(text[start:end])
	s.last, s.partial = s.partial, s.last[:0]
	s.hold(text[end+1:])
}

// hold appends to the open line as much as is kept of it.
func (s *Stream) hold(text []byte) {
	s.partial = append(s.partial, text[:min(len(text), maxLine-len(s.partial))]...)
}

// line ends the open line, whole or cut off by the end of the stream.
func (s *Stream) line(at time.Duration, whole bool) {
	s.Lines++
	s.partial = bytes.TrimSuffix(s.partial, []byte("\r")) // a terminal ends lines with both
	s.match(at)
	if whole && s.lines.OnWhole != nil {
		s.lines.OnWhole(s.partial, at)
	}
	s.last, s.partial = s.partial, s.last[:0]
}

func (s *Stream) match(at time.Duration) {
	for i, p := range s.lines.patterns {
		if !p.Match(s.partial) {
			continue
		}
		seen := &s.lines.seen[i]
		seen.Count++
		if seen.Count == 1 {
			seen.First = at
		}
		seen.Last, seen.Line = at, string(s.partial)
		if s.lines.OnMatch != nil {
			s.lines.OnMatch(i, seen.Count, seen.Line, at)
		}
	}
}

// Close ends the stream: a last line without its newline counts as a line.
func (s *Stream) Close(at time.Duration) {
	if len(s.partial) > 0 {
		s.line(at, false)
	}
}

// Last is the latest whole line, or the beginning of the first one while there is none.
func (s *Stream) Last() string {
	if s.Lines == 0 {
		return string(s.partial)
	}
	return string(s.last)
}
