/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines, text or JSON.  Any thread; async-signal-safe but for snprintf. */
#ifndef BFS_LOG_H
#define BFS_LOG_H

#include <stdbool.h>

/* LEVEL(name, tag): most severe first. */
#define BFS_LOG_LEVELS(LEVEL) \
	LEVEL(error, "error") \
	LEVEL(warn, "warn") \
	LEVEL(info, "info") \
	LEVEL(debug, "debug")

enum bfs_log_level {
#define LEVEL(name, tag) BFS_LOG_##name,
	BFS_LOG_LEVELS(LEVEL)
#undef LEVEL
};

extern enum bfs_log_level bfs_log_max; /* default: warn */
extern bool bfs_log_json;	       /* one JSON object a line */
extern int bfs_log_fd;		       /* where lines go, default stderr */
extern const char *bfs_log_who; /* "benchfsd", "benchfs", default "benchfs" */

/* One line, without a newline, lower case; %m works. */
void bfs_log_write(enum bfs_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), cold));

/* The arguments are not evaluated unless the level is enabled. */
#define bfs_log(level, ...) \
	do { \
		if (__builtin_expect(BFS_LOG_##level <= bfs_log_max, 0)) \
			bfs_log_write(BFS_LOG_##level, __VA_ARGS__); \
	} while (0)

/* Control characters become '?': names that others chose are in messages. */
void bfs_log_one_line(char *text);

/* "error" -> BFS_LOG_error; -1 if there is no such level. */
int bfs_log_level_of(const char *tag);

#endif
