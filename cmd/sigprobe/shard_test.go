package main

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/reports"
)

// Every trial of a plan is in one shard, and each shard has as many as it says.
func TestShardsDivideAPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.IntRange(1, 40).Draw(t, "of")
		n := rapid.IntRange(0, 300).Draw(t, "trials")
		owners := make([]int, n)
		for index := range of {
			shard, has := reports.Shard{Index: index, Of: of}, 0
			for i := range n {
				if shard.Has(i) {
					owners[i]++
					has++
				}
			}
			if has != sizeOf(shard, n) {
				t.Fatalf("shard %v of %d trials has %d, and says %d", shard, n, has, sizeOf(shard, n))
			}
			if again, err := parseShard(shard.String()); err != nil || of > 1 && again != shard {
				t.Fatalf("%q is read as %v, %v", shard, again, err)
			}
		}
		for i, owner := range owners {
			if owner != 1 {
				t.Fatalf("trial %d is in %d shards of %d", i, owner, of)
			}
		}
	})
}

func TestNoShard(t *testing.T) {
	for _, text := range []string{"0/8", "9/8", "-1/8", "1/0", "1", "/", "a/b", "1/2/3", "2/", "1.0/2", " 1/2"} {
		if shard, err := parseShard(text); err == nil {
			t.Errorf("--shard %q is %v", text, shard)
		}
	}
}

func TestTheDealersShard(t *testing.T) {
	for _, c := range []struct {
		env  string
		want reports.Shard
	}{
		{"CI_NODE_INDEX=1 CI_NODE_TOTAL=4", reports.Shard{Index: 0, Of: 4}},
		{"CI_NODE_INDEX=4 CI_NODE_TOTAL=4", reports.Shard{Index: 3, Of: 4}},
		{"CIRCLE_NODE_INDEX=0 CIRCLE_NODE_TOTAL=4", reports.Shard{Index: 0, Of: 4}},
		{"BUILDKITE_PARALLEL_JOB=3 BUILDKITE_PARALLEL_JOB_COUNT=4", reports.Shard{Index: 3, Of: 4}},
		{"SYSTEM_JOBPOSITIONINPHASE=2 SYSTEM_TOTALJOBSINPHASE=2", reports.Shard{Index: 1, Of: 2}},
		{"SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_COUNT=3", reports.Shard{Index: 2, Of: 3}},
		// A variable alone tells nothing, and the next system is asked.
		{"CI_NODE_TOTAL=4 CIRCLE_NODE_INDEX=1 CIRCLE_NODE_TOTAL=2", reports.Shard{Index: 1, Of: 2}},
	} {
		if got, err := dealtShard(environment(c.env)); err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", c.env, got, err, c.want)
		}
	}
	for _, env := range []string{"", "CI_NODE_INDEX=5 CI_NODE_TOTAL=4", "CI_NODE_INDEX=0 CI_NODE_TOTAL=4", "CIRCLE_NODE_INDEX=2 CIRCLE_NODE_TOTAL=2",
		"SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_COUNT=3", "SLURM_ARRAY_TASK_ID=1"} {
		if got, err := dealtShard(environment(env)); err == nil {
			t.Errorf("%q is shard %v", env, got)
		}
	}
}

// environment is what a list of NAME=VALUE sets.
func environment(list string) func(string) string {
	values := map[string]string{}
	for pair := range strings.FieldsSeq(list) {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	return func(name string) string { return values[name] }
}
