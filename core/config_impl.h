/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the config_*.c files only. */
#ifndef BFS_CONFIG_IMPL_H
#define BFS_CONFIG_IMPL_H

#include "core/config.h"

struct bfs_option;

/* How values of one type are read and written. */
struct bfs_option_type {
	const char *name;
	/* 0, -ENOMEM, or -EINVAL: text is not accepted. */
	int (*parse)(const struct bfs_option *o, void *field, const char *text);
	void (*format)(const struct bfs_option *o, const void *field, char *buf,
		       size_t cap);
	/* What is accepted, in words. */
	void (*accepts)(const struct bfs_option *o, char *buf, size_t cap);
	bool quoted; /* a string in the file's syntax */
	bool owned;  /* the field is an allocated string */
};

struct bfs_option {
	struct bfs_config_info info;
	const struct bfs_option_type *type;
	enum bfs_config_option number;
	size_t offset; /* in struct bfs_config */
	uint64_t min, max;
};

struct bfs_choice {
	enum bfs_config_option option;
	const char *text;
	bool ready;
};

extern const struct bfs_option bfs_options[BFS_CONFIG_OPTIONS];
extern const struct bfs_choice bfs_choices[BFS_CONFIG_CHOICES];

extern const struct bfs_option_type bfs_option_STRING, bfs_option_PATH,
	bfs_option_MOUNT, bfs_option_LIST, bfs_option_BOOL, bfs_option_INT,
	bfs_option_SIZE, bfs_option_GIB, bfs_option_ENUM;

/* Can all that the file includes be read?  0, or -EINVAL and *err. */
int bfs_config_check_includes(const char *path, struct bfs_config_err *err);

/* True if the section has an option or a planned key. */
bool bfs_config_has_section(const char *section);

/* Write "where: text" into err; returns -EINVAL. */
int bfs_config_fail(struct bfs_config_err *err,
		    const struct bfs_config_from *from, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
