/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The libraries of a program.  Its loader is asked to list them, which runs
 * nothing of the program's.
 */
#include "tools/inspect.h"
#include "tools/tools.h"

#include "core/elf_scan.h"
#include "core/util.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

struct search {
	const char *mount;
	char inside[256]; /* of the search path: what lies in BenchFS */
};

/* The parts of a DT_RPATH or DT_RUNPATH. */
static bool note_inside(void *arg, int64_t tag, const char *text)
{
	struct search *s = arg;

	if (tag != DT_RPATH && tag != DT_RUNPATH)
		return false;
	for (const char *p = text; *p; p += *p == ':') {
		size_t n = strcspn(p, ":");

		if (n < sizeof(s->inside)) {
			memcpy(s->inside, p, n);
			s->inside[n] = '\0';
			if (bfs_program_below(s->inside, s->mount))
				return true;
		}
		p += n;
	}
	s->inside[0] = '\0';
	return false;
}

/* "ld.so PROGRAM", only listing, as ldd does; its output in a pipe. */
static pid_t start_loader(const char *loader, const char *path, int *out)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		setenv("LD_TRACE_LOADED_OBJECTS", "1", 1);
		execl(loader, loader, path, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	*out = ends[0];
	return pid;
}

/* "	libx.so.1 => not found": its name into list, with commas. */
static void note_missing(char *line, char *list, size_t cap)
{
	char *end = strstr(line, " => not found");
	size_t n = strlen(list);

	if (!end)
		return;
	*end = '\0';
	snprintf(list + n, cap - n, "%s%s", n ? ", " : "",
		 line + strspn(line, "\t "));
}

static void list_missing(const char *loader, const char *path, char *list,
			 size_t cap)
{
	char line[4096];
	FILE *f;
	int fd;
	pid_t pid = start_loader(loader, path, &fd);

	*list = '\0';
	if (pid < 0)
		return;
	f = fdopen(fd, "r");
	while (f && fgets(line, sizeof(line), f))
		note_missing(line, list, cap);
	if (f)
		fclose(f);
	else
		close(fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void bfs_inspect_libraries(const struct bfs_inspection *x, struct bfs_step *s,
			   int fd, const char *loader)
{
	struct search where = { .mount = x->mount };
	char missing[512];

	(void)bfs_elf_scan(fd, note_inside, &where);
	list_missing(loader, s->path, missing, sizeof(missing));
	if (*where.inside)
		bfs_step_say(s, BFS_FINDING_runpath, where.inside);
	if (*missing)
		bfs_step_say(s,
			     *where.inside ? BFS_FINDING_library_inside
					   : BFS_FINDING_no_library,
			     missing);
}
