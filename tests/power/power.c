/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * D2: calls by chance, some of them fsync; then the power is lost at any
 * moment, with any of what was not synced.  The daemon starts on what is left
 * of its directory.  The names are those of a moment not before the last
 * fsync, since the log is one; and a file has the bytes of its own last fsync,
 * if nobody has written to it since.
 *   STATES=N   so many of them;  BENCHFS_TEST_SEED
 */
#include "tests/power/disk.h"
#include "tests/sequences/seq_unit.h"

#include "core/log.h"
#include "core/util.h"
#include "server/checkpoint.h"
#include "server/data.h"
#include "server/dir.h"
#include "server/server.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEPS 40
#define LOSSES 30 /* of each run of steps */
#define SERIALS 256

/* The state behind each call, and where the disk was then. */
static struct moment {
	struct seq_world w;
	unsigned changes;
	bool synced; /* by this call: nothing before may be lost */
	bool dirty[SERIALS];
	struct seq_call call;
	int result;
} moment[STEPS + 1];

static uint64_t seed;
static unsigned boots;
static struct {
	unsigned long states, calls, missing;
} count;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

/* Another boot each time the power is back (--wrap). */
int __wrap_bfs_boot_id(uint64_t id[2]);
int __wrap_bfs_boot_id(uint64_t id[2])
{
	id[0] = boots;
	id[1] = 1;
	return 0;
}

/* The serial of a file that a call is about, in a state; 0: there is none. */
static unsigned file_at(struct seq_world *w, const struct seq_call *c)
{
	uint8_t i = seq_node_at(w, c->a);

	return i && w->node[i].type == 'f' ? w->node[i].serial : 0;
}

static void note_dirt(struct moment *m, const struct seq_call *c)
{
	unsigned serial = file_at(&m->w, c);

	if (!serial)
		return;
	assert_true(serial < SERIALS);
	if (c->kind == SEQ_fsync)
		m->dirty[serial] = false;
	if (c->kind == SEQ_write || c->kind == SEQ_append ||
	    c->kind == SEQ_truncate || c->kind == SEQ_create)
		m->dirty[serial] = true;
}

/* Most of them do something. */
static struct seq_call choose(const struct seq_world *w, unsigned n)
{
	struct seq_call all[SEQ_CALLS_MAX], c;
	unsigned ncalls = seq_calls(all);
	struct seq_world copy;

	if (!any(5))
		return (struct seq_call){ SEQ_fsync, (uint8_t)any(6), 0 };
	for (int tries = 0; tries < 8; tries++) {
		c = all[any(ncalls)];
		copy = *w;
		if (!seq_apply(&copy, &c, n))
			break;
	}
	return c;
}

static void step(struct fs_unit *u, unsigned n, const struct seq_fs *fs)
{
	struct moment *m = &moment[n + 1];

	*m = moment[n];
	m->call = choose(&m->w, n);
	m->result = seq_apply(&m->w, &m->call, n);
	assert_int_equal(fs->call(fs->arg, &m->call, n), m->result);
	count.calls++;
	if (!m->result)
		note_dirt(m, &m->call);
	m->synced = !m->result && m->call.kind == SEQ_fsync;
	if (!any(15)) { /* segments and LMDB's pages */
		bfs_checkpoint_due(u->fs->journal);
		u_turn(u);
	}
	m->changes = disk_changes();
}

/* What may differ is marked: files that were written to by the moment `now`
 * and not synced since. */
static void expect(unsigned then, unsigned now, bool complete, char *text)
{
	struct seq_world w = moment[then].w;

	for (unsigned i = 2; i < SEQ_NODES; i++)
		if (w.node[i].type == 'f')
			w.node[i].unsure =
				moment[now].dirty[w.node[i].serial] ||
				(!complete &&
				 moment[now - 1].dirty[w.node[i].serial]);
	seq_world_text(&w, text);
}

/* What of the unsynced is there. */
static struct chance {
	uint64_t seed;
	unsigned keep; /* of 100 */
} chance;

/* The same each time that it is asked. */
static bool kept(void *arg, unsigned n)
{
	const struct chance *c = arg;
	uint64_t x = c->seed + n * 0x9e3779b97f4a7c15ull;

	x ^= x >> 31;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 29;
	return x % 100 < c->keep;
}

static void tell(unsigned now, unsigned at)
{
	disk_tell(at, kept, &chance);
	for (unsigned n = 1; n <= now; n++) {
		char name[64];

		seq_call_name(&moment[n].call, name, sizeof(name));
		print_error("  %s -> %d\n", name, moment[n].result);
	}
}

/* The call that had begun when power went is moment[now]. */
static void judge(const struct seq_fs *fs, unsigned now, unsigned at)
{
	bool complete = moment[now].changes == at;
	static char expected[SEQ_TEXT], seen[SEQ_TEXT];
	unsigned then = now;

	seq_fs_text(fs, seen);
	for (;; then--) {
		expect(then, now, complete, expected);
		if (seq_text_matches(expected, seen))
			return;
		if (!then || (moment[then].synced && (then < now || complete)))
			break;
	}
	tell(now, at);
	expect(then, now, complete, expected);
	fail_msg("power lost behind change %u, expected not before\n%sand "
		 "there is\n%s",
		 at, expected, seen);
}

/* A file that had never been synced may have lost its data; not more. */
static void remove_missing(const struct seq_fs *fs)
{
	unsigned links, size;
	uint64_t ino;

	for (uint8_t p = 0; p < SEQ_D; p++) {
		struct seq_call c = { SEQ_unlink, p, p };

		if (fs->look(fs->arg, seq_path[p], &ino, &links, &size) != '?')
			continue;
		count.missing++;
		assert_int_equal(fs->call(fs->arg, &c, 0), 0);
	}
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

static void lose_power(struct fs_unit *u, unsigned n)
{
	unsigned last = moment[STEPS].changes, first = moment[0].changes;
	unsigned at = first + any(last - first + 1), now = STEPS;
	struct fs_unit other = *u;
	struct bfs_server server = { 0 };
	struct seq_fs fs = seq_unit(&other);
	char dir[100], data[128];
	int r;

	chance = (struct chance){ seed, any(4) ? any(101) : 0 };
	while (now && moment[now - 1].changes >= at)
		now--;
	snprintf(dir, sizeof(dir), "%s.%u", u->dir, n);
	snprintf(data, sizeof(data), "%s/data", dir);
	disk_build(at, kept, &chance, dir);
	count.states++;
	boots++;
	other.conf.data_dir = data;
	other.server = other.c->server = &server;
	r = fs_unit_restart(&other);
	if (r) {
		tell(now, at);
		fail_msg("no start: %s; change %u, in %s", strerror(-r), at,
			 dir);
	}
	judge(&fs, now, at);
	u_kill(&other);
	/* and once more, with nothing lost */
	if (fs_unit_restart(&other)) {
		tell(now, at);
		fail_msg("no second start in %s", dir);
	}
	judge(&fs, now, at);
	remove_missing(&fs);
	u_kill(&other);
	boots--;
	u->c->server = u->server;
	assert_int_equal(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void one_run(void)
{
	struct seq_fs fs;
	struct fs_unit *u;
	void *state;

	assert_int_equal(fs_unit_setup(&state), 0);
	u = state;
	bfs_fs_free(u->fs);
	u->conf.journal = true;
	u->conf.pass = any(2);
	u->conf.checksum = any(2); /* then no sum may be wrong */
	assert_int_equal(rmdir(u->data), 0);
	disk_start(u->dir);
	assert_int_equal(fs_unit_restart(u), 0);
	fs = seq_unit(u);
	memset(&moment[0], 0, sizeof(moment[0]));
	seq_world_init(&moment[0].w, SEQ_BARE);
	moment[0].changes = disk_changes();
	for (unsigned n = 0; n < STEPS; n++)
		step(u, n, &fs);
	disk_stop();
	for (unsigned n = 0; n < LOSSES; n++)
		lose_power(u, n);
	fs_unit_teardown(&state);
}

static void test_power(void **state)
{
	const char *states = getenv("STATES");
	unsigned long want = states ? strtoul(states, NULL, 10) : 3000;

	while (count.states < want)
		one_run();
	printf("%lu states of the disk after %lu calls; %lu files, never "
	       "synced, had lost their data\n",
	       count.states, count.calls, count.missing);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_power) };
	const char *given = getenv("BENCHFS_TEST_SEED");
	struct timespec t;

	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 1);
	clock_gettime(CLOCK_REALTIME, &t);
	seed = given ? strtoull(given, NULL, 10) : (uint64_t)t.tv_nsec + 1;
	printf("BENCHFS_TEST_SEED=%llu\n", (unsigned long long)seed);
	/* Of files that had not been synced the data may be lost, and each is
	 * told: too much, unless it is looked at again. */
	if (!given)
		bfs_log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	bfs_log_max = BFS_LOG_error;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
