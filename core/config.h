/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The settings of config.def: a structure, and the ways to fill it.  Not
 * thread-safe.  Precedence is the order of calls: init, load, env, set.  Each
 * setting remembers where its value came from.
 *
 *   struct bfs_config c;
 *   bfs_config_init(&c);
 *   if (bfs_config_load(&c, path, &err) || bfs_config_env(&c, env, &err) ||
 *       bfs_config_set(&c, "storage.chunk_size=1M", &err))
 *           bfs_log(error, "%s", err.text);
 */
#ifndef BFS_CONFIG_H
#define BFS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BFS_CONFIG_C_STRING char *
#define BFS_CONFIG_C_PATH char *
#define BFS_CONFIG_C_MOUNT char *
#define BFS_CONFIG_C_LIST char *
#define BFS_CONFIG_C_BOOL bool
#define BFS_CONFIG_C_INT uint64_t
#define BFS_CONFIG_C_SIZE uint64_t
#define BFS_CONFIG_C_GIB uint64_t
#define BFS_CONFIG_C_ENUM enum bfs_config_choice

/* All values of all ENUMs: BFS_CONFIG_network_transport_ucx and so on. */
enum bfs_config_choice {
#define SECTION(section)
#define END(section)
#define OPTION(section, ...)
#define CHOICE(section, key, value, state) \
	BFS_CONFIG_##section##_##key##_##value,
#define PLANNED(section, key, what)
#include "core/config.def"
#undef OPTION
#undef CHOICE
	BFS_CONFIG_CHOICES
};

/* Numbers of the options: BFS_CONFIG_network_transport and so on. */
enum bfs_config_option {
#define OPTION(section, key, ...) BFS_CONFIG_##section##_##key,
#define CHOICE(section, key, value, state)
#include "core/config.def"
#undef OPTION
#undef SECTION
#undef END
	BFS_CONFIG_OPTIONS
};

enum bfs_config_origin {
	BFS_CONFIG_DEFAULT,
	BFS_CONFIG_FILE,
	BFS_CONFIG_ENV,
	BFS_CONFIG_COMMAND,
};

struct bfs_config_from {
	enum bfs_config_origin origin;
	char name[256]; /* the file or the variable, cut off if too long */
	unsigned line;	/* in the file */
};

/* config->storage.chunk_size and so on.  Strings are owned, never NULL. */
struct bfs_config {
#define SECTION(section) struct {
#define END(section) \
	} \
	section;
#define OPTION(section, key, type, ...) BFS_CONFIG_C_##type key;
#include "core/config.def"
#undef SECTION
#undef END
#undef OPTION
#undef CHOICE
#undef PLANNED
	struct bfs_config_from from[BFS_CONFIG_OPTIONS];
};

/* A message for the user: one line, without a newline. */
struct bfs_config_err {
	char text[1024];
};

/* All defaults.  0 or -ENOMEM.  Every _init needs its _fini. */
int bfs_config_init(struct bfs_config *c);
void bfs_config_fini(struct bfs_config *c);

/*
 * Read a libconfig file.  0; -EINVAL for a syntax error, an unknown name or a
 * bad value (the message names file, line and what is accepted), or the
 * -errno of opening it.
 */
int bfs_config_load(struct bfs_config *c, const char *path,
		    struct bfs_config_err *err);

/*
 * Take BENCHFS_<SECTION>_<KEY> and the short names from env ("NAME=value",
 * NULL at the end; cast environ to it); the long name wins.  0 or -EINVAL.
 */
int bfs_config_env(struct bfs_config *c, const char *const env[],
		   struct bfs_config_err *err);

/* One "section.key=value" of the command line.  0 or -EINVAL. */
int bfs_config_set(struct bfs_config *c, const char *assignment,
		   struct bfs_config_err *err);

/* The same with the parts separate, and where they came from. */
int bfs_config_assign(struct bfs_config *c, const char *section,
		      const char *key, const char *value,
		      const struct bfs_config_from *from,
		      struct bfs_config_err *err);

/*
 * SIGHUP: take over from fresh what may change while running.  Calls
 * report(arg, "section.key", taken) for every setting that differs.
 */
void bfs_config_reload(struct bfs_config *c, const struct bfs_config *fresh,
		       void (*report)(void *arg, const char *name, bool taken),
		       void *arg);

/* Set log level, format and name of this process (core/log.h). */
void bfs_config_log(const struct bfs_config *c);

/* Every setting with its value and origin, a line each, in file syntax. */
void bfs_config_show(const struct bfs_config *c, FILE *out);

/* What an option is, for --help, show and the man page. */
struct bfs_config_info {
	const char *section, *key, *type, *deflt, *unit, *env, *help;
	bool reload, ready;
};
const struct bfs_config_info *bfs_config_info(unsigned option);
/* "from 4K to 128M bytes", "one of auto, ucx": into buf, which is returned. */
char *bfs_config_accepts(unsigned option, char *buf, size_t cap);
/* An option's value as text, as bfs_config_set takes it. */
char *bfs_config_text(const struct bfs_config *c, unsigned option, char *buf,
		      size_t cap);
/* "section.key" -> number, -1 if there is none. */
int bfs_config_find(const char *section, const char *key);

#endif
