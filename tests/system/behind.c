/* SPDX-License-Identifier: BSD-3-Clause */
/* A library that is preloaded behind ours: a file that is nowhere is there. */
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((visibility("default"))) int
faccessat(int dirfd, const char *path, int mode, int flags)
{
	if (!strcmp(path, "/behind"))
		return 0;
	return (int)syscall(SYS_faccessat2, dirfd, path, mode, flags);
}
