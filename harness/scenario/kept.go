package scenario

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// maxFactor bounds how many times the first start a further one may take.
const maxFactor = 1000

// kept refuses what cannot be expected of files, of acknowledged work and of a restart.
func (c *collector) kept(e Expect) {
	for i, file := range e.Files {
		c.expectFile(fmt.Sprintf("expect.files[%d]", i), file)
	}
	c.repeatedPaths(e.Files)
	c.absentAndNot(e.Files)
	if e.Acknowledged != nil {
		c.acknowledged(*e.Acknowledged)
	}
	if e.Litter != nil {
		for i, pattern := range e.Litter.Allow {
			c.filePattern(fmt.Sprintf("expect.litter.allow[%d]", i), pattern)
		}
	}
	if e.Restarts != nil {
		c.restarts(*e.Restarts)
	}
	c.compare(e)
}

func (c *collector) expectFile(at string, f ExpectFile) {
	c.filePattern(at+".path", f.Path)
	for i, oracle := range f.Is {
		c.oracle(fmt.Sprintf("%s.is[%d]", at, i), oracle)
	}
	for _, short := range f.short() {
		if short.oracle.Argument != "" {
			c.oracle(at+"."+short.field, short.oracle)
		}
	}
	if len(f.oracles()) == 0 {
		c.add(at, "nothing is expected of it; write what it is, such as is: present or format: json")
	}
	c.oraclesOfOne(at, f.oracles())
}

func (c *collector) oracle(at string, o Oracle) {
	if _, err := ParseOracle(o.String()); err != nil {
		c.add(at, "%v", err)
	}
	if o.Kind != AppendOnly { // its pattern may have one
		c.noNUL(at, o.Argument)
	}
}

// oraclesOfOne refuses oracles that no single file can satisfy, and those that stand twice.
func (c *collector) oraclesOfOne(at string, all []Oracle) {
	hash := ""
	for i, o := range all {
		switch {
		case slices.Contains(all[:i], o):
			c.add(at, "%s stands twice; leave one out", o)
		case o.Kind == Absent && len(all) > 1:
			c.add(at, "a file that is absent has no content; keep absent, or the others")
		case o.Kind == SHA256 && hexSHA256.MatchString(o.Argument) && hash != "" && !strings.EqualFold(hash, o.Argument):
			c.add(at, "no content has two hashes; keep one sha256, or write two paths")
		case o.Kind == SHA256 && hexSHA256.MatchString(o.Argument):
			hash = o.Argument
		}
	}
}

// filePattern refuses patterns that no path fits as it is looked at: relative to the work
// folder and without a way out of it, or absolute.
func (c *collector) filePattern(at, pattern string) {
	name := strings.TrimPrefix(pattern, "$TMPDIR/")
	switch clean := path.Clean(name); {
	case pattern == "":
		c.add(at, "there is no path; write one such as out/*.json, relative to the work folder")
	case strings.HasSuffix(name, "/"):
		c.add(at, "%q names a folder; write %s** for the files in it", pattern, pattern)
	case clean == ".." || strings.HasPrefix(clean, "../"):
		c.add(at, "%q leads out of the work folder; write an absolute path", pattern)
	case strings.HasPrefix(name, "./"):
		c.add(at, "%q is never looked at by that name; write %s", pattern, clean)
	default:
		c.pattern(at, pattern)
	}
	c.noNUL(at, pattern)
}

func (c *collector) repeatedPaths(files []ExpectFile) {
	first := map[string]int{}
	for i, file := range files {
		if _, twice := first[file.Path]; twice && file.Path != "" {
			c.add(fmt.Sprintf("expect.files[%d].path", i), "%s stands here a second time; write all that it is into one list", file.Path)
			continue
		}
		first[file.Path] = i
	}
}

// absentAndNot refuses a file that is to be there while a pattern that it fits is to fit none.
func (c *collector) absentAndNot(files []ExpectFile) {
	for _, gone := range files {
		if !slices.Contains(gone.oracles(), Oracle{Kind: Absent}) {
			continue
		}
		for i, file := range files {
			there := len(file.oracles()) > 0 && !slices.Contains(file.oracles(), Oracle{Kind: Absent})
			if fits, err := doublestar.Match(gone.Path, file.Path); there && fits && err == nil && file.Path != gone.Path {
				c.add(fmt.Sprintf("expect.files[%d]", i), "%s fits %s, which is absent; narrow that pattern, or leave one of the two out", file.Path, gone.Path)
			}
		}
	}
}

func (c *collector) acknowledged(a Acknowledged) {
	const at = "expect.acknowledged"
	switch {
	case a.Output.Regexp == nil:
		c.add(at+".output", "there is no pattern for the line that acknowledges; write a regular expression such as 'committed (\\d+)'")
	case a.Output.NumSubexp() == 0:
		c.add(at+".output", "%q has no group for the record's id; put brackets around it, as in 'committed (\\d+)'", a.Output)
	}
	if (a.In == "") == (a.Command == "") {
		c.add(at, "it needs the file that holds the records or a command that prints them, and not both; write in: out/ledger.jsonl, or command: ./bin/dump")
	}
	if strings.HasSuffix(a.In, "/") {
		c.add(at+".in", "%q names a folder; write the file that holds the records", a.In)
	}
	if a.Command != "" && strings.TrimSpace(a.Command) == "" {
		c.add(at+".command", "%q is no command; write one that prints the records", a.Command)
	}
	if a.As != "" && strings.Count(a.As, "%s") != 1 {
		c.add(at+".as", "%q does not say where the id stands; write %%s once in its place", a.As)
	}
	c.noNUL(at+".in", a.In)
	c.noNUL(at+".command", a.Command)
	c.noNUL(at+".as", a.As)
}

func (c *collector) restarts(r Restarts) {
	if r.Factor != 0 && !(r.Factor >= 1 && r.Factor <= maxFactor) {
		c.add("expect.restarts.factor", "%v is no bound that a start can keep; write a number from 1 to %d", r.Factor, maxFactor)
	}
	c.time("expect.restarts.floor", r.Floor)
}

func (c *collector) compare(e Expect) {
	switch {
	case e.Compare == "":
	case e.Compare != CompareKill:
		c.add("expect.compare", "%q is nothing to compare with; write kill", string(e.Compare))
	case len(e.Files) == 0 && e.Acknowledged == nil && e.Restarts == nil:
		c.add("expect.compare", "nothing that KILL could lose is looked at; expect files, acknowledged or restarts too")
	}
}

// ownFolder refuses what only a fresh work folder can answer: in a folder that trials and
// others share, what an earlier trial left would count as this one's.
func (c *collector) ownFolder(s Scenario) {
	if s.Target.Workdir != Inherit {
		return
	}
	refuse := func(at, why string) {
		c.add(at, "%s; write workdir: fresh (--workdir fresh on the command line), or leave it out", why)
	}
	for i, file := range s.Expect.Files {
		for _, o := range file.Is {
			if o.Kind == Resumable || o.Kind == OldOrNew {
				refuse(fmt.Sprintf("expect.files[%d]", i), string(o.Kind)+" compares with a run of its own from the same start, which a shared folder does not have")
			}
		}
	}
	if s.Expect.Acknowledged != nil {
		refuse("expect.acknowledged", "a shared folder holds the records of earlier trials too")
	}
	if s.Expect.Litter != nil {
		refuse("expect.litter", "in a shared folder nobody can say who made what is left")
	}
	if s.Expect.Restarts != nil {
		refuse("expect.restarts", "the start after a stop in a shared folder would not be this trial's alone")
	}
	if s.Expect.Compare == CompareKill {
		refuse("expect.compare", "KILL needs the same start as the stop that it is compared with, which a shared folder does not have")
	}
}
