/* SPDX-License-Identifier: BSD-3-Clause */
/* Which times a call changes. */
#include "model.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* Beyond the granularity of stamps: what is stamped now is later. */
static void tick(void)
{
	struct timespec from, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &from);
	do
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	while (from.tv_sec == now.tv_sec && from.tv_nsec == now.tv_nsec);
}

static int change(const char *path, const char *to, uint32_t how)
{
	static const struct timespec omit[] = { { 0, UTIME_OMIT },
						{ 0, UTIME_OMIT } };
	int fd, r;

	switch (how % 9) {
	case 0:
		r = rename(path, to);
		return r ? r : rename(to, path);
	case 1:
		return chmod(path, 0755);
	case 2:
		return lchown(path, (uid_t)-1, (gid_t)-1);
	case 3:
		r = link(path, to);
		return r ? r : unlink(to);
	case 4:
		return truncate(path, 100);
	case 5:
		return utimensat(AT_FDCWD, path, omit, 0);
	case 6:
		return lsetxattr(path, "user.s", "x", 1, 0);
	case 7:
		fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK);
		r = fd < 0 ? -1 : (int)write(fd, "x", 1);
		close(fd);
		return r;
	default: /* makes and removes an entry, if it is a directory */
		fd = openat(AT_FDCWD, path, O_TMPFILE | O_WRONLY, 0600);
		close(fd);
		return fd < 0 ? -1 : 0;
	}
}

static bool moved(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

void do_stamps(struct place *w, const struct step *s, struct result *r)
{
	static char path[4200], to[4200], dir[4200];
	const char *p = arg_path(w, s->a[0], path);
	struct stat st[4];

	/* Not a fifo, whose writer would wait for a reader. */
	if (lstat(p, &st[0]))
		return answer(r, -1);
	snprintf(to, sizeof(to), "%s.new", p);
	snprintf(dir, sizeof(dir), "%s/..", S_ISDIR(st[0].st_mode) ? p : ".");
	if (stat(dir, &st[1]))
		return answer(r, -1);
	tick();
	answer(r, change(p, to, s->a[1]));
	if (lstat(p, &st[2]) || stat(dir, &st[3]))
		return answer(r, -1);
	for (int i = 0; i < 2; i++)
		r->mode = r->mode * 4 +
			  moved(&st[i].st_mtim, &st[i + 2].st_mtim) * 2u +
			  moved(&st[i].st_ctim, &st[i + 2].st_ctim);
}
