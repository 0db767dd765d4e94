/* SPDX-License-Identifier: BSD-3-Clause */
/* fopen, fdopen, freopen, fclose. */
#include "core/sys.h"
#include "preload/fd.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"
#include "preload/stdio.h"

#include <string.h>

/* glibc's, which no header tells. */
#define NO_READS 4
#define NO_WRITES 8
#define APPENDING 0x1000
#define IS_FILEBUF 0x2000 /* f has a descriptor */
#define MODE_MAX 64

static FILE *fail(long e)
{
	return (FILE *)e;
}

static int stream_fd(const FILE *f)
{
	return f->_flags & IS_FILEBUF ? f->_fileno : -1;
}

bool bfs_stdio_ours(const char *path, FILE *f)
{
	return bfs_owns_path(path) || (f && bfs_fd_entry(stream_fd(f)));
}

/* The open flags of an fopen mode, or -EINVAL. */
static int mode_flags(const char *mode)
{
	int flags;

	switch (*mode++) {
	case 'r':
		flags = O_RDONLY;
		break;
	case 'w':
		flags = O_WRONLY | O_CREAT | O_TRUNC;
		break;
	case 'a':
		flags = O_WRONLY | O_CREAT | O_APPEND;
		break;
	default:
		return -EINVAL;
	}
	/* As libc: six letters count, and a comma starts the rest. */
	for (int i = 0; i < 6 && *mode && *mode != ','; i++, mode++) {
		if (*mode == '+')
			flags = (flags & ~O_ACCMODE) | O_RDWR;
		else if (*mode == 'x')
			flags |= O_EXCL;
		else if (*mode == 'e')
			flags |= O_CLOEXEC;
	}
	return flags;
}

/* mode without x (we have opened already) and m (mmap past our slots). */
static const char *mode_plain(char out[MODE_MAX], const char *mode)
{
	size_t n = 0;
	bool letters = true;

	for (; *mode && n < MODE_MAX - 1; mode++) {
		letters = letters && *mode != ',';
		if (!letters || (*mode != 'x' && *mode != 'm'))
			out[n++] = *mode;
	}
	out[n] = '\0';
	return out;
}

/* fdopen does not know ",ccs=": give its descriptor to a FILE that does. */
static FILE *open_ccs(int fd, const char *mode)
{
	FILE *f = REAL(fopen)("/dev/null", mode);

	if (f) {
		bfs_sys_close(f->_fileno);
		f->_fileno = fd;
	}
	return f;
}

/* Does fd, by its record, permit what the mode wants? */
static bool permits(int fd, const char *mode)
{
	int access = bfs_fcntl(fd, F_GETFL, 0) & O_ACCMODE;
	bool plus = mode[strcspn(mode, "+,")] == '+';

	return !(access == O_WRONLY && (plus || *mode == 'r')) &&
	       !(access == O_RDONLY && (plus || *mode != 'r'));
}

/* The kernel lets a placeholder only be written: libc is told so. */
static FILE *open_placeholder(int fd, const char *mode)
{
	bool plus = mode[strcspn(mode, "+,")] == '+';
	int forbidden = plus ? 0 : *mode == 'r' ? NO_WRITES : NO_READS;
	char w[MODE_MAX];
	size_t n = 0;
	FILE *f;

	if (!permits(fd, mode)) {
		errno = EINVAL;
		return NULL;
	}
	/* "a" goes to the end at once, "a+" does not */
	if (*mode == 'a')
		forbidden |= APPENDING;
	w[n++] = *mode == 'a' && !plus ? 'a' : 'w';
	while (*++mode)
		if (*mode != '+')
			w[n++] = *mode;
	w[n] = '\0';
	f = REAL(fdopen)(fd, w);
	if (f)
		f->_flags = (f->_flags & ~(NO_READS | NO_WRITES)) | forbidden;
	return f;
}

/* A FILE for fd, which stays open on failure: NULL and errno. */
static FILE *stream_of(int fd, const char *mode)
{
	char plain[MODE_MAX];

	mode_plain(plain, mode);
	if (bfs_fd_kind(fd) > BFS_KIND_PASS && bfs_stdio_jumps())
		return bfs_stdio_cookie(fd, plain);
	if (strstr(plain, ",ccs="))
		return open_ccs(fd, plain);
	if (bfs_fd_kind(fd) == BFS_KIND_FILE && strchr("rwa", *plain))
		return open_placeholder(fd, plain);
	return REAL(fdopen)(fd, plain);
}

FILE *bfs_fopen(const char *path, const char *mode)
{
	int flags = mode_flags(mode), fd, saved;
	FILE *f;

	if (flags < 0)
		return fail(flags);
	fd = bfs_openat(AT_FDCWD, path, flags, 0666);
	if (fd < 0)
		return fail(fd);
	/* As libc's fopen does, and its fdopen does not. */
	if (*mode == 'a' && !strchr(mode, '+'))
		lseek(fd, 0, SEEK_END);
	f = stream_of(fd, mode);
	if (f)
		return f;
	saved = errno;
	close(fd);
	return fail(-saved);
}

/* libc compares the modes with the kernel's flags; ours are in the record. */
FILE *bfs_fdopen(int fd, const char *mode)
{
	FILE *f;
	int flags;

	if (bfs_fd_kind(fd) == BFS_KIND_OWN)
		return fail(-EBADF);
	f = stream_of(fd, mode);
	if (!f)
		return fail(-errno);
	flags = bfs_fcntl(fd, F_GETFL, 0);
	if (*mode == 'a' && flags >= 0 && !(flags & (O_APPEND | O_PATH)))
		bfs_fcntl(fd, F_SETFL, flags | O_APPEND);
	return f;
}

/*
 * Between here and libc's own close nothing of ours may be behind the number:
 * /dev/null takes our description's place.
 */
static int vacate(int fd)
{
	int null, e;

	if (!bfs_fd_entry(fd))
		return 0;
	null = bfs_sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
	if (null < 0)
		return null;
	e = bfs_dup3(null, fd, O_CLOEXEC);
	bfs_sys_close(null);
	return e < 0 ? e : 0;
}

/* As after every freopen that fails, f stays but has no descriptor. */
static FILE *reopen_failed(FILE *f, int e)
{
	if (!vacate(stream_fd(f)))
		REAL(freopen)("", "r", f);
	return fail(e);
}

/* The description behind f, opened again with other flags. */
static int open_again(int fd, int flags)
{
	char self[32];

	if (!bfs_fd_entry(fd))
		return -EBADF;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return bfs_openat(AT_FDCWD, self, flags & ~(O_CREAT | O_EXCL), 0);
}

/* f becomes a stream on fd, under the number it has. */
static FILE *reopen_on(FILE *f, int fd, const char *mode, int cloexec)
{
	char plain[MODE_MAX];
	int e = vacate(stream_fd(f));
	FILE *g;

	if (e)
		return fail(e);
	g = REAL(freopen)("/dev/null", mode_plain(plain, mode), f);
	if (!g)
		return fail(-errno);
	if (dup3(fd, g->_fileno, cloexec) < 0)
		return fail(-errno);
	return g;
}

FILE *bfs_freopen(const char *path, const char *mode, FILE *f)
{
	int flags = mode_flags(mode), fd, e;
	FILE *g;

	fflush(f); /* a failure is not freopen's, POSIX says */
	if (path && !bfs_owns_path(path)) {
		e = vacate(stream_fd(f));
		g = e ? NULL : REAL(freopen)(path, mode, f);
		return g ? g : fail(e ? e : -errno);
	}
	if (flags < 0)
		return reopen_failed(f, flags);
	fd = path ? bfs_openat(AT_FDCWD, path, flags, 0666)
		  : open_again(stream_fd(f), flags);
	if (fd < 0)
		return reopen_failed(f, fd);
	if (bfs_fd_kind(fd) > BFS_KIND_PASS && bfs_stdio_jumps())
		g = reopen_failed(f, -ENOTSUP);
	else
		g = reopen_on(f, fd, mode, flags & O_CLOEXEC);
	close(fd);
	return g;
}

/*
 * libc closes a passed-through descriptor by itself, so it is forgotten
 * before, but only when everything has been written.  A placeholder comes
 * back to bfs_close through its slot.
 */
int bfs_fclose(FILE *f)
{
	int before = errno, fd, bad, saved, e = 0, r;
	struct bfs_fd_gone gone = { .d = NULL };

	if (bfs_popen_is(f)) /* as libc: waits for the command */
		return bfs_pclose(f);
	fd = stream_fd(f);
	bad = fflush(f);
	saved = errno;
	if (bfs_fd_kind(fd) == BFS_KIND_PASS) {
		e = bfs_fd_closing(fd);
		gone = bfs_fd_forget(fd);
	}
	r = REAL(fclose)(f);
	bfs_fd_release(gone);
	if (r)
		return EOF;
	if (e && !bad)
		saved = -e;
	errno = bad || e ? saved : before;
	return bad || e ? EOF : 0;
}
