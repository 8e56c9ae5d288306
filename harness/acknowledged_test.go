package harness

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// saidAll is the acknowledgement of ids, one a millisecond.
func saidAll(ids ...string) *observation.Said {
	said := &observation.Said{}
	for i, id := range ids {
		said.Add([]byte(id), time.Duration(i)*time.Millisecond)
	}
	return said
}

func always(time.Duration) bool { return true }

func weighText(t rapid.TB, said *observation.Said, content string, asked scenario.Acknowledged) observation.Acknowledged {
	t.Helper()
	a, err := weigh(said, always, strings.NewReader(content), asked)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestWeigh(t *testing.T) {
	file := scenario.Acknowledged{In: "f"}
	as := func(shape string) scenario.Acknowledged { return scenario.Acknowledged{In: "f", As: shape} }
	ordered := scenario.Acknowledged{In: "f", Ordered: true}
	tests := []struct {
		name    string
		ids     string
		content string
		asked   scenario.Acknowledged
		// want is certain found lost duplicated torn misplaced.
		want string
	}{
		{"all there", "1 2 3", "1\n2\n3\n", file, "3 3 0 0 0 0"},
		{"nothing there", "1 2", "", file, "2 0 2 0 0 0"},
		{"a part of a word is no record", "1 2", "12\n21 x1\n", file, "2 0 2 0 0 0"},
		{"one lost", "1 2 3", "1\n3\n", file, "3 2 1 0 0 0"},
		{"one twice", "1 2", "1\n2\n1\n", file, "2 2 0 1 0 0"},
		{"an amount that is another id is no duplicate", "1 2 3", "1 costs 3\n2 costs 1\n3 costs 2\n", file, "3 3 0 0 0 0"},
		{"a last line without its end is torn", "1 2", "1 a\n2 b", file, "2 1 0 0 1 0"},
		{"a last line that breaks off in its id is torn", "101 102", "101\n10", file, "2 1 0 0 1 0"},
		{"it may be there before as well", "1 2", "1 a\n2 b\n2 b", file, "2 2 0 0 0 0"},
		{"a last line of something else is not torn", "1 2", "1\nx", file, "2 1 1 0 0 0"},
		{"out of order", "1 2 3", "1\n3\n2\n", ordered, "3 3 0 0 0 1"},
		{"out of order, and nobody asks", "1 2 3", "1\n3\n2\n", file, "3 3 0 0 0 0"},
		{"ids with other characters", "a-1 a-1-b", "a-1-b,a-1\n", file, "2 2 0 0 0 0"},
		{"a description", "1 2", `{"id": 1}{"id": 12}{"n": 2}`, as(`"id": %s}`), "2 1 1 0 0 0"},
		{"a description, twice in a line", "1", `<1><1>`, as(`<%s>`), "1 1 0 1 0 0"},
		{"a description that is cut", "1 25", `<1><2`, as(`<%s>`), "2 1 0 0 1 0"},
		{"a description that is cut before its id", "1 2", `<1><`, as(`<%s>`), "2 1 1 0 0 0"},
		{"a description without its end is whole in a last line", "1 2", "rec 1\nrec 2", as("rec %s"), "2 2 0 0 0 0"},
		{"a command ends its output as it likes", "1 2", "1\n2", scenario.Acknowledged{Command: "x"}, "2 2 0 0 0 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := weighText(t, saidAll(strings.Fields(test.ids)...), test.content, test.asked)
			got := fmt.Sprint(a.Certain, a.Found, a.Lost, a.Duplicated, a.Torn, a.Misplaced)
			if got != test.want {
				t.Errorf("got %s, want %s: %+v", got, test.want, a)
			}
		})
	}
}

func TestWeighLeavesOutWhatWasInFlight(t *testing.T) {
	early := func(at time.Duration) bool { return at < 2*time.Millisecond }
	a, err := weigh(saidAll("1", "2", "3", "4"), early, strings.NewReader("1\n4\n4\n"), scenario.Acknowledged{In: "f"})
	want := observation.Acknowledged{Said: 4, Certain: 2, Found: 2, Lost: 1, First: []observation.Record{
		{Fate: "lost", ID: "2", At: time.Millisecond, Where: "f"},
	}}
	if diff := cmp.Diff(want, a); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestWeighNamesTheFirstOfEachFate(t *testing.T) {
	a := weighText(t, saidAll("1", "2", "3", "4", "5", "6"), "6\n6\n", scenario.Acknowledged{In: "f"})
	var named []string
	for _, r := range a.First {
		named = append(named, r.Fate+" "+r.ID+" "+r.Where)
	}
	if diff := cmp.Diff([]string{"lost 1 f", "lost 2 f", "lost 3 f", "duplicated 6 f, line 2"}, named); diff != "" {
		t.Error(diff)
	}
}

// edited is a file of records with known damage.
type edited struct {
	ids                    []string
	content                string
	lost, duplicated, torn int
}

func drawEdited(t *rapid.T, prefix, suffix string) edited {
	e := edited{ids: rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9]{1,6}(-[a-z0-9]{1,3})?`), 1, 40, rapid.ID).Draw(t, "ids")}
	var b strings.Builder
	for i, id := range e.ids {
		record := prefix + id + suffix
		switch fate := rapid.SampledFrom([]string{"kept", "kept", "lost", "twice", "torn"}).Draw(t, "fate"); {
		case fate == "lost":
			e.lost++
		case fate == "twice":
			e.duplicated++
			b.WriteString(record + record)
		case fate == "torn" && i == len(e.ids)-1:
			e.torn++
			b.WriteString(record[:len(prefix)+rapid.IntRange(1, len(id)+len(suffix)-1).Draw(t, "cut")])
		default:
			b.WriteString(record)
		}
	}
	e.content = b.String()
	return e
}

// A description tells every damage of a file apart, wherever the stream is cut into reads.
func TestWeighFindsEveryDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix, suffix := rapid.SampledFrom([]string{"<", "id=", "{\"n\": \""}).Draw(t, "prefix"), rapid.SampledFrom([]string{">\n", "\"},", ";;"}).Draw(t, "suffix")
		e := drawEdited(t, prefix, suffix)
		asked := scenario.Acknowledged{In: "f", As: prefix + "%s" + suffix}
		a := weighText(t, saidAll(e.ids...), e.content, asked)
		if a.Lost != e.lost || a.Duplicated != e.duplicated || a.Torn != e.torn || a.Found != len(e.ids)-e.lost-e.torn {
			t.Fatalf("%+v of %+v", a, e)
		}
	})
}

// naive looks ids up as words by other means.
func naive(ids []string, content string) (found, duplicated, misplaced int, open []string) {
	end := strings.LastIndex(content, "\n") + 1
	columns := map[int]map[string]int{}
	order := map[int][]string{}
	whole := map[string]bool{}
	for _, line := range strings.Split(content[:end], "\n") {
		for column, word := range words.FindAllString(line, -1) {
			if !slices.Contains(ids, word) {
				continue
			}
			whole[word] = true
			if columns[column] == nil {
				columns[column] = map[string]int{}
			}
			if columns[column][word]++; columns[column][word] == 1 {
				order[column] = append(order[column], word)
			}
		}
	}
	best := -1
	for column := range 100 {
		if n := len(columns[column]); n > 0 && (best < 0 || n > len(columns[best])) {
			best = column
		}
	}
	for _, n := range columns[best] {
		if n > 1 {
			duplicated++
		}
	}
	for i, id := range order[best] {
		if slices.ContainsFunc(order[best][:i], func(other string) bool { return slices.Index(ids, other) > slices.Index(ids, id) }) {
			misplaced++
		}
	}
	for _, word := range words.FindAllString(content[end:], -1) {
		if slices.Contains(ids, word) && !whole[word] {
			open = append(open, word)
		}
	}
	return len(whole), duplicated, misplaced, open
}

var words = regexp.MustCompile(`\w+`)

func TestWeighAsWordsAgreesWithANaiveLook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[012]{1,3}`), 1, 12, rapid.ID).Draw(t, "ids")
		content := rapid.StringMatching(`([012]{1,3}| |\n|-|,){0,60}`).Draw(t, "content")
		a := weighText(t, saidAll(ids...), content, scenario.Acknowledged{In: "f", Ordered: true})
		found, duplicated, misplaced, open := naive(ids, content)
		if a.Found != found || a.Duplicated != duplicated || a.Misplaced != misplaced {
			t.Fatalf("%+v, by hand: found %d, duplicated %d, misplaced %d", a, found, duplicated, misplaced)
		}
		slices.Sort(open)
		if n := len(slices.Compact(open)); a.Torn < n || a.Torn > n+1 {
			t.Fatalf("%+v, by hand %d in the open line", a, n)
		}
	})
}

// pieces gives a stream out in pieces.
type pieces struct {
	io.Reader
	seeker io.Seeker
}

func (p pieces) Seek(offset int64, whence int) (int64, error) { return p.seeker.Seek(offset, whence) }

func checkWeigh(t rapid.TB, ids []string, content string, asked scenario.Acknowledged) {
	said := saidAll(ids...)
	a := weighText(t, said, content, asked)
	if a.Certain != said.Len() || a.Found+a.Lost+a.Torn != a.Certain || a.Duplicated > a.Found || a.Misplaced > a.Found {
		t.Fatalf("%+v of %q in %q", a, ids, content)
	}
	reader := strings.NewReader(content)
	slowly, err := weigh(said, always, pieces{iotest.OneByteReader(reader), reader}, asked)
	if diff := cmp.Diff(a, slowly); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
}

// Nothing is counted twice, and how the stream is cut into reads does not count.
func FuzzWeigh(f *testing.F) {
	f.Add("1 2 3", "1\n2\n", "%s", false)
	f.Add("a b", "<a><b", "<%s>", true)
	f.Fuzz(func(t *testing.T, ids, content, as string, ordered bool) {
		list := strings.Fields(ids)
		if len(list) == 0 || len(as) > 1000 || len(content) > 10_000 || slices.ContainsFunc(list, func(id string) bool { return len(id) > observation.MaxID }) {
			t.Skip()
		}
		checkWeigh(t, list, content, scenario.Acknowledged{In: "f", As: as, Ordered: ordered})
	})
}

// A line that is longer than what is looked at at once is no place to lose a record in.
func TestWeighInLongLines(t *testing.T) {
	var ids []string
	var b strings.Builder
	for i := range 50_000 {
		ids = append(ids, fmt.Sprint(i))
		fmt.Fprintf(&b, "%d, %s ", i, strings.Repeat("x", i%17))
	}
	a := weighText(t, saidAll(ids...), b.String(), scenario.Acknowledged{Command: "x"})
	if a.Lost != 0 || a.Torn != 0 || a.Found != len(ids) {
		t.Errorf("%+v", a)
	}
}

func TestSaidKeepsEachIDOnceAndKnowsItsBounds(t *testing.T) {
	said := saidAll("a", "bc", "a", "d")
	if got := []string{said.ID(0), said.ID(1), said.ID(2)}; said.Len() != 3 || !slices.Equal(got, []string{"a", "bc", "d"}) {
		t.Errorf("%d ids: %q", said.Len(), got)
	}
	said.Add([]byte(strings.Repeat("x", observation.MaxID+1)), 0)
	if said.Overflow == "" || said.Len() != 3 {
		t.Errorf("an id that is too long: %q", said.Overflow)
	}
	many := &observation.Said{}
	for i := range observation.MaxSaid + 1 {
		many.Add(fmt.Append(nil, i), 0)
	}
	if many.Len() != observation.MaxSaid || many.Overflow == "" {
		t.Errorf("%d ids, %q", many.Len(), many.Overflow)
	}
}
