/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that only grow: appended to by all, and followed by tail -f. */
#include "faulty.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAUSE_US 10000
#define MAGIC 0xfeedbeef
#define FOLLOW_SECS 60 /* for the last lines */

struct head {
	uint32_t magic, worker, number, size;
};

/* 17 bytes to 40 KiB. */
static uint32_t size_of(uint32_t worker, uint32_t number)
{
	uint32_t n = (worker * 2654435761u ^ number * 40503u) >> 3;

	return (uint32_t)sizeof(struct head) + 1 +
	       n % (number % 5 ? 300 : 40000);
}

static char byte_of(uint32_t worker, uint32_t number)
{
	return (char)(number * 31 + worker);
}

static void note(struct me *me, uint32_t number, ssize_t n, size_t size)
{
	me->w->state[number] = n == (ssize_t)size ? SURE
			       : n < 0		  ? UNKNOWN
						  : CUT;
}

void do_append(struct me *me)
{
	int fd = open_at_last(me, path_of(me, "log", 0),
			      O_WRONLY | O_CREAT | O_APPEND);
	char *buf = malloc(1 << 16);

	while (go_on(me)) {
		uint32_t number = me->w->appended;
		struct head h = { MAGIC, me->number, number,
				  size_of(me->number, number) };

		crew_want(me->crew, number < NUMBERS);
		memset(buf, byte_of(me->number, number), h.size);
		memcpy(buf, &h, sizeof(h));
		me->w->appended++;
		note(me, number, TRY(me, write(fd, buf, h.size)), h.size);
		usleep(PAUSE_US);
	}
	free(buf);
	close(fd);
}

struct log {
	char *buf;
	size_t len;
	uint8_t seen[WORKERS][NUMBERS];
};

static void read_all(struct me *me, struct log *l)
{
	int fd = open_at_last(me, path_of(me, "log", 0), O_RDONLY);
	ssize_t n;

	do {
		l->buf = realloc(l->buf, l->len + (1 << 20));
		n = TRY(me, pread(fd, l->buf + l->len, 1 << 20, (off_t)l->len));
		l->len += n > 0 ? (size_t)n : 0;
	} while (n);
	close(fd);
}

static bool is_head(const struct me *me, const struct log *l, size_t at,
		    struct head *h)
{
	if (l->len - at < sizeof(*h))
		return false;
	memcpy(h, l->buf + at, sizeof(*h));
	return h->magic == MAGIC && h->worker < WORKERS &&
	       h->number < me->s->w[h->worker].appended &&
	       h->size == size_of(h->worker, h->number);
}

/* How much of the record is there, before another begins. */
static size_t length(const struct log *l, size_t at, const struct head *h)
{
	size_t n = sizeof(*h);

	while (n < h->size && at + n < l->len &&
	       l->buf[at + n] == byte_of(h->worker, h->number))
		n++;
	return n;
}

/* S3: none torn, none lost, and none there twice. */
void look_append(struct me *me)
{
	struct log *l = calloc(1, sizeof(*l));
	struct head h;

	read_all(me, l);
	for (size_t at = 0; at < l->len;) {
		size_t n;
		int state;

		if (!is_head(me, l, at, &h))
			crew_fail(me->crew, "no record at byte %zu of %zu", at,
				  l->len);
		n = length(l, at, &h);
		state = me->s->w[h.worker].state[h.number];
		if (n < h.size && state == SURE)
			crew_fail(me->crew, "record %u.%u is torn at %zu of %u",
				  h.worker, h.number, n, h.size);
		if (l->seen[h.worker][h.number]++)
			me->s->twice++;
		at += n;
	}
	for (uint32_t i = 0; i < WORKERS; i++)
		for (uint32_t k = 0; k < me->s->w[i].appended; k++)
			if (me->s->w[i].state[k] == SURE && !l->seen[i][k])
				crew_fail(me->crew, "record %u.%u is lost", i,
					  k);
	free(l->buf);
	free(l);
}

/* A line, "@NUMBER xxx\n". */
static size_t line_of(uint32_t number, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "@%u ", number);
	size_t more = number % 7 ? number % 90 : 3000;

	memset(buf + n, 'x', more);
	n += more;
	buf[n++] = '\n';
	return n;
}

#define LINE_MAX_ 3100

static void produce(struct me *me, int fd)
{
	char buf[LINE_MAX_];

	while (go_on(me)) {
		uint32_t number = me->w->appended;
		size_t n = line_of(number, buf, sizeof(buf));

		crew_want(me->crew, number < NUMBERS);
		me->w->appended++;
		note(me, number, TRY(me, write(fd, buf, n)), n);
		usleep(PAUSE_US);
	}
	me->w->begun[0] = 1; /* that was all */
}

struct follower {
	struct me *me;
	uint64_t offset; /* of what has been taken */
	char text[1 << 17];
	size_t len;    /* of it, without a whole line */
	uint32_t next; /* number */
	uint64_t end;
	/* the real one */
	pid_t pid;
	int out;
};

/* Lines that were acknowledged, between those that are seen, are lost. */
static void follow_to(struct follower *f, uint32_t number)
{
	const struct worker *w = &f->me->s->w[0];

	for (; f->next < number; f->next++)
		if (w->state[f->next] == SURE)
			crew_fail(f->me->crew, "worker %u: line %u is lost",
				  f->me->number, f->next);
}

/* One line, or what there is of one that failed. */
static void take_line(struct follower *f, const char *line, size_t len)
{
	const struct worker *w = &f->me->s->w[0];
	uint32_t number = (uint32_t)strtoul(line + 1, NULL, 10);
	char want[LINE_MAX_];
	size_t n = line_of(number, want, sizeof(want));

	if (number >= w->appended || len > n || memcmp(line, want, len))
		crew_fail(f->me->crew, "worker %u: not a line: %.20s",
			  f->me->number, line);
	if (len < n && w->state[number] == SURE)
		crew_fail(f->me->crew, "worker %u: line %u is torn",
			  f->me->number, number);
	if (number + 1 == f->next) {
		f->me->s->twice++;
		return;
	}
	if (number < f->next)
		crew_fail(f->me->crew, "worker %u: line %u behind %u",
			  f->me->number, number, f->next);
	follow_to(f, number);
	f->next = number + 1;
}

/* Whole lines of what has come: each ends where another begins, or with \n. */
static void take(struct follower *f, size_t n)
{
	size_t at = 0;

	f->offset += n;
	f->len += n;
	while (at < f->len) {
		char *from = f->text + at, *end;

		if (*from != '@')
			crew_fail(f->me->crew, "worker %u: %.20s is no line",
				  f->me->number, from);
		end = from + 1;
		while (end < f->text + f->len && end[-1] != '\n' && *end != '@')
			end++;
		if (end == f->text + f->len && end[-1] != '\n')
			break;
		take_line(f, from, (size_t)(end - from));
		at += (size_t)(end - from);
	}
	memmove(f->text, f->text + at, f->len - at);
	f->len -= at;
}

/* All that was acknowledged has come. */
static bool has_all(struct follower *f)
{
	const struct worker *w = &f->me->s->w[0];
	uint32_t last;

	if (!w->begun[0])
		return false;
	for (last = w->appended; last && w->state[last - 1] != SURE; last--)
		;
	if (f->next >= last)
		return true;
	if (!f->end)
		f->end = crew_now() + FOLLOW_SECS * 1000000000ull;
	if (crew_now() > f->end)
		follow_to(f, last);
	return false;
}

static size_t room(const struct follower *f)
{
	return sizeof(f->text) - f->len - 1;
}

static void follow(struct follower *f, int fd)
{
	while (!f->me->crew->failed && !has_all(f)) {
		ssize_t n = TRY(f->me, pread(fd, f->text + f->len, room(f),
					     (off_t)f->offset));

		if (n > 0)
			take(f, (size_t)n);
		usleep(PAUSE_US);
	}
}

static void start_tail(struct follower *f, const char *path)
{
	int ends[2];
	char from[40];

	if (pipe(ends))
		crew_fail(f->me->crew, "pipe: %m");
	snprintf(from, sizeof(from), "+%lu", f->offset + 1);
	f->pid = fork();
	if (f->pid < 0)
		crew_fail(f->me->crew, "fork: %m");
	if (!f->pid) {
		int null = open("/dev/null", O_WRONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], 1);
		dup2(null, 2);
		execlp("tail", "tail", "-s", "0.05", "-c", from, "-f", path,
		       NULL);
		_exit(127);
	}
	close(ends[1]);
	f->out = ends[0];
}

/* What tail -f prints; an error ends it, as it does for any file system. */
static void follow_by_tail(struct follower *f, const char *path)
{
	start_tail(f, path);
	while (!f->me->crew->failed && !has_all(f)) {
		struct pollfd p = { .fd = f->out, .events = POLLIN };
		ssize_t n = 0;

		if (poll(&p, 1, 50) < 1)
			continue;
		call_begin(f->me);
		n = read(f->out, f->text + f->len, room(f));
		if (n > 0) {
			call_end(f->me, n, "tail");
			take(f, (size_t)n);
			continue;
		}
		f->me->s->restarted++;
		close(f->out);
		waitpid(f->pid, NULL, 0);
		usleep(5 * PAUSE_US);
		start_tail(f, path);
	}
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	close(f->out);
}

void do_tail(struct me *me)
{
	const char *path = path_of(me, "tail", 0);
	int fd = open_at_last(me, path, O_RDWR | O_CREAT | O_APPEND);
	struct follower *f = calloc(1, sizeof(*f));

	f->me = me;
	if (!me->number)
		produce(me, fd);
	else if (me->number % 2)
		follow(f, fd);
	else
		follow_by_tail(f, path);
	free(f);
	close(fd);
}

void look_tail(struct me *me)
{
	struct follower *f = calloc(1, sizeof(*f));
	int fd = open_at_last(me, path_of(me, "tail", 0), O_RDONLY);

	f->me = me;
	follow(f, fd);
	free(f);
	close(fd);
}
