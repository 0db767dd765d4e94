/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deny io_uring CMD...: runs CMD where io_uring_setup is refused with EPERM, as
 * seccomp profiles of containers do.  deny fsync: where fsync fails with EIO,
 * as on a bad disk.
 */
#include <err.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned number, error;
} table[] = {
	{ "io_uring", SYS_io_uring_setup, EPERM },
	{ "fsync", SYS_fsync, EIO },
};

int main(int argc, char **argv)
{
	const size_t n = sizeof(table) / sizeof(*table);
	size_t i = 0;

	while (i < n && (argc < 3 || strcmp(argv[1], table[i].name)))
		i++;
	if (i == n)
		errx(2, "usage: deny io_uring|fsync CMD...");
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, table[i].number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | table[i].error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		err(77, "seccomp");
	execvp(argv[2], argv + 2);
	err(127, "%s", argv[2]);
}
