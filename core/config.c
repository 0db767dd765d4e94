/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/config.h"

#include "core/config_impl.h"
#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define RELOAD true
#define FIXED false
#define READY true
#define LATER false
#define SECTION(section)
#define END(section)
#define PLANNED(section, key, what)
#define CHOICE(section, key, value, state)
#define OPTION(s, k, t, deflt, min, max, unit, env, when, state, help) \
	{ { #s, #k, #t, deflt, unit, env, help, when, state }, \
	  &bfs_option_##t, \
	  BFS_CONFIG_##s##_##k, \
	  offsetof(struct bfs_config, s.k), \
	  min, \
	  max },
const struct bfs_option bfs_options[] = {
#include "core/config.def"
};
#undef OPTION
#undef CHOICE
#define OPTION(section, ...)
#define CHOICE(section, key, value, state) \
	{ BFS_CONFIG_##section##_##key, #value, state },
const struct bfs_choice bfs_choices[] = {
#include "core/config.def"
};
#undef PLANNED
#undef CHOICE
#define CHOICE(section, key, value, state)
#define PLANNED(section, key, what) { #section, #key, what },
static const struct {
	const char *section, *key, *what;
} planned[] = {
#include "core/config.def"
};

static void *field_of(struct bfs_config *c, const struct bfs_option *o)
{
	return (char *)c + o->offset;
}

static const void *const_field_of(const struct bfs_config *c,
				  const struct bfs_option *o)
{
	return (const char *)c + o->offset;
}

int bfs_config_init(struct bfs_config *c)
{
	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++) {
		const struct bfs_option *o = &bfs_options[i];
		int r = o->type->parse(o, field_of(c, o), o->info.deflt);

		if (r) {
			bfs_config_fini(c);
			return r;
		}
	}
	return 0;
}

void bfs_config_fini(struct bfs_config *c)
{
	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++) {
		char **field = field_of(c, &bfs_options[i]);

		if (!bfs_options[i].type->owned)
			continue;
		free(*field);
		*field = NULL;
	}
}

int bfs_config_find(const char *section, const char *key)
{
	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++)
		if (!strcmp(bfs_options[i].info.section, section) &&
		    !strcmp(bfs_options[i].info.key, key))
			return (int)i;
	return -1;
}

bool bfs_config_has_section(const char *section)
{
	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++)
		if (!strcmp(bfs_options[i].info.section, section))
			return true;
	for (unsigned i = 0; i < BFS_COUNT(planned); i++)
		if (!strcmp(planned[i].section, section))
			return true;
	return false;
}

int bfs_config_fail(struct bfs_config_err *err,
		    const struct bfs_config_from *from, const char *fmt, ...)
{
	size_t cap = sizeof(err->text);
	va_list ap;
	int n = 0;

	if (from->origin == BFS_CONFIG_FILE)
		n = snprintf(err->text, cap, "%s:%u: ", from->name, from->line);
	else if (from->origin == BFS_CONFIG_ENV)
		n = snprintf(err->text, cap,
			     "environment variable %s: ", from->name);
	else if (from->origin == BFS_CONFIG_COMMAND)
		n = snprintf(err->text, cap, "command line: ");
	va_start(ap, fmt);
	vsnprintf(err->text + n, cap - (size_t)n, fmt, ap);
	bfs_log_one_line(err->text);
	va_end(ap);
	return -EINVAL;
}

/* Names that are taken, for a message: the sections, or one's keys. */
static char *known_names(const char *section, char *buf, size_t cap)
{
	const char *last = "";
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS && n < cap; i++) {
		const struct bfs_config_info *info = &bfs_options[i].info;
		const char *name = section ? info->key : info->section;

		if ((section && strcmp(section, info->section)) ||
		    !strcmp(last, name))
			continue;
		n += (size_t)snprintf(buf + n, cap - n, "%s%s", n ? ", " : "",
				      name);
		last = name;
	}
	return buf;
}

static int unknown(const char *section, const char *key,
		   const struct bfs_config_from *from,
		   struct bfs_config_err *err)
{
	char names[512];

	for (unsigned i = 0; i < BFS_COUNT(planned); i++)
		if (!strcmp(planned[i].section, section) &&
		    !strcmp(planned[i].key, key))
			return bfs_config_fail(err, from,
					       "%s.%s: this version does not "
					       "have %s yet",
					       section, key, planned[i].what);
	known_names(section, names, sizeof(names));
	if (names[0])
		return bfs_config_fail(err, from,
				       "unknown key \"%s\" in section \"%s\"; "
				       "its keys are %s",
				       key, section, names);
	return bfs_config_fail(
		err, from, "unknown section \"%s\"; sections are %s", section,
		known_names(NULL, names, sizeof(names)));
}

/* A value that no code acts on must not look as if it had been accepted. */
static bool is_later(const struct bfs_option *o, const void *field)
{
	char text[4096];

	if (o->type == &bfs_option_ENUM)
		return !bfs_choices[*(const enum bfs_config_choice *)field]
				.ready;
	if (o->info.ready)
		return false;
	o->type->format(o, field, text, sizeof(text));
	return strcmp(text, o->info.deflt) != 0;
}

static int refuse_later(const struct bfs_option *o, const char *value,
			const struct bfs_config_from *from,
			struct bfs_config_err *err)
{
	return bfs_config_fail(err, from,
			       "%s.%s = \"%s\": this version cannot do that "
			       "yet; it takes only the default, \"%s\"",
			       o->info.section, o->info.key, value,
			       o->info.deflt);
}

int bfs_config_assign(struct bfs_config *c, const char *section,
		      const char *key, const char *value,
		      const struct bfs_config_from *from,
		      struct bfs_config_err *err)
{
	int number = bfs_config_find(section, key);
	const struct bfs_option *o;
	char accepts[256];
	union { /* as large as any field */
		char *text;
		uint64_t number;
	} new = { 0 };
	int r;

	if (number < 0)
		return unknown(section, key, from, err);
	o = &bfs_options[number];
	r = o->type->parse(o, &new, value);
	if (r == -EINVAL)
		return bfs_config_fail(
			err, from,
			"%s.%s: \"%s\" is not accepted; expected "
			"%s",
			section, key, value,
			bfs_config_accepts((unsigned)number, accepts,
					   sizeof(accepts)));
	if (r)
		return bfs_config_fail(err, from, "%s.%s: %s", section, key,
				       strerror(-r));
	if (is_later(o, &new)) {
		if (o->type->owned)
			free(new.text);
		return refuse_later(o, value, from, err);
	}
	if (o->type->owned) {
		char **field = field_of(c, o);

		free(*field);
		*field = new.text;
	} else {
		r = o->type->parse(o, field_of(c, o), value);
	}
	c->from[number] = *from;
	return r;
}

int bfs_config_set(struct bfs_config *c, const char *assignment,
		   struct bfs_config_err *err)
{
	static const struct bfs_config_from from = { BFS_CONFIG_COMMAND,
						     "command line", 0 };
	const char *equals = strchr(assignment, '=');
	const char *dot = strchr(assignment, '.');
	BFS_AUTOFREE char *section = NULL, *key = NULL;

	if (!equals || !dot || dot > equals)
		return bfs_config_fail(err, &from,
				       "\"%s\" is not of the form "
				       "section.key=value",
				       assignment);
	section = strndup(assignment, (size_t)(dot - assignment));
	key = strndup(dot + 1, (size_t)(equals - dot - 1));
	if (!section || !key)
		return -ENOMEM;
	return bfs_config_assign(c, section, key, equals + 1, &from, err);
}

void bfs_config_reload(struct bfs_config *c, const struct bfs_config *fresh,
		       void (*report)(void *arg, const char *name, bool taken),
		       void *arg)
{
	char was[4096], is[4096], name[64];

	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++) {
		const struct bfs_option *o = &bfs_options[i];
		bool taken = o->info.reload && !o->type->owned;

		bfs_config_text(c, i, was, sizeof(was));
		bfs_config_text(fresh, i, is, sizeof(is));
		if (!strcmp(was, is))
			continue;
		if (taken) {
			(void)o->type->parse(o, field_of(c, o), is);
			c->from[i] = fresh->from[i];
		}
		snprintf(name, sizeof(name), "%s.%s", o->info.section,
			 o->info.key);
		report(arg, name, taken);
	}
}

void bfs_config_log(const struct bfs_config *c)
{
	const char *level = bfs_choices[c->node.log_level].text;
	const char *name = *c->node.member ? c->node.member : c->node.node_id;
	static const char *program;
	static char who[320];

	bfs_log_max = (enum bfs_log_level)bfs_log_level_of(level);
	bfs_log_json = c->node.log_format == BFS_CONFIG_node_log_format_json;
	if (!*name)
		return;
	/* Called again at a reload: the plain name is kept from the start. */
	if (!program)
		program = bfs_log_who;
	snprintf(who, sizeof(who), "%s@%s", program, name);
	bfs_log_who = who;
}

const struct bfs_config_info *bfs_config_info(unsigned option)
{
	return &bfs_options[option].info;
}

char *bfs_config_accepts(unsigned option, char *buf, size_t cap)
{
	bfs_options[option].type->accepts(&bfs_options[option], buf, cap);
	return buf;
}

char *bfs_config_text(const struct bfs_config *c, unsigned option, char *buf,
		      size_t cap)
{
	const struct bfs_option *o = &bfs_options[option];

	o->type->format(o, const_field_of(c, o), buf, cap);
	return buf;
}
