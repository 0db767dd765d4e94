/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/map.h"

#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define FILE_NAME "map.lmdb"
#define FILE_NEW "map.lmdb.new"
#define LOCK_NAME "map.lock"
#define SUM_NAME "map.sum"
#define SUM_NEW "map.sum.new"
/* Address space, not memory; more if the file is large. */
#define MAP_SIZE (16ull << 30)
#define LOCK_MS 60000
#define SUM 8u /* bytes of checksum before the fields of a record */
/* The key of what is no record: kind 0. */
#define HEAD_KEY "\0head"
#define FORMAT 2u

struct bfs_map {
	struct bfs_jlog_conf conf;
	int lock;
	bool write;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_cursor *cursor;
	uint8_t *buf;
	size_t cap;
};

static int failed(const struct bfs_map *m, const char *what, int rc)
{
	if (rc > 0)
		bfs_log(error, "cannot %s %s/" FILE_NAME ": %s", what,
			m->conf.path, strerror(rc));
	else
		bfs_log(error, "cannot %s %s/" FILE_NAME ": %s", what,
			m->conf.path, mdb_strerror(rc));
	return rc > 0 ? -rc : rc == MDB_MAP_FULL ? -ENOSPC : -EUCLEAN;
}

static int damaged(const struct bfs_map *m, const char *what)
{
	bfs_log(error,
		"%s/" FILE_NAME ": %s; it is not what was written, and nothing "
		"is changed: restore the data directory, or move it away and "
		"start with an empty one",
		m->conf.path, what);
	return -EUCLEAN;
}

/* Whoever makes a checkpoint dies with its daemon, but not at once.  -ENOENT:
 * there never was one, and who only reads makes nothing. */
static int take_lock(struct bfs_map *m)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const struct timespec nap = { 0, 10000000 };
	bool make = m->write || !faccessat(m->conf.dir, FILE_NAME, F_OK, 0);

	m->lock = openat(m->conf.dir, LOCK_NAME,
			 O_RDWR | (make ? O_CREAT : 0) | O_CLOEXEC | O_NOFOLLOW,
			 0600);
	if (m->lock < 0 && errno == ENOENT && !make)
		return -ENOENT;
	if (m->lock < 0)
		return failed(m, "lock", errno);
	for (unsigned ms = 0; fcntl(m->lock, F_OFD_SETLK, &l); ms += 10) {
		if (errno != EAGAIN && errno != EACCES)
			return failed(m, "lock", errno);
		if (ms >= LOCK_MS)
			return failed(m, "lock", EBUSY);
		nanosleep(&nap, NULL);
	}
	return 0;
}

/* The checksum of the file as it is. */
static int sum_file(const struct bfs_map *m, uint64_t *sum, uint64_t *size)
{
	int fd = openat(m->conf.dir, FILE_NAME, O_RDONLY | O_CLOEXEC);
	XXH3_state_t *x = XXH3_createState();
	char *buf = malloc(1 << 20);
	ssize_t n = -1;

	*size = 0;
	if (fd >= 0 && x && buf) {
		XXH3_64bits_reset(x);
		while ((n = read(fd, buf, 1 << 20)) > 0) {
			XXH3_64bits_update(x, buf, (size_t)n);
			*size += (uint64_t)n;
		}
		*sum = XXH3_64bits_digest(x);
	}
	if (n)
		n = -errno;
	if (fd >= 0)
		close(fd);
	XXH3_freeState(x);
	free(buf);
	return (int)n;
}

/* No checksum is no damage: the last checkpoint was not finished, and LMDB
 * finds the one before in the same file.  1 then. */
static int check_sum(const struct bfs_map *m)
{
	int fd = openat(m->conf.dir, SUM_NAME, O_RDONLY | O_CLOEXEC);
	uint64_t is, size, told, told_size;
	char text[64];
	ssize_t n;
	int e;

	if (fd < 0)
		return errno == ENOENT ? 1 : failed(m, "check", errno);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%16" SCNx64 " %" SCNu64, &told, &told_size) != 2)
		return damaged(m,
			       "its checksum in " SUM_NAME " cannot be read");
	e = sum_file(m, &is, &size);
	if (e)
		return failed(m, "read", -e);
	return is == told && size == told_size
		       ? 0
		       : damaged(m, "its checksum is another one");
}

static uint64_t map_size(const struct bfs_map *m)
{
	struct stat st;

	if (fstatat(m->conf.dir, FILE_NAME, &st, 0))
		return MAP_SIZE;
	return BFS_MAX(MAP_SIZE, 8 * (uint64_t)st.st_size);
}

static int open_env(struct bfs_map *m, const char *name)
{
	unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NORDAHEAD |
			 (m->write ? 0 : MDB_RDONLY);
	BFS_AUTOFREE char *path = NULL;
	int rc = mdb_env_create(&m->env);

	/* The name may have moved: the descriptor is what we have. */
	if (asprintf(&path, "/proc/self/fd/%d/%s", m->conf.dir, name) < 0)
		return -ENOMEM;
	if (!rc)
		rc = mdb_env_set_mapsize(m->env, map_size(m));
	if (!rc)
		rc = mdb_env_open(m->env, path, flags, 0600);
	return rc ? failed(m, "open", rc) : 0;
}

static int begin(struct bfs_map *m)
{
	int rc =
		mdb_txn_begin(m->env, NULL, m->write ? 0 : MDB_RDONLY, &m->txn);

	if (!rc)
		rc = mdb_dbi_open(m->txn, NULL, 0, &m->dbi);
	if (!rc && m->write)
		rc = mdb_cursor_open(m->txn, m->dbi, &m->cursor);
	return rc ? failed(m, "begin with", rc) : 0;
}

static MDB_val head_key(void)
{
	return (MDB_val){ sizeof(HEAD_KEY) - 1, (void *)HEAD_KEY };
}

static int read_head(struct bfs_map *m, uint64_t *seq)
{
	MDB_val key = head_key(), val;
	int rc = mdb_get(m->txn, m->dbi, &key, &val);
	uint64_t cluster;
	uint32_t format, shard;
	struct bfs_wire w;

	*seq = 0;
	if (rc == MDB_NOTFOUND)
		return 0; /* the first one was never finished */
	if (rc)
		return failed(m, "read", rc);
	bfs_wire_init(&w, val.mv_data, val.mv_size);
	format = bfs_get_u32(&w);
	shard = bfs_get_u32(&w);
	cluster = bfs_get_u64(&w);
	*seq = bfs_get_u64(&w);
	if (bfs_wire_end(&w) || format != FORMAT)
		return damaged(m, "it has another format");
	if (cluster != m->conf.cluster || shard != m->conf.shard)
		return damaged(m, "it is another cluster's, or shard's");
	return 0;
}

static int put_head(struct bfs_map *m, uint64_t seq)
{
	MDB_val key = head_key(), val;
	uint8_t buf[24];
	struct bfs_wire w;

	bfs_wire_init(&w, buf, sizeof(buf));
	bfs_put_u32(&w, FORMAT);
	bfs_put_u32(&w, m->conf.shard);
	bfs_put_u64(&w, m->conf.cluster);
	bfs_put_u64(&w, seq);
	val = (MDB_val){ sizeof(buf), buf };
	return mdb_put(m->txn, m->dbi, &key, &val, 0);
}

static void end_txn(struct bfs_map *m)
{
	if (m->cursor)
		mdb_cursor_close(m->cursor);
	if (m->txn)
		mdb_txn_abort(m->txn);
	m->cursor = NULL;
	m->txn = NULL;
}

static void close_env(struct bfs_map *m)
{
	end_txn(m);
	if (m->env)
		mdb_env_close(m->env);
	m->env = NULL;
}

/* LMDB does not sync what it writes into a new file, so that one has its name
 * only when it is whole, and before any segment goes that it holds. */
static int make_file(struct bfs_map *m)
{
	int e;

	if (!faccessat(m->conf.dir, FILE_NAME, F_OK, 0))
		return 0;
	if (errno != ENOENT) /* it may be there: not one in its place */
		return failed(m, "look for", errno);
	if (unlinkat(m->conf.dir, FILE_NEW, 0) && errno != ENOENT)
		return failed(m, "begin", errno);
	e = open_env(m, FILE_NEW);
	if (!e)
		e = begin(m);
	if (!e)
		e = bfs_map_commit(m, 0);
	close_env(m);
	if (!e && (renameat(m->conf.dir, FILE_NEW, m->conf.dir, FILE_NAME) ||
		   fsync(m->conf.dir)))
		e = failed(m, "begin", errno);
	return e;
}

/* From now on the checksum does not hold. */
static int unseal(const struct bfs_map *m)
{
	if (unlinkat(m->conf.dir, SUM_NAME, 0) && errno != ENOENT)
		return failed(m, "begin to write", errno);
	return fsync(m->conf.dir) ? failed(m, "begin to write", errno) : 0;
}

static int start(struct bfs_map *m, uint64_t *seq)
{
	int e = open_env(m, FILE_NAME);

	if (!e)
		e = begin(m);
	return e ? e : read_head(m, seq);
}

static int see(void *arg, const struct bfs_record *r)
{
	return 0;
}

/* In a child that does nothing else: all of it is read. */
static void probe_child(struct bfs_map *m)
{
	const struct rlimit none = { 0, 0 };
	uint64_t seq;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
	bfs_log_fd = -1;
	alarm(LOCK_MS / 1000);
	for (int sig = SIGQUIT; sig < SIGALRM; sig++)
		signal(sig, SIG_DFL);
	if (!start(m, &seq))
		bfs_map_each(m, see, NULL);
	_exit(0);
}

/*
 * There is no checksum that vouches for the file, and LMDB follows the numbers
 * in it wherever they lead: if that kills a process, it is not us.  Errors are
 * found again when we read it.
 */
static int probe(struct bfs_map *m)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return failed(m, "check", errno);
	if (!pid)
		probe_child(m);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return failed(m, "check", errno);
	return WIFSIGNALED(status) || WEXITSTATUS(status)
		       ? damaged(m, "LMDB crashes when it reads it")
		       : 0;
}

int bfs_map_open(struct bfs_map **out, const struct bfs_jlog_conf *conf,
		 bool write, uint64_t *seq)
{
	struct bfs_map *m = calloc(1, sizeof(*m));
	int e;

	*seq = 0;
	if (!m)
		return -ENOMEM;
	m->conf = *conf;
	m->write = write;
	e = take_lock(m);
	if (!e && !write && faccessat(conf->dir, FILE_NAME, F_OK, 0))
		e = -errno;
	if (!e)
		e = check_sum(m);
	if (e == 1) /* who writes is a process that may crash by itself */
		e = write ? 0 : probe(m);
	if (!e && write)
		e = unseal(m);
	if (!e && write)
		e = make_file(m);
	if (!e)
		e = start(m, seq);
	if (e)
		bfs_map_close(m);
	else
		*out = m;
	return e;
}

void bfs_map_close(struct bfs_map *m)
{
	close_env(m);
	if (m->lock >= 0)
		close(m->lock);
	free(m->buf);
	free(m);
}

static uint64_t sum_of(const MDB_val *key, const void *fields, size_t len)
{
	return XXH3_64bits_withSeed(fields, len,
				    XXH3_64bits(key->mv_data, key->mv_size));
}

static int decode(const MDB_val *key, const MDB_val *val, struct bfs_record *r)
{
	struct bfs_wire w;
	uint64_t sum;

	if (val->mv_size < SUM)
		return -EBADMSG;
	bfs_wire_init(&w, val->mv_data, val->mv_size);
	sum = bfs_get_u64(&w);
	if (sum != sum_of(key, w.pos, val->mv_size - SUM))
		return -EBADMSG;
	*r = (struct bfs_record){ .kind = *(const uint8_t *)key->mv_data };
	return bfs_record_get(&w, r);
}

int bfs_map_each(struct bfs_map *m,
		 int (*fn)(void *arg, const struct bfs_record *r), void *arg)
{
	MDB_cursor *c;
	MDB_val key, val;
	MDB_stat st = { 0 };
	size_t n = 0;
	int rc = mdb_cursor_open(m->txn, m->dbi, &c), e = 0;

	if (!rc)
		rc = mdb_stat(m->txn, m->dbi, &st);
	if (rc)
		return failed(m, "read", rc);
	while (!e && !(rc = mdb_cursor_get(c, &key, &val, MDB_NEXT))) {
		struct bfs_record r;

		n++;
		if (!key.mv_size || n > st.ms_entries)
			e = -EBADMSG;
		else if (!*(const uint8_t *)key.mv_data)
			continue; /* the head */
		if (!e)
			e = decode(&key, &val, &r);
		if (!e)
			e = fn(arg, &r);
		if (e == -EBADMSG)
			e = damaged(m, "a record is damaged");
	}
	mdb_cursor_close(c);
	if (!e && rc != MDB_NOTFOUND)
		e = failed(m, "read", rc);
	if (!e && n != st.ms_entries)
		e = damaged(m, "records are missing");
	return e;
}

/* What lies under a record goes with it. */
static int drop_below(struct bfs_map *m, uint8_t below, const uint8_t *number)
{
	uint8_t prefix[9] = { below };
	MDB_val key, val;
	int rc;

	memcpy(prefix + 1, number, 8);
	for (;;) {
		key = (MDB_val){ sizeof(prefix), prefix };
		rc = mdb_cursor_get(m->cursor, &key, &val, MDB_SET_RANGE);
		if (rc || key.mv_size < sizeof(prefix) ||
		    memcmp(key.mv_data, prefix, sizeof(prefix)))
			return rc == MDB_NOTFOUND ? 0 : rc;
		rc = mdb_cursor_del(m->cursor, 0);
		if (rc)
			return rc;
	}
}

static int drop(struct bfs_map *m, const struct bfs_record *r, MDB_val *key)
{
	uint32_t below = bfs_record_below(r->kind);
	int rc = mdb_del(m->txn, m->dbi, key, NULL);

	if ((!rc || rc == MDB_NOTFOUND) && below)
		rc = drop_below(m, (uint8_t)below,
				(const uint8_t *)key->mv_data + 1);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static bool make_room(struct bfs_map *m, size_t need)
{
	void *p;

	if (need <= m->cap)
		return true;
	p = realloc(m->buf, need + 4096);
	if (!p)
		return false;
	m->buf = p;
	m->cap = need + 4096;
	return true;
}

int bfs_map_put(struct bfs_map *m, const struct bfs_record *r)
{
	size_t size = SUM + bfs_record_size(r);
	uint8_t bytes[BFS_RECORD_KEY_MAX];
	MDB_val key = { bfs_record_key(r, bytes), bytes }, val;
	struct bfs_wire w;
	int rc;

	if (r->gone) {
		rc = drop(m, r, &key);
		return rc ? failed(m, "write", rc) : 0;
	}
	if (!make_room(m, size))
		return -ENOMEM;
	bfs_wire_init(&w, m->buf + SUM, size - SUM);
	if (bfs_record_put(&w, r))
		return -EBADMSG;
	val = (MDB_val){ (size_t)(w.pos - m->buf), m->buf };
	bfs_wire_init(&w, m->buf, SUM);
	bfs_put_u64(&w, sum_of(&key, m->buf + SUM, val.mv_size - SUM));
	rc = mdb_put(m->txn, m->dbi, &key, &val, 0);
	return rc ? failed(m, "write", rc) : 0;
}

int bfs_map_commit(struct bfs_map *m, uint64_t seq)
{
	int rc = put_head(m, seq);

	if (rc)
		return failed(m, "write", rc);
	mdb_cursor_close(m->cursor);
	m->cursor = NULL;
	rc = mdb_txn_commit(m->txn);
	m->txn = NULL;
	return rc ? failed(m, "write", rc) : begin(m);
}

/* So that the next checkpoint works on a full disk (RULES 30). */
static void take_space(const struct bfs_map *m, uint64_t size, size_t reserve)
{
	int fd = openat(m->conf.dir, FILE_NAME, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	/* Where it cannot be had, the checkpoint waits until it can. */
	(void)!fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)size, (off_t)reserve);
	close(fd);
}

int bfs_map_seal(struct bfs_map *m, size_t reserve)
{
	uint64_t sum, size;
	char text[64];
	int fd, n, e;

	close_env(m);
	e = sum_file(m, &sum, &size);
	if (e)
		return failed(m, "read", -e);
	take_space(m, size, reserve);
	n = snprintf(text, sizeof(text), "%016" PRIx64 " %" PRIu64 "\n", sum,
		     size);
	fd = openat(m->conf.dir, SUM_NEW,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, (size_t)n) != n || fsync(fd) ||
	    renameat(m->conf.dir, SUM_NEW, m->conf.dir, SUM_NAME) ||
	    fsync(m->conf.dir))
		e = failed(m, "seal", errno);
	if (fd >= 0)
		close(fd);
	return e;
}
