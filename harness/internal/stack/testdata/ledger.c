#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Each function does something after its call, so that none of them is left out. */
static volatile int done;

__attribute__((noinline)) int save(int fd)
{
	char entry;
	int n = read(fd, &entry, 1);
	done++;
	return n;
}

__attribute__((noinline)) int work(int fd)
{
	int n = save(fd);
	done++;
	return n + done;
}

__attribute__((noinline)) void on_term(int sig)
{
	work(0);
	done += sig;
}

__attribute__((noinline)) void spin(void)
{
	raise(SIGTERM);
	done++;
}

int main(int argc, char **argv)
{
	if (write(1, "ready\n", 6) != 6)
		return 2;
	if (argc > 1 && !strcmp(argv[1], "handler")) {
		signal(SIGTERM, on_term);
		spin();
	}
	return work(0) + done == 12345;
}
