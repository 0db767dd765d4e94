/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A start on a damaged journal.  The first byte says how: bytes of log,
 * checkpoint and its checksum are changed, files cut off, swapped and removed;
 * or there is one more frame, whose checksum is right, with records that mean
 * something but need not fit.  The daemon starts, and then it serves, or it
 * says what is wrong.
 */
#include "tests/fuzz/message.h"
#include "tests/unit/journal_unit.h"

#include "core/log.h"
#include "core/util.h"
#include "server/checkpoint.h"
#include "server/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#define FILES 8
#define FILE_MAX (1u << 18)

const unsigned fuzz_runs = 1500;

static struct file {
	char name[32];
	uint8_t *data;
	size_t len;
} files[FILES]; /* as they were written */
static unsigned nfiles;
static void *state;
static struct fs_unit *u;
static char meta[128];
static struct fuzz_known known;

/*
 * In place of libc's, for what is linked in: space that is taken beforehand is
 * zeroed here, since all files are in memory, which took most of the time.
 * Nothing is read of it.
 */
int fallocate(int fd, int mode, off_t offset, off_t len)
{
	return 0;
}

/* What is in memory need not be brought to a disk. */
int fsync(int fd)
{
	return 0;
}

int fdatasync(int fd)
{
	return 0;
}

static void read_file(const char *name)
{
	struct file *f = &files[nfiles++];
	char path[512];
	FILE *in;

	snprintf(f->name, sizeof(f->name), "%.31s", name);
	snprintf(path, sizeof(path), "%s/%s", meta, name);
	in = fopen(path, "r");
	f->data = malloc(FILE_MAX);
	FUZZ_CHECK(in && f->data);
	f->len = fread(f->data, 1, FILE_MAX, in);
	FUZZ_CHECK(f->len < FILE_MAX);
	fclose(in);
}

static void each_file(void (*fn)(const char *name))
{
	struct dirent *e;
	DIR *d = opendir(meta);

	FUZZ_CHECK(d);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			fn(e->d_name);
	closedir(d);
}

static void remove_file(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", meta, name);
	unlink(path);
}

static void put_file(const char *name, const uint8_t *data, size_t len)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", meta, name);
	out = fopen(path, "w");
	FUZZ_CHECK(out && fwrite(data, 1, len, out) == len && !fclose(out));
}

static void furnish(void)
{
	FUZZ_CHECK(!u_mkdir(u, "/d", 0750));
	FUZZ_CHECK(!u_mkdir(u, "/d/sub", 0711));
	u_append(u, "/d/file", "content");
	FUZZ_CHECK(!u_symlink(u, "some/where", "/d/link"));
	FUZZ_CHECK(!u_link(u, "/d/file", "/hard", 0));
	FUZZ_CHECK(!u_setxattr(u, "/d/file", "user.one", "1"));
	u_turn(u);
	bfs_checkpoint_due(u->fs->journal);
	u_turn(u);
	u_append(u, "/late", "later");
	FUZZ_CHECK(!u_setxattr(u, "/d/file", "user.two", "2"));
	FUZZ_CHECK(!u_mknod(u, "/fifo", S_IFIFO | 0600, 0));
	FUZZ_CHECK(!u_unlink(u, "/hard"));
	u_turn(u);
}

static void learn(const char *path)
{
	struct bfs_attr a;

	FUZZ_CHECK(!u_lstat(u, path, &a));
	fuzz_know_number(&known, a.ino);
}

/* Fields of a record: numbers that are in use, names, anything. */
static struct bfs_str some_str(struct fuzz_in *in)
{
	static const struct bfs_str some[] = {
		BFS_STR("file"),     BFS_STR("d"),  BFS_STR("sub"),
		BFS_STR("new"),	     BFS_STR(""),   BFS_STR("a/b"),
		BFS_STR("user.one"), BFS_STR("\0"),
	};
	static char longest[300];
	uint8_t b = fuzz_u8(in);

	if (b > 250)
		return (struct bfs_str){ longest, b };
	return some[b % BFS_COUNT(some)];
}
#define some_u32(in) fuzz_take_u32(in)
#define some_u64(in) fuzz_take_u64(in, &known)
#define some_time(in) ((struct bfs_time){ fuzz_u8(in), fuzz_u8(in) })

#define K(type, field) m->field = some_##type(in);
#define F(type, field) m->field = some_##type(in);
static struct bfs_record some_record(struct fuzz_in *in)
{
	struct bfs_record r = { .kind = fuzz_u8(in) % 12u };

	r.gone = fuzz_u8(in) > 200;
	switch (r.kind) {
#define RECORD(num, NAME, name, taker, under, key, other) \
	case num: { \
		struct bfs_rec_##name *m = &r.name; \
		key other break; \
	}
#include "server/journal.def"
#undef RECORD
	default:
		r.kind = 0;
	}
	return r;
}
#undef K
#undef F

/* One more frame behind the last of the newest segment. */
static void add_frame(struct fuzz_in *in)
{
	static uint8_t buf[1 << 16];
	struct bfs_frame_head h = { .seq = 0 };
	struct file *f = &files[0];
	size_t at = BFS_SEGMENT_HEAD;
	struct bfs_wire w;

	for (unsigned n = 1; n < nfiles; n++)
		if (!strncmp(files[n].name, "log.", 4) &&
		    (strncmp(f->name, "log.", 4) ||
		     strcmp(files[n].name, f->name) > 0))
			f = &files[n];
	while (bfs_frame_check(f->data + at, f->len - at, &h) ==
	       BFS_FRAME_WHOLE)
		at += bfs_frame_size(h.len);
	FUZZ_CHECK(at == f->len && h.seq);
	bfs_wire_init(&w, buf + BFS_FRAME_HEAD, sizeof(buf) - BFS_FRAME_HEAD);
	for (unsigned n = 1 + fuzz_u8(in) % 16; n; n--) {
		struct bfs_record r = some_record(in);

		if (r.kind)
			bfs_frame_add(&w, &r);
	}
	h = (struct bfs_frame_head){ .len = (uint32_t)(w.pos - buf -
						       BFS_FRAME_HEAD),
				     .seq = h.seq + 1 };
	bfs_frame_seal(buf, &h);
	memcpy(f->data + at, buf, bfs_frame_size(h.len));
	put_file(f->name, f->data, at + bfs_frame_size(h.len));
	memset(f->data + at, 0, bfs_frame_size(h.len));
}

static void damage(struct fuzz_in *in)
{
	const struct file *f = &files[fuzz_u8(in) % nfiles];
	const struct file *g = &files[fuzz_u8(in) % nfiles];
	uint8_t *copy = malloc(f->len + 1);
	size_t len = f->len;

	FUZZ_CHECK(copy);
	memcpy(copy, f->data, len);
	switch (fuzz_u8(in) % 6) {
	case 0:
		len = fuzz_bytes(in, 3) % (len + 1);
		break;
	case 1:
		remove_file(f->name);
		free(copy);
		return;
	case 2:
		put_file(g->name, copy, len);
		break;
	default:
		for (unsigned n = 1 + fuzz_u8(in) % 8; n && len; n--)
			copy[fuzz_bytes(in, 3) % len] = fuzz_u8(in);
	}
	put_file(f->name, copy, len);
	free(copy);
}

/* It serves: each name can be looked at, opened and removed. */
static void use(void)
{
	struct bfs_attr a;

	u->root = u->at = bfs_fs_root(u->fs);
	FUZZ_CHECK(!u_stat(u, "/", &a));
	u_stat(u, "/d/file", &a);
	u_rename(u, "/d/file", "/d/sub/file", 0);
	u_unlink(u, "/d/sub/file");
	u_rename(u, "/d/sub", "/e", 0);
	u_unlink(u, "/late");
	u_rmdir(u, "/e");
	u_mkdir(u, "/made", 0700);
	bfs_journal_turn(u->fs->journal);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct fuzz_in in = { data, data + len };
	uint8_t how = fuzz_u8(&in);
	int r;

	each_file(remove_file);
	for (unsigned n = 0; n < nfiles; n++)
		put_file(files[n].name, files[n].data, files[n].len);
	if (how % 2)
		add_frame(&in);
	else
		for (unsigned n = 1 + how / 2 % 3; n; n--)
			damage(&in);
	r = bfs_fs_new(&u->fs, &u->conf);
	FUZZ_CHECK(r <= 0);
	if (r) {
		u->fs = NULL;
		return;
	}
	u->server->fs = u->fs;
	use();
	u->fs->journal->failed = -EIO;
	bfs_fs_free(u->fs);
	u->fs = NULL;
}

size_t fuzz_seed(unsigned n, uint8_t buf[FUZZ_MAX])
{
	uint64_t random = n + 1;
	size_t len = 20 + 10 * (n % 10);

	if (n >= 60)
		return 0;
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)fuzz_draw(&random);
	buf[0] = (uint8_t)n;
	return len;
}

void fuzz_begin(void)
{
	fuzz_set_up();
	bfs_log_fd = -1;
	FUZZ_CHECK(!journal_unit_setup(&state));
	u = state;
	furnish();
	learn("/d");
	learn("/d/sub");
	learn("/d/file");
	learn("/d/link");
	learn("/late");
	learn("/fifo");
	snprintf(meta, sizeof(meta), "%s/meta", u->data);
	u_kill(u);
	each_file(read_file);
	FUZZ_CHECK(nfiles <= FILES);
}

void fuzz_end(void)
{
	for (unsigned n = 0; n < nfiles; n++)
		free(files[n].data);
	each_file(remove_file);
	for (unsigned n = 0; n < nfiles; n++)
		remove_file(files[n].name);
	FUZZ_CHECK(!fs_unit_restart(u));
	fs_unit_teardown(&state);
}
