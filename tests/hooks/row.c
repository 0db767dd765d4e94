/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/hooks/row.h"

#include <stdarg.h>
#include <sys/wait.h>

bool row_ours;
char row_dir[1024];
static int bad;

const char *P(const char *name)
{
	static char ring[12][sizeof(row_dir) + 512];
	static unsigned n;
	char *p = ring[n++ % 12];

	snprintf(p, sizeof(ring[0]), "%s/%s", row_dir, name);
	return p;
}

__attribute__((format(printf, 2, 3))) static bool wrong(int line,
							const char *fmt, ...)
{
	va_list ap;

	bad++;
	fprintf(stderr, "line %d: ", line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return false;
}

static const char *err_name(int e)
{
	const char *name = strerrorname_np(e);

	return e == CANARY ? "-" : name ? name : "?";
}

bool row_is(int line, const char *what, long got, long want, int err)
{
	int e = errno;

	printf("%s = %ld %s\n", what, got, err_name(e));
	return (got == want && e == err) ||
	       wrong(line, "%s = %ld %s, not %ld %s", what, got, err_name(e),
		     want, err_name(err));
}

bool row_gives(int line, const char *what, long got, long want)
{
	printf("%s = %ld%s%s\n", what, got, got == -1 ? " " : "",
	       got == -1 ? err_name(errno) : "");
	return got == want ||
	       wrong(line, "%s = %ld %m, not %ld", what, got, want);
}

bool row_true(int line, const char *what, bool got)
{
	printf("%s: %d\n", what, got);
	return got || wrong(line, "not: %s", what);
}

int row_fd(int line, const char *what, long got)
{
	printf("%s = %ld %s\n", what, got, err_name(errno));
	if (got < 0)
		wrong(line, "%s: %m", what);
	return (int)got;
}

void *row_ptr(int line, const char *what, void *got)
{
	printf("%s = %s %s\n", what, got ? "pointer" : "NULL", err_name(errno));
	if (!got) {
		wrong(line, "%s: NULL, %m", what);
		row_exit(); /* nothing to go on with */
	}
	return got;
}

bool row_none(int line, const char *what, const void *got, int err)
{
	int e = errno;

	printf("%s = %s %s\n", what, got ? "pointer" : "NULL", err_name(e));
	return (!got && e == err) ||
	       wrong(line, "%s = %p %s, not NULL %s", what, got, err_name(e),
		     err_name(err));
}

bool row_text(int line, const char *what, const char *got, const char *want)
{
	printf("%s: \"%s\"\n", what, got ? got : "(NULL)");
	return (got && !strcmp(got, want)) ||
	       wrong(line, "%s is \"%s\", not \"%s\"", what, got ? got : "NULL",
		     want);
}

long row_says(const char *what, long got)
{
	printf("%s = %ld %s\n", what, got, err_name(errno));
	return got;
}

void put(const char *name, const char *text)
{
	int fd = open(P(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    close(fd))
		wrong(0, "cannot make %s: %m", name);
}

const char *get(const char *name)
{
	static char buf[65536];
	int fd = open(P(name), O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);

	if (n < 0)
		return NULL;
	buf[n] = '\0';
	close(fd);
	return buf;
}

int file(const char *name, const char *text)
{
	int fd;

	put(name, text);
	fd = open(P(name), O_RDWR);
	if (fd < 0)
		wrong(0, "cannot open %s: %m", name);
	return fd;
}

int dir(void)
{
	int fd = open(row_dir, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		wrong(0, "cannot open %s: %m", row_dir);
	return fd;
}

mode_t mode_of(const char *name)
{
	struct stat st;

	return lstat(P(name), &st) ? 0 : st.st_mode;
}

off_t size_of(const char *name)
{
	struct stat st;

	return lstat(P(name), &st) ? -1 : st.st_size;
}

bool exists(const char *name)
{
	struct stat st;

	return !lstat(P(name), &st);
}

int row_wait(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		wrong(0, "no child: %m");
		return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

_Noreturn void row_exit(void)
{
	fflush(NULL);
	_exit(!!bad);
}

_Noreturn void row_skip(const char *why)
{
	printf("skipped: %s\n", why);
	fflush(NULL);
	_exit(77);
}
