package explain_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports/explain"
)

// What verdict can find is explained, and nothing else is.
func TestEveryKindIsExplained(t *testing.T) {
	var want, got []string
	for _, check := range verdict.Checks() {
		want = append(want, check)
		for _, kind := range verdict.Kinds()[check] {
			want = append(want, check+"/"+kind)
		}
	}
	for _, topic := range explain.Topics() {
		got = append(got, topic.Name())
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("%s is not explained: write a section in pages/%s.md", name, strings.Split(name, "/")[0])
		}
	}
	for i, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("%s is explained, and package verdict has no such kind", name)
		}
		if slices.Contains(got[:i], name) {
			t.Errorf("%s is explained twice", name)
		}
	}
}

func TestEveryPageBelongsToACheck(t *testing.T) {
	files, err := fs.Glob(os.DirFS("pages"), "*")
	if err != nil || len(files) != len(verdict.Checks()) {
		t.Errorf("%v, %v; the checks are %v", files, err, verdict.Checks())
	}
}

// A kind is told in a sentence, then its causes, then what mends it.
func TestEveryKindHasCausesAndRemedies(t *testing.T) {
	for _, topic := range explain.Topics() {
		if len(topic.Gist()) < 20 || !strings.HasSuffix(topic.Gist(), ".") && !strings.HasSuffix(topic.Gist(), ":") {
			t.Errorf("%s begins with %q, which is no sentence", topic.Name(), topic.Gist())
		}
		if topic.Kind == "" {
			continue
		}
		meaning, rest, hasCauses := strings.Cut(topic.Text, "\n\nUsual causes:\n- ")
		causes, remedies, hasRemedies := strings.Cut(rest, "\n\nHow to mend it:\n- ")
		if !hasCauses || !hasRemedies || meaning == "" || causes == "" || remedies == "" {
			t.Errorf("%s has not its three parts:\n%s", topic.Name(), topic.Text)
		}
	}
}

// The languages and wrappers that most programs stand behind are told of where they matter.
func TestTheUsualSuspectsAreTold(t *testing.T) {
	for _, name := range []string{"exit", "deadline", "survivors"} {
		var page strings.Builder
		for _, topic := range explain.Topics() {
			if topic.Check == name {
				page.WriteString(topic.Text)
			}
		}
		for _, suspect := range []string{"sh -c", "npm", "Python", "Go", "Java", "Node", "PID 1"} {
			if !strings.Contains(page.String(), suspect) {
				t.Errorf("%s says nothing of %s", name, suspect)
			}
		}
	}
}

func TestFind(t *testing.T) {
	for name, want := range map[string]string{
		"survivors": "survivors", "survivors/orphan": "survivors/orphan", "orphan": "survivors/orphan", " Orphan ": "survivors/orphan",
		"torn": "files/torn acknowledged/torn", "missing": "output/missing files/missing", "drain": "drain",
	} {
		topics, err := explain.Find(name)
		var got []string
		for _, topic := range topics {
			got = append(got, topic.Name())
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q is %v, %v; want %s", name, got, err, want)
		}
	}
	for name, says := range map[string]string{
		"": "neither a check nor a kind", "survivor": "the checks are exit, deadline", "survivors/torn": "it has orphan, own-session, unreaped",
		"drain/x": "has no kinds", "/orphan": "neither", "survivors/": "it has orphan",
	} {
		if topics, err := explain.Find(name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is %v, %v; want %q", name, topics, err, says)
		}
	}
}

func TestCommand(t *testing.T) {
	for _, topic := range explain.Topics() {
		if topic.Kind == "" {
			continue
		}
		if got := explain.Command(topic.Check, topic.Kind); got != "sigprobe explain "+topic.Name() {
			t.Errorf("%s: %q", topic.Name(), got)
		}
	}
	if got := explain.Command("survivors", "$(reboot)"); got != "" {
		t.Errorf("a kind that is not known: %q", got)
	}
}
