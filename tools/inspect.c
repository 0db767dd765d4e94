/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/inspect.h"

#include "tools/elf.h"
#include "tools/tools.h"

#include "core/elf_scan.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#define LOADER "ld-linux-x86-64.so"
#define HEAD 256

static const struct {
	const char *name, *text;
	enum bfs_verdict verdict;
} table[] = {
#define F(name, verdict, text) { #name, text, BFS_##verdict },
	BFS_FINDINGS(F)
#undef F
};

const char *bfs_finding_name(enum bfs_finding_code code)
{
	return table[code].name;
}

const char *bfs_finding_text(enum bfs_finding_code code)
{
	return table[code].text;
}

enum bfs_verdict bfs_finding_verdict(enum bfs_finding_code code)
{
	return table[code].verdict;
}

struct bfs_step *bfs_step_add(struct bfs_inspection *x, const char *path)
{
	struct bfs_step *s = x->n < BFS_STEPS ? &x->step[x->n] : NULL;

	if (!s)
		return NULL;
	*s = (struct bfs_step){ .path = strdup(path) };
	if (s->path)
		x->n++;
	return s->path ? s : NULL;
}

void bfs_step_say(struct bfs_step *s, enum bfs_finding_code code,
		  const char *detail)
{
	if (s->n == BFS_STEP_FINDINGS)
		return;
	s->finding[s->n].code = code;
	s->finding[s->n].detail = detail ? strdup(detail) : NULL;
	s->n++;
}

enum bfs_verdict bfs_inspection_verdict(const struct bfs_inspection *x)
{
	enum bfs_verdict worst = BFS_SERVED;

	for (unsigned i = 0; i < x->n; i++)
		for (unsigned k = 0; k < x->step[i].n; k++)
			worst = BFS_MAX(
				worst,
				table[x->step[i].finding[k].code].verdict);
	return worst;
}

void bfs_inspection_fini(struct bfs_inspection *x)
{
	for (unsigned i = 0; i < x->n; i++) {
		for (unsigned k = 0; k < x->step[i].n; k++)
			free(x->step[i].finding[k].detail);
		free(x->step[i].path);
	}
	x->n = 0;
}

/* Where rights change at exec the loader drops LD_PRELOAD. */
static void look_at_rights(struct bfs_step *s, int fd, const struct stat *st)
{
	struct statvfs v;

	if (!fstatvfs(fd, &v) && (v.f_flag & ST_NOSUID))
		return;
	if ((st->st_mode & S_ISUID) && st->st_uid != geteuid())
		bfs_step_say(s, BFS_FINDING_setuid, NULL);
	if ((st->st_mode & S_ISGID) && st->st_gid != getegid())
		bfs_step_say(s, BFS_FINDING_setgid, NULL);
	if (geteuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		bfs_step_say(s, BFS_FINDING_capabilities, NULL);
}

/* Past libc: what nobody hooks. */
static void look_at_code(const struct bfs_inspection *x, struct bfs_step *s,
			 const struct bfs_elf *e)
{
	enum bfs_finding_code code =
		x->syscalls ? BFS_FINDING_raw_served : BFS_FINDING_raw_calls;
	char names[256];

	if (bfs_elf_is_go(e)) {
		bfs_step_say(s, code, "Go");
		return;
	}
	if (!x->deep)
		return;
	bfs_elf_raw_calls(e, names, sizeof(names));
	if (*names)
		bfs_step_say(s, code, names);
}

static bool is_loader(void *arg, int64_t tag, const char *text)
{
	return tag == DT_SONAME && !strncmp(text, LOADER, strlen(LOADER));
}

static void look_at_elf(const struct bfs_inspection *x, struct bfs_step *s,
			int fd, const struct bfs_elf *e)
{
	const char *interp = bfs_elf_interpreter(e);

	if (e->eh->e_machine != EM_X86_64) {
		bfs_step_say(s, BFS_FINDING_machine, NULL);
	} else if (!interp && bfs_elf_scan(fd, is_loader, NULL) == 1) {
		return; /* the loader, which obeys LD_PRELOAD */
	} else if (!interp) {
		bfs_step_say(s, BFS_FINDING_static,
			     bfs_elf_is_go(e) ? "Go" : NULL);
	} else if (strstr(interp, "ld-musl")) {
		bfs_step_say(s, BFS_FINDING_musl, NULL);
	} else if (!strstr(interp, LOADER)) {
		bfs_step_say(s, BFS_FINDING_loader, interp);
	} else {
		look_at_code(x, s, e);
		if (x->deep)
			bfs_inspect_libraries(x, s, fd, interp);
	}
}

static void inspect(struct bfs_inspection *x, const char *path);

/* The next word of a "#!" line: cut off, and *p behind it; NULL at the end. */
static char *word(char **p)
{
	char *w = *p + strspn(*p, " \t");
	size_t n = strcspn(w, " \t\r\n");

	*p = w + n + (w[n] != '\0');
	if (!n)
		return NULL;
	w[n] = '\0';
	return w;
}

/* "env [OPTION...] [NAME=VALUE...] PROGRAM": who runs the script in the end. */
static void inspect_env(struct bfs_inspection *x, char *p)
{
	char *w = word(&p), *found = NULL;
	bool inside;

	while (w && (*w == '-' || strchr(w, '=')))
		w = word(&p);
	if (!w)
		return;
	if (strchr(w, '/'))
		inspect(x, w);
	else if (!bfs_program_search(w, x->mount, &found, &inside))
		inspect(x, found);
	else
		bfs_step_say(&x->step[x->n - 1], BFS_FINDING_no_program, w);
	free(found);
}

static void inspect_script(struct bfs_inspection *x, struct bfs_step *s,
			   char *head)
{
	char *p = head + 2, *interp, *base;

	/* Without "#!" shells, and execvp(), give it to sh. */
	s->script = true;
	p[strcspn(p, "\n")] = '\0';
	interp = head[0] == '#' && head[1] == '!' ? word(&p) : NULL;
	if (!interp) {
		inspect(x, "/bin/sh");
		return;
	}
	inspect(x, interp);
	base = strrchr(interp, '/');
	if (base && !strcmp(base, "/env"))
		inspect_env(x, p);
}

static void look_at(struct bfs_inspection *x, struct bfs_step *s, int fd,
		    const struct stat *st)
{
	unsigned char head[HEAD + 1] = { 0 };
	ssize_t n = pread(fd, head, HEAD, 0);
	struct bfs_elf e;
	int r;

	if (n < 0) {
		bfs_step_say(s, BFS_FINDING_unreadable, NULL);
	} else if (n > EI_NIDENT && !memcmp(head, ELFMAG, SELFMAG)) {
		look_at_rights(s, fd, st);
		if (head[EI_CLASS] != ELFCLASS64) {
			bfs_step_say(s, BFS_FINDING_bits32, NULL);
			return;
		}
		r = bfs_elf_open(&e, fd);
		if (!r)
			look_at_elf(x, s, fd, &e);
		else
			bfs_step_say(s, BFS_FINDING_unreadable, strerror(-r));
		bfs_elf_close(&e);
	} else if (memchr(head, '\0', (size_t)n)) {
		bfs_step_say(s, BFS_FINDING_unknown, NULL);
	} else {
		inspect_script(x, s, (char *)head);
	}
}

static void inspect(struct bfs_inspection *x, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct bfs_step *s = bfs_step_add(x, path);
	struct stat st;

	if (!s) {
		bfs_step_say(&x->step[BFS_STEPS - 1], BFS_FINDING_deep, NULL);
	} else if (fd < 0) {
		if (errno == ENOENT && bfs_program_below(path, x->mount))
			bfs_step_say(s, BFS_FINDING_inside, NULL);
		else if (errno == EACCES)
			bfs_step_say(s, BFS_FINDING_unreadable, NULL);
		else
			bfs_step_say(s, BFS_FINDING_no_program,
				     strerror(errno));
	} else if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		bfs_step_say(s, BFS_FINDING_no_program, "not a file");
	} else {
		look_at(x, s, fd, &st);
	}
	if (fd >= 0)
		close(fd);
}

void bfs_inspect(struct bfs_inspection *x, const char *path)
{
	x->n = 0;
	inspect(x, path);
}

void bfs_program_check(const char *path, const char *mount, bool syscalls)
{
	struct bfs_inspection x = { .mount = mount, .syscalls = syscalls };

	bfs_inspect(&x, path);
	for (unsigned i = 0; i < x.n; i++) {
		const struct bfs_step *s = &x.step[i];

		if (!s->n)
			continue;
		if (s->finding[0].code == BFS_FINDING_raw_calls)
			bfs_warn("%s %s (Go): what it does under %s goes to "
				 "the real directory of that name; --syscalls "
				 "would help",
				 s->path,
				 bfs_finding_text(BFS_FINDING_raw_calls),
				 mount);
		else if (bfs_finding_verdict(s->finding[0].code) ==
				 BFS_NOT_SERVED &&
			 s->finding[0].code != BFS_FINDING_no_program)
			bfs_warn("%s %s: BenchFS cannot serve it; what it does "
				 "under %s goes to the real directory of that "
				 "name",
				 s->path, bfs_finding_text(s->finding[0].code),
				 mount);
	}
	bfs_inspection_fini(&x);
}
