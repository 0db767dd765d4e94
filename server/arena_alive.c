/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose descriptions are alive (arena.h): the kernel's locks tell. */
#include "server/arena_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

static bool locked(int fd, uint32_t slot)
{
	struct flock f = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = BFS_LIFE + slot,
			   .l_len = 1 };

	return !fcntl(fd, F_OFD_GETLK, &f) && f.l_type != F_UNLCK;
}

static bool process_lives(pid_t pid)
{
	return !kill(pid, 0) || errno == EPERM;
}

bool bfs_arenas_current(struct bfs_arenas *all, uint32_t uid, uint32_t slot,
			uint32_t gen)
{
	struct bfs_user_arena *a = bfs_arenas_find(all, uid);
	uint32_t word;

	if (!a || slot >= BFS_ARENA_RECORDS)
		return false;
	word = a->map->desc[slot].word;
	return BFS_DESC_STATE(word) != BFS_DESC_FREE &&
	       BFS_DESC_GEN(word) == gen;
}

bool bfs_arenas_making(struct bfs_arenas *all, uint32_t uid, uint32_t slot,
		       uint32_t gen)
{
	const struct bfs_desc *d;

	if (!bfs_arenas_current(all, uid, slot, gen))
		return false;
	d = &bfs_arenas_find(all, uid)->map->desc[slot];
	return BFS_DESC_STATE(d->word) == BFS_DESC_MADE &&
	       process_lives((pid_t)d->maker);
}

static const struct bfs_user_arena *find_empty(const struct bfs_arenas *all,
					       uint64_t ino)
{
	const struct bfs_user_arena *a, *next;

	HASH_ITER(hh, all->by_uid, a, next)
	if (a->empty_ino == ino)
		return a;
	return NULL;
}

/*
 * A user may be followed by one and that by another one.  Clients write what
 * they like there: at worst their own record stays.
 */
#define SIGNERS_MAX 8

/* The one whose lock counts for that use of record *d; false: none. */
static bool signer(const struct bfs_arenas *all,
		   const struct bfs_user_arena **a, const struct bfs_desc **d,
		   uint32_t *word)
{
	for (int n = 0; n < SIGNERS_MAX; n++) {
		uint64_t life = (*d)->life;
		uint32_t slot = (*d)->life_slot, gen = (*d)->life_gen;

		if (!life || BFS_DESC_STATE(*word) != BFS_DESC_USED)
			return true;
		*a = find_empty(all, life);
		if (!*a || slot >= BFS_ARENA_RECORDS)
			return false;
		*d = &(*a)->map->desc[slot];
		*word = (*d)->word;
		if (*word != BFS_DESC_WORD(gen, BFS_DESC_USED))
			return false;
	}
	return false;
}

bool bfs_arenas_signer(struct bfs_arenas *all, uint32_t *uid, uint32_t *slot,
		       uint32_t *gen)
{
	const struct bfs_user_arena *a = bfs_arenas_find(all, *uid);
	const struct bfs_desc *d;
	uint32_t word;

	if (!bfs_arenas_current(all, *uid, *slot, *gen))
		return false;
	d = &a->map->desc[*slot];
	word = d->word;
	if (BFS_DESC_GEN(word) != *gen || !signer(all, &a, &d, &word))
		return false;
	*uid = a->uid;
	*slot = (uint32_t)(d - a->map->desc);
	*gen = BFS_DESC_GEN(word);
	return true;
}

bool bfs_arenas_alive(void *arg, uint32_t uid, uint32_t slot, uint32_t gen)
{
	struct bfs_user_arena *a;
	uint32_t word;

	if (!bfs_arenas_signer(arg, &uid, &slot, &gen))
		return false;
	a = bfs_arenas_find(arg, uid);
	word = a->map->desc[slot].word;
	/* A record that is being made has no lock yet. */
	if (BFS_DESC_STATE(word) == BFS_DESC_MADE)
		return process_lives((pid_t)a->map->desc[slot].maker);
	return locked(a->empty, slot);
}

bool bfs_arenas_record_lives(const struct bfs_arenas *all,
			     const struct bfs_user_arena *a,
			     const struct bfs_desc *d, uint32_t word,
			     const struct bfs_arena_sweep *ops)
{
	uint32_t i;

	if (BFS_DESC_STATE(word) == BFS_DESC_MADE)
		return process_lives((pid_t)d->maker);
	if (!signer(all, &a, &d, &word))
		return false;
	i = (uint32_t)(d - a->map->desc);
	return locked(a->empty, i) ||
	       (d->data_ino && ops->pass_alive(ops->arg, d->ino, a->uid, i));
}
