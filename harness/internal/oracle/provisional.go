// Package oracle answers one question about the content of one file.
package oracle

// provisional: replaced at the merge by the room's own oracles.

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Subject is a file and what it is held against.
type Subject struct {
	Path, File, Before, Reference string
	HasReference                  bool
	Resumed                       string
	HasResumed                    bool
	Dir                           string
}

// Limits bound what an oracle does.
type Limits struct {
	Bytes          int64
	Entries, Depth int
	Time           time.Duration
}

// Examine asks an oracle about a file.
func Examine(_ context.Context, s Subject, o scenario.Oracle, _ Limits) observation.Examined {
	e := observation.Examined{Path: s.Path, Oracle: o.String(), Answer: observation.Whole}
	now, err := os.ReadFile(s.File)
	there := err == nil
	damaged := func(kind string) observation.Examined {
		e.Answer, e.Kind, e.Message = observation.Damaged, kind, kind
		return e
	}
	same := func(path string) bool {
		text, err := os.ReadFile(path)
		return path == "" && !there || path != "" && err == nil && there && bytes.Equal(text, now)
	}
	switch o.Kind {
	case scenario.Absent:
		if there {
			return damaged("left")
		}
		return e
	case scenario.Resumable:
		now, err = os.ReadFile(s.Resumed)
		there = err == nil
		switch {
		case !s.HasReference || !s.HasResumed:
			e.Answer = observation.Undecided
		case !same(s.Reference):
			return damaged("changed")
		}
		return e
	case scenario.Unchanged:
		if !same(s.Before) {
			return damaged("changed")
		}
	case scenario.OldOrNew:
		switch {
		case same(s.Before):
		case !s.HasReference:
			e.Answer, e.Message = observation.Undecided, "no reference"
		case !same(s.Reference):
			return damaged("torn")
		}
		return e
	case scenario.Format:
		if there && !json.Valid(now) {
			return damaged("torn")
		}
	}
	if !there {
		e.Answer = observation.Missing
	}
	return e
}
