/* What one trial costs at the least: start a program, send it TERM, wait for its end.
 *
 *   floor vfork|pinned|spawn N PROGRAM [ARG]...
 *
 * prints the nanoseconds of each of N, one a line. Pinned is vfork with all processes
 * on one processor. TERM lets it finish the one that it
 * is at and leave, so that it never leaves a program behind. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static volatile sig_atomic_t told_to_stop;

static void stop(int signal) {
	(void)signal;
	told_to_stop = 1;
}

static pid_t by_vfork(char **argv) {
	pid_t pid = vfork();
	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static pid_t by_spawn(char **argv) {
	pid_t pid;
	errno = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
	return errno ? -1 : pid;
}

/* Wherever the child runs, so does its parent: nobody has to wake another processor. */
static int pin(void) {
	cpu_set_t here;
	int cpu = sched_getcpu();
	if (cpu < 0)
		return -1;
	CPU_ZERO(&here);
	CPU_SET(cpu, &here);
	return sched_setaffinity(0, sizeof here, &here);
}

static long long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static pid_t wait_for(pid_t pid, int *status) {
	pid_t got;
	do
		got = waitpid(pid, status, 0);
	while (got < 0 && errno == EINTR);
	return got;
}

int main(int argc, char **argv) {
	if (argc < 4)
		return 64;
	pid_t (*start)(char **) = strcmp(argv[1], "spawn") == 0 ? by_spawn : by_vfork;
	long n = atol(argv[2]);
	long long *took = calloc(n, sizeof *took);
	struct sigaction act = {.sa_handler = stop};
	if (took == NULL || sigaction(SIGTERM, &act, NULL) != 0)
		return 70;
	if (strcmp(argv[1], "pinned") == 0 && pin() != 0) {
		perror("floor: stay on one processor");
		return 70;
	}
	long done = 0;
	for (; done < n && !told_to_stop; done++) {
		int status;
		long long started = now();
		pid_t pid = start(argv + 3);
		if (pid < 0 || kill(pid, SIGTERM) != 0 || wait_for(pid, &status) != pid) {
			perror("floor");
			return 70;
		}
		took[done] = now() - started;
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGTERM) {
			fprintf(stderr, "floor: %s did not end by TERM (wait status %#x)\n", argv[3], status);
			return 70;
		}
	}
	for (long i = 0; i < done; i++)
		printf("%lld\n", took[i]);
	return 0;
}
