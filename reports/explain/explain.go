// Package explain says what a finding means, what usually causes it, and how to mend it.
//
// The knowledge is one page of Markdown for each check, with a section for each of its
// kinds, in the folder pages. It reads well as it is: nothing renders it.
package explain

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/sigprobe/sigprobe/harness/verdict"
)

//go:embed pages/*.md
var pages embed.FS

// Topic is a check, or a kind of its findings.
type Topic struct {
	Check string
	Kind  string // empty for the check as a whole
	// Text is Markdown, without the heading.
	Text string
}

// Name is the topic as `sigprobe explain` takes it: "survivors", "survivors/orphan".
func (t Topic) Name() string {
	if t.Kind == "" {
		return t.Check
	}
	return t.Check + "/" + t.Kind
}

// Gist is the topic's first sentence.
func (t Topic) Gist() string {
	paragraph, _, _ := strings.Cut(t.Text, "\n\n")
	paragraph = strings.ReplaceAll(paragraph, "\n", " ")
	if end := strings.Index(paragraph, ". "); end >= 0 {
		return paragraph[:end+1]
	}
	return paragraph
}

// Topics lists all topics: the checks in their order, each with its kinds.
func Topics() []Topic {
	var all []Topic
	for _, check := range verdict.Checks() {
		all = append(all, read(check)...)
	}
	return all
}

// Command is the line that explains a finding; empty for a kind that is not known, such
// as one in the record of a newer version.
func Command(check, kind string) string {
	if !slices.Contains(verdict.Kinds()[check], kind) {
		return ""
	}
	return "sigprobe explain " + check + "/" + kind
}

// Find finds what a name stands for: a check, CHECK/KIND, or a kind alone, which some
// checks share. The error says what is near.
func Find(name string) ([]Topic, error) {
	var found []Topic
	check, kind, both := strings.Cut(strings.ToLower(strings.TrimSpace(name)), "/")
	for _, t := range Topics() {
		switch {
		case both && t.Check == check && t.Kind == kind && kind != "",
			!both && t.Kind == "" && t.Check == check,
			!both && t.Kind == check && check != "":
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		return nil, unknown(check, kind)
	}
	return found, nil
}

func unknown(check, kind string) error {
	kinds, isCheck := verdict.Kinds()[check]
	switch {
	case isCheck && len(kinds) > 0:
		return fmt.Errorf("the check %s has no kind %q; it has %s", check, kind, strings.Join(kinds, ", "))
	case isCheck:
		return fmt.Errorf("the check %s has no kinds; see sigprobe explain %s", check, check)
	}
	return fmt.Errorf("there is neither a check nor a kind %q; the checks are %s", check, strings.Join(verdict.Checks(), ", "))
}

// read divides a check's page at its headings; the check itself comes first.
func read(check string) []Topic {
	page, err := pages.ReadFile("pages/" + check + ".md")
	if err != nil {
		return nil
	}
	var topics []Topic
	for i, section := range strings.Split(string(page), "\n## ") {
		heading, text, _ := strings.Cut(section, "\n")
		topic := Topic{Check: check, Kind: heading, Text: strings.TrimSpace(text)}
		if i == 0 {
			topic.Kind = ""
		}
		topics = append(topics, topic)
	}
	return topics
}
