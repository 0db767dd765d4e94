/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a program that we execute is told: our library, the settings, the
 * descriptors and working directory (BENCHFS_STATE), and, if it lies in
 * BenchFS, its own path (BENCHFS_EXE=<device>.<inode>.<path>, hexadecimal).
 */
#include "core/sys.h"
#include "core/util.h"
#include "preload/exec.h"
#include "preload/exec_self.h"
#include "preload/state.h"
#include "preload/vfork.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STATE_SIZE (128u << 10) /* what the kernel takes as one string */
#define LEVELS 8		/* scripts run by scripts */

int bfs_scratch_init(struct bfs_scratch *s, size_t size)
{
	void *kept;
	long p;

	size = (size + 4095) & ~(size_t)4095;
	kept = bfs_vfork_memory(size);
	p = kept ? (long)kept
		 : bfs_sys_mmap(NULL, size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
				0);
	if (p < 0 && p > -4096)
		return -ENOMEM;
	*s = (struct bfs_scratch){ (char *)p, (char *)p + size, (void *)p,
				   size };
	if (!kept)
		bfs_vfork_mapped(s->map, size);
	return 0;
}

void *bfs_scratch_take(struct bfs_scratch *s, size_t size)
{
	void *p = s->pos;

	size = (size + 15) & ~(size_t)15;
	if ((size_t)(s->end - s->pos) < size)
		return NULL;
	s->pos += size;
	return p;
}

void bfs_scratch_fini(struct bfs_scratch *s)
{
	if (s->map && !bfs_vfork_memory_back(s->map)) {
		bfs_vfork_unmapped(s->map);
		bfs_sys_munmap(s->map, s->size);
	}
	s->map = NULL;
}

const char *bfs_env_value(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(entry, name, n) && entry[n] == '=' ? entry + n + 1
							   : NULL;
}

size_t bfs_env_count(char *const list[])
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static bool same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return !strncmp(a, b, n + 1);
}

static bool has(char *const envp[], const char *entry)
{
	for (; envp && *envp; envp++)
		if (same_name(entry, *envp))
			return true;
	return false;
}

/* Their LD_PRELOAD behind ours, which has to be there. */
static char *add_library(struct bfs_env *e, char *entry, const char *value)
{
	const char *ours = bfs_self.preload;
	size_t size = strlen(ours) + strlen(value) + 2;
	char *p;

	if (bfs_self_lists_library(value))
		return entry;
	p = bfs_scratch_take(&e->mem, size);
	if (p)
		snprintf(p, size, "%s%s%s", ours, *value ? ":" : "", value);
	return p;
}

/* A variable without what is ours in it: that is for the present program
 * only. */
static int take_rest(struct bfs_env *e, const char *value, char **rest,
		     void (*drop)(char *to, const char *value))
{
	char *p = bfs_scratch_take(&e->mem, strlen(value) + 1);

	if (!p)
		return -ENOMEM;
	drop(p, value);
	*rest = *p || !*value ? p : NULL; /* theirs may be empty */
	return 0;
}

/* One variable of the caller's, at vars[e->fixed]. */
static int take_var(struct bfs_env *e, char *v, bool *preload)
{
	const char *value;

	if (bfs_env_value(v, "BENCHFS_STATE") ||
	    bfs_env_value(v, "BENCHFS_EXE"))
		return 0;
	value = bfs_env_value(v, "LD_AUDIT");
	if (value)
		return take_rest(e, value, &e->audit, bfs_self_drop_audit);
	value = bfs_env_value(v, "GLIBC_TUNABLES");
	if (value)
		return take_rest(e, value, &e->tunables, bfs_self_drop_tunable);
	value = bfs_env_value(v, "LD_PRELOAD");
	if (value) {
		*preload = true;
		v = add_library(e, v, value);
	}
	if (!v)
		return -ENOMEM;
	e->vars[e->fixed++] = v;
	return 0;
}

static int add_state(struct bfs_env *e, const struct bfs_fd_plan *plan)
{
	static const char name[] = "BENCHFS_STATE=";
	char *p = bfs_scratch_take(&e->mem, STATE_SIZE);
	size_t n = sizeof(name) - 1;
	int r;

	if (!p)
		return -ENOMEM;
	memcpy(p, name, n);
	r = plan ? bfs_state_write_as(p + n, STATE_SIZE - n, plan->from,
				      plan->n)
		 : bfs_state_write(p + n, STATE_SIZE - n);
	if (r > 0)
		e->vars[e->fixed++] = p;
	return r < 0 ? r : 0;
}

static int fill(struct bfs_env *e, char *const envp[],
		const struct bfs_fd_plan *plan)
{
	bool preload = false;
	int r = 0;

	for (char *const *v = envp; v && *v && !r; v++)
		r = take_var(e, *v, &preload);
	if (!r && !preload)
		e->vars[e->fixed++] = (char *)bfs_self.preload;
	for (int i = 0; i < bfs_self.kept; i++)
		if (!has(envp, bfs_self.keep[i]))
			e->vars[e->fixed++] = bfs_self.keep[i];
	return r ? r : add_state(e, plan);
}

/* The lengths of what is copied: LD_PRELOAD, LD_AUDIT and GLIBC_TUNABLES, all
 * of them. */
static size_t copied(char *const envp[])
{
	size_t n = 0;

	for (; envp && *envp; envp++)
		if (!strncmp(*envp, "LD_", 3) ||
		    bfs_env_value(*envp, "GLIBC_TUNABLES"))
			n += 2 * strlen(*envp) + BFS_SELF_PATH + 32;
	return n;
}

int bfs_env_make(struct bfs_env *e, size_t argc, char *const envp[],
		 const struct bfs_fd_plan *plan)
{
	size_t vars = bfs_env_count(envp) + BFS_SELF_KEEP + 8;
	int r;

	bfs_self_init();
	*e = (struct bfs_env){ .fixed = 0 };
	r = bfs_scratch_init(&e->mem,
			     STATE_SIZE + copied(envp) + vars * sizeof(char *) +
				     LEVELS * ((argc + 8) * sizeof(char *) +
					       8 * BFS_PATH_MAX));
	if (r)
		return r;
	e->vars = bfs_scratch_take(&e->mem, vars * sizeof(char *));
	r = fill(e, envp, plan);
	if (r)
		bfs_env_fini(e);
	return r;
}

static int add_exe(struct bfs_env *e, size_t *n, const char *exe, int fd)
{
	size_t size = strlen(exe) + 64;
	char *p = bfs_scratch_take(&e->mem, size);
	struct stat st = { .st_dev = 0 };

	if (!p)
		return -ENOMEM;
	if (fd >= 0 && bfs_sys_fstat(fd, &st))
		return 0;
	snprintf(p, size, "BENCHFS_EXE=%lx.%lx.%s", st.st_dev, st.st_ino, exe);
	e->vars[(*n)++] = p;
	return 0;
}

/* NAME=ours:theirs; either may be "". */
static int add_list(struct bfs_env *e, size_t *n, const char *name,
		    const char *ours, const char *theirs)
{
	size_t size = strlen(name) + strlen(ours) + strlen(theirs) + 3;
	char *p = bfs_scratch_take(&e->mem, size);

	if (!p)
		return -ENOMEM;
	snprintf(p, size, "%s=%s%s%s", name, ours, *ours && *theirs ? ":" : "",
		 theirs);
	e->vars[(*n)++] = p;
	return 0;
}

static int add_audit(struct bfs_env *e, size_t *n, bool audit)
{
	const char *theirs = e->audit ? e->audit : "";

	return !audit && !e->audit
		       ? 0
		       : add_list(e, n, "LD_AUDIT", audit ? bfs_self.audit : "",
				  theirs);
}

static int add_tunables(struct bfs_env *e, size_t *n, bool audit)
{
	const char *theirs = e->tunables ? e->tunables : "";
	bool ours = audit && !strstr(theirs, "optional_static_tls");

	return !ours && !e->tunables
		       ? 0
		       : add_list(e, n, "GLIBC_TUNABLES",
				  ours ? BFS_SELF_TUNABLE : "", theirs);
}

int bfs_env_finish(struct bfs_env *e, const char *exe, int fd, bool audit)
{
	size_t n = e->fixed;
	int r = 0;

	if (exe && *exe)
		r = add_exe(e, &n, exe, fd);
	if (!r)
		r = add_audit(e, &n, audit);
	if (!r)
		r = add_tunables(e, &n, audit);
	e->vars[n] = NULL;
	return r;
}

void bfs_env_fini(struct bfs_env *e)
{
	bfs_scratch_fini(&e->mem);
}
