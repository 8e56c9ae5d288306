package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that cannot work in a scenario, with its remedy.
type Problem struct {
	// File is the scenario file; empty for a scenario that was made from flags.
	File string `json:"file,omitempty"`
	// Line and Column count from 1; both are 0 without a file.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Path names the field within its scenario: strike.random.window, target.command[0].
	Path string `json:"path,omitempty"`
	// Message says what is wrong and, after a semicolon, what would be right.
	Message string `json:"message"`
}

// Error is the problem in one line: "file.yaml:12:9: stop.settle: message; remedy",
// without the position where there is none.
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ":")
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", p.Line, p.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	return b.String() + p.Message
}

// Problems is everything that is wrong, in the order of the file.
type Problems struct {
	List []Problem
}

// Error has one line per problem.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, problem := range p.List {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lists the problems as errors.
func (p *Problems) Unwrap() []error {
	errs := make([]error, len(p.List))
	for i, problem := range p.List {
		errs[i] = problem
	}
	return errs
}

// Refusal is the problems as an error, a [*Problems] in the order of the file; nil
// when there are none.
func Refusal(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	sorted := slices.Clone(problems)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Problems{sorted}
}

// collector gathers the problems of one scenario, without positions.
type collector struct {
	problems []Problem
}

func (c *collector) add(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// nearest is the candidate that text was probably meant to be; ok is false when none
// is near: more than a third of its letters would have to change.
func nearest(text string, candidates []string) (near string, ok bool) {
	best := 1 + max(1, len(text)/3)
	for _, candidate := range candidates {
		if d := distance(strings.ToLower(text), candidate); d < best {
			near, best, ok = candidate, d, true
		}
	}
	return near, ok
}

// distance is the number of letters to insert, delete, replace or swap with their
// neighbour that turns a into b (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			same := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				same++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
