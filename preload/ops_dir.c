/* SPDX-License-Identifier: BSD-3-Clause */
/* opendir and what belongs to it, and getdents64. */
#include "core/util.h"
#include "preload/dirstream.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/real.h"

#include <string.h>

static struct bfs_dirstream *stream(DIR *dir)
{
	return (struct bfs_dirstream *)dir;
}

static DIR *fail(long e)
{
	return (DIR *)e;
}

DIR *bfs_fdopendir(int fd)
{
	struct bfs_dirstream *s;
	struct stat st;

	switch (bfs_fd_kind(fd)) {
	case BFS_KIND_PATH: /* reading from it will fail */
		if (bfs_fstat(fd, &st))
			return fail(-EBADF);
		if (!S_ISDIR(st.st_mode))
			return fail(-ENOTDIR);
		/* fall through */
	case BFS_KIND_DIR:
		s = bfs_dir_new(fd);
		return s ? (DIR *)s : fail(-ENOMEM);
	case BFS_KIND_PASS:
	case BFS_KIND_FILE:
		return fail(-ENOTDIR);
	default:
		return fail(-EBADF);
	}
}

DIR *bfs_opendir(const char *path)
{
	int fd = bfs_openat(AT_FDCWD, path,
			    O_RDONLY | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC, 0);
	DIR *dir;

	if (fd < 0)
		return fail(fd);
	if (bfs_fd_kind(fd) == BFS_KIND_NONE) {
		/* A symlink led out of BenchFS. */
		dir = REAL(fdopendir)(fd);
		dir = dir ? dir : fail(-errno);
	} else {
		dir = bfs_fdopendir(fd);
	}
	if ((long)dir < 0 && (long)dir >= -4095)
		close(fd);
	return dir;
}

static void fill(struct dirent *to, const struct bfs_dirent *e)
{
	size_t n = offsetof(struct dirent, d_name) + e->name.len + 1;

	n = (n + 7) & ~(size_t)7;
	memset((char *)to + n - 8, 0, 8);
	to->d_ino = e->attr.ino;
	to->d_off = (off_t)e->cursor;
	to->d_reclen = (unsigned short)n;
	to->d_type = (unsigned char)IFTODT(e->attr.mode);
	memcpy(to->d_name, e->name.ptr, e->name.len);
}

/* 1, 0 at the end, -errno. */
static int next(struct bfs_dirstream *s, struct dirent *to)
{
	struct bfs_dirent e;
	int r;

	pthread_mutex_lock(&s->lock);
	r = bfs_dir_next(s, &e);
	if (r > 0)
		fill(to, &e);
	pthread_mutex_unlock(&s->lock);
	return r;
}

struct dirent *bfs_readdir(DIR *dir)
{
	int saved = errno;
	int r = next(stream(dir), &stream(dir)->entry);

	errno = r < 0 ? -r : saved;
	return r > 0 ? &stream(dir)->entry : NULL;
}

int bfs_readdir_r(DIR *dir, struct dirent *entry, struct dirent **result)
{
	int r = next(stream(dir), entry);

	*result = r > 0 ? entry : NULL;
	return r < 0 ? r : 0;
}

int bfs_closedir(DIR *dir)
{
	struct bfs_dirstream *s = stream(dir);
	int fd = s->fd;

	s->self = NULL;
	pthread_mutex_destroy(&s->lock);
	free(s);
	return bfs_close(fd);
}

void bfs_seekdir(DIR *dir, long pos)
{
	struct bfs_dirstream *s = stream(dir);

	pthread_mutex_lock(&s->lock);
	bfs_dir_seek(s, (uint64_t)BFS_MAX(pos, 0));
	pthread_mutex_unlock(&s->lock);
}

void bfs_rewinddir(DIR *dir)
{
	bfs_seekdir(dir, 0);
}

long bfs_telldir(DIR *dir)
{
	return (long)stream(dir)->at;
}

/*
 * One page of the daemon's into the kernel's records, which are shorter.  The
 * bytes; *behind: the cursor behind the last; *full: not all had room.
 */
static size_t pack(char *to, size_t room, const uint8_t *page, size_t len,
		   uint64_t *behind, bool *full)
{
	struct bfs_dirent e;
	struct bfs_wire w;
	size_t done = 0;

	bfs_wire_init(&w, page, len);
	while (w.pos < w.end && !bfs_dirent_get(&w, &e)) {
		struct dirent d;

		/* Its layout is the kernel's struct linux_dirent64. */
		fill(&d, &e);
		if (d.d_reclen > room - done) {
			*full = true;
			break;
		}
		memcpy(to + done, &d, d.d_reclen);
		done += d.d_reclen;
		*behind = e.cursor;
	}
	return done;
}

/* One page: bytes that were packed, or -errno. */
static ssize_t dents(struct bfs_desc *d, char *to, size_t room, bool *over)
{
	uint64_t behind = d->offset;
	uint8_t page[8192];
	bool full = false;
	ssize_t n = bfs_dir_page(d, page, sizeof(page), over);

	if (n < 0)
		return n;
	n = (ssize_t)pack(to, room, page, (size_t)n, &behind, &full);
	if (!full)
		return n;
	d->offset = behind;
	*over = true;
	return n ? n : -EINVAL;
}

static ssize_t all_dents(struct bfs_desc *d, char *to, size_t room)
{
	size_t done = 0;
	bool over = false;
	ssize_t n = 0;

	while (!over) {
		n = dents(d, to + done, room - done, &over);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done ? (ssize_t)done : n;
}

ssize_t bfs_getdents64(int fd, void *buf, size_t n)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	uint64_t signals;
	ssize_t r;

	if (!d || d->kind == BFS_KIND_PATH)
		return -EBADF;
	if (d->kind != BFS_KIND_DIR)
		return -ENOTDIR;
	n = BFS_MIN(n, (size_t)INT32_MAX);
	if (bfs_mem_out(buf, n)) {
		n = bfs_mem_out_most(buf, n);
		if (!n)
			return -EFAULT;
	}
	r = bfs_desc_lock(d, &signals);
	if (r)
		return r;
	r = all_dents(d, buf, n);
	bfs_desc_unlock(d, &signals);
	return r;
}
