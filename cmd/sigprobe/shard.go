package main

import (
	"os"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/reports"
)

// autoShard is the value of --shard that asks the CI system or the scheduler.
const autoShard = "auto"

// dealers are the systems that start one job several times and tell each its number, by
// the variables that they set for it.
var dealers = []struct {
	name, index, of string
	first           int // the lowest index
}{
	{"GitLab CI", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1},
	{"CircleCI", "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0},
	{"Buildkite", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0},
	{"Azure Pipelines", "SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", 1},
}

// parseShard reads --shard: I/N with I from 1 to N, auto, or "" for the whole plan.
func parseShard(text string) (reports.Shard, error) {
	switch text {
	case "":
		return reports.Shard{}, nil
	case autoShard:
		return dealtShard(os.Getenv)
	}
	if shard, ok := readShard(text, 1); ok {
		return shard, nil
	}
	return reports.Shard{}, usage("--shard %s: it is no part of a plan; write I/N, as in 2/8 for the second of eight parts, or auto", text)
}

// readShard reads I/N, where I counts from first.
func readShard(text string, first int) (shard reports.Shard, ok bool) {
	index, of, _ := strings.Cut(text, "/")
	i, errI := strconv.Atoi(index)
	n, errN := strconv.Atoi(of)
	return reports.Shard{Index: i - first, Of: n}, errI == nil && errN == nil && i >= first && i-first < n
}

// dealtShard is the shard that the environment tells of. Slurm's arrays can begin
// anywhere, and have steps; their lowest index and their number are told too.
func dealtShard(getenv func(string) string) (shard reports.Shard, err error) {
	for _, d := range dealers {
		index, of := getenv(d.index), getenv(d.of)
		if index == "" || of == "" {
			continue
		}
		shard, ok := readShard(index+"/"+of, d.first)
		if !ok {
			return shard, usage("--shard auto: %s says part %q of %q in %s and %s, which is no part of a plan; write --shard I/N", d.name, index, of, d.index, d.of)
		}
		return shard, nil
	}
	if task, lowest, of := getenv("SLURM_ARRAY_TASK_ID"), getenv("SLURM_ARRAY_TASK_MIN"), getenv("SLURM_ARRAY_TASK_COUNT"); task != "" {
		first, err := strconv.Atoi(lowest)
		if shard, ok := readShard(task+"/"+of, first); err == nil && ok {
			return shard, nil
		}
		return shard, usage("--shard auto: Slurm's array has the tasks %q of %q from %q, with gaps; number them without a step, or write --shard I/N", task, of, lowest)
	}
	return shard, usage("--shard auto: no variable of GitLab CI, CircleCI, Buildkite, Azure Pipelines or Slurm tells which part this is; write --shard I/N")
}

// checkShard refuses shards that could not be put together again, or would be empty. How
// many trials a sweep has is not known yet.
func checkShard(shard reports.Shard, seed string, scenarios []scenario.Scenario) error {
	if shard.Of <= 1 {
		return nil
	}
	if seed == "" {
		return usage("--shard %s: all shards must have one seed to be parts of one plan; give each the same --seed N", shard)
	}
	for _, s := range scenarios {
		if n := plan.New(s, 0).Len(); s.Strike.Sweep == nil && n < shard.Of {
			return usage("--shard %s: scenario %s has %d trials, fewer than there are shards; write at most --shard I/%d, or raise --trials", shard, s.Name, n, n)
		}
	}
	return nil
}

// sizeOf is how many of n trials are in a shard.
func sizeOf(shard reports.Shard, n int) int {
	if shard.Of <= 1 {
		return n
	}
	return (n - shard.Index + shard.Of - 1) / shard.Of
}
