/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The exported symbols, generated from hooks.def.  With entry_var.c this is
 * the only place that touches errno: a failed operation sets it, a successful
 * one leaves it as the caller had it.
 *
 * If libc answers ENOENT, the question whose path it is is asked once more,
 * and deep: a symlink of the real tree may lead into BenchFS (lead.h).
 */
#include "preload/entry.h"
#include "preload/entry_var.h"

/* Of gcc's start files, without which we are linked: atexit() names us so. */
extern void *__dso_handle __attribute__((weak, visibility("hidden")));
void *__dso_handle = &__dso_handle;

#undef PATH
#undef AT
#define PATH(path) AT(AT_FDCWD, path)
#define AT(dirfd, path) \
	(bfs_unlikely(deep) ? bfs_led(dirfd, &(path)) \
			    : bfs_owns_at(dirfd, path))

/* What a result tells, by its type. */
#define RESULT_ssize_t BFS_RESULT_BYTES
#define RESULT_int BFS_RESULT_PLAIN
#define RESULT_long BFS_RESULT_PLAIN
#define RESULT_off_t BFS_RESULT_PLAIN
#define RESULT_mode_t BFS_RESULT_PLAIN
#define RESULT_pid_t BFS_RESULT_PLAIN

#define HOOK(type, name, params, args, ours) \
	BFS_EXPORT type name params \
	{ \
		int saved = errno; \
		bool deep __attribute__((unused)) = false; \
		type got; \
\
		if (!OURS(name, ours)) { \
			got = REAL(name) args; \
			if (bfs_likely(got != (type)-1) || errno != ENOENT) \
				return got; \
			deep = true; \
			if (!OURS(name, ours)) \
				return got; \
		} \
		return (type)bfs_finish( \
			DO(name, RESULT_##type, bfs_##name args), saved); \
	}
#define HOOK_P(type, name, params, args, ours) \
	BFS_EXPORT type name params \
	{ \
		int saved = errno; \
		bool deep __attribute__((unused)) = false; \
		type p; \
\
		if (!OURS(name, ours)) { \
			p = REAL(name) args; \
			if (p || errno != ENOENT) \
				return p; \
			deep = true; \
			if (!OURS(name, ours)) \
				return NULL; \
		} \
		p = (type)DO_PLAIN(name, bfs_##name args); \
		return bfs_finish_ptr((long)p, saved) ? NULL : p; \
	}
#define HOOK_E(type, name, params, args, ours) \
	BFS_EXPORT type name params \
	{ \
		const bool deep __attribute__((unused)) = false; \
		int saved = errno, r; \
\
		if (!OURS(name, ours)) \
			return REAL(name) args; \
		r = (int)DO(name, BFS_RESULT_ERROR, bfs_##name args); \
		errno = saved; \
		return r < 0 ? -r : r; \
	}
#define HOOK_R(type, name, params, args, ours) \
	BFS_EXPORT type name params \
	{ \
		const bool deep __attribute__((unused)) = false; \
		if (!OURS(name, ours)) \
			return REAL(name) args; \
		if (bfs_likely(!bfs_report)) \
			return bfs_##name args; \
		struct bfs_count outer = bfs_count_begin(BFS_ROW_##name); \
		int saved = errno; \
		errno = 0; \
		type got = bfs_##name args; \
		bfs_count_end(&outer, errno, BFS_RESULT_ERROR); \
		if (!errno) \
			errno = saved; \
		return got; \
	}
#define HOOK_V(name, params, args, ours) \
	BFS_EXPORT void name params \
	{ \
		const bool deep __attribute__((unused)) = false; \
		if (!OURS(name, ours)) \
			REAL(name) args; \
		else \
			(void)DO_PLAIN(name, (bfs_##name args, 0)); \
	}
#define HOOK_N(name, params, args, ours) \
	BFS_EXPORT void name params \
	{ \
		const bool deep __attribute__((unused)) = false; \
		if (OURS(name, ours)) { \
			(void)DO_PLAIN(name, 0); \
			bfs_##name args; \
		} \
		REAL(name) args; \
		__builtin_unreachable(); \
	}
#define VARIADIC(type, name, params)
#define ALIAS(new, old)
#include "preload/hooks.def"
#include "preload/undef.h"

/* As assembly: headers declare some of them with types of their own. */
#define HOOK(type, name, params, args, ours)
#define HOOK_P HOOK
#define HOOK_E HOOK
#define HOOK_R HOOK
#define HOOK_V(name, params, args, ours)
#define HOOK_N HOOK_V
#define VARIADIC(type, name, params)
#define ALIAS(new, old) \
	__asm__(".globl " #new "\n.type " #new ", @function\n" #new " = " #old);
#include "preload/hooks.def"
#include "preload/undef.h"
