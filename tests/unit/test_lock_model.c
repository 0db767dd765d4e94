/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lock manager against the kernel: random operations by several processes
 * with several descriptions each, done on a real file and in the table; what
 * both answer, and which bytes are locked afterwards, must be the same.
 */
#include "tests/unit/unit.h"

#include "core/util.h"
#include "server/lock.h"
#include "server/lock_range.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PROCESSES 3
#define FDS 2	 /* descriptions in each */
#define BYTES 12 /* ranges lie within these, or reach to the end */
#define ROUNDS 4000
#define INO 7u

struct request {
	int space, fd, type;
	int start, len; /* len 0: to the end */
	int test;	/* F_GETLK */
};

struct answer {
	int error; /* 0 or errno */
	struct flock found;
};

struct process {
	pid_t pid;
	int sock;
};

static uint64_t seed = 12345;

static unsigned draw(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* In the helper: do one request on the real file. */
static struct answer ask_kernel(const int *fd, const struct request *q)
{
	static const int ops[] = {
		[F_RDLCK] = LOCK_SH, [F_WRLCK] = LOCK_EX, [F_UNLCK] = LOCK_UN
	};
	static const int cmds[2][2] = { { F_SETLK, F_GETLK },
					{ F_OFD_SETLK, F_OFD_GETLK } };
	struct answer a;
	int r;

	memset(&a, 0, sizeof(a)); /* its padding is sent, too */
	a.found.l_type = (short)q->type;
	a.found.l_start = q->start;
	a.found.l_len = q->len;
	if (q->space == BFS_LOCK_FLOCK)
		r = flock(fd[q->fd], ops[q->type] | LOCK_NB);
	else
		r = fcntl(fd[q->fd], cmds[q->space][q->test], &a.found);
	a.error = r ? errno : 0;
	return a;
}

static void serve(const int *fd, int sock)
{
	struct request q;

	while (read(sock, &q, sizeof(q)) == sizeof(q)) {
		struct answer a = ask_kernel(fd, &q);

		if (write(sock, &a, sizeof(a)) != sizeof(a))
			break;
	}
	_exit(0);
}

static struct process start(const char *path)
{
	struct process p;
	int s[2], fd[FDS];

	for (int i = 0; i < FDS; i++)
		fd[i] = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	p.pid = unit_fork();
	if (!p.pid) {
		close(s[0]);
		serve(fd, s[1]);
	}
	for (int i = 0; i < FDS; i++)
		close(fd[i]);
	close(s[1]);
	p.sock = s[0];
	return p;
}

static void stop(const struct process *p)
{
	shutdown(p->sock, SHUT_RDWR); /* its brothers have it too */
	close(p->sock);
	waitpid(p->pid, NULL, 0);
}

static struct answer call(const struct process *p, const struct request *q)
{
	struct answer a;

	assert_int_equal(write(p->sock, q, sizeof(*q)), sizeof(*q));
	assert_int_equal(read(p->sock, &a, sizeof(a)), sizeof(a));
	return a;
}

static struct bfs_lock_range range_of(const struct process *p, int number,
				      const struct request *q)
{
	struct bfs_lock_range r = {
		.owner = { .space = (uint32_t)q->space },
		.start = (uint64_t)q->start,
		.end = q->len ? (uint64_t)(q->start + q->len) : UINT64_MAX,
		.type = (uint32_t)q->type
	};

	if (q->space == BFS_LOCK_POSIX) {
		r.owner.id = (uint64_t)p->pid;
		r.pid = (uint32_t)p->pid;
	} else {
		r.owner.id = (uint64_t)(number * FDS + q->fd);
		r.pid = UINT32_MAX;
	}
	return r;
}

static bool same(const struct bfs_lock_range *r, const struct flock *f)
{
	uint64_t end =
		f->l_len ? (uint64_t)(f->l_start + f->l_len) : UINT64_MAX;

	return r->type == (uint32_t)f->l_type && r->pid == (uint32_t)f->l_pid &&
	       r->start == (uint64_t)f->l_start && r->end == end;
}

/* Is what the kernel found one of the locks that are in want's way? */
static void check_found(const struct bfs_lock_table *t,
			const struct bfs_lock_range *want,
			const struct flock *found)
{
	struct bfs_lock_inode *i;
	struct bfs_lock *l;
	uint64_t ino = INO;
	int conflicts = 0;
	bool seen = false;

	HASH_FIND(hh, t->inodes, &ino, sizeof(ino), i);
	for (l = i ? i->held : NULL; l; l = l->next) {
		if (!bfs_lock_conflict(want, &l->r))
			continue;
		conflicts++;
		seen |= same(&l->r, found);
	}
	if (found->l_type == F_UNLCK)
		assert_int_equal(conflicts, 0);
	else
		assert_true(seen);
}

/* Every byte, as an outsider sees it. */
static void compare_all(const struct bfs_lock_table *t,
			const struct process *outsider)
{
	for (int b = 0; b < BYTES + 2; b++) {
		struct request q = { BFS_LOCK_POSIX, 0, F_WRLCK, b, 1, true };
		struct bfs_lock_range want = range_of(outsider, PROCESSES, &q);
		struct answer a = call(outsider, &q);

		assert_int_equal(a.error, 0);
		check_found(t, &want, &a.found);
	}
}

static struct request random_request(void)
{
	struct request q = { .space = (int)draw(3),
			     .fd = (int)draw(FDS),
			     .type = (int)draw(3),
			     .start = (int)draw(BYTES) };

	q.len = draw(8) ? 1 + (int)draw((unsigned)(BYTES - q.start)) : 0;
	q.test = q.space != BFS_LOCK_FLOCK && q.type != F_UNLCK && !draw(4);
	return q;
}

static void one_round(struct bfs_lock_table *t, const struct process *p,
		      int number)
{
	struct request q = random_request();
	struct bfs_lock_range want = range_of(p, number, &q), found;
	struct answer a = call(p, &q);

	if (q.test) {
		bfs_lock_test(t, INO, &want, &found);
		assert_int_equal(a.error, 0);
		assert_int_equal(found.type == F_UNLCK,
				 a.found.l_type == F_UNLCK);
		check_found(t, &want, &a.found);
	} else {
		assert_int_equal(-bfs_lock_set(t, INO, &want, NULL, NULL),
				 a.error);
	}
}

static void test_random(void **state)
{
	struct bfs_lock_table *t =
		bfs_lock_table_new(&(struct bfs_lock_ops){ 0 }, 10000);
	char path[] = "/tmp/benchfs-lock-XXXXXX";
	int fd = mkstemp(path);
	struct process p[PROCESSES + 1]; /* the last one only looks */

	assert_true(fd >= 0);
	for (int i = 0; i <= PROCESSES; i++)
		p[i] = start(path);
	unlink(path);
	for (int i = 0; i < ROUNDS; i++) {
		int n = (int)draw(PROCESSES);

		one_round(t, &p[n], n);
		if (i % 8 == 0)
			compare_all(t, &p[PROCESSES]);
	}
	for (int i = 0; i <= PROCESSES; i++)
		stop(&p[i]);
	close(fd);
	bfs_lock_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
