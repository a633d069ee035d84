/* The least that the machine lets anybody do the work of a supervisor in: no
 * configuration, no log, no state. Prints a figure a line. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static char *sleeper[] = {"/bin/sleep", "100000", NULL};

static void fail(const char *what) {
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ms(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* start starts a sleeper by fork, vfork or posix_spawn. It ends with its
 * parent, so that none is left when this program is killed. */
static pid_t start(const char *how) {
	pid_t pid;
	if (!strcmp(how, "spawn")) {
		if ((errno = posix_spawn(&pid, sleeper[0], NULL, NULL, sleeper, environ)))
			fail("posix_spawn");
		return pid;
	}
	pid = strcmp(how, "vfork") ? fork() : vfork();
	if (pid < 0)
		fail(how);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execve(sleeper[0], sleeper, environ);
		_exit(127);
	}
	return pid;
}

/* start_all starts n sleepers; the last has been executed when the pipe, which
 * every child holds until then, has no writer left. */
static void start_all(const char *how, int n) {
	pid_t *pids = calloc(n, sizeof *pids);
	int fds[2];
	char c;
	if (!pids || pipe2(fds, O_CLOEXEC))
		fail("pipe");
	double began = now_ms();
	for (int i = 0; i < n; i++)
		pids[i] = start(how);
	close(fds[1]);
	if (read(fds[0], &c, 1) != 0)
		fail("read");
	printf("%.3f\n", now_ms() - began);
	for (int i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	free(pids);
}

/* restart kills a child and starts it again, n times: from the kill to the
 * fork's return in the parent, which is when a daemon would write its log. */
static void restart(int n) {
	struct timespec pause = {0, 20 * 1000 * 1000};
	pid_t pid = start("fork");
	for (int i = 0; i < n; i++) {
		nanosleep(&pause, NULL);
		double began = now_ms();
		kill(pid, SIGKILL);
		if (waitpid(pid, NULL, 0) != pid)
			fail("waitpid");
		pid = start("fork");
		printf("%.4f\n", now_ms() - began);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* copy moves mb MB of lines from a child's pipe to a file by splice and prints
 * the CPU time that took, in seconds a GB. */
static void copy(int mb, const char *path) {
	int fds[2];
	if (pipe(fds))
		fail("pipe");
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		static char block[655 * 100];
		memset(block, 'x', sizeof block);
		for (size_t i = 99; i < sizeof block; i += 100)
			block[i] = '\n';
		close(fds[0]);
		for (long left = (long)mb << 20; left > 0; left -= sizeof block)
			if (write(fds[1], block, sizeof block) < 0)
				_exit(1);
		_exit(0);
	}
	close(fds[1]);
	int out = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	if (out < 0)
		fail(path);
	struct rusage before, after;
	double bytes = 0;
	ssize_t n;
	getrusage(RUSAGE_SELF, &before);
	while ((n = splice(fds[0], NULL, out, NULL, 1 << 20, SPLICE_F_MOVE)) > 0)
		bytes += n;
	if (n < 0)
		fail("splice");
	getrusage(RUSAGE_SELF, &after);
	double used = after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec +
		(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6;
	printf("%.4f\n", used / (bytes / 1e9));
	unlink(path);
	waitpid(pid, NULL, 0);
}

/* take reads mb MB that a child writes in lines of 100 bytes, all that there is
 * every 2 ms from a large pipe, and prints how many MB came in a second. */
static void take(int mb) {
	static char line[100], block[1 << 20];
	int fds[2];
	if (pipe(fds) || fcntl(fds[0], F_SETPIPE_SZ, 512 << 10) < 0)
		fail("pipe");
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		memset(line, 'x', sizeof line);
		line[sizeof line - 1] = '\n';
		close(fds[0]);
		for (long left = (long)mb << 20; left > 0; left -= sizeof line)
			if (write(fds[1], line, sizeof line) < 0)
				_exit(1);
		_exit(0);
	}
	close(fds[1]);
	double bytes = 0, began = now_ms();
	ssize_t n;
	while ((n = read(fds[0], block, sizeof block)) > 0) {
		bytes += n;
		usleep(2000);
	}
	if (n < 0)
		fail("read");
	printf("%.4f\n", bytes / 1e3 / (now_ms() - began));
	waitpid(pid, NULL, 0);
}

/* keep writes a small file into a folder so that it outlives a loss of power, n
 * times. */
static void keep(const char *path, int n) {
	char name[4096], text[1000];
	int dir = open(path, O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		fail(path);
	memset(text, 'x', sizeof text);
	for (int i = 0; i < n; i++) {
		double began = now_ms();
		snprintf(name, sizeof name, "%s/kept%d", path, i);
		int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
		if (fd < 0 || write(fd, text, sizeof text) != sizeof text || fsync(fd) || close(fd) || fsync(dir))
			fail(name);
		printf("%.4f\n", now_ms() - began);
		unlink(name);
	}
}

int main(int argc, char **argv) {
	/* As s6's run script: tell that it runs, and become the program. */
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	if (!strcmp(name, "run")) {
		int fd = open(getenv("BENCH_RUNNING"), O_WRONLY | O_APPEND | O_CLOEXEC);
		if (fd < 0 || write(fd, ".", 1) != 1)
			fail("tell that it runs");
		execve(sleeper[0], sleeper, environ);
		fail(sleeper[0]);
	}
	if (argc == 4 && !strcmp(argv[1], "start"))
		start_all(argv[2], atoi(argv[3]));
	else if (argc == 3 && !strcmp(argv[1], "restart"))
		restart(atoi(argv[2]));
	else if (argc == 4 && !strcmp(argv[1], "splice"))
		copy(atoi(argv[2]), argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "take"))
		take(atoi(argv[2]));
	else if (argc == 4 && !strcmp(argv[1], "keep"))
		keep(argv[2], atoi(argv[3]));
	else {
		fprintf(stderr, "want start fork|vfork|spawn N, restart N, splice MB FILE, take MB, or keep FOLDER N\n");
		return 2;
	}
	return 0;
}
