/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The variadic entry points.  Part of entry.c: aliases must stand in the same
 * translation unit as what they name.
 */
#ifndef BFS_ENTRY_VAR_H
#define BFS_ENTRY_VAR_H

#include "preload/entry.h"
#include "preload/vfork.h"

#include "core/sys.h"

#include <linux/limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

static bool needs_mode(int flags)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

BFS_EXPORT int open(const char *path, int flags, ...)
{
	int saved = errno;
	mode_t mode = 0;

	if (needs_mode(flags)) {
		va_list ap;

		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (!OURS(open, PATH_FIXED(path))) {
		int fd = REAL(open)(path, flags, mode);

		if (fd >= 0 || errno != ENOENT ||
		    !OURS(open, bfs_led(AT_FDCWD, &path)))
			return fd;
	}
	return (int)bfs_finish(DO_PLAIN(open, bfs_open(path, flags, mode)),
			       saved);
}

BFS_EXPORT int openat(int dirfd, const char *path, int flags, ...)
{
	int saved = errno;
	mode_t mode = 0;

	if (needs_mode(flags)) {
		va_list ap;

		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (!OURS(openat, bfs_owns_at(dirfd, path))) {
		int fd = REAL(openat)(dirfd, path, flags, mode);

		if (fd >= 0 || errno != ENOENT ||
		    !OURS(openat, bfs_led(dirfd, &path)))
			return fd;
	}
	return (int)bfs_finish(
		DO_PLAIN(openat, bfs_openat(dirfd, path, flags, mode)), saved);
}

BFS_EXPORT int fcntl(int fd, int cmd, ...)
{
	int saved = errno;
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	if (!OURS(fcntl, FD(fd)))
		return REAL(fcntl)(fd, cmd, arg);
	return (int)bfs_finish(DO_PLAIN(fcntl, bfs_fcntl(fd, cmd, arg)), saved);
}

BFS_EXPORT int ioctl(int fd, unsigned long request, ...)
{
	int saved = errno;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!OURS(ioctl, FD(fd)))
		return REAL(ioctl)(fd, request, arg);
	return (int)bfs_finish(DO_PLAIN(ioctl, bfs_ioctl(fd, request, arg)),
			       saved);
}

/* Six arguments are read, however many there are: the sixth of five is whatever
 * lies on the caller's stack. */
BFS_EXPORT __attribute__((no_sanitize_address)) long syscall(long number, ...)
{
	int saved = errno;
	long arg[6], result;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (!OURS(syscall, bfs_on && bfs_syscall(number, arg, &result)))
		return REAL(syscall)(number, arg[0], arg[1], arg[2], arg[3],
				     arg[4], arg[5]);
	return bfs_finish(result, saved);
}

/* How many arguments follow, the first included and the NULL not. */
static size_t count_args(const char *arg, va_list ap)
{
	size_t n = 0;

	for (; arg; arg = va_arg(ap, const char *))
		n++;
	return n;
}

static void take_args(char **argv, const char *arg, va_list ap)
{
	for (; arg; arg = va_arg(ap, const char *))
		*argv++ = (char *)arg;
	*argv = NULL;
}

/* argv[] of an execl on the stack; ap is left behind the NULL. */
#define COLLECT(argv, arg, ap) \
	va_list count_; \
	char **argv; \
\
	va_start(ap, arg); \
	va_copy(count_, ap); \
	argv = __builtin_alloca((count_args(arg, count_) + 1) * \
				sizeof(char *)); \
	va_end(count_); \
	take_args(argv, arg, ap)

BFS_EXPORT int execl(const char *path, const char *arg, ...)
{
	va_list ap;

	COLLECT(argv, arg, ap);
	va_end(ap);
	if (!OURS(execl, true))
		return REAL(execv)(path, argv);
	return execv(path, argv);
}

BFS_EXPORT int execlp(const char *file, const char *arg, ...)
{
	va_list ap;

	COLLECT(argv, arg, ap);
	va_end(ap);
	if (!OURS(execlp, true))
		return REAL(execvp)(file, argv);
	return execvp(file, argv);
}

BFS_EXPORT int execle(const char *path, const char *arg, ...)
{
	va_list ap, env;
	char *const *envp;

	COLLECT(argv, arg, ap);
	va_end(ap);
	/* The environment stands behind the NULL that ends the arguments. */
	va_start(env, arg);
	for (const char *a = arg; a; a = va_arg(env, const char *))
		;
	envp = va_arg(env, char *const *);
	va_end(env);
	if (!OURS(execle, true))
		return REAL(execve)(path, argv, envp);
	return execve(path, argv, envp);
}

/*
 * The kernel's vfork returns twice on the caller's stack, of which it leaves us
 * nothing but registers in between: the return address is kept in one, as libc
 * does it.
 */
__attribute__((used)) static bool vfork_begins(void)
{
	return !OURS(vfork, bfs_on) || bfs_vfork_begin();
}

__attribute__((used)) static pid_t vfork_ends(long result)
{
	int saved = errno;

	bfs_vfork_end();
	return (pid_t)bfs_finish(result, saved);
}

__attribute__((used)) static pid_t vfork_by_fork(void)
{
	int saved = errno;

	return (pid_t)bfs_finish(DO_PLAIN(vfork, bfs_vfork()), saved);
}

__asm__(".pushsection .text\n"
	".globl vfork\n.type vfork, @function\n"
	".p2align 4\n"
	"vfork:\n"
	"\t.cfi_startproc\n"
	"\tendbr64\n"
	"\tsubq $8, %rsp\n"
	"\t.cfi_adjust_cfa_offset 8\n"
	"\tcall vfork_begins\n"
	"\taddq $8, %rsp\n"
	"\t.cfi_adjust_cfa_offset -8\n"
	"\ttestb %al, %al\n"
	"\tjz vfork_by_fork\n"
	"\tpopq %rdx\n"
	"\t.cfi_adjust_cfa_offset -8\n"
	"\t.cfi_register %rip, %rdx\n"
	"\tmovl $58, %eax\n" /* SYS_vfork */
	"\tsyscall\n"
	"\tpushq %rdx\n"
	"\t.cfi_adjust_cfa_offset 8\n"
	"\t.cfi_rel_offset %rip, 0\n"
	"\tmovq %rax, %rdi\n"
	"\ttestq %rax, %rax\n"
	"\tjnz vfork_ends\n"
	"\tsubq $8, %rsp\n"
	"\t.cfi_adjust_cfa_offset 8\n"
	"\tcall bfs_vfork_child\n"
	"\taddq $8, %rsp\n"
	"\t.cfi_adjust_cfa_offset -8\n"
	"\txorl %eax, %eax\n"
	"\tret\n"
	"\t.cfi_endproc\n"
	".size vfork, . - vfork\n"
	".popsection\n");

/*
 * For names that are not paths of ours this must be a tail call: libc finds
 * the caller, whose rpath counts, by the return address.
 */
__attribute__((optimize("O2"))) BFS_EXPORT void *dlopen(const char *path,
							int flags)
{
	if (OURS(dlopen, bfs_dl_ours(path)))
		return (void *)DO_PLAIN(dlopen, bfs_dlopen(path, flags));
	return REAL(dlopen)(path, flags);
}

#endif
