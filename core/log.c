/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/log.h"

#include "core/sys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum bfs_log_level bfs_log_max = BFS_LOG_warn;
bool bfs_log_json;
uint64_t bfs_virtual_now;

int bfs_log_fd = STDERR_FILENO;
const char *bfs_log_who = "benchfs";

static const char *const tags[] = {
#define LEVEL(name, tag) [BFS_LOG_##name] = tag,
	BFS_LOG_LEVELS(LEVEL)
#undef LEVEL
};

int bfs_log_level_of(const char *tag)
{
	for (int i = 0; i <= BFS_LOG_debug; i++)
		if (!strcmp(tag, tags[i]))
			return i;
	return -1;
}

void bfs_log_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

/* Copy with JSON's escapes; returns the length written. */
static size_t escape(char *to, size_t cap, const char *from)
{
	size_t n = 0;

	for (; *from && n + 7 < cap; from++) {
		unsigned char c = (unsigned char)*from;

		if (c == '"' || c == '\\')
			to[n++] = '\\';
		if (c >= 0x20 && c < 0x7f)
			to[n++] = (char)c;
		else
			n += (size_t)snprintf(to + n, cap - n, "\\u%04x", c);
	}
	to[n] = '\0';
	return n;
}

static size_t format_line(char *line, size_t cap, const char *tag,
			  const char *text)
{
	struct timespec t;
	char safe[1600];
	int n;

	clock_gettime(CLOCK_REALTIME, &t);
	if (bfs_log_json) {
		escape(safe, sizeof(safe), text);
		n = snprintf(line, cap,
			     "{\"time\":%lld.%06ld,\"level\":\"%s\","
			     "\"program\":\"%s\",\"pid\":%d,"
			     "\"message\":\"%s\"}\n",
			     (long long)t.tv_sec, t.tv_nsec / 1000, tag,
			     bfs_log_who, getpid(), safe);
	} else {
		snprintf(safe, sizeof(safe), "%s", text);
		bfs_log_one_line(safe);
		n = snprintf(line, cap, "%s[%d] %s: %s\n", bfs_log_who,
			     getpid(), tag, safe);
	}
	return n < (int)cap ? (size_t)n : cap - 1;
}

void bfs_log_write(enum bfs_log_level level, const char *fmt, ...)
{
	int saved = errno; /* a log line must never change what it reports */
	char text[1024], line[2048];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = format_line(line, sizeof(line), tags[level], text);
	/* The raw call: under preload, write() may be one of our own hooks. */
	bfs_sys_3(SYS_write, bfs_log_fd, line, n);
	errno = saved;
}
