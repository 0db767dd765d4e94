/* SPDX-License-Identifier: BSD-3-Clause */
/* What fsck says, as text or as one JSON object. */
#include "server/fsck_impl.h"

#include "core/util.h"
#include "server/fsck.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 256 /* of a path that is told */

static const struct {
	const char *word, *what, *how;
} defects[BFS_DEFECTS] = {
#define DEFECT(NAME, word, what, how) { #word, what, how },
#include "server/fsck.def"
#undef DEFECT
};

static void put_quoted(const char *s, size_t len)
{
	putchar('"');
	for (size_t n = 0; n < len; n++) {
		unsigned char c = (unsigned char)s[n];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c >= 127)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* What a terminal may act on is told by number. */
static void put_plain(const char *s, size_t len)
{
	for (size_t n = 0; n < len; n++) {
		unsigned char c = (unsigned char)s[n];

		if (c < ' ' || c == 127)
			printf("\\%03o", c);
		else
			putchar(c);
	}
}

/* The names that lead there; false: none is known. */
static bool put_path(const struct bfs_fsck *ck, FILE *f,
		     const struct bfs_dentry *d)
{
	const struct bfs_dentry *up[DEPTH];
	unsigned n = 0;

	while (d && n < DEPTH) {
		const struct bfs_fsck_node *node;

		up[n++] = d;
		node = bfs_fsck_node(ck, d->dir->ino);
		if (d->dir->ino == BFS_ROOT_INO)
			break;
		d = node && node->refs ? bfs_fsck_ref(ck, node, 0)->d : NULL;
	}
	if (!n)
		return false;
	if (up[n - 1]->dir->ino != BFS_ROOT_INO)
		fprintf(f, "(%016" PRIx64 ")", up[n - 1]->dir->ino);
	while (n--)
		fprintf(f, "/%.*s", up[n]->len, up[n]->name);
	return true;
}

static void tell_json(const struct bfs_fsck *ck, enum bfs_defect what,
		      const struct bfs_fsck_shard *s, uint64_t ino,
		      const char *path, const char *detail)
{
	printf("%s\n  {\"kind\": \"%s\", \"shard\": %u, \"inode\": \"%016" PRIx64
	       "\", \"path\": ",
	       ck->defects > 1 ? "," : "", defects[what].word,
	       s->fs->conf.shard, ino);
	if (path)
		put_quoted(path, strlen(path));
	else
		fputs("null", stdout);
	fputs(", \"detail\": ", stdout);
	put_quoted(detail, strlen(detail));
	printf(", \"corrected\": %s}", ck->mending ? "true" : "false");
}

static void tell_text(const struct bfs_fsck *ck, enum bfs_defect what,
		      const struct bfs_fsck_shard *s, uint64_t ino,
		      const char *path, const char *detail)
{
	if (path)
		put_plain(path, strlen(path));
	else
		printf("inode %016" PRIx64, ino);
	printf(": %s", defects[what].what);
	if (path)
		printf(" (%016" PRIx64 ")", ino);
	if (*detail)
		printf(" (%s)", detail);
	if (ck->nshards > 1)
		printf(" [shard %u]", s->fs->conf.shard);
	printf(": %s\n", ck->mending ? defects[what].how : "not corrected");
}

bool bfs_fsck_tell(struct bfs_fsck *ck, enum bfs_defect what,
		   const struct bfs_fsck_shard *s, uint64_t ino,
		   const struct bfs_dentry *d, const char *fmt, ...)
{
	char detail[160] = "", *path = NULL;
	size_t len;
	FILE *f = open_memstream(&path, &len);
	bool known = f && put_path(ck, f, d);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	if (f)
		fclose(f);
	ck->found[what]++;
	ck->defects++;
	ck->mended += ck->mending;
	if (!ck->quiet)
		(ck->json ? tell_json : tell_text)(ck, what, s, ino,
						   known ? path : NULL, detail);
	free(path);
	return ck->mending;
}

void bfs_fsck_begin(const struct bfs_fsck *ck)
{
	if (ck->json && !ck->quiet)
		fputs("{\"defects\": [", stdout);
}

static const char *verdict(int status)
{
	switch (status) {
	case BFS_FSCK_CLEAN:
		return "clean";
	case BFS_FSCK_CORRECTED:
		return "corrected";
	case BFS_FSCK_LEFT:
		return "defects left";
	}
	return "not finished";
}

static void summary_json(const struct bfs_fsck *ck, int status)
{
	printf("],\n \"counts\": {");
	for (unsigned n = 0; n < BFS_DEFECTS; n++)
		printf("%s\"%s\": %" PRIu64, n ? ", " : "", defects[n].word,
		       ck->found[n]);
	printf("},\n \"shards\": %u, \"shards_missing\": %u, \"inodes\": %zu, "
	       "\"entries\": %zu, \"data_files\": %" PRIu64
	       ", \"pending\": %zu, \"unchecked\": %" PRIu64
	       ",\n \"status\": \"%s\"}\n",
	       ck->nshards, ck->missing, ck->nnodes, ck->nrefs, ck->files,
	       ck->npending, ck->unchecked, verdict(status));
}

void bfs_fsck_summary(const struct bfs_fsck *ck, int status)
{
	if (ck->json) {
		summary_json(ck, status);
		return;
	}
	printf("%zu inodes, %zu entries, %" PRIu64 " data files on %u of %u "
	       "shards: %s",
	       ck->nnodes, ck->nrefs, ck->files, ck->nshards - ck->missing,
	       ck->nshards, verdict(status));
	if (ck->defects)
		printf(" (%" PRIu64 " found, %" PRIu64 " corrected)",
		       ck->defects, ck->mended);
	putchar('\n');
	if (ck->npending)
		printf("%zu inodes were left out: changes of them are under "
		       "way, and a start finishes those\n",
		       ck->npending);
	if (ck->unchecked)
		printf("%" PRIu64 " things could not be checked, since %u "
		       "shards were not given\n",
		       ck->unchecked, ck->missing);
}
