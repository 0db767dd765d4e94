/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/vfork.h"

#include "core/sys.h"
#include "core/util.h"
#include "preload/count.h"
#include "preload/direct.h"
#include "preload/fd.h"
#include "preload/lock.h"
#include "preload/mapped.h"
#include "preload/raw.h"
#include "preload/state.h"

#include <sys/single_threaded.h>

#define MAPS 16
#define KEPT (1u << 20)

/* A sanitizer's runtime has a vfork of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

bool bfs_vfork_out;
static void *kept; /* of KEPT bytes */
static bool kept_used;
static uint64_t signals; /* the caller's mask; none comes in between */
static mode_t umask_before;
static uint64_t inodes_before;
static struct {
	void *at;
	size_t size;
} maps[MAPS];

/* Nothing else goes on in this process, and nothing that it has would be the
 * child's too. */
static bool is_quiet(void)
{
	return !SANITIZED && __libc_single_threaded && !bfs_vfork_out &&
	       !bfs_raw_on && !bfs_settings.ucx && !bfs_direct_opened() &&
	       !bfs_report && !bfs_mapped_count && bfs_fd_quiet() &&
	       bfs_session_quiet() && bfs_arena_quiet();
}

static void keep_memory(void)
{
	long p;

	kept_used = false;
	if (kept)
		return;
	p = bfs_sys_mmap(NULL, KEPT, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p > 0 || p < -4095)
		kept = (void *)p;
}

void *bfs_vfork_memory(size_t size)
{
	if (!bfs_vfork_out || kept_used || size > KEPT || !kept)
		return NULL;
	kept_used = true;
	return kept;
}

bool bfs_vfork_memory_back(const void *p)
{
	if (!p || p != kept)
		return false;
	kept_used = false;
	return true;
}

bool bfs_vfork_begin(void)
{
	if (!is_quiet())
		return false;
	keep_memory();
	bfs_sys_block_signals(&signals);
	bfs_fd_share_all();
	bfs_fd_aside();
	bfs_cwd_aside();
	bfs_arena_aside();
	bfs_session_aside();
	umask_before = bfs_umask_now;
	inodes_before = bfs_lock_inodes();
	bfs_lock_set_inodes(0);
	bfs_vfork_out = true;
	return true;
}

void bfs_vfork_child(void)
{
	if (bfs_vfork_out)
		bfs_sys_restore_signals(&signals);
}

static void unmap(void)
{
	for (int i = 0; i < MAPS; i++) {
		if (maps[i].at)
			bfs_sys_munmap(maps[i].at, maps[i].size);
		maps[i].at = NULL;
	}
}

void bfs_vfork_end(void)
{
	if (!bfs_vfork_out)
		return;
	bfs_vfork_out = false;
	unmap();
	bfs_fd_back();
	bfs_session_back();
	bfs_arena_back();
	bfs_cwd_back();
	bfs_umask_now = umask_before;
	bfs_lock_set_inodes(inodes_before);
	bfs_sys_restore_signals(&signals);
}

void bfs_vfork_forget(void)
{
	bfs_vfork_out = false;
	for (int i = 0; i < MAPS; i++)
		maps[i].at = NULL;
}

void bfs_vfork_mapped(void *map, size_t size)
{
	for (int i = 0; bfs_vfork_out && i < MAPS; i++)
		if (!maps[i].at) {
			maps[i].size = size;
			maps[i].at = map;
			return;
		}
}

void bfs_vfork_unmapped(const void *map)
{
	for (int i = 0; bfs_vfork_out && i < MAPS; i++)
		if (maps[i].at == map)
			maps[i].at = NULL;
}
