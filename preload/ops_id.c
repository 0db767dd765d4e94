/* SPDX-License-Identifier: BSD-3-Clause */
/* Who this process is, and its end. */
#include "core/sys.h"
#include "preload/ops.h"
#include "preload/real.h"
#include "preload/session.h"
#include "preload/state.h"

mode_t bfs_umask(mode_t mask)
{
	bfs_umask_now = mask & 0777;
	return REAL(umask)(mask);
}

/* The daemon knows us by the connection (RULES 10). */
static int renewed(long result)
{
	int r = (int)bfs_ret(result);

	if (!r)
		bfs_session_renew();
	return r;
}

int bfs_setuid(uid_t uid)
{
	return renewed(REAL(setuid)(uid));
}

int bfs_seteuid(uid_t uid)
{
	return renewed(REAL(seteuid)(uid));
}

int bfs_setreuid(uid_t r, uid_t e)
{
	return renewed(REAL(setreuid)(r, e));
}

int bfs_setresuid(uid_t r, uid_t e, uid_t s)
{
	return renewed(REAL(setresuid)(r, e, s));
}

int bfs_setgid(gid_t gid)
{
	return renewed(REAL(setgid)(gid));
}

int bfs_setegid(gid_t gid)
{
	return renewed(REAL(setegid)(gid));
}

int bfs_setregid(gid_t r, gid_t e)
{
	return renewed(REAL(setregid)(r, e));
}

int bfs_setresgid(gid_t r, gid_t e, gid_t s)
{
	return renewed(REAL(setresgid)(r, e, s));
}

int bfs_setgroups(size_t n, const gid_t *list)
{
	return renewed(REAL(setgroups)(n, list));
}

int bfs_initgroups(const char *user, gid_t group)
{
	return renewed(REAL(initgroups)(user, group));
}

/* The destructor that reports otherwise does not run. */
void bfs__exit(int status)
{
	bfs_session_report();
	for (;;)
		bfs_sys_1(SYS_exit_group, status);
}
