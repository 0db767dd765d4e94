/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/copy.h"

#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/fetch.h"
#include "server/inode.h"
#include "server/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#define LOOK_NS 5000000000ull  /* how often it is looked who is used */
#define KEEP_NS 30000000000ull /* unused: somebody may come again */
#define SETTLED_NS 20000000ll  /* more than a tick of any kernel's clock */
#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

struct copy {
	uint64_t ino, size, change;
	int fd;			/* -1: not there yet */
	int err;		/* why it never will be */
	struct bfs_turn filled; /* taken until then */
	unsigned refs;		/* fibers at it */
	uint64_t used;		/* when it was last seen in use */
	struct copy *prev, *next;
};

struct bfs_copies {
	struct bfs_server *server;
	struct copy *all; /* utlist DL, least used first */
	uint64_t bytes;
	struct bfs_timer timer; /* runs while there are any */
};

/*
 * Since Linux 6.13 a file that has been looked at gets another time by its next
 * change, on the usual file systems; else only by one in another tick.
 */
static bool fine_stamps(struct bfs_fs *fs)
{
	struct timespec last = { 0 };
	struct stat st;
	int fd;

	if (fs->fine_stamps)
		return fs->fine_stamps > 0;
	fd = openat(fs->top_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	fs->fine_stamps = fd < 0 ? -1 : 1;
	for (int n = 0; n < 4 && fs->fine_stamps > 0; n++) {
		if (pwrite(fd, "x", 1, 0) != 1 || fstat(fd, &st) ||
		    !memcmp(&st.st_mtim, &last, sizeof(last)))
			fs->fine_stamps = -1;
		else
			last = st.st_mtim;
	}
	if (fd >= 0)
		close(fd);
	return fs->fine_stamps > 0;
}

static bool settled(const struct bfs_attr *a)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - a->ctime.sec) * 1000000000ll + now.tv_nsec -
		       a->ctime.nsec >
	       SETTLED_NS;
}

uint64_t bfs_copy_change(struct bfs_fs *fs, const struct bfs_attr *a)
{
	const uint64_t of[] = { a->size, (uint64_t)a->mtime.sec, a->mtime.nsec,
				(uint64_t)a->ctime.sec, a->ctime.nsec };
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	if (!fine_stamps(fs) && !settled(a))
		return 0;
	for (unsigned n = 0; n < BFS_COUNT(of); n++)
		for (unsigned k = 0; k < 64; k += 8)
			h = (h ^ (of[n] >> k & 0xff)) * 0x100000001b3u;
	return h ? h : 1;
}

/* Has anybody a descriptor, a mapping, or runs it?  No lease is given then. */
static bool in_use(const struct copy *k)
{
	if (k->refs || k->fd < 0)
		return true;
	if (fcntl(k->fd, F_SETLEASE, F_WRLCK))
		return errno == EAGAIN;
	fcntl(k->fd, F_SETLEASE, F_UNLCK);
	return false;
}

static void drop(struct bfs_copies *all, struct copy *k)
{
	DL_DELETE(all->all, k);
	all->bytes -= k->size;
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

static void on_timer(struct bfs_timer *t)
{
	struct bfs_copies *all = t->arg;
	uint64_t now = bfs_now();
	struct copy *k, *next;

	DL_FOREACH_SAFE(all->all, k, next)
	{
		if (in_use(k))
			k->used = now;
		else if (!k->change || now - k->used > KEEP_NS)
			drop(all, k);
	}
	if (all->all)
		bfs_loop_timer(all->server->loop, t, now + LOOK_NS);
}

static struct bfs_copies *get(struct bfs_server *s)
{
	struct bfs_copies *all = s->copies;

	if (all)
		return all;
	all = calloc(1, sizeof(*all));
	if (!all)
		return NULL;
	all->server = s;
	all->timer.fn = on_timer;
	all->timer.arg = all;
	s->copies = all;
	return all;
}

void bfs_copies_free(struct bfs_server *s)
{
	struct bfs_copies *all = s->copies;

	if (!all)
		return;
	if (s->loop)
		bfs_loop_timer(s->loop, &all->timer, 0);
	while (all->all)
		drop(all, all->all);
	free(all);
	s->copies = NULL;
}

static uint64_t limit(const struct bfs_server *s)
{
	struct sysinfo info;

	if (s->config.node.copies_max_gb)
		return s->config.node.copies_max_gb;
	return sysinfo(&info) ? 1u << 30
			      : (uint64_t)info.totalram * info.mem_unit / 4;
}

/* Those that nobody uses go, the least used first. */
static int make_room(struct bfs_copies *all, uint64_t size)
{
	uint64_t max = limit(all->server);
	struct copy *k, *next;

	DL_FOREACH_SAFE(all->all, k, next)
	{
		if (all->bytes + size <= max)
			return 0;
		if (!in_use(k))
			drop(all, k);
	}
	if (all->bytes + size <= max)
		return 0;
	bfs_log(error,
		"no memory for a copy of %llu bytes: copies of other nodes' "
		"files take %llu of %llu bytes (node.copies_max_gb)",
		(unsigned long long)size, (unsigned long long)all->bytes,
		(unsigned long long)max);
	return -ENOMEM;
}

/* A page that cannot be had must be an error, not a SIGBUS. */
static int allocate(int fd, uint64_t from, uint64_t to)
{
	int r;

	do
		r = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)from,
			      (off_t)(to - from));
	while (r && errno == EINTR);
	return !r ? 0 : errno == ENOSPC ? -ENOMEM : -errno;
}

static int fetch_range(struct bfs_server *s, struct copy *k, int fd, char *map,
		       uint64_t from, uint64_t to, uint64_t deadline)
{
	int r = allocate(fd, from, to);
	ssize_t n;

	if (r)
		return r;
	n = bfs_fetch(s, k->ino, map + from, to - from, from, deadline);
	return n < 0 ? (int)n : 0;
}

/* Its data; holes stay what they are. */
static int fetch_all(struct bfs_server *s, struct copy *k, int fd, char *map,
		     uint64_t deadline)
{
	uint64_t at = 0, end;
	int r = 0;

	while (!r && at < k->size) {
		end = k->size;
		if (k->size > BFS_BULK_MAX)
			r = bfs_fetch_seek(s, k->ino, SEEK_DATA, k->size, &at,
					   deadline);
		if (r || at >= k->size)
			break;
		if (k->size > BFS_BULK_MAX) {
			end = at;
			r = bfs_fetch_seek(s, k->ino, SEEK_HOLE, k->size, &end,
					   deadline);
		}
		if (!r)
			r = fetch_range(s, k, fd, map, at, end, deadline);
		at = end;
	}
	return r;
}

/* Nobody may change it, and nobody has it open for writing (ETXTBSY). */
static int seal(int fd)
{
	char path[64];

	if (fcntl(fd, F_ADD_SEALS, SEALS))
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int make_memfd(void)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("benchfs", flags | MFD_EXEC);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create("benchfs", flags);
	return fd < 0 ? -errno : fd;
}

static int fill(struct bfs_server *s, struct copy *k, uint64_t deadline)
{
	int fd = make_memfd(), r;
	char *map = NULL;

	if (fd < 0)
		return fd;
	r = ftruncate(fd, (off_t)k->size) ? -errno : 0;
	if (!r && k->size) {
		map = mmap(NULL, k->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
		r = map == MAP_FAILED ? -errno : 0;
	}
	if (!r && map) {
		r = fetch_all(s, k, fd, map, deadline);
		munmap(map, k->size);
	}
	if (!r)
		r = seal(fd);
	close(fd);
	if (r < 0)
		return r;
	k->fd = r;
	return 0;
}

static struct copy *find(const struct bfs_copies *all, uint64_t ino,
			 uint64_t change)
{
	struct copy *k;

	DL_FOREACH(all->all, k)
	if (change && k->ino == ino && k->change == change && !k->err)
		return k;
	return NULL;
}

static struct copy *add(struct bfs_copies *all, uint64_t ino, uint64_t size,
			uint64_t change)
{
	struct copy *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	*k = (struct copy){
		.ino = ino, .size = size, .change = change, .fd = -1
	};
	DL_APPEND(all->all, k);
	all->bytes += size;
	return k;
}

/* For another fiber: of its own, so that its offset and locks are. */
static int reopen(const struct copy *k)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", k->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int use(struct bfs_copies *all, struct copy *k, uint64_t deadline)
{
	struct bfs_server *s = all->server;
	int r;

	k->refs++;
	r = bfs_turn_take(s, &k->filled, deadline);
	if (!r) {
		if (k->fd < 0 && !k->err)
			k->err = fill(s, k, deadline);
		r = k->err ? k->err : reopen(k);
		bfs_turn_give(&k->filled);
	}
	k->refs--;
	k->used = bfs_now();
	DL_DELETE(all->all, k);
	DL_APPEND(all->all, k);
	if (k->err && !k->refs)
		drop(all, k);
	else if (s->loop && !all->timer.at)
		bfs_loop_timer(s->loop, &all->timer, k->used + LOOK_NS);
	return r;
}

int bfs_copy_open(struct bfs_server *s, uint64_t ino, uint64_t size,
		  uint64_t change, uint64_t deadline)
{
	struct bfs_copies *all = get(s);
	struct copy *k = all ? find(all, ino, change) : NULL;
	int r;

	if (!all)
		return -ENOMEM;
	if (k)
		return use(all, k, deadline);
	r = make_room(all, size);
	if (r)
		return r;
	bfs_stat_add(copies, 1);
	k = add(all, ino, size, change);
	return k ? use(all, k, deadline) : -ENOMEM;
}

/* Then the kernel lets nobody write it, us included. */
static bool runs(const struct copy *k)
{
	char path[64];
	int fd;

	if (k->fd < 0)
		return k->refs; /* about to */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", k->fd);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == ETXTBSY;
}

bool bfs_copy_runs(const struct bfs_server *s, uint64_t ino)
{
	const struct copy *k;

	if (s->copies)
		DL_FOREACH(s->copies->all, k)
	if (k->ino == ino && runs(k))
		return true;
	return false;
}
