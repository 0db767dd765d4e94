/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings out of a file and out of the environment, and back as text. */
#include "core/config_impl.h"
#include "core/util.h"

#include <ctype.h>
#include <errno.h>
#include <libconfig.h>
#include <string.h>
#include <sys/stat.h>

static struct bfs_config_from from_setting(const config_setting_t *s,
					   const char *path)
{
	struct bfs_config_from from = { .origin = BFS_CONFIG_FILE };
	const char *file = config_setting_source_file(s);

	from.line = config_setting_source_line(s);
	snprintf(from.name, sizeof(from.name), "%s", file ? file : path);
	return from;
}

/* The elements of an array or list of strings, with commas between them. */
static int join(const config_setting_t *s, char *buf, size_t cap)
{
	int count = config_setting_length(s);
	size_t n = 0;

	buf[0] = '\0';
	for (int i = 0; i < count; i++) {
		const char *item = config_setting_get_string_elem(s, i);

		if (!item)
			return -EINVAL;
		n += (size_t)snprintf(buf + n, cap - n, "%s%s", i ? "," : "",
				      item);
		if (n >= cap)
			return -EINVAL;
	}
	return 0;
}

/* A setting's value as the text that the command line would carry. */
static int setting_text(const config_setting_t *s, const char **text, char *buf,
			size_t cap)
{
	*text = buf;
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_STRING:
		*text = config_setting_get_string(s);
		return 0;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		snprintf(buf, cap, "%lld", config_setting_get_int64(s));
		return 0;
	case CONFIG_TYPE_BOOL:
		snprintf(buf, cap, "%s",
			 config_setting_get_bool(s) ? "true" : "false");
		return 0;
	case CONFIG_TYPE_FLOAT:
		snprintf(buf, cap, "%.9f", config_setting_get_float(s));
		return 0;
	case CONFIG_TYPE_ARRAY:
	case CONFIG_TYPE_LIST:
		return join(s, buf, cap);
	default:
		return -EINVAL;
	}
}

/* "1" means true on the command line; in a file it is a mistake. */
static bool type_fits(const config_setting_t *s, int option)
{
	int type = config_setting_type(s);
	const struct bfs_option_type *want;

	if (option < 0)
		return true; /* assign says that the name is unknown */
	want = bfs_options[option].type;
	if (want == &bfs_option_BOOL)
		return type == CONFIG_TYPE_BOOL;
	if (want == &bfs_option_INT)
		return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
	if (want == &bfs_option_GIB)
		return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64 ||
		       type == CONFIG_TYPE_FLOAT;
	if (want == &bfs_option_SIZE)
		return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64 ||
		       type == CONFIG_TYPE_STRING;
	if (want == &bfs_option_LIST)
		return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST ||
		       type == CONFIG_TYPE_STRING;
	return type == CONFIG_TYPE_STRING;
}

static int load_setting(struct bfs_config *c, const char *section,
			const config_setting_t *s, const char *path,
			struct bfs_config_err *err)
{
	struct bfs_config_from from = from_setting(s, path);
	const char *key = config_setting_name(s);
	int option = bfs_config_find(section, key);
	char buf[8192], accepts[256];
	const char *text = NULL;

	if (setting_text(s, &text, buf, sizeof(buf)) || !type_fits(s, option)) {
		if (option < 0)
			text = "";
		else
			return bfs_config_fail(
				err, &from,
				"%s.%s: a value of the wrong type; expected "
				"%s",
				section, key,
				bfs_config_accepts((unsigned)option, accepts,
						   sizeof(accepts)));
	}
	return bfs_config_assign(c, section, key, text, &from, err);
}

static int load_section(struct bfs_config *c, const config_setting_t *s,
			const char *path, struct bfs_config_err *err)
{
	struct bfs_config_from from = from_setting(s, path);
	const char *section = config_setting_name(s);
	int count = config_setting_length(s);
	int r = 0;

	/* Let an unknown section be told with the names that are known. */
	if (!bfs_config_has_section(section))
		return bfs_config_assign(c, section, "", "", &from, err);
	if (!config_setting_is_group(s))
		return bfs_config_fail(err, &from,
				       "\"%s\" is a section; expected %s: "
				       "{ key = value; ... }",
				       section, section);
	for (int i = 0; i < count && !r; i++)
		r = load_setting(c, section,
				 config_setting_get_elem(s, (unsigned)i), path,
				 err);
	return r;
}

static int parse_failed(const config_t *cfg, const char *path,
			struct bfs_config_err *err)
{
	struct bfs_config_from from = { .origin = BFS_CONFIG_FILE };
	const char *file = config_error_file(cfg);

	snprintf(from.name, sizeof(from.name), "%s", file ? file : path);
	from.line = (unsigned)config_error_line(cfg);
	return bfs_config_fail(err, &from, "%s", config_error_text(cfg));
}

/* 0 and *f, or -errno.  libconfig's scanner ends the process at a directory. */
static int open_file(const char *path, FILE **f, struct bfs_config_err *err)
{
	struct stat st;
	int r = 0;

	*f = fopen(path, "re");
	if (!*f) {
		r = -errno;
		snprintf(err->text, sizeof(err->text), "%s: %s", path,
			 strerror(-r));
	} else if (!fstat(fileno(*f), &st) && S_ISDIR(st.st_mode)) {
		fclose(*f);
		r = -EINVAL;
		snprintf(err->text, sizeof(err->text),
			 "%s: is a directory; expected a configuration file",
			 path);
	}
	return r;
}

int bfs_config_load(struct bfs_config *c, const char *path,
		    struct bfs_config_err *err)
{
	config_t cfg;
	FILE *f;
	int count, r = open_file(path, &f, err);

	if (!r && (r = bfs_config_check_includes(path, err)))
		fclose(f);
	if (r)
		return r;
	config_init(&cfg);
	if (!config_read(&cfg, f)) {
		r = parse_failed(&cfg, path, err);
	} else {
		config_setting_t *root = config_root_setting(&cfg);

		count = config_setting_length(root);
		for (int i = 0; i < count && !r; i++)
			r = load_section(
				c, config_setting_get_elem(root, (unsigned)i),
				path, err);
	}
	config_destroy(&cfg);
	fclose(f);
	return r;
}

/* BENCHFS_STORAGE_CHUNK_SIZE for storage.chunk_size. */
static void long_name(const struct bfs_config_info *info, char *buf, size_t cap)
{
	snprintf(buf, cap, "BENCHFS_%s_%s", info->section, info->key);
	for (; *buf; buf++)
		*buf = (char)toupper((unsigned char)*buf);
}

/* A variable of ours under a section's name with an unknown key: a typo. */
static int check_name(const char *var, struct bfs_config_err *err)
{
	struct bfs_config_from from = { .origin = BFS_CONFIG_ENV };
	size_t n = strcspn(var, "=");
	char name[128];

	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++) {
		long_name(bfs_config_info(i), name, sizeof(name));
		if (strlen(name) == n && !strncmp(var, name, n))
			return 0;
	}
	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++) {
		struct bfs_config_info head = *bfs_config_info(i);

		head.key = "";
		long_name(&head, name, sizeof(name));
		if (strncmp(var, name, strlen(name)))
			continue;
		snprintf(from.name, sizeof(from.name), "%.*s", (int)n, var);
		return bfs_config_fail(err, &from,
				       "there is no such setting in section "
				       "\"%s\"",
				       head.section);
	}
	return 0;
}

static const char *lookup(const char *const env[], const char *name)
{
	size_t n = strlen(name);

	for (; *env; env++)
		if (!strncmp(*env, name, n) && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static int take_variable(struct bfs_config *c, const char *const env[],
			 const struct bfs_config_info *info, const char *name,
			 struct bfs_config_err *err)
{
	struct bfs_config_from from = { .origin = BFS_CONFIG_ENV };
	const char *value = lookup(env, name);

	if (!value)
		return 0;
	snprintf(from.name, sizeof(from.name), "%s", name);
	return bfs_config_assign(c, info->section, info->key, value, &from,
				 err);
}

int bfs_config_env(struct bfs_config *c, const char *const env[],
		   struct bfs_config_err *err)
{
	char name[128];
	int r;

	for (const char *const *var = env; *var; var++)
		if (!strncmp(*var, "BENCHFS_", 8) &&
		    (r = check_name(*var, err)))
			return r;
	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++) {
		const struct bfs_config_info *info = bfs_config_info(i);

		if (info->env &&
		    (r = take_variable(c, env, info, info->env, err)))
			return r;
		long_name(info, name, sizeof(name));
		r = take_variable(c, env, info, name, err);
		if (r)
			return r;
	}
	return 0;
}

static void put_quoted(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		if ((unsigned char)*text < 0x20)
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			putc(*text, out);
	}
	putc('"', out);
}

static void put_origin(FILE *out, const struct bfs_config_from *from)
{
	if (from->origin == BFS_CONFIG_DEFAULT)
		fputs("default", out);
	else if (from->origin == BFS_CONFIG_FILE)
		fprintf(out, "%s:%u", from->name, from->line);
	else
		fputs(from->name, out);
}

void bfs_config_show(const struct bfs_config *c, FILE *out)
{
	const char *section = "";
	char text[4096];

	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++) {
		const struct bfs_option *o = &bfs_options[i];

		if (strcmp(section, o->info.section))
			fprintf(out, "%s%s: {\n", *section ? "};\n" : "",
				o->info.section);
		section = o->info.section;
		fprintf(out, "\t%s = ", o->info.key);
		bfs_config_text(c, i, text, sizeof(text));
		if (o->type->quoted)
			put_quoted(out, text);
		else
			fputs(text, out);
		fputs(";\t# ", out);
		put_origin(out, &c->from[i]);
		putc('\n', out);
	}
	fputs("};\n", out);
}
