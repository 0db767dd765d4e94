/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose data directory is it?  The marker says, and the secret lies beside it
 * (RULES 31).  A file system without a journal is gone with its daemon, so
 * what one of those left behind may be anybody's.
 */
#include "server/store.h"

#include "core/log.h"
#include "core/members.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define MARKER "benchfs"
#define MARKER_NEW "benchfs.new"
#define SECRET "secret"
#define SECRET_NEW "secret.new"
#define FORMAT 2

struct marker {
	unsigned format;
	uint64_t cluster, list_hash;
	uint32_t shard, secret; /* the secret's number */
	bool journal;
};

static int failed(const struct bfs_fs *fs, const char *what)
{
	int err = errno;

	bfs_log(error, "cannot %s data directory %s: %m", what,
		fs->conf.data_dir);
	return -err;
}

static int damaged(const struct bfs_fs *fs, const char *file)
{
	bfs_log(error,
		"data directory %s: file %s is not what was written; nothing "
		"is changed: restore it, or move the directory away and start "
		"with an empty one",
		fs->conf.data_dir, file);
	return -EUCLEAN;
}

static int refused(const struct bfs_fs *fs, const char *what, uint64_t has,
		   uint64_t wants)
{
	bfs_log(error,
		"data directory %s belongs to %s %016" PRIx64
		", and this daemon to %016" PRIx64,
		fs->conf.data_dir, what, has, wants);
	return -EKEYREJECTED;
}

/* Nothing in it but what we make before the marker? */
static int check_empty(const struct bfs_fs *fs)
{
	int fd = openat(fs->top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return failed(fs, "list");
	while (!r && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    strcmp(e->d_name, BFS_STORE_LOCK) &&
		    strcmp(e->d_name, MARKER_NEW) &&
		    strcmp(e->d_name, SECRET) && strcmp(e->d_name, SECRET_NEW))
			r = -ENOTEMPTY;
	if (r)
		bfs_log(error,
			"data directory %s is not empty and not of BenchFS "
			"(it has %s)",
			fs->conf.data_dir, e->d_name);
	closedir(d);
	return r;
}

/* Read a small file whole, terminated.  Its length or -errno. */
static ssize_t read_small(const struct bfs_fs *fs, const char *name, char *buf,
			  size_t cap)
{
	int fd = openat(fs->top_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n, err;

	if (fd < 0)
		return -errno;
	n = pread(fd, buf, cap - 1, 0);
	err = -errno;
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n < 0 ? err : n;
}

/* Under a temporary name, and on disk, before it has its own. */
static int write_small(const struct bfs_fs *fs, const char *name,
		       const char *temp, const char *text)
{
	int fd = openat(fs->top_fd, temp,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t n = strlen(text);
	bool ok;

	if (fd < 0)
		return failed(fs, "mark");
	ok = write(fd, text, n) == (ssize_t)n && !fsync(fd);
	if (close(fd) || !ok || renameat(fs->top_fd, temp, fs->top_fd, name) ||
	    fsync(fs->top_fd))
		return failed(fs, "mark");
	return 0;
}

static const char *line(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? at + strlen(key) : NULL;
}

static void parse_rest(const char *text, struct marker *m)
{
	const char *cluster = line(text, "\ncluster "),
		   *shard = line(text, "\nshard "),
		   *list = line(text, "\nlist "),
		   *journal = line(text, "\njournal "),
		   *secret = line(text, "\nsecret ");

	m->cluster = cluster ? strtoull(cluster, NULL, 16) : 0;
	m->shard = shard ? (uint32_t)strtoul(shard, NULL, 10) : 0;
	m->list_hash = list ? strtoull(list, NULL, 16) : 0;
	m->journal = journal && !strncmp(journal, "lmdb\n", 5);
	m->secret = secret ? (uint32_t)strtoul(secret, NULL, 16) : 0;
}

/* The last line vouches for the others: one bit could say that all of it may
 * be removed. */
static int put_sum(char *text, size_t len, size_t cap)
{
	return snprintf(text + len, cap - len, "sum %016" PRIx64 "\n",
			(uint64_t)XXH3_64bits(text, len));
}

static bool sum_fits(const char *text, size_t len)
{
	const char *sum = line(text, "\nsum ");
	size_t before = sum ? (size_t)(sum - strlen("sum ") - text) : 0;
	char again[256];

	if (!sum || strlen(text) != len)
		return false;
	memcpy(again, text, before);
	put_sum(again, before, sizeof(again));
	return !strcmp(again, text);
}

/* 1: there is none. */
static int read_marker(const struct bfs_fs *fs, struct marker *m)
{
	char text[256];
	ssize_t n = read_small(fs, MARKER, text, sizeof(text));

	if (n == -ENOENT)
		return 1;
	if (n < 0) {
		errno = (int)-n;
		return failed(fs, "read the marker of");
	}
	if (sscanf(text, "benchfs data\nformat %u\n", &m->format) != 1) {
		bfs_log(error, "data directory %s: file %s is not ours",
			fs->conf.data_dir, MARKER);
		return -ENOTEMPTY;
	}
	if (m->format != FORMAT) {
		bfs_log(error, "data directory %s has format %u, we have %u",
			fs->conf.data_dir, m->format, FORMAT);
		return -EPROTO;
	}
	if (!sum_fits(text, (size_t)n))
		return damaged(fs, MARKER);
	parse_rest(text, m);
	return 0;
}

static int write_marker(const struct bfs_fs *fs)
{
	char text[256], was[256];
	int n = snprintf(text, sizeof(text),
			 "benchfs data\nformat %u\ncluster %016" PRIx64
			 "\nshard %u\nlist %016" PRIx64
			 "\njournal %s\nsecret %08x\n",
			 FORMAT, fs->conf.cluster, fs->conf.shard,
			 fs->conf.list_hash, fs->conf.journal ? "lmdb" : "none",
			 bfs_secret_id(fs->conf.secret));

	put_sum(text, (size_t)n, sizeof(text));
	/* A start needs no space if nothing has changed. */
	if (read_small(fs, MARKER, was, sizeof(was)) > 0 && !strcmp(was, text))
		return 0;
	return write_small(fs, MARKER, MARKER_NEW, text);
}

static int write_secret(const struct bfs_fs *fs)
{
	char text[40];

	for (unsigned n = 0; n < 16; n++)
		snprintf(text + 2 * n, 3, "%02x", fs->conf.secret[n]);
	strcat(text, "\n");
	return write_small(fs, SECRET, SECRET_NEW, text);
}

static int read_secret(const struct bfs_fs *fs, uint8_t secret[16])
{
	char text[64];
	ssize_t n = read_small(fs, SECRET, text, sizeof(text));

	for (unsigned k = 0; n >= 32 && k < 16; k++) {
		unsigned byte;

		if (sscanf(text + 2 * k, "%2x", &byte) != 1)
			n = 0;
		secret[k] = (uint8_t)byte;
	}
	if (n >= 32)
		return 0;
	bfs_log(error, "data directory %s: no secret in the file %s",
		fs->conf.data_dir, SECRET);
	return n < 0 ? (int)n : -EUCLEAN;
}

static int check_secret(const struct bfs_fs *fs, const struct marker *m,
			uint8_t secret[16])
{
	int r = read_secret(fs, secret);

	if (!r && bfs_secret_id(secret) != m->secret)
		r = damaged(fs, SECRET);
	return r;
}

/* A file system that lives on: is it the one that we are to serve? */
static int check_old(struct bfs_fs *fs, const struct marker *m)
{
	uint8_t secret[16];
	int r;

	if (!fs->conf.journal) {
		bfs_log(error,
			"data directory %s holds a file system, which "
			"metadata.journal = \"none\" would remove: start with "
			"\"lmdb\", or remove the directory first",
			fs->conf.data_dir);
		return -EEXIST;
	}
	if (fs->conf.cluster && fs->conf.cluster != m->cluster)
		return refused(fs, "cluster", m->cluster, fs->conf.cluster);
	if (fs->conf.shard != m->shard)
		return refused(fs, "shard", m->shard, fs->conf.shard);
	if (fs->conf.list_hash && m->list_hash &&
	    fs->conf.list_hash != m->list_hash)
		return refused(fs, "member list", m->list_hash,
			       fs->conf.list_hash);
	r = check_secret(fs, m, secret);
	if (r)
		return r;
	if (fs->conf.cluster && memcmp(secret, fs->conf.secret, 16)) {
		bfs_log(error,
			"data directory %s has another secret than this "
			"daemon of cluster %016" PRIx64,
			fs->conf.data_dir, m->cluster);
		return -EKEYREJECTED;
	}
	fs->conf.cluster = m->cluster;
	memcpy(fs->conf.secret, secret, sizeof(secret));
	return 0;
}

static int make_new(struct bfs_fs *fs)
{
	if (!fs->conf.journal)
		return 0;
	if (!fs->conf.cluster &&
	    (getrandom(&fs->conf.cluster, sizeof(fs->conf.cluster), 0) !=
		     sizeof(fs->conf.cluster) ||
	     getrandom(fs->conf.secret, 16, 0) != 16))
		return failed(fs, "make an identity for");
	return write_secret(fs);
}

int bfs_store_identify(struct bfs_fs *fs)
{
	struct marker m = { 0 };
	int r = read_marker(fs, &m);

	if (r < 0)
		return r;
	if (r)
		r = check_empty(fs);
	else if (m.journal)
		r = check_old(fs, &m);
	if (r)
		return r;
	/* Data files are executable by all: nobody but us comes by here. */
	if (fchmod(fs->top_fd, 0700))
		return failed(fs, "protect");
	if (!m.journal)
		r = make_new(fs);
	return r ? r : write_marker(fs);
}

int bfs_store_recognize(struct bfs_fs *fs)
{
	struct marker m = { 0 };
	int r = read_marker(fs, &m);

	if (r < 0)
		return r;
	if (r || !m.journal) {
		bfs_log(error,
			r ? "%s is not a data directory of BenchFS"
			  : "data directory %s has no journal: what was in it "
			    "has gone with its daemon",
			fs->conf.data_dir);
		return -ENODATA;
	}
	fs->conf.cluster = m.cluster;
	fs->conf.list_hash = m.list_hash;
	fs->conf.shard = m.shard;
	return check_secret(fs, &m, fs->conf.secret);
}

void bfs_store_forget(const struct bfs_fs *fs)
{
	unlinkat(fs->top_fd, SECRET, 0);
	unlinkat(fs->top_fd, MARKER, 0);
}
