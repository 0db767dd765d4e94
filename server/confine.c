/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon will never need it gives up, so that whoever takes it over
 * does not get it. */
#include "core/log.h"
#include "core/util.h"
#include "server/daemon.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Of root's: fifos get their owners, data files are ours whatever directory
 * they are in, processes of other users are looked at, memory is pinned for
 * networks, and limits are raised.
 */
static const uint8_t kept[] = {
	CAP_CHOWN,    CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
	CAP_FSETID,   CAP_KILL,		CAP_IPC_LOCK,	     CAP_SYS_PTRACE,
	CAP_SYS_NICE, CAP_SYS_RESOURCE,
};

static uint64_t kept_mask(void)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < BFS_COUNT(kept); i++)
		mask |= 1ull << kept[i];
	return mask;
}

static int keep_only(uint64_t mask)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (unsigned cap = 0; cap <= 63; cap++)
		if (!(mask >> cap & 1) && prctl(PR_CAPBSET_READ, cap) == 1)
			prctl(PR_CAPBSET_DROP, cap);
	if (syscall(SYS_capget, &head, data))
		return -errno;
	for (unsigned i = 0; i < BFS_COUNT(data); i++) {
		uint32_t part = (uint32_t)(mask >> 32 * i);

		data[i].permitted &= part;
		data[i].effective &= part;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

void bfs_daemon_confine(void)
{
	int r;

	/* Nothing that it starts (checkpoint, holder) is a set-id program. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		bfs_log(warn, "no_new_privs: %m");
	r = keep_only(kept_mask());
	if (r)
		bfs_log(warn, "cannot give up capabilities: %s", strerror(-r));
}
