package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/reports/explain"
)

func newExplain(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CHECK | KIND | CHECK/KIND]…",
		Short: "What a finding means, its usual causes, and how to mend it",
		Long: `Say what a finding means, what usually causes it in shells, npm, Python, Go, Java, Node
and as PID 1 of a container, and how to mend it. Without arguments list all checks and
the kinds of findings that they have. The text is Markdown.`,
		Example: "  sigprobe explain survivors/orphan\n  sigprobe explain deadline",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return topicNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return explainAll(std.out, args) },
	}
}

func topicNames() []string {
	var names []string
	for _, t := range explain.Topics() {
		names = append(names, t.Name())
	}
	return names
}

func explainAll(w io.Writer, names []string) error {
	var b strings.Builder
	if len(names) == 0 {
		listTopics(&b)
	}
	for _, name := range names {
		topics, err := explain.Find(name)
		if err != nil {
			return usage("%w", err)
		}
		for _, t := range topics {
			describeTopic(&b, t)
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil && !readerGone(err) {
		return broken(fmt.Errorf("write the explanation: %w", err))
	}
	return nil
}

// listTopics is a line for each topic, the kinds below their checks.
func listTopics(b *strings.Builder) {
	for _, t := range explain.Topics() {
		if t.Kind == "" {
			fmt.Fprintf(b, "%s: %s\n", t.Check, t.Gist())
			continue
		}
		fmt.Fprintf(b, "  %-18s %s\n", t.Kind, t.Gist())
	}
}

// describeTopic is a topic in full; a check has its kinds behind it, a line each.
func describeTopic(b *strings.Builder, topic explain.Topic) {
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "# %s\n\n%s\n", topic.Name(), topic.Text)
	if topic.Kind != "" {
		return
	}
	first := true
	for _, t := range explain.Topics() {
		if t.Check != topic.Check || t.Kind == "" {
			continue
		}
		if first {
			fmt.Fprintf(b, "\nIts kinds, each with a page of its own (sigprobe explain %s/KIND):\n", topic.Check)
			first = false
		}
		fmt.Fprintf(b, "- %s: %s\n", t.Kind, t.Gist())
	}
}
