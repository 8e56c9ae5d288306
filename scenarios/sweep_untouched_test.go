package scenarios_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// errand is something ordinary, done by a script in an empty folder. It prints what came
// of it. The script's $1 is the checkout.
type errand struct {
	name, script string
	needs        []string // programs that may be missing
}

// numbers makes a file to work on.
const numbers = `i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo $i line; done >numbers; `

var errands = []errand{
	{"git", `export GIT_AUTHOR_DATE='1 +0000' GIT_COMMITTER_DATE='1 +0000' GIT_CONFIG_GLOBAL=/dev/null HOME=$PWD GIT_TERMINAL_PROMPT=0
git init -q -b main r && cd r && git config user.name N && git config user.email e@example.org
for i in 1 2 3; do echo $i >f$i; git add f$i; git commit -q -m "m $i"; done; git gc -q; git fsck; git log --stat; git rev-parse HEAD`, []string{"git"}},
	{"sort", numbers + `sort -r -S 32k numbers | sha256sum; sort -n -k2 numbers | tail -3`, nil},
	{"tar", numbers + `mkdir d e; cp numbers d; tar -c --mtime=@0 --owner=0 --group=0 d | tee a.tar | sha256sum; tar -xf a.tar -C e; cmp numbers e/d/numbers; tar -tf a.tar`, nil},
	{"gzip", numbers + `gzip -kn numbers; sha256sum numbers.gz; gzip -t numbers.gz; zcat numbers.gz | sha256sum`, []string{"gzip"}},
	{"sed -i", numbers + `sed -i 's/line/word/' numbers; sha256sum numbers; ls`, nil},
	{"find", `mkdir -p a/b c; : >a/b/f; : >c/g; find . -type f -exec basename {} \; | sort; find . -newer c -o -name g | sort`, []string{"find"}},
	{"awk", numbers + `awk '{s += $1} END {print s; system("echo sub"); print "x" | "cat"}' numbers`, []string{"awk"}},
	{"Python, with subprocess and threads", `/usr/bin/python3 -c '
import subprocess, threading, hashlib, sys
print(subprocess.run(["/bin/echo", "child"], capture_output=True).stdout)
out = []
threads = [threading.Thread(target=lambda i=i: out.append(hashlib.sha256(b"%d" % i).hexdigest())) for i in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(out)); sys.exit(7)'`, []string{"/usr/bin/python3"}},
	{"Python, with multiprocessing", `cat >m.py <<'X'
import multiprocessing
def square(x): return x * x
if __name__ == "__main__":
    with multiprocessing.Pool(3) as pool: print(sum(pool.map(square, range(1000))))
X
/usr/bin/python3 m.py`, []string{"/usr/bin/python3"}},
	{"node", `node -e '
const {execFileSync} = require("child_process"), fs = require("fs");
fs.writeFileSync("f", "text\n"); console.log(execFileSync("cat", ["f"]).toString());
fs.promises.readFile("f").then(t => { console.log(t.length); process.exitCode = 4; });'`, []string{"node"}},
	{"make -j2", `printf 'all: a b c\n\t@cat a b c\na b c:\n\t@echo $@ >$@\n' >Makefile; make -s -j2; make -s -j2 none; echo $?`, []string{"make"}},
	{"a pipeline", numbers + `cat numbers | grep 1 | sort -r | head -5 | tr a-z A-Z; yes | head -1000 | wc -l; false | true; echo $?`, nil},
	{"cp -r", numbers + `mkdir -p a/b; cp numbers a/b; ln -s b a/l; cp -r a c; find c | sort; cmp a/b/numbers c/b/numbers`, nil},
	{"mv", numbers + `mv numbers x; mkdir d; mv x d/; mv d e; ls -R`, nil},
	{"dd", numbers + `dd if=numbers of=o bs=512 count=3 status=none; cksum o; dd if=numbers bs=1k 2>/dev/null | dd of=p status=none; cmp numbers p`, nil},
	{"tee", numbers + `tee a b <numbers | wc -l; cmp a b; cmp a numbers`, nil},
	{"xargs", numbers + `cut -d' ' -f1 numbers | xargs -n 50 echo; seq 20 | xargs -P 3 -n 5 echo | wc -w`, []string{"xargs"}},
	{"sha256sum", numbers + `sha256sum numbers >s; sha256sum -c s; echo >>numbers; sha256sum -c s; echo $?`, nil},
	{"diff", numbers + `sed 5d numbers >other; diff numbers other; echo $?`, []string{"diff"}},
	{"a child that is stopped and continued", `sh -c 'kill -STOP $$; echo continued' & pid=$!
until grep -q '^State:.T' /proc/$pid/status; do :; done; kill -CONT $pid; wait $pid; echo $?`, nil},
	{"job control", `exec bash -c 'set -m; cat <(sleep 100) & kill -STOP -$!; kill -TERM -$!; kill -CONT -$!; wait $!; echo $?; jobs'`, []string{"bash"}},
	{"SIGCHLD and SIGALRM", `/usr/bin/python3 -c '
import os, signal, time
seen = []
signal.signal(signal.SIGCHLD, lambda *a: seen.append("CHLD"))
signal.signal(signal.SIGALRM, lambda *a: seen.append("ALRM"))
pid = os.fork()
if pid == 0: os._exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
signal.setitimer(signal.ITIMER_REAL, 0.005)
r, w = os.pipe()
while "ALRM" not in seen: time.sleep(0.001)
for _ in range(50): os.kill(os.getpid(), signal.SIGALRM); os.write(w, b"x")
print(seen.count("CHLD"), seen.count("ALRM"), len(os.read(r, 100)))'`, []string{"/usr/bin/python3"}},
	{"a death by a signal", `echo before; sh -c 'kill -SEGV $$' 2>&1; echo $?; kill -USR1 $$`, nil},
	{"vforks", `"$1/fixtures/daemons/vfork-exec/vfork_exec.py" --children 20; cat lines`, []string{"/usr/bin/python3"}},
	{"execs", `"$1/bin/fixtures/execs-itself" --times 20; cat lines`, nil},
	{"threads", `"$1/bin/fixtures/threads-writer"; sha256sum lines`, nil},
}

// daemon is a well-behaved one that is asked to stop once it is ready. How far it came
// by then differs from run to run; how it takes its leave does not.
func daemon(command string) errand {
	return errand{"the daemon " + command, fmt.Sprintf(`: >said; "$1/"%s >>said 2>&1 & pid=$!
until grep -q '^ready' said; do sleep 0.01; done; kill -TERM $pid; wait $pid 2>/dev/null; echo status $?; tail -n 1 said | tr -d 0-9`, command), nil}
}

var daemons = []errand{
	daemon("fixtures/daemons/graceful-killer/graceful_killer.py --interval 0.02"), daemon("bin/fixtures/ledger-writer"),
	daemon("bin/fixtures/prefork-master"), daemon("bin/fixtures/http-drain"), daemon("bin/fixtures/clean-then-reraise"),
	daemon("bin/fixtures/exits-signal-code"), daemon("fixtures/daemons/trap-and-wait/trap_and_wait.sh"),
}

// everything is all calls that could be struck at, but for reading: more of the ways in
// and out of the kernel are held than any sweep would ask for.
const everything = "write,%file,%modify,%process,%network,sleep,poll"

// after runs an errand to its end: with a trigger that is never reached, at system
// calls or (for "") in time.
func (e errand) after(ctx context.Context, calls scenario.Calls) harness.Trial {
	GinkgoHelper()
	s := ofShell("errand", e.script, checkout())
	s.Stop.Limit = scenario.Duration(time.Minute)
	if calls == "" {
		s.Strike.Random = &scenario.Random{Trials: 1, From: scenario.FromLaunch, Window: &scenario.Window{From: time.Hour, To: time.Hour}}
	} else {
		s.Strike.Syscall = &scenario.Syscall{Trials: 1, Call: calls, Nth: scenario.Range{First: 1000000, Last: 1000000}}
	}
	trial := run(ctx, s)[0]
	Expect(trial.Observation.Failure).To(BeNil())
	Expect(trial.Observation.Missed).To(BeEmpty())
	Expect(trial.Observation.Exit).NotTo(BeNil(), describe(trial))
	return trial
}

// showing is what a trial printed, and how it ended.
func showing(trial harness.Trial) string {
	o := trial.Observation
	return fmt.Sprintf("%s---\n%s--- wait status %#x", o.Output.Stdout.Text(), o.Output.Stderr.Text(), o.Exit.Status)
}

var _ = Describe("A trigger at system calls that is never reached changes nothing for", func() {
	for _, e := range append(errands, daemons...) {
		It(e.name, func(ctx SpecContext) {
			for _, program := range e.needs {
				if _, err := exec.LookPath(program); err != nil {
					Skip(program + " is not installed")
				}
			}
			alone := e.after(ctx, "")
			Expect(strings.Count(showing(alone), "\n")).To(BeNumerically(">", 1), "it printed nothing: nothing is proved")
			Expect(alone.Observation.Calls).To(BeNil())
			for _, calls := range []scenario.Calls{"write", everything} {
				held := e.after(ctx, calls)
				Expect(showing(held)).To(Equal(showing(alone)), "%s", calls)
				Expect(held.Observation.Calls.Seen).To(BeNumerically(">", 0))
			}
		})
	}
})
