/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/state.h"

#include "core/log.h"
#include "core/sys.h"
#include "preload/count.h"
#include "preload/fd.h"
#include "preload/path.h"
#include "preload/raw.h"
#include "preload/session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct bfs_settings bfs_settings = { .timeout_ms = 30000,
				     .direct_after = 32u << 20,
				     .direct_idle = 30000000000u };
bool bfs_on, bfs_ready;
mode_t bfs_umask_now;
__thread bool bfs_aside;

static bool copy(char *to, size_t size, const char *from)
{
	size_t n = from ? strlen(from) : 0;

	if (!n || n >= size)
		return false;
	memcpy(to, from, n + 1);
	return true;
}

static void read_mount(void)
{
	struct bfs_settings *s = &bfs_settings;

	if (!copy(s->mount, sizeof(s->mount), getenv("BENCHFS_MOUNT")) ||
	    !copy(s->run_dir, sizeof(s->run_dir), getenv("BENCHFS_RUN_DIR")))
		return;
	s->mount_len = strlen(s->mount);
	while (s->mount_len > 1 && s->mount[s->mount_len - 1] == '/')
		s->mount[--s->mount_len] = '\0';
	bfs_on = s->mount[0] == '/' && s->mount_len > 1;
}

/* As `benchfs` tells sizes: a number, perhaps with a letter behind it. */
static uint64_t read_size(const char *v)
{
	static const char letters[] = "KMGT";
	char *end;
	uint64_t n = strtoull(v, &end, 10);
	const char *letter = *end ? strchr(letters, *end) : NULL;

	return letter ? n << 10 * (letter - letters + 1) : n;
}

static void read_settings(void)
{
	const char *v = getenv("BENCHFS_TRANSPORT");
	long n;

	bfs_settings.ucx = v && !strcmp(v, "ucx");
	v = getenv("BENCHFS_DIRECT_AFTER");
	if (v && *v)
		bfs_settings.direct_after = read_size(v);
	v = getenv("BENCHFS_DIRECT_IDLE");
	n = v ? atol(v) : 0;
	if (n > 0 && n <= 86400)
		bfs_settings.direct_idle = (uint64_t)n * 1000000000u;
	v = getenv("BENCHFS_TIMEOUT");
	n = v ? atol(v) : 0;
	if (n > 0 && n <= 86400)
		bfs_settings.timeout_ms = (unsigned)n * 1000;
	v = getenv("BENCHFS_LOG_LEVEL");
	n = v ? bfs_log_level_of(v) : -1;
	if (n >= 0)
		bfs_log_max = (enum bfs_log_level)n;
}

/* Our own descriptors sit high, but below the soft limit (RULES 8). */
static void choose_fd_base(void)
{
	struct rlimit lim = { 0, 0 };
	long soft;

	bfs_sys_2(SYS_getrlimit, RLIMIT_NOFILE, &lim);
	soft = lim.rlim_cur > BFS_FDS ? BFS_FDS : (long)lim.rlim_cur;
	bfs_settings.fd_base =
		soft > BFS_FD_BASE + 64 ? BFS_FD_BASE : (int)(soft * 3 / 4);
}

static void read_umask(void)
{
	/* One thread only so far. */
	bfs_umask_now = (mode_t)bfs_sys_1(SYS_umask, 077);
	bfs_sys_1(SYS_umask, bfs_umask_now);
}

void bfs_init(void)
{
	const char *state;

	if (bfs_ready)
		return;
	bfs_ready = true;
	bfs_log_max = BFS_LOG_error;
	read_mount();
	if (!bfs_on)
		return;
	read_settings();
	choose_fd_base();
	bfs_count_init();
	read_umask();
	bfs_cwd_moved();
	state = getenv("BENCHFS_STATE");
	if (state) {
		bfs_state_read(state);
		unsetenv("BENCHFS_STATE");
	}
	bfs_raw_init();
}

__attribute__((constructor(101))) static void start(void)
{
	bfs_init();
}

__attribute__((destructor)) static void finish(void)
{
	if (bfs_on)
		bfs_session_report();
}
