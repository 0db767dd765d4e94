/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * D1, D3: what was acknowledged is there after a kill.  A torn tail is cut off;
 * damage is told, by file and offset, and nothing is changed (C4).
 */
#include "tests/unit/journal_unit.h"

#include "core/log.h"
#include "core/util.h"
#include "server/checkpoint.h"
#include "server/data.h"
#include "server/dir.h"
#include "server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ok(call) assert_int_equal(call, 0)

/* A bit of everything. */
static void furnish(struct fs_unit *u)
{
	ok(u_mkdir(u, "/d", 0750));
	ok(u_mkdir(u, "/d/sub", 0711));
	u_append(u, "/d/file", "content");
	ok(u_chmod(u, "/d/file", 0640));
	ok(u_symlink(u, "some/where", "/d/link"));
	ok(u_link(u, "/d/file", "/hard", 0));
	ok(u_mknod(u, "/fifo", S_IFIFO | 0600, 0));
	ok(u_mknod(u, "/sock", S_IFSOCK | 0600, 0));
	ok(u_setxattr(u, "/d/file", "user.one", "1"));
	ok(u_setxattr(u, "/d/file", "user.two", "2"));
	ok(u_setxattr(u, "/d/file", "user.one", "3"));
	ok(u_removexattr(u, "/d/file", "user.two"));
	ok(u_rename(u, "/d/sub", "/moved", 0));
	ok(u_mkdir(u, "/gone", 0700));
	ok(u_rmdir(u, "/gone"));
	u_append(u, "/removed", "x");
	u_turn(u);
	ok(u_unlink(u, "/removed"));
	ok(u_setattr(u, "/moved", BFS_SET_MTIME,
		     (struct bfs_setattr_req){ .mtime = { 12345, 678 } }));
	u_turn(u);
}

static void test_restart(void **state)
{
	struct fs_unit *u = *state;
	char *before, *after;
	struct bfs_handle root = u->root;

	furnish(u);
	before = u_dump(u);
	ok(u_kill_and_start(u));
	after = u_dump(u);
	assert_string_equal(before, after);
	assert_non_null(strstr(after, "user.one=3"));
	assert_null(strstr(after, "user.two"));
	/* Handles that clients hold are good (RULES 33). */
	ok(bfs_fs_check(u->fs, root));
	/* In order, too: the log is closed and read again. */
	bfs_fs_free(u->fs);
	ok(fs_unit_restart(u));
	free(after);
	after = u_dump(u);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* Inode numbers are never used again, those of lost files neither. */
static void test_numbers(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_attr a, b;

	u_append(u, "/a", "x");
	ok(u_stat(u, "/a", &a));
	ok(u_kill_and_start(u)); /* before the end of the turn */
	assert_int_equal(u_stat(u, "/a", &b), -ENOENT);
	u_append(u, "/a", "y");
	ok(u_stat(u, "/a", &b));
	assert_true(b.ino > a.ino);
	assert_int_equal(b.size, 1);
}

static unsigned count_files(struct fs_unit *u)
{
	char cmd[200];
	unsigned n;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "find '%s/data' '%s/sock' -type f | wc -l",
		 u->data, u->data);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

/* What was never acknowledged leaves nothing behind (A4). */
static void test_leftovers(void **state)
{
	struct fs_unit *u = *state;

	u_append(u, "/a", "x");
	u_turn(u);
	u_append(u, "/b", "y");
	assert_int_equal(count_files(u), 2);
	ok(u_kill_and_start(u));
	assert_int_equal(count_files(u), 1);
}

/* ... and takes nothing away: the data of an unlink or a rename over a file
 * that was not logged is still there (S4). */
static void test_not_logged(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_attr a;
	char *before, *after;

	u_append(u, "/old", "old");
	u_append(u, "/other", "other!");
	u_turn(u);
	before = u_dump(u);
	ok(u_rename(u, "/other", "/old", 0));
	ok(u_kill_and_start(u));
	ok(u_stat(u, "/old", &a));
	assert_int_equal(a.size, 3);
	after = u_dump(u);
	assert_string_equal(before, after);
	ok(u_unlink(u, "/old"));
	ok(u_kill_and_start(u));
	free(after);
	after = u_dump(u);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* A file that was unlinked while open is freed by a start that finds nobody
 * who has it open (D3), and kept by one that does (S5). */
static void test_orphan(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;
	int fd;

	u->live_slots = 5;
	ok(u_open_slot(u, "/open", O_CREAT | O_RDWR, 0644, 3, &rep));
	fd = u_take_fd(u);
	assert_int_equal(write(fd, "data", 4), 4);
	ok(u_unlink(u, "/open"));
	u_turn(u);
	ok(u_kill_and_start(u));
	assert_true(bfs_fs_sweep(u->fs));
	assert_int_equal(count_files(u), 1);
	close(fd);
	assert_false(bfs_fs_sweep(u->fs));
	u_turn(u);
	assert_int_equal(count_files(u), 0);
	ok(u_kill_and_start(u));
	assert_false(bfs_fs_orphans(u->fs));
}

static off_t size_of(const char *path)
{
	struct stat st;

	ok(stat(path, &st));
	return st.st_size;
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char c;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x10;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void copy(const char *from, const char *to)
{
	char cmd[800];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s' && cp -a '%s' '%s'", to, from,
		 to);
	ok(system(cmd));
}

/* The last frame may end anywhere: then it never was. */
static void test_torn(void **state)
{
	struct fs_unit *u = *state;
	char path[256], kept[128], *before, *after;
	off_t start, end;

	snprintf(kept, sizeof(kept), "%s/kept", u->dir);
	furnish(u);
	before = u_dump(u);
	u_log_path(u->data, path, sizeof(path));
	start = size_of(path);
	ok(u_mkdir(u, "/late", 0700));
	ok(u_setxattr(u, "/late", "user.x", "y"));
	u_turn(u);
	end = size_of(path);
	assert_true(end > start + 100);
	copy(u->data, kept);
	bfs_log_max = BFS_LOG_error; /* it is told as a warning */
	for (off_t at = end - 1; at >= start; at -= 5) {
		u_kill(u);
		copy(kept, u->data);
		ok(truncate(path, at));
		ok(fs_unit_restart(u));
		after = u_dump(u);
		assert_string_equal(before, after);
		free(after);
	}
	bfs_log_max = BFS_LOG_warn;
	free(before);
}

/* One wrong byte: each part of the log, the last frame too. */
static void test_damage(void **state)
{
	struct fs_unit *u = *state;
	char path[256], log[1024], where[300];
	off_t end;

	furnish(u);
	u_log_path(u->data, path, sizeof(path));
	end = size_of(path);
	u_kill(u);
	for (off_t at = 0; at < end; at += 13) {
		int r;

		flip(path, at);
		r = u_start_fails(u, log, sizeof(log));
		if (!r) /* padding: it means nothing */
			u_kill(u);
		else
			assert_true(r == -EUCLEAN || r == -EPROTO);
		flip(path, at);
		if (!r) {
			continue;
		}
		snprintf(where, sizeof(where), "%s", path);
		assert_non_null(strstr(log, where));
		if (at >= (off_t)BFS_SEGMENT_HEAD)
			assert_non_null(strstr(log, "offset "));
		assert_int_equal(size_of(path), end);
	}
	ok(fs_unit_restart(u));
}

/* Frames from the middle are gone. */
static void test_missing(void **state)
{
	struct fs_unit *u = *state;
	char path[256], log[1024];

	furnish(u);
	u_log_path(u->data, path, sizeof(path));
	ok(u_kill_and_start(u)); /* a second segment */
	ok(u_mkdir(u, "/later", 0700));
	u_turn(u);
	u_kill(u);
	ok(truncate(path, size_of(path) - 50));
	assert_int_equal(u_start_fails(u, log, sizeof(log)), -EUCLEAN);
	assert_non_null(strstr(log, path));
	ok(unlink(path));
	assert_int_equal(u_start_fails(u, log, sizeof(log)), -EUCLEAN);
	u->conf.journal = true;
	u->fs = NULL;
}

struct twice {
	struct bfs_fs *fs;
	uint64_t frames;
};

static int apply_record(void *arg, const struct bfs_record *r)
{
	struct bfs_fs *fs = arg;

	switch (r->kind) {
	case BFS_RECORD_INODE:
		return bfs_load_inode(fs, &r->inode, r->gone);
	case BFS_RECORD_ENTRY:
		return bfs_load_entry(fs, &r->entry, r->gone);
	case BFS_RECORD_XATTR:
		return bfs_load_xattr(fs, &r->xattr, r->gone);
	default:
		return 0;
	}
}

static int apply_frame(void *arg, const struct bfs_frame_head *h,
		       const uint8_t *body)
{
	struct twice *t = arg;

	t->frames++;
	return bfs_frame_records(body, h->len, apply_record, t->fs);
}

/* A record says what is: to apply all of them again changes nothing. */
static void test_twice(void **state)
{
	struct fs_unit *u = *state;
	char path[256], *before, *after;
	struct twice t = { .fs = NULL };
	struct bfs_jlog_conf conf = { .cluster = u->conf.cluster,
				      .path = path };

	furnish(u);
	before = u_dump(u);
	snprintf(path, sizeof(path), "%s/meta", u->data);
	conf.dir = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(conf.dir >= 0);
	ok(u_kill_and_start(u));
	t.fs = u->fs;
	t.fs->journal->failed = -EIO;
	{
		struct bfs_journal *j = t.fs->journal;

		t.fs->journal = NULL; /* what follows is no change */
		for (int n = 0; n < 2; n++)
			ok(bfs_jlog_read(&conf, 0, UINT64_MAX, apply_frame,
					 &t));
		t.fs->journal = j;
	}
	assert_true(t.frames >= 4);
	close(conf.dir);
	after = u_dump(u);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* An entry that comes or goes, of a directory that is none. */
static void test_entry_of_file(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_rec_entry r = { .cursor = 256,
				   .ino = BFS_ROOT_INO,
				   .type = S_IFDIR,
				   .name = BFS_STR("x") };
	struct bfs_journal *j = u->fs->journal;
	struct bfs_inode *i, *next;

	u_append(u, "/file", "content");
	u->fs->journal = NULL;
	BFS_ITABLE_EACH(&u->fs->inodes, i, next)
	if (S_ISREG(i->mode))
		r.dir = i->ino;
	assert_int_not_equal(r.dir, 0);
	assert_int_equal(bfs_load_entry(u->fs, &r, true), -EBADMSG);
	assert_int_equal(bfs_load_entry(u->fs, &r, false), -EBADMSG);
	u->fs->journal = j;
}

static bool has(struct fs_unit *u, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/meta/%s", u->data, name);
	return !access(path, F_OK);
}

/* A new segment, and the old ones in the checkpoint. */
static void checkpoint(struct fs_unit *u)
{
	bfs_checkpoint_due(u->fs->journal);
	u_turn(u);
}

/* What was logged comes back from checkpoint and log, however it is spread
 * over the two. */
static void test_checkpoint(void **state)
{
	struct fs_unit *u = *state;
	char path[256], first[256], *before, *after;

	u_log_path(u->data, first, sizeof(first));
	furnish(u);
	for (int n = 0; n < 3; n++) {
		before = u_dump(u);
		checkpoint(u);
		assert_true(has(u, "map.lmdb"));
		/* the log is short again */
		assert_int_equal(access(first, F_OK), -1);
		u_log_path(u->data, path, sizeof(path));
		assert_int_equal(size_of(path), BFS_SEGMENT_HEAD);
		ok(u_kill_and_start(u));
		after = u_dump(u);
		assert_string_equal(before, after);
		free(before);
		free(after);
		/* changes of all kinds to what is in it */
		ok(u_setxattr(u, "/d/file", "user.one", n ? "more" : "4"));
		ok(u_setxattr(u, "/d/file", "user.late", "5"));
		ok(u_removexattr(u, "/d/file", "user.late"));
		ok(u_rename(u, "/d/link", "/link", 0));
		ok(u_rename(u, "/link", "/d/link", 0));
		ok(u_unlink(u, "/hard"));
		u_append(u, "/hard", "another");
		u_turn(u);
		before = u_dump(u);
		ok(u_kill_and_start(u));
		after = u_dump(u);
		assert_string_equal(before, after);
		free(before);
		free(after);
	}
	/* a removed inode's xattrs are not in the checkpoint either */
	ok(u_unlink(u, "/d/file"));
	u_turn(u);
	checkpoint(u);
	ok(u_kill_and_start(u));
}

/* Killed before the segments went that a checkpoint holds: they count once. */
static void test_checkpoint_twice(void **state)
{
	struct fs_unit *u = *state;
	char log[256], kept[128], *before, *after;

	snprintf(kept, sizeof(kept), "%s/kept", u->dir);
	furnish(u);
	u_log_path(u->data, log, sizeof(log));
	copy(log, kept);
	checkpoint(u);
	ok(u_mkdir(u, "/behind", 0700));
	u_turn(u);
	before = u_dump(u);
	u_kill(u);
	copy(kept, log);
	ok(fs_unit_restart(u));
	after = u_dump(u);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void test_checkpoint_damage(void **state)
{
	struct fs_unit *u = *state;
	char path[256], log[1024];
	off_t size;

	furnish(u);
	checkpoint(u);
	snprintf(path, sizeof(path), "%s/meta/map.lmdb", u->data);
	u_kill(u);
	size = size_of(path);
	assert_true(size > 0);
	for (off_t at = 1; at < size; at += 997) {
		flip(path, at);
		assert_int_equal(u_start_fails(u, log, sizeof(log)), -EUCLEAN);
		assert_non_null(strstr(log, path));
		flip(path, at);
	}
	ok(unlink(path)); /* and no file at all: the log begins too late */
	assert_int_equal(u_start_fails(u, log, sizeof(log)), -EUCLEAN);
	u->fs = NULL;
}

/* The kernel's, or an error so many times. */
static int fail_syncs;

int fdatasync(int fd)
{
	if (fail_syncs) {
		fail_syncs--;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static void note_status(struct bfs_journal_wait *w, int status)
{
	w->seq = (uint64_t)(int64_t)status;
}

/* What a wait for the disk ends with. */
static int sync_status(struct fs_unit *u)
{
	struct bfs_journal_wait w = { .done = note_status };
	int r = bfs_journal_sync(u->fs->journal, &w);

	return r ? r : (int)(int64_t)w.seq;
}

/* D2: an fsync that fails keeps failing until somebody was told and what may
 * not have reached the disk is there by another way. */
static void test_sync_fails(void **state)
{
	struct fs_unit *u = *state;
	char *before, *after;

	furnish(u);
	fail_syncs = 2; /* the sync, and the change of the segment */
	assert_int_equal(sync_status(u), -EIO);
	assert_false(has(u, "map.lmdb"));
	/* nothing is there yet that could have it on disk */
	assert_int_equal(sync_status(u), -EIO);
	assert_true(has(u, "map.lmdb"));
	ok(u_mkdir(u, "/later", 0700));
	u_turn(u);
	ok(sync_status(u));
	/* in the background, with nobody to tell: the next one hears */
	ok(u_mkdir(u, "/later2", 0700));
	u_turn(u);
	fail_syncs = 1;
	ok(u_unlink(u, "/hard"));
	ok(u_unlink(u, "/d/file"));
	u_turn(u);
	assert_int_equal(fail_syncs, 0);
	assert_int_equal(sync_status(u), -EIO);
	ok(sync_status(u));
	before = u_dump(u);
	ok(u_kill_and_start(u));
	after = u_dump(u);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* D2: the log and the directory of the data file are on disk when fsync
 * answers, of a file, of a directory, and where the kernel has the data. */
static void test_fsync(void **state)
{
	static const uint32_t flags[] = { 0, BFS_FSYNC_DATA, BFS_FSYNC_NAMES };
	struct fs_unit *u = *state;
	struct bfs_journal *j = u->fs->journal;

	u->server->journal = j;
	for (unsigned n = 0; n < 3; n++) {
		struct bfs_fsync_rep rep;
		struct bfs_open_rep f, d;
		uint64_t at;
		char path[16];

		snprintf(path, sizeof(path), "/f%u", n);
		ok(u_open(u, path, O_CREAT | O_RDWR, 0644, &f));
		close(u_take_fd(u));
		assert_true(
			bfs_data_dir_changed(u->fs, f.handle.ino & 0xff, &at));
		ok(bfs_serve_fsync(u->c,
				   &(struct bfs_fsync_req){ .handle = f.handle,
							    .flags = flags[n] },
				   &rep));
		assert_false(bfs_journal_pending(j));
		assert_int_equal(bfs_jlog_synced(j->log), bfs_jlog_seq(j->log));
		assert_false(
			bfs_data_dir_changed(u->fs, f.handle.ino & 0xff, &at));
		assert_int_equal(u_mkdir(u, "/d0", 0700), n ? -EEXIST : 0);
		ok(u_open(u, "/d0", O_RDONLY | O_DIRECTORY, 0, &d));
		ok(bfs_serve_fsync(
			u->c, &(struct bfs_fsync_req){ .handle = d.handle },
			&rep));
		assert_int_equal(bfs_jlog_synced(j->log), bfs_jlog_seq(j->log));
	}
	u->server->journal = NULL;
}

/* RULES 31: both values are named. */
/* A bit of the marker could say that all may go, one of the secret hides each
 * name: neither is believed. */
static void test_identity_damage(void **state)
{
	static const char *const names[] = { "benchfs", "secret" };
	struct fs_unit *u = *state;
	char path[256], log[1024], *before, *after;

	furnish(u);
	before = u_dump(u);
	u_kill(u);
	u->conf.cluster = 0; /* alone: it believes what is there */
	for (size_t n = 0; n < 2; n++) {
		snprintf(path, sizeof(path), "%s/%s", u->data, names[n]);
		for (off_t at = 0; at < size_of(path) - (off_t)n; at++) {
			flip(path, at);
			assert_true(u_start_fails(u, log, sizeof(log)) < 0);
			if (!strstr(log, names[n]))
				fail_msg("%s, byte %d: %s", path, (int)at, log);
			flip(path, at);
		}
	}
	ok(fs_unit_restart(u));
	after = u_dump(u);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* There is no checksum of an LMDB file while a checkpoint writes it: LMDB may
 * crash on it, we do not, and what is missing is told. */
static void test_checkpoint_unsealed(void **state)
{
	struct fs_unit *u = *state;
	char path[256], sum[256], log[1024], *before, *after;
	unsigned refused = 0, same = 0;
	off_t size;

	furnish(u);
	checkpoint(u);
	before = u_dump(u);
	u_kill(u);
	snprintf(path, sizeof(path), "%s/meta/map.lmdb", u->data);
	snprintf(sum, sizeof(sum), "%s/meta/map.sum", u->data);
	ok(unlink(sum));
	size = size_of(path);
	for (off_t at = 3; at < size; at += 331) {
		int r;

		flip(path, at);
		r = u_start_fails(u, log, sizeof(log));
		if (r) {
			assert_non_null(strstr(log, path));
			refused++;
		} else {
			u->server->fs = u->fs;
			u->root = u->at = bfs_fs_root(u->fs);
			after = u_dump(u);
			assert_string_equal(before, after);
			free(after);
			same++;
			u_kill(u);
		}
		flip(path, at);
	}
	assert_true(refused && same);
	free(before);
	u->fs = NULL;
}

static void test_identity(void **state)
{
	struct fs_unit *u = *state;
	const struct bfs_fs_conf was = u->conf;
	char log[1024];

	furnish(u);
	u_kill(u);
	u->conf.cluster = 8;
	assert_int_equal(u_start_fails(u, log, sizeof(log)), -EKEYREJECTED);
	assert_non_null(strstr(log, "cluster 0000000000000007"));
	assert_non_null(strstr(log, "0000000000000008"));
	u->conf = was;
	u->conf.shard = 3;
	assert_int_equal(u_start_fails(u, log, sizeof(log)), -EKEYREJECTED);
	assert_non_null(strstr(log, "shard 0000000000000000"));
	u->conf = was;
	u->conf.secret[0]++;
	assert_int_equal(u_start_fails(u, log, sizeof(log)), -EKEYREJECTED);
	assert_non_null(strstr(log, "secret"));
	u->conf = was;
	u->conf.journal = false;
	assert_int_equal(u_start_fails(u, log, sizeof(log)), -EEXIST);
	assert_non_null(strstr(log, "metadata.journal"));
	u->conf = was;
	u->conf.cluster = 0; /* whatever it is */
	memset(u->conf.secret, 0, sizeof(u->conf.secret));
	ok(fs_unit_restart(u));
	u->conf.list_hash = 0x1234;
	bfs_fs_free(u->fs);
	ok(fs_unit_restart(u)); /* it had none */
	bfs_fs_free(u->fs);
	u->conf.list_hash = 0x5678;
	assert_int_equal(u_start_fails(u, log, sizeof(log)), -EKEYREJECTED);
	assert_non_null(strstr(log, "0000000000001234"));
	assert_non_null(strstr(log, "0000000000005678"));
	u->fs = NULL;
}

/* Names that a removal of one of them would leave leading nowhere. */
static void test_too_many_names(void **state)
{
	static const struct {
		const char *path;
		uint32_t type;
	} cases[] = { { "/d", S_IFDIR }, { "/", S_IFDIR }, { "/f", S_IFREG } };

	for (unsigned n = 0; n < BFS_COUNT(cases); n++) {
		struct fs_unit *u;
		struct bfs_attr a;
		char log[4096];
		void *own;

		assert_int_equal(journal_unit_setup(&own), 0);
		u = own;
		ok(u_mkdir(u, "/d", 0755));
		u_append(u, "/f", "text");
		ok(u_link(u, "/f", "/g", 0)); /* as many as it has links */
		u_turn(u);
		ok(u_kill_and_start(u));
		ok(u_stat(u, cases[n].path, &a));
		bfs_journal_add_entry(
			u->fs->journal,
			&(struct bfs_rec_entry){ .dir = BFS_ROOT_INO,
						 .cursor = 4711,
						 .ino = a.ino,
						 .type = cases[n].type,
						 .name = u_str("one-more") });
		u_turn(u);
		u_kill(u);
		assert_int_equal(u_start_fails(u, log, sizeof(log)), -EUCLEAN);
		assert_non_null(strstr(log, "more names than links"));
		fs_unit_teardown(&own);
	}
}

int main(void)
{
#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, journal_unit_setup, \
					fs_unit_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_restart),
		TEST(test_numbers),
		TEST(test_leftovers),
		TEST(test_not_logged),
		TEST(test_orphan),
		TEST(test_torn),
		TEST(test_damage),
		TEST(test_missing),
		TEST(test_twice),
		TEST(test_entry_of_file),
		TEST(test_checkpoint),
		TEST(test_checkpoint_twice),
		TEST(test_checkpoint_damage),
		TEST(test_sync_fails),
		TEST(test_fsync),
		TEST(test_identity),
		TEST(test_identity_damage),
		TEST(test_checkpoint_unsealed),
		cmocka_unit_test(test_too_many_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
