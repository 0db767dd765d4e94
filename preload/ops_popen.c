/* SPDX-License-Identifier: BSD-3-Clause */
/* popen and pclose: libc's own would spawn behind our back. */
#include "core/sys.h"
#include "preload/ops.h"
#include "preload/real.h"
#include "preload/shell.h"

#include <pthread.h>

struct stream {
	struct stream *next;
	FILE *f;
	pid_t pid;
	int fd;
	ino_t ino; /* of the pipe: the stream may have been closed otherwise */
};

static struct stream *streams;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static bool is_open(const struct stream *s)
{
	struct stat st;

	return !bfs_sys_fstat(s->fd, &st) && st.st_ino == s->ino;
}

bool bfs_popen_is(FILE *f)
{
	struct stream *s;

	if (!streams)
		return false;
	pthread_mutex_lock(&mutex);
	for (s = streams; s && s->f != f; s = s->next)
		;
	pthread_mutex_unlock(&mutex);
	return s != NULL;
}

/* "r" or "w", and "e" for CLOEXEC, in any order: false if it is not. */
static bool parse_mode(const char *mode, bool *read, bool *cloexec)
{
	bool write = false;

	*read = *cloexec = false;
	for (; *mode; mode++) {
		if (*mode != 'r' && *mode != 'w' && *mode != 'e')
			return false;
		*read |= *mode == 'r';
		write |= *mode == 'w';
		*cloexec |= *mode == 'e';
	}
	return *read != write;
}

/* The child has its end as stdin or stdout, and nobody else's pipes. */
static int start(struct stream *s, const char *command, int end, bool read)
{
	posix_spawn_file_actions_t actions;
	int e, to = read ? 1 : 0;

	posix_spawn_file_actions_init(&actions);
	e = posix_spawn_file_actions_adddup2(&actions, end, to);
	pthread_mutex_lock(&mutex);
	for (struct stream *o = streams; o && !e; o = o->next)
		if (o->fd != to && is_open(o))
			e = posix_spawn_file_actions_addclose(&actions, o->fd);
	pthread_mutex_unlock(&mutex);
	e = e ? -e : bfs_shell_start(&s->pid, command, &actions, NULL);
	posix_spawn_file_actions_destroy(&actions);
	return e;
}

static int open_stream(struct stream *s, const char *command, bool read,
		       bool cloexec)
{
	struct stat st;
	int ends[2], e = (int)bfs_sys_2(SYS_pipe2, ends, O_CLOEXEC);

	if (e)
		return e;
	s->fd = ends[!read];
	s->f = REAL(fdopen)(s->fd, read ? "r" : "w");
	e = s->f ? start(s, command, ends[read], read) : -ENOMEM;
	bfs_sys_close(ends[read]);
	if (e) {
		if (s->f)
			REAL(fclose)(s->f);
		else
			bfs_sys_close(s->fd);
		return e;
	}
	bfs_sys_fstat(s->fd, &st);
	s->ino = st.st_ino;
	if (!cloexec)
		bfs_sys_fcntl(s->fd, F_SETFD, 0);
	return 0;
}

FILE *bfs_popen(const char *command, const char *mode)
{
	bool read, cloexec;
	struct stream *s;
	int e;

	if (!parse_mode(mode, &read, &cloexec))
		return (FILE *)(long)-EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return (FILE *)(long)-ENOMEM;
	e = open_stream(s, command, read, cloexec);
	if (e) {
		free(s);
		return (FILE *)(long)e;
	}
	pthread_mutex_lock(&mutex);
	s->next = streams;
	streams = s;
	pthread_mutex_unlock(&mutex);
	return s->f;
}

int bfs_pclose(FILE *f)
{
	struct stream **p, *s;
	int status;

	pthread_mutex_lock(&mutex);
	for (p = &streams; *p && (*p)->f != f; p = &(*p)->next)
		;
	s = *p;
	if (s)
		*p = s->next;
	pthread_mutex_unlock(&mutex);
	if (!s)
		return REAL(pclose)(f);
	REAL(fclose)(f);
	status = bfs_shell_wait(s->pid);
	free(s);
	return status;
}
