/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * D1, D2, S4: all sequences of up to three calls (seq.def) in a file
 * system with a journal.  Each call answers what POSIX says; after
 * each fsync, and at the end, the daemon is killed and started again on its
 * directory, and what is there is what was acknowledged.
 *   SEQUENCES=all   all of them; else those of two calls, and a sample
 *   JOBS=N          processes
 */
#include "tests/unit/journal_unit.h"

#include "tests/sequences/seq.h"

#include "core/log.h"
#include "core/util.h"
#include "server/dir.h"
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVERY 97

struct counts {
	_Atomic unsigned long sequences, kills, done, refused;
};

static struct {
	struct counts *counts;
	struct seq_call calls[SEQ_CALLS_MAX];
	unsigned ncalls, jobs, job;
	unsigned long every; /* of those of three calls */
} run;

/* Space is taken in advance; this is not about space, and it takes longer
 * than all the rest. */
int fallocate(int fd, int mode, off_t offset, off_t len)
{
	return 0;
}

static void top_path(const char *path, char buf[64])
{
	snprintf(buf, 64, "/%s", path[0] == '.' ? "" : path);
}

static int write_at(struct fs_unit *u, const char *path, unsigned n,
		    bool append)
{
	size_t len = append ? SEQ_APPEND_LEN : SEQ_WRITE_LEN;
	struct bfs_write_req q = { .offset = SEQ_WRITE_AT };
	struct bfs_open_rep rep;
	char buf[SEQ_BYTES];
	int fd, r = u_open(u, path, O_WRONLY | (append ? O_APPEND : 0), 0,
			   &rep);

	if (r)
		return r;
	seq_bytes(n, len, buf);
	fd = u_take_fd(u);
	if (fd >= 0) { /* the client has the data file */
		ssize_t done = append ? write(fd, buf, len)
				      : pwrite(fd, buf, len, SEQ_WRITE_AT);

		close(fd);
		return done == (ssize_t)len ? 0 : -EIO;
	}
	q.handle = rep.handle;
	q.flags = append ? O_APPEND : 0;
	u->c->out = buf;
	u->c->out_len = len;
	r = bfs_serve_write(u->c, &q, &(struct bfs_write_rep){ 0 });
	u->c->out_len = 0;
	return r;
}

static int sync_path(struct fs_unit *u, const char *path)
{
	struct bfs_fsync_rep rep;
	struct bfs_open_rep o;
	int r = u_open(u, path, O_RDONLY, 0, &o);

	if (r)
		return r;
	if (u->c->pass_fd >= 0)
		close(u_take_fd(u));
	u->server->journal = u->fs->journal;
	r = bfs_serve_fsync(u->c, &(struct bfs_fsync_req){ .handle = o.handle },
			    &rep);
	u->server->journal = NULL;
	return r;
}

static int one_call(struct fs_unit *u, const struct seq_call *c, unsigned n)
{
	char a[64], b[64];
	int r;

	top_path(seq_path[c->a], a);
	top_path(seq_path[c->b], b);
	switch (c->kind) {
	case SEQ_create:
		r = u_open(u, a, O_CREAT | O_WRONLY, 0644, NULL);
		if (u->c->pass_fd >= 0)
			close(u_take_fd(u));
		return r;
	case SEQ_write:
		return write_at(u, a, n, false);
	case SEQ_append:
		return write_at(u, a, n, true);
	case SEQ_rename:
		return u_rename(u, a, b, 0);
	case SEQ_link:
		return u_link(u, a, b, 0);
	case SEQ_unlink:
		return u_unlink(u, a);
	case SEQ_mkdir:
		return u_mkdir(u, a, 0755);
	case SEQ_rmdir:
		return u_rmdir(u, a);
	case SEQ_truncate:
		return u_truncate(u, a, SEQ_TRUNCATE_TO);
	default:
		return sync_path(u, a);
	}
}

/* A call is a turn of the loop: then it is answered. */
static int call(void *arg, const struct seq_call *c, unsigned n)
{
	int r = one_call(arg, c, n);

	u_turn(arg);
	return r;
}

static unsigned entries(struct fs_unit *u, uint64_t ino)
{
	const struct bfs_inode *i = bfs_inode_find(u->fs, ino);
	const struct bfs_dentry *d;
	unsigned n = 0;

	assert_non_null(i);
	for (uint64_t at = 0; (d = bfs_dir_after(i, at)); at = d->cursor)
		n++;
	return n;
}

static char look(void *arg, const char *path, uint64_t *ino, unsigned *links,
		 unsigned *size)
{
	struct fs_unit *u = arg;
	struct bfs_attr a;
	char p[64];
	int r;

	top_path(path, p);
	r = u_lstat(u, p, &a);
	if (r) {
		assert_true(r == -ENOENT || r == -ENOTDIR);
		return 0;
	}
	*ino = a.ino;
	*links = a.nlink;
	*size = S_ISDIR(a.mode) ? entries(u, a.ino) : (unsigned)a.size;
	return S_ISDIR(a.mode) ? 'd' : S_ISREG(a.mode) ? 'f' : '?';
}

static bool bytes(void *arg, const char *path, unsigned size, char *buf)
{
	struct fs_unit *u = arg;
	struct bfs_open_rep rep;
	char p[64];
	ssize_t n;
	int fd;

	top_path(path, p);
	if (u_open(u, p, O_RDONLY, 0, &rep))
		return false;
	fd = u_take_fd(u);
	if (fd >= 0) {
		n = pread(fd, buf, SEQ_BYTES, 0);
		close(fd);
		return n == (ssize_t)size;
	}
	if (bfs_serve_read(u->c,
			   &(struct bfs_read_req){ .handle = rep.handle,
						   .size = SEQ_BYTES },
			   &(struct bfs_read_rep){}))
		return false;
	memcpy(buf, u->in, u->c->in_len);
	return u->c->in_len == size;
}

static void tell(const struct seq_call *s, unsigned len, unsigned start)
{
	print_error("from start %u, job %u of %u:\n", start, run.job, run.jobs);
	for (unsigned n = 0; n < len; n++) {
		char name[64];

		seq_call_name(&s[n], name, sizeof(name));
		print_error("  %s\n", name);
	}
}

static void compare(struct fs_unit *u, const struct seq_fs *fs,
		    const struct seq_world *w, const struct seq_call *s,
		    unsigned done, unsigned start)
{
	static char expected[SEQ_TEXT], seen[SEQ_TEXT];
	int r = u_kill_and_start(u);

	run.counts->kills++;
	if (r) {
		tell(s, done, start);
		fail_msg("no start after that: %d", r);
	}
	seq_world_text(w, expected);
	seq_fs_text(fs, seen);
	if (strcmp(expected, seen)) {
		tell(s, done, start);
		fail_msg("expected\n%sand there is\n%s", expected, seen);
	}
}

static void play(struct fs_unit *u, const struct seq_call *s, unsigned len,
		 unsigned start)
{
	const struct seq_fs fs = { call, look, bytes, u };
	struct seq_world w;

	seq_world_init(&w, start);
	assert_int_equal(seq_fs_init(&fs, start), 0);
	for (unsigned n = 0; n < len; n++) {
		int expected = seq_apply(&w, &s[n], n);
		int r = call(u, &s[n], n);

		run.counts->done++;
		run.counts->refused += r != 0;
		if (r != expected) {
			tell(s, n + 1, start);
			fail_msg("answers %d, expected %d", r, expected);
		}
		if (s[n].kind == SEQ_fsync || n == len - 1)
			compare(u, &fs, &w, s, n + 1, start);
	}
	run.counts->sequences++;
}

/* An empty file system, for each of them. */
static void afresh(const struct seq_call *s, unsigned len, unsigned start,
		   bool pass)
{
	void *state;
	struct fs_unit *u;

	assert_int_equal(fs_unit_setup(&state), 0);
	u = state;
	bfs_fs_free(u->fs);
	u->conf.journal = true;
	u->conf.pass = pass;
	assert_int_equal(fs_unit_restart(u), 0);
	play(u, s, len, start);
	fs_unit_teardown(&state);
}

/* The number of a sequence says which calls it has. */
static void spell(unsigned long number, unsigned len, struct seq_call *s)
{
	for (unsigned n = 0; n < len; n++) {
		s[n] = run.calls[number % run.ncalls];
		number /= run.ncalls;
	}
}

static bool writes(const struct seq_call *s, unsigned len)
{
	for (unsigned n = 0; n < len; n++)
		if (s[n].kind == SEQ_write || s[n].kind == SEQ_append)
			return true;
	return false;
}

/* From each start, by the client's descriptor or through the daemon, and by
 * both where it matters; a sample takes turns. */
static void each_way(unsigned long number, unsigned len)
{
	struct seq_call s[SEQ_LEN_MAX];

	spell(number, len, s);
	for (unsigned k = 0; k < 2 * SEQ_STARTS; k++)
		if (run.every > 1 ? k == number % 4
				  : (k & 1) == (number & 1) || writes(s, len))
			afresh(s, len, k / 2, k & 1);
}

static void test_sequences(void **state)
{
	unsigned long all = 1, turn = 0;

	for (unsigned len = 1; len <= SEQ_LEN_MAX; len++) {
		unsigned long every = len == SEQ_LEN_MAX ? run.every : 1;

		all *= run.ncalls;
		for (unsigned long n = 0; n < all; n += every)
			if (turn++ % run.jobs == run.job)
				each_way(n, len);
	}
}

static int job(unsigned n)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sequences) };

	run.job = n;
	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

static int all_jobs(void)
{
	int bad = 0, status;

	for (unsigned n = 0; n < run.jobs; n++)
		if (!fork())
			_exit(job(n));
	while (wait(&status) > 0)
		bad |= status != 0;
	return bad;
}

int main(void)
{
	const char *which = getenv("SEQUENCES"), *jobs = getenv("JOBS");
	int bad;

	setvbuf(stdout, NULL, _IOLBF, 0);
	run.counts = mmap(NULL, sizeof(*run.counts), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run.ncalls = seq_calls(run.calls);
	run.every = which && !strcmp(which, "all") ? 1 : EVERY;
	run.jobs = jobs ? (unsigned)atoi(jobs) : 1;
	/* it is not about the disk, and syncs there all the time */
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 1);
	bfs_log_max = BFS_LOG_error;
	bad = all_jobs();
	printf("%lu sequences of up to %d out of %u calls, %lu kills, %lu calls "
	       "of which %lu were refused as they should be\n",
	       run.counts->sequences, SEQ_LEN_MAX, run.ncalls,
	       run.counts->kills, run.counts->done, run.counts->refused);
	return bad || !run.counts->kills;
}
