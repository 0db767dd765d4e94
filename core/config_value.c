/* SPDX-License-Identifier: BSD-3-Clause */
/* The types of settings: text in, value kept, text out. */
#include "core/config_impl.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>

static int keep(void *field, char *copy)
{
	if (!copy)
		return -ENOMEM;
	*(char **)field = copy;
	return 0;
}

static int parse_string(const struct bfs_option *o, void *field,
			const char *text)
{
	return keep(field, strdup(text));
}

static void format_string(const struct bfs_option *o, const void *field,
			  char *buf, size_t cap)
{
	snprintf(buf, cap, "%s", *(char *const *)field);
}

static void accepts_string(const struct bfs_option *o, char *buf, size_t cap)
{
	snprintf(buf, cap, "a string");
}

/* Empty stands for "not set". */
static int parse_path(const struct bfs_option *o, void *field, const char *text)
{
	if (*text && *text != '/')
		return -EINVAL;
	return keep(field, strdup(text));
}

static void accepts_path(const struct bfs_option *o, char *buf, size_t cap)
{
	snprintf(buf, cap, "an absolute path");
}

/* The next component of *path, or 0 at the end; *path goes behind it. */
static size_t component(const char **path, const char **start)
{
	size_t n;

	*start = *path + strspn(*path, "/");
	n = strcspn(*start, "/");
	*path = *start + n;
	return n;
}

/* A prefix is compared component by component, so it is kept normalised. */
static int parse_mount(const struct bfs_option *o, void *field,
		       const char *text)
{
	const char *rest = text, *name;
	char *copy = NULL, *end;
	size_t n;

	if (*text != '/' || strlen(text) > 1023)
		return -EINVAL;
	end = copy = malloc(strlen(text) + 2);
	if (!copy)
		return -ENOMEM;
	while ((n = component(&rest, &name))) {
		if (n > 255 || (n == 1 && name[0] == '.') ||
		    (n == 2 && name[0] == '.' && name[1] == '.'))
			break;
		*end++ = '/';
		end = (char *)memcpy(end, name, n) + n;
	}
	*end = '\0';
	if (n || end == copy) {
		free(copy);
		return -EINVAL;
	}
	*(char **)field = copy;
	return 0;
}

static void accepts_mount(const struct bfs_option *o, char *buf, size_t cap)
{
	snprintf(buf, cap, "an absolute path other than / without . and ..");
}

static void accepts_list(const struct bfs_option *o, char *buf, size_t cap)
{
	snprintf(buf, cap, "a list of strings");
}

static int parse_bool(const struct bfs_option *o, void *field, const char *text)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = { { "true", true },	  { "yes", true }, { "on", true },
		      { "1", true },	  { "no", false }, { "off", false },
		      { "false", false }, { "0", false } };

	for (size_t i = 0; i < BFS_COUNT(words); i++) {
		if (!strcmp(text, words[i].text)) {
			*(bool *)field = words[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

static void format_bool(const struct bfs_option *o, const void *field,
			char *buf, size_t cap)
{
	snprintf(buf, cap, "%s", *(const bool *)field ? "true" : "false");
}

static void accepts_bool(const struct bfs_option *o, char *buf, size_t cap)
{
	snprintf(buf, cap, "true or false");
}

/* Digits only: strtoull would take signs, spaces and wrap round. */
static int parse_digits(const char **text, uint64_t *value)
{
	const char *p = *text;
	uint64_t v = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -EINVAL;
	*text = p;
	*value = v;
	return 0;
}

static int in_range(const struct bfs_option *o, uint64_t *field, uint64_t v)
{
	if (v < o->min || v > o->max)
		return -EINVAL;
	*field = v;
	return 0;
}

static int parse_int(const struct bfs_option *o, void *field, const char *text)
{
	uint64_t v;

	if (parse_digits(&text, &v) || *text)
		return -EINVAL;
	return in_range(o, field, v);
}

static void format_int(const struct bfs_option *o, const void *field, char *buf,
		       size_t cap)
{
	snprintf(buf, cap, "%llu",
		 (unsigned long long)*(const uint64_t *)field);
}

static void accepts_int(const struct bfs_option *o, char *buf, size_t cap)
{
	snprintf(buf, cap, "a number from %llu to %llu%s%s",
		 (unsigned long long)o->min, (unsigned long long)o->max,
		 o->info.unit[0] ? " " : "", o->info.unit);
}

static const char units[] = "KMGT";

/* "4096", "4K", "4k", "4KiB": all powers of 1024.  Any size will do but for
 * chunks, whose offsets must stay aligned. */
static int parse_size(const struct bfs_option *o, void *field, const char *text)
{
	const char *unit;
	unsigned shift = 0;
	uint64_t v;

	if (parse_digits(&text, &v))
		return -EINVAL;
	unit = *text ? strchr(units, *text == 'k' ? 'K' : *text) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		text++;
		if (!strcmp(text, "iB"))
			text += 2;
	}
	if (*text || v > UINT64_MAX >> shift)
		return -EINVAL;
	if (o->number == BFS_CONFIG_storage_chunk_size && (v & (v - 1)))
		return -EINVAL;
	return in_range(o, field, v << shift);
}

static void put_size(uint64_t v, char *buf, size_t cap)
{
	unsigned u = 0;

	while (v && !(v & 1023) && u < sizeof(units) - 1) {
		v >>= 10;
		u++;
	}
	snprintf(buf, cap, "%llu%.*s", (unsigned long long)v, u ? 1 : 0,
		 &units[u ? u - 1 : 0]);
}

static void format_size(const struct bfs_option *o, const void *field,
			char *buf, size_t cap)
{
	put_size(*(const uint64_t *)field, buf, cap);
}

static void accepts_size(const struct bfs_option *o, char *buf, size_t cap)
{
	char min[32], max[32];

	put_size(o->min, min, sizeof(min));
	put_size(o->max, max, sizeof(max));
	snprintf(buf, cap, "a size from %s to %s (K, M, G, T: powers of 1024)",
		 min, max);
}

#define GIB_SHIFT 30
#define GIB_DIGITS 9 /* behind the point */

/* "200", "0.5": to the nearest byte. */
static int parse_gib(const struct bfs_option *o, void *field, const char *text)
{
	uint64_t v, part = 0, scale = 1;

	if (parse_digits(&text, &v) || v > UINT64_MAX >> GIB_SHIFT)
		return -EINVAL;
	if (*text == '.') {
		const char *point = ++text;

		if (parse_digits(&text, &part) || text - point > GIB_DIGITS)
			return -EINVAL;
		for (; point < text; point++)
			scale *= 10;
	}
	if (*text)
		return -EINVAL;
	v = (v << GIB_SHIFT) + ((part << GIB_SHIFT) + scale / 2) / scale;
	return in_range(o, field, v);
}

/* With as few digits as say the same. */
static void put_gib(uint64_t v, char *buf, size_t cap)
{
	const struct bfs_option any = { .max = UINT64_MAX };
	uint64_t back = 0;

	for (int digits = 0; digits <= GIB_DIGITS; digits++) {
		snprintf(buf, cap, "%.*f", digits,
			 (double)v / (double)(1u << GIB_SHIFT));
		if (!parse_gib(&any, &back, buf) && back == v)
			return;
	}
}

static void format_gib(const struct bfs_option *o, const void *field, char *buf,
		       size_t cap)
{
	put_gib(*(const uint64_t *)field, buf, cap);
}

static void accepts_gib(const struct bfs_option *o, char *buf, size_t cap)
{
	char min[32], max[32];

	put_gib(o->min, min, sizeof(min));
	put_gib(o->max, max, sizeof(max));
	snprintf(buf, cap, "a number from %s to %s GiB, such as 0.5", min, max);
}

static int parse_enum(const struct bfs_option *o, void *field, const char *text)
{
	for (unsigned i = 0; i < BFS_CONFIG_CHOICES; i++) {
		if (bfs_choices[i].option == o->number &&
		    !strcmp(bfs_choices[i].text, text)) {
			*(enum bfs_config_choice *)field =
				(enum bfs_config_choice)i;
			return 0;
		}
	}
	return -EINVAL;
}

static void format_enum(const struct bfs_option *o, const void *field,
			char *buf, size_t cap)
{
	snprintf(buf, cap, "%s",
		 bfs_choices[*(const enum bfs_config_choice *)field].text);
}

static void accepts_enum(const struct bfs_option *o, char *buf, size_t cap)
{
	size_t n = (size_t)snprintf(buf, cap, "one of");
	const char *comma = " ";

	for (unsigned i = 0; i < BFS_CONFIG_CHOICES && n < cap; i++) {
		if (bfs_choices[i].option != o->number || !bfs_choices[i].ready)
			continue;
		n += (size_t)snprintf(buf + n, cap - n, "%s%s", comma,
				      bfs_choices[i].text);
		comma = ", ";
	}
}

#define TYPE(TAG, word, name, fmt, is_quoted, is_owned) \
	const struct bfs_option_type bfs_option_##TAG = { \
		word,		parse_##name, format_##fmt, \
		accepts_##name, is_quoted,    is_owned, \
	}
#define parse_list parse_string
TYPE(STRING, "string", string, string, true, true);
TYPE(PATH, "path", path, string, true, true);
TYPE(MOUNT, "path", mount, string, true, true);
TYPE(LIST, "list", list, string, true, true);
TYPE(BOOL, "bool", bool, bool, false, false);
TYPE(INT, "integer", int, int, false, false);
TYPE(SIZE, "size", size, size, true, false);
TYPE(GIB, "number", gib, gib, false, false);
TYPE(ENUM, "enum", enum, enum, true, false);
