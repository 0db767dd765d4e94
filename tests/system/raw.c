/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * raw DIR: files by system calls of its own, past libc, with all that can come
 * between: threads, children, signals.  Prints what each call answers, to be
 * compared with a run on a real directory (raw.sh).
 *   raw time N FILE: what such a call costs
 */
#include "tests/system/raw.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SAY(expr) printf("%s = %ld\n", #expr, (long)(expr))
#define CHECK(expr) ((expr) ? (void)0 : bad(__LINE__, #expr))

static void bad(int line, const char *what)
{
	fflush(NULL);
	dprintf(2, "raw.c:%d: not so: %s\n", line, what);
	_exit(1);
}

/* Make a file, past libc.  0 or -errno. */
static long make(const char *name)
{
	long fd = RAW3(open, name, O_WRONLY | O_CREAT | O_EXCL, 0644), n;

	if (fd < 0)
		return fd;
	n = RAW3(write, fd, name, 1);
	return n == 1 ? RAW1(close, fd) : n;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
	char buf[4096], *name[100];
	long fd = RAW4(openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0), n;
	int count = 0;

	CHECK(fd >= 0);
	while ((n = RAW3(getdents64, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n;) {
			struct dirent64 *d = (struct dirent64 *)(buf + at);

			name[count++] = strdup(d->d_name);
			at += d->d_reclen;
		}
	CHECK(n == 0);
	RAW1(close, fd);
	qsort(name, (size_t)count, sizeof(*name), compare);
	for (int i = 0; i < count; i++)
		printf("%s%c", name[i], i == count - 1 ? '\n' : ' ');
}

static void data(void)
{
	char buf[64] = "";
	long fd = RAW3(open, "f", O_RDWR | O_CREAT, 0600);
	struct stat st;
	char *p;

	CHECK(fd >= 0);
	SAY(RAW3(write, fd, "0123456789", 10));
	SAY(RAW4(pwrite64, fd, "abc", 3, 20));
	SAY(RAW3(lseek, fd, 0, SEEK_CUR));
	SAY(RAW3(lseek, fd, 2, SEEK_SET));
	SAY(RAW3(read, fd, buf, 4));
	SAY(memcmp(buf, "2345", 4));
	SAY(RAW4(pread64, fd, buf, sizeof(buf), 0));
	SAY(RAW2(ftruncate, fd, 15));
	SAY(RAW2(fstat, fd, &st));
	SAY(st.st_size);
	SAY(RAW1(fsync, fd));
	SAY(RAW3(fcntl, fd, F_GETFL, 0) & O_ACCMODE);
	p = (char *)RAW6(mmap, 0, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(!memcmp(p, "0123456789", 10));
	munmap(p, 4096);
	SAY(RAW2(dup2, fd, 100));
	SAY(RAW1(close, fd));
	SAY(RAW3(read, fd, buf, 1));
	SAY(RAW4(pread64, 100, buf, 2, 1));
	SAY(RAW1(close, 100));
	SAY(RAW2(truncate, "f", 7));
	SAY(RAW4(newfstatat, AT_FDCWD, "f", &st, 0));
	SAY(st.st_size);
}

static void names(const char *dir)
{
	char buf[4096];
	struct stat st;

	SAY(RAW2(mkdir, "d", 0750));
	SAY(RAW2(mkdir, "d", 0750));
	SAY(make("d/x"));
	SAY(RAW2(rename, "d/x", "d/y"));
	SAY(RAW2(rename, "d/x", "d/y"));
	SAY(RAW2(link, "d/y", "d/z"));
	SAY(RAW5(renameat2, AT_FDCWD, "d/y", AT_FDCWD, "d/z", 1));
	SAY(RAW2(symlink, "y", "d/s"));
	SAY(RAW3(readlink, "d/s", buf, sizeof(buf)));
	SAY(RAW2(lstat, "d/s", &st));
	SAY(S_ISLNK(st.st_mode));
	SAY(RAW2(stat, "d/s", &st));
	SAY(st.st_nlink);
	SAY(RAW2(access, "d/s", R_OK));
	SAY(RAW2(access, "d/none", R_OK));
	SAY(RAW2(chmod, "d/y", 0400));
	SAY(RAW5(setxattr, "d/y", "user.a", "value", 5, 0));
	SAY(RAW4(getxattr, "d/y", "user.a", buf, sizeof(buf)));
	list("d");
	SAY(RAW1(chdir, "d"));
	CHECK(RAW2(getcwd, buf, sizeof(buf)) == (long)strlen(dir) + 3);
	CHECK(!strncmp(buf, dir, strlen(dir)) &&
	      !strcmp(strrchr(buf, '/'), "/d"));
	SAY(make("relative"));
	SAY(RAW1(chdir, ".."));
	SAY(RAW3(unlinkat, AT_FDCWD, "d/z", 0));
	SAY(RAW1(rmdir, "d"));
	SAY(RAW2(open, "/nosuch/file", O_RDONLY));
	SAY(RAW2(stat, "/", &st));
}

static void *in_thread(void *arg)
{
	char name[32];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%s-%d", (char *)arg, i);
		CHECK(!make(name));
		CHECK(!RAW1(unlink, name));
	}
	snprintf(name, sizeof(name), "%s-end", (char *)arg);
	CHECK(!make(name));
	return arg;
}

static int in_thrd(void *arg)
{
	in_thread(arg);
	return 7;
}

static void threads(void)
{
	char name[4][4] = { "t0", "t1", "t2", "t3" };
	pthread_t t[4];
	thrd_t c11;
	int r;
	void *p;

	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&t[i], NULL, in_thread, name[i]));
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_join(t[i], &p) && p == name[i]);
	CHECK(thrd_create(&c11, in_thrd, (void *)"c11") == thrd_success);
	CHECK(thrd_join(c11, &r) == thrd_success && r == 7);
}

static void end(long pid, const char *what)
{
	int status = -1;

	CHECK(pid > 0);
	CHECK(RAW4(wait4, pid, &status, 0, 0) == pid);
	printf("%s: status %d\n", what, status);
}

/* Nothing below may return in the child of a vfork. */
static void children(void)
{
	char *args[] = { (char *)"raw", (char *)"--again", NULL };
	char *env[] = { NULL };
	long pid;

	pid = fork();
	if (!pid)
		_exit((int)-make("by-fork"));
	end(pid, "fork");
	pid = RAW0(fork);
	if (!pid)
		RAW1(exit_group, -make("by-raw-fork"));
	end(pid, "raw fork");
	pid = RAW5(clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		RAW1(exit_group, -make("by-clone"));
	end(pid, "raw clone");
	pid = RAW0(vfork);
	if (!pid)
		RAW1(exit_group, -make("by-vfork"));
	end(pid, "raw vfork");
	pid = RAW5(clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		make("before-exec");
		RAW3(execve, "/proc/self/exe", args, env);
		RAW1(exit_group, 99);
	}
	end(pid, "raw clone like vfork, and exec");
	SAY(make("by-parent"));
}

static volatile sig_atomic_t caught, result;
static char in_handler[16];

static void handler(int sig)
{
	caught++;
	result = (int)make(in_handler);
}

static void catch (int sig, int flags, const char *name)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };

	sigfillset(&a.sa_mask);
	CHECK(!sigaction(sig, &a, NULL));
	strcpy(in_handler, name);
	caught = 0;
}

static void masks(void)
{
	sigset_t all, old;
	uint64_t one = 1ull << (SIGUSR1 - 1), was;

	catch (SIGUSR1, 0, "in-handler");
	raise(SIGUSR1);
	CHECK(caught == 1 && !result);
	/* everything blocked, in each way */
	sigfillset(&all);
	CHECK(!sigprocmask(SIG_SETMASK, &all, &old));
	SAY(make("blocked"));
	CHECK(!sigprocmask(SIG_SETMASK, &old, NULL));
	CHECK(!pthread_sigmask(SIG_BLOCK, &all, NULL));
	SAY(make("blocked2"));
	CHECK(!pthread_sigmask(SIG_SETMASK, &old, NULL));
	CHECK(!RAW4(rt_sigprocmask, SIG_BLOCK, &all, &was, 8));
	SAY(make("blocked3"));
	CHECK(!RAW4(rt_sigprocmask, SIG_SETMASK, &was, 0, 8));
	/* the mask is what was set */
	catch (SIGUSR1, 0, "late");
	CHECK(!RAW4(rt_sigprocmask, SIG_BLOCK, &one, 0, 8));
	RAW2(kill, getpid(), SIGUSR1);
	CHECK(!caught);
	CHECK(!RAW4(rt_sigprocmask, SIG_UNBLOCK, &one, &was, 8));
	CHECK(caught == 1 && !result && (was & one));
	SAY(RAW4(rt_sigprocmask, 77, &one, 0, 8));
	SAY(RAW4(rt_sigprocmask, SIG_BLOCK, &one, 0, 4));
	/* while waiting with a mask of its own */
	catch (SIGUSR1, 0, "suspended");
	CHECK(!RAW4(rt_sigprocmask, SIG_BLOCK, &one, 0, 8));
	raise(SIGUSR1);
	sigdelset(&all, SIGUSR1);
	CHECK(sigsuspend(&all) == -1 && caught == 1 && !result);
	catch (SIGUSR1, 0, "suspended2");
	raise(SIGUSR1);
	SAY(RAW2(rt_sigsuspend, &all, 8));
	CHECK(caught == 1 && !result);
	CHECK(!RAW4(rt_sigprocmask, SIG_UNBLOCK, &one, 0, 8));
}

__asm__("own_restorer:\n\tmovl $15, %eax\n\tsyscall\n");
extern char own_restorer[];

static void own_frames(void)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} k = { handler, 0x04000000 | SA_ONSTACK, own_restorer, ~0ull };
	static char small[8192] __attribute__((aligned(16)));
	stack_t s = { .ss_sp = small, .ss_size = sizeof(small) }, old;

	SAY(RAW2(sigaltstack, &s, &old));
	SAY(old.ss_flags);
	SAY(RAW2(sigaltstack, NULL, &old));
	CHECK(old.ss_sp == small && old.ss_size == sizeof(small));
	SAY(RAW4(rt_sigaction, SIGUSR2, &k, 0, 8));
	strcpy(in_handler, "own-frame");
	caught = 0;
	for (int i = 0; i < 3; i++) {
		raise(SIGUSR2);
		strcat(in_handler, "+");
	}
	CHECK(caught == 3 && !result);
	s.ss_size = 100;
	SAY(RAW2(sigaltstack, &s, 0));
	s.ss_flags = SS_DISABLE;
	SAY(RAW2(sigaltstack, &s, 0));
	SAY(RAW2(sigaltstack, NULL, &old));
	SAY(old.ss_flags);
}

/* Out of a call that waits. */
static sigjmp_buf out;

static void jump(int sig)
{
	siglongjmp(out, 1);
}

static void interrupted(void)
{
	struct sigaction a = { .sa_handler = handler };
	int ends[2];
	char c;

	CHECK(!pipe(ends));
	strcpy(in_handler, "alarm");
	CHECK(!sigaction(SIGALRM, &a, NULL));
	ualarm(20000, 20000); /* the first may come before the call */
	SAY(RAW3(read, ends[0], &c, 1));
	ualarm(0, 0);
	a.sa_handler = jump;
	CHECK(!sigaction(SIGALRM, &a, NULL));
	for (volatile int i = 0; i < 10; i++)
		if (!sigsetjmp(out, 1)) {
			ualarm(2000, 0);
			RAW3(read, ends[0], &c, 1);
		}
	SAY(make("after-jumps"));
}

/*
 * Calls in a handler that interrupts calls, again and again: on the ordinary
 * stack, on one of its own, and with a second signal within the first.
 */
static volatile sig_atomic_t storms, failures;

static void in_storm(int sig)
{
	char name[32];

	storms++;
	snprintf(name, sizeof(name), "storm-%d-%d", sig, storms);
	if (failures)
		return;
	failures = (sig_atomic_t)make(name);
	if (!failures)
		failures = (sig_atomic_t)RAW1(unlink, name);
}

static void storm(int flags, size_t stack)
{
	struct sigaction a = { .sa_handler = in_storm,
			       .sa_flags = flags | SA_RESTART };
	struct itimerval t = { { 0, 2000 }, { 0, 2000 } },
			 off = { { 0, 0 }, { 0, 0 } };
	stack_t s = { .ss_sp = malloc(stack), .ss_size = stack };

	CHECK(!sigaltstack(&s, NULL));
	CHECK(!sigaction(SIGALRM, &a, NULL));
	CHECK(!sigaction(SIGVTALRM, &a, NULL));
	storms = failures = 0;
	setitimer(ITIMER_REAL, &t, NULL);
	setitimer(ITIMER_VIRTUAL, &t, NULL);
	for (int i = 0; i < 500 || storms < 20; i++) {
		CHECK(!make("calm"));
		CHECK(!RAW1(unlink, "calm"));
	}
	setitimer(ITIMER_REAL, &off, NULL);
	setitimer(ITIMER_VIRTUAL, &off, NULL);
	SAY(failures);
	s.ss_flags = SS_DISABLE;
	CHECK(!sigaltstack(&s, NULL));
	free(s.ss_sp);
}

/* SIGSYS of the program's own. */
static void own_sigsys(void)
{
	struct sigaction old;
	int status;
	pid_t pid;

	catch (SIGSYS, 0, "own-sigsys");
	raise(SIGSYS);
	CHECK(caught == 1 && !result);
	SAY(make("after-own"));
	CHECK(signal(SIGSYS, SIG_IGN) == handler);
	raise(SIGSYS);
	CHECK(!sigaction(SIGSYS, NULL, &old) && old.sa_handler == SIG_IGN);
	CHECK(signal(SIGSYS, SIG_DFL) == SIG_IGN);
	SAY(make("after-ignored"));
	pid = fork();
	if (!pid) {
		raise(SIGSYS);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGSYS);
}

/* A thread that is not libc's: it runs, and does not disturb. */
static _Atomic int stranger_ran;

static void stranger(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
		     CLONE_THREAD | CLONE_SYSVSEM;
	long r = RAW5(clone, flags, stack + sizeof(stack), 0, 0, 0);

	if (!r) {
		stranger_ran = 1;
		for (;;)
			RAW1(exit, 0);
	}
	CHECK(r > 0);
	while (!stranger_ran)
		sched_yield();
	SAY(make("beside-stranger"));
}

static int measure(long n, const char *file)
{
	struct timespec a, b;
	long fd = RAW3(open, file, O_RDWR | O_CREAT, 0600);
	char c;

	CHECK(fd >= 0);
#define LOOP(what, call) \
	clock_gettime(CLOCK_MONOTONIC, &a); \
	for (long i = 0; i < n; i++) \
		(void)(call); \
	clock_gettime(CLOCK_MONOTONIC, &b); \
	printf("%-34s %8.1f ns\n", what, \
	       ((double)(b.tv_sec - a.tv_sec) * 1e9 + \
		(double)(b.tv_nsec - a.tv_nsec)) / \
		       (double)n)
	LOOP("getppid by libc", getppid());
	LOOP("getppid past libc", RAW0(getppid));
	LOOP("pread of a file by libc", pread((int)fd, &c, 1, 0));
	LOOP("pread of a file past libc", RAW4(pread64, fd, &c, 1, 0));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--again"))
		return (int)-make("by-exec");
	if (argc == 4 && !strcmp(argv[1], "time"))
		return measure(atol(argv[2]), argv[3]);
	CHECK(argc == 2 && !RAW1(chdir, argv[1]));
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	alarm(60);
	data();
	names(argv[1]);
	threads();
	fflush(stdout);
	children();
	masks();
	own_frames();
	alarm(0);
	interrupted();
	storm(0, 65536);
	storm(SA_ONSTACK, 65536);

	own_sigsys();
	stranger();
	list(".");
	fflush(stdout);
	return 0;
}
