/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/arena_impl.h"

#include "core/log.h"
#include "core/siphash.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define EMPTY_SEALS (ARENA_SEALS | F_SEAL_WRITE)

struct bfs_arenas *bfs_arenas_new(const uint8_t *secret)
{
	struct bfs_arenas *all = calloc(1, sizeof(*all));

	if (all)
		all->secret = secret;
	return all;
}

static void drop(struct bfs_user_arena *a)
{
	if (a->map)
		munmap(a->map, sizeof(*a->map));
	if (a->fd >= 0)
		close(a->fd);
	if (a->empty >= 0)
		close(a->empty);
	free(a);
}

void bfs_arenas_free(struct bfs_arenas *all)
{
	struct bfs_user_arena *a, *next;

	HASH_ITER(hh, all->by_uid, a, next)
	{
		HASH_DEL(all->by_uid, a);
		drop(a);
	}
	free(all);
}

static int make_memfd(const char *name, size_t size, int seals)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), r;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) || fcntl(fd, F_ADD_SEALS, seals)) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/*
 * Known to those who are let in, and the same after a restart: what clients
 * can write does not count (another user's key, there, would be in its way).
 */
static void give_key(const struct bfs_arenas *all, struct bfs_user_arena *a)
{
	const uint64_t words[3] = { htole64(UINT64_MAX), htole64(a->uid),
				    htole64(a->empty_ino) };

	a->key = bfs_siphash(all->secret, words, sizeof(words)) | 1;
	a->map->key = a->key;
}

static int fill(const struct bfs_arenas *all, struct bfs_user_arena *a)
{
	struct stat st;
	void *p;

	a->fd = make_memfd("benchfs-arena", sizeof(*a->map), ARENA_SEALS);
	if (a->fd < 0)
		return a->fd;
	a->empty = make_memfd("benchfs", 0, EMPTY_SEALS);
	if (a->empty < 0)
		return a->empty;
	/* Another user's process re-opens it through /proc: let it. */
	if (fchown(a->empty, a->uid, (gid_t)-1) && errno != EPERM)
		return -errno;
	if (fstat(a->empty, &st))
		return -errno;
	a->empty_ino = st.st_ino;
	p = mmap(NULL, sizeof(*a->map), PROT_READ | PROT_WRITE, MAP_SHARED,
		 a->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	a->map = p;
	a->map->magic = BFS_ARENA_MAGIC;
	a->map->records = BFS_ARENA_RECORDS;
	a->map->uid = a->uid;
	give_key(all, a);
	return 0;
}

void bfs_arenas_stored(struct bfs_arenas *all, bool yes)
{
	struct bfs_user_arena *a, *next;

	all->stored = yes;
	HASH_ITER(hh, all->by_uid, a, next)
	atomic_store(&a->map->stored, yes);
}

struct bfs_user_arena *bfs_arenas_find(struct bfs_arenas *all, uint32_t uid)
{
	struct bfs_user_arena *a;

	HASH_FIND(hh, all->by_uid, &uid, sizeof(uid), a);
	return a;
}

int bfs_arenas_get(struct bfs_arenas *all, uint32_t uid, int *arena_fd,
		   int *empty_fd, uint64_t *empty_ino)
{
	struct bfs_user_arena *a = bfs_arenas_find(all, uid);
	int r;

	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return -ENOMEM;
		a->uid = uid;
		a->fd = a->empty = -1;
		r = fill(all, a);
		if (r) {
			bfs_log(error, "arena of uid %u: %s", uid,
				strerror(-r));
			drop(a);
			return r;
		}
		HASH_ADD(hh, all->by_uid, uid, sizeof(a->uid), a);
		if (!bfs_hashed(a)) {
			drop(a);
			return -ENOMEM;
		}
		a->map->stored = all->stored;
		if (all->made)
			all->made(all->made_arg, uid, a->fd, a->empty);
	}
	*arena_fd = a->fd;
	*empty_fd = a->empty;
	*empty_ino = a->empty_ino;
	return 0;
}

void bfs_arenas_on_new(struct bfs_arenas *all,
		       void (*made)(void *arg, uint32_t uid, int arena_fd,
				    int empty_fd),
		       void *arg)
{
	all->made = made;
	all->made_arg = arg;
}

static bool is_ours(int fd, off_t size, int seals)
{
	struct stat st;

	return fcntl(fd, F_GET_SEALS) == seals && !fstat(fd, &st) &&
	       st.st_size == size;
}

static int check_old(const struct bfs_arenas *all, struct bfs_user_arena *a)
{
	struct stat st;
	void *p;

	if (!is_ours(a->fd, sizeof(*a->map), ARENA_SEALS) ||
	    !is_ours(a->empty, 0, EMPTY_SEALS) || fstat(a->empty, &st))
		return -EPROTO;
	a->empty_ino = st.st_ino;
	p = mmap(NULL, sizeof(*a->map), PROT_READ | PROT_WRITE, MAP_SHARED,
		 a->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	a->map = p;
	give_key(all, a);
	a->map->uid = a->uid;
	a->map->stored = 0; /* mappings do not outlive their daemon */
	return a->map->magic == BFS_ARENA_MAGIC &&
			       a->map->records == BFS_ARENA_RECORDS
		       ? 0
		       : -EPROTO;
}

int bfs_arenas_adopt(struct bfs_arenas *all, uint32_t uid, int arena_fd,
		     int empty_fd)
{
	struct bfs_user_arena *a = calloc(1, sizeof(*a));
	int r;

	if (!a) {
		close(arena_fd);
		close(empty_fd);
		return -ENOMEM;
	}
	a->uid = uid;
	a->fd = arena_fd;
	a->empty = empty_fd;
	r = bfs_arenas_find(all, uid) ? -EEXIST : check_old(all, a);
	if (!r) {
		HASH_ADD(hh, all->by_uid, uid, sizeof(a->uid), a);
		r = bfs_hashed(a) ? 0 : -ENOMEM;
	}
	if (r)
		drop(a);
	return r;
}

bool bfs_arenas_owner(struct bfs_arenas *all, uint64_t key, uint32_t *uid)
{
	struct bfs_user_arena *a, *next;

	HASH_ITER(hh, all->by_uid, a, next)
	{
		if (a->key != key)
			continue;
		*uid = a->uid;
		return true;
	}
	return false;
}

uint64_t bfs_arenas_stat(struct bfs_arenas *all, unsigned stat)
{
	struct bfs_user_arena *a, *next;
	uint64_t sum = 0;

	HASH_ITER(hh, all->by_uid, a, next)
	sum += a->map->client_stats[stat];
	return sum;
}
