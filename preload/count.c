/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/count.h"

#include "core/log.h"
#include "core/sys.h"
#include "preload/headers.h"
#include "preload/state.h"
#include "preload/stdio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

__thread struct bfs_count bfs_count;
struct bfs_report_file *bfs_report;

static const char names[][BFS_REPORT_NAME] = {
#define HOOK(type, name, params, args, ours) #name,
#define HOOK_P HOOK
#define HOOK_E HOOK
#define HOOK_R HOOK
#define HOOK_V(name, params, args, ours) #name,
#define HOOK_N HOOK_V
#define VARIADIC(type, name, params) #name,
#define ALIAS(new, old)
#include "preload/hooks.def"
#include "preload/undef.h"
#define CALL(name, ours, call) "syscall:" #name,
#define CALL_N CALL
#include "preload/syscalls.def"
#undef CALL
#undef CALL_N
	"FILE read",
	"FILE write",
};
_Static_assert(BFS_COUNT(names) == BFS_ROWS, "a name for each row");
_Static_assert(BFS_ROWS <= BFS_REPORT_ROWS_MAX, "rows fit into a report");

/*
 * The size at once, since others look at it; then the space: a page that
 * cannot be had later would be a SIGBUS.
 */
static int reserve(int fd, uint64_t size)
{
	long e = bfs_sys_2(SYS_ftruncate, fd, size);

	if (!e)
		e = bfs_sys_4(SYS_fallocate, fd, 0, 0, size);
	return e == -EOPNOTSUPP ? 0 : (int)e;
}

/* Processes that start at once write the same, so none waits for another. */
static bool begin(struct bfs_report_file *f)
{
	static const char none[sizeof(f->magic)];

	if (!memcmp(f->magic, none, sizeof(none))) {
		f->rows = BFS_ROWS;
		memcpy(f->name, names, sizeof(names));
		atomic_thread_fence(memory_order_release);
		memcpy(f->magic, BFS_REPORT_MAGIC, sizeof(BFS_REPORT_MAGIC));
	}
	return !memcmp(f->magic, BFS_REPORT_MAGIC, sizeof(BFS_REPORT_MAGIC)) &&
	       f->rows == BFS_ROWS && !memcmp(f->name, names, sizeof(names));
}

/* 0, or why the file cannot be used; -EEXIST: it is something else. */
static int map(int fd, struct bfs_report_file **out)
{
	uint64_t size = bfs_report_size(BFS_ROWS);
	struct stat st;
	long p;
	int e = bfs_sys_fstat(fd, &st);

	if (!e && !S_ISREG(st.st_mode))
		e = -EINVAL;
	if (!e && !st.st_size)
		e = reserve(fd, size);
	else if (!e && (uint64_t)st.st_size != size)
		e = -EEXIST;
	if (e)
		return e;
	p = bfs_sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p < 0 && p > -4096)
		return (int)p;
	*out = (struct bfs_report_file *)p;
	if (begin(*out))
		return 0;
	bfs_sys_munmap(*out, size);
	return -EEXIST;
}

static int open_report(const char *path, struct bfs_report_file **out)
{
	int fd, e;

	if (*path != '/')
		return -EINVAL;
	fd = bfs_sys_openat(AT_FDCWD, path,
			    O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0)
		return fd;
	e = map(fd, out);
	bfs_sys_close(fd);
	return e;
}

void bfs_count_init(void)
{
	const char *path = getenv("BENCHFS_REPORT");
	struct bfs_report_file *f = NULL;
	int e;

	if (!path || !*path)
		return;
	e = open_report(path, &f);
	if (e) {
		bfs_log(error, "report %s: %s; calls are not counted", path,
			e == -EEXIST   ? "not a report of this version"
			: e == -EINVAL ? "not an absolute path of a file"
				       : strerrordesc_np(-e));
		return;
	}
	atomic_fetch_add(&f->programs, 1);
	bfs_stdio_prepare();
	bfs_report = f;
}

/* Threads do not wait for each other's cache line, most of the time. */
static struct bfs_report_cell *cell_of(const struct bfs_count *c)
{
	static __thread uint32_t mine;

	if (!mine)
		mine = (uint32_t)bfs_sys_0(SYS_gettid);
	return &bfs_report->cell[mine % BFS_REPORT_STRIPES * BFS_ROWS + c->row]
			.via[c->via];
}

static void add(_Atomic uint64_t *to, uint64_t n)
{
	if (n)
		atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

struct bfs_count bfs_count_begin(enum bfs_row row)
{
	struct bfs_count outer = bfs_count;

	bfs_count = (struct bfs_count){ .start = bfs_now(),
					.row = (uint16_t)row,
					.via = BFS_VIA_LIBRARY };
	return outer;
}

static bool is_error(long result, enum bfs_result kind)
{
	if (kind == BFS_RESULT_ERROR)
		return result != 0;
	return result < 0 && result >= -4095;
}

void bfs_count_end(const struct bfs_count *outer, long result,
		   enum bfs_result kind)
{
	struct bfs_count c = bfs_count;
	bool error = is_error(result, kind);

	bfs_count = *outer;
	bfs_count_via(c.via);
	if (c.never) {
		bfs_count.never = true;
		return;
	}
	if (c.via != BFS_VIA_NONE) {
		struct bfs_report_cell *cell = cell_of(&c);

		add(&cell->count, !c.early);
		add(&cell->errors, error);
		add(&cell->bytes,
		    kind == BFS_RESULT_BYTES && !error ? result : 0);
		add(&cell->ns, bfs_now() - c.start);
	}
}

void bfs_count_early(void)
{
	uint64_t now;

	if (!bfs_report || bfs_count.early || bfs_count.never ||
	    !bfs_count.start || bfs_count.via == BFS_VIA_NONE)
		return;
	now = bfs_now();
	add(&cell_of(&bfs_count)->count, 1);
	add(&cell_of(&bfs_count)->ns, now - bfs_count.start);
	bfs_count.early = true;
	bfs_count.start = now;
}
