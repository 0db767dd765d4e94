/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forge RUNDIR PRIVATE: a client without any of the checks that ours makes.  It
 * asks the daemon in RUNDIR, as whoever runs it, for what it may not have, most
 * of all of PRIVATE, a file that another user has shut (a path below the root
 * of BenchFS).  Says what was answered wrongly; status 0 if nothing was.
 */
#include "core/arena.h"
#include "core/ring.h"
#include "core/rpc.h"
#include "core/transport_local.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct bfs_client client = { .timeout_ms = 30000 };
static struct bfs_local_peer peer;
static const char *run_dir, *private;
static int bad;
static char big[BFS_DEEP_PATH_MAX];

static void wrong(const char *what, int got)
{
	printf("%s: %d (%s)\n", what, got, strerror(-got));
	bad = 1;
}

static struct bfs_str str(const char *s)
{
	return (struct bfs_str){ s, (uint32_t)strlen(s) };
}

/* Say hello; 0 or -errno. */
static int dial(struct bfs_transport **t, struct bfs_local_peer *p,
		const struct bfs_hello_req *req)
{
	return bfs_local_connect(run_dir, req, 100, bfs_now() + 10000000000ull,
				 t, p);
}

/* The call's status; a descriptor that came is closed. */
#define CALL(name, rep, ...) \
	({ \
		struct bfs_##name##_req q_ = __VA_ARGS__; \
		struct bfs_rpc r_ = BFS_RPC_INIT; \
		char bulk_[4096] = "x"; \
		int e_; \
\
		r_.io.out = bulk_; \
		r_.io.out_len = 1; \
		r_.io.in = bulk_; \
		r_.io.in_cap = sizeof(bulk_); \
		e_ = bfs_rpc_##name(&client, &r_, &q_, rep); \
		if (r_.io.fd >= 0) \
			close(r_.io.fd); \
		bfs_rpc_end(&r_); \
		e_; \
	})

#define WANT(error, call) \
	do { \
		int got_ = (call); \
		if (got_ != -(int)(error)) \
			wrong(#call " is not " #error, got_); \
	} while (0)
/* Any refusal will do. */
#define REFUSED(call) \
	do { \
		int got_ = (call); \
		if (got_ >= 0) \
			wrong(#call, got_); \
	} while (0)

static int open_it(struct bfs_handle at, struct bfs_str path, uint32_t flags,
		   struct bfs_open_rep *rep)
{
	return CALL(open, rep,
		    { .at = at,
		      .path = path,
		      .oflags = flags,
		      .mode = 0600,
		      .arena_slot = BFS_NO_SLOT });
}

static int stat_it(struct bfs_handle at, struct bfs_str path,
		   struct bfs_getattr_rep *rep)
{
	return CALL(getattr, rep, { .at = at, .path = path });
}

/* What another user has shut (S9). */
static void rights_of_users(void)
{
	struct bfs_handle root = peer.hello.root;
	struct bfs_setattr_rep set;
	struct bfs_unlink_rep gone;
	struct bfs_rename_rep moved;
	struct bfs_link_rep linked;
	struct bfs_datafd_rep data;
	struct bfs_open_rep rep;

	WANT(EACCES, open_it(root, str(private), O_RDONLY, &rep));
	WANT(EACCES, open_it(root, str(private), O_WRONLY | O_TRUNC, &rep));
	WANT(EACCES, CALL(datafd, &data, { .at = root, .path = str(private) }));
	WANT(EACCES, CALL(unlink, &gone, { .at = root, .path = str(private) }));
	WANT(EACCES, CALL(rename, &moved,
			  { root, str(private), root, str("mine"), 0 }));
	WANT(EACCES,
	     CALL(link, &linked, { root, str(private), root, str("mine"), 0 }));
	WANT(EACCES, CALL(setattr, &set,
			  { .at = root,
			    .path = str(private),
			    .valid = BFS_SET_MODE,
			    .mode = 0777 }));
	WANT(EACCES, CALL(setattr, &set,
			  { .at = root,
			    .path = str(private),
			    .valid = BFS_SET_OWNER,
			    .uid = getuid(),
			    .gid = getgid() }));
	WANT(EPERM, CALL(setattr, &set,
			 { .at = root,
			   .path = str("/"),
			   .valid = BFS_SET_MODE,
			   .mode = 0777 }));
}

/* Handles: of another inode, with other rights, out of the air (R33). */
static void handles(void)
{
	struct bfs_handle root = peer.hello.root, h;
	struct bfs_getattr_rep attr;
	struct bfs_write_rep written;
	struct bfs_read_rep read;
	struct bfs_fallocate_rep fa;
	struct bfs_setattr_rep set;
	struct bfs_open_rep rep;
	struct bfs_readdir_rep dir;

	for (unsigned n = 0; n < 64; n++) {
		h = root;
		h.mac ^= 1ull << n;
		WANT(ESTALE, stat_it(h, str(""), &attr));
		h = root;
		h.ino ^= 1ull << n;
		WANT(ESTALE, stat_it(h, str(""), &attr));
		h = root;
		h.rights ^= 1u << n % 32;
		WANT(ESTALE, stat_it(h, str(""), &attr));
	}
	/* the inodes that there are, one after the other */
	for (uint64_t ino = 1; ino < 2000; ino++)
		REFUSED(CALL(read, &read,
			     { .handle = { ino, BFS_RIGHT_READ, root.mac },
			       .size = 4096 }));
	/* one's own file, opened for reading */
	WANT(0, open_it(root, str("own"), O_CREAT | O_RDWR, &rep));
	WANT(0, open_it(root, str("own"), O_RDONLY, &rep));
	WANT(EBADF, CALL(write, &written, { .handle = rep.handle }));
	REFUSED(CALL(fallocate, &fa, { .handle = rep.handle, .size = 10 }));
	REFUSED(CALL(setattr, &set,
		     { .at = rep.handle,
		       .path = str(""),
		       .valid = BFS_SET_SIZE,
		       .size = 1 }));
	h = rep.handle;
	h.rights |= BFS_RIGHT_WRITE;
	WANT(ESTALE, CALL(write, &written, { .handle = h }));
	WANT(0, open_it(root, str("own"), O_WRONLY, &rep));
	WANT(EBADF, CALL(read, &read, { .handle = rep.handle, .size = 4096 }));
	/* no directory's */
	REFUSED(CALL(readdir, &dir, { .at = rep.handle, .size = 4096 }));
	WANT(ENOTDIR, stat_it(rep.handle, str("x"), &attr));
}

/* Names that no path of ours has. */
static void names(void)
{
	struct bfs_handle root = peer.hello.root;
	struct bfs_getattr_rep attr;
	struct bfs_mknod_rep made;
	struct bfs_setxattr_rep x;

	memset(big, 'n', sizeof(big));
	WANT(EINVAL, stat_it(root, (struct bfs_str){ "a\0b", 3 }, &attr));
	WANT(EINVAL,
	     CALL(mknod, &made,
		  { .at = root, .path = { "\0", 1 }, .mode = S_IFREG | 0600 }));
	WANT(ENAMETOOLONG, CALL(mknod, &made,
				{ .at = root,
				  .path = { big, BFS_NAME_MAX + 1 },
				  .mode = S_IFREG | 0600 }));
	WANT(ENAMETOOLONG,
	     stat_it(root, (struct bfs_str){ big, BFS_PATH_MAX }, &attr));
	WANT(ENAMETOOLONG,
	     stat_it(root, (struct bfs_str){ big, sizeof(big) }, &attr));
	/* above the root there is nothing of ours */
	WANT(BFS_ESCAPE, stat_it(root, str("../../../etc/passwd"), &attr));
	WANT(BFS_ESCAPE, stat_it(root, str("pub/../../etc"), &attr));
	for (unsigned n = 0; n < sizeof(big); n++)
		big[n] = "../"[n % 3];
	WANT(BFS_ESCAPE, stat_it(root, (struct bfs_str){ big, 4095 }, &attr));
	REFUSED(CALL(mknod, &made,
		     { .at = root, .path = str(".."), .mode = S_IFDIR }));
	REFUSED(CALL(mknod, &made,
		     { .at = root, .path = str("pub/."), .mode = S_IFDIR }));
	REFUSED(CALL(mknod, &made,
		     { .at = root,
		       .path = str("pub/link"),
		       .mode = S_IFLNK,
		       .target = { big, 5000 } }));
	REFUSED(CALL(mknod, &made,
		     { .at = root,
		       .path = str("pub/dev"),
		       .mode = S_IFBLK | 0666,
		       .rdev = 0x800 }));
	REFUSED(CALL(mknod, &made,
		     { .at = root, .path = str("pub/what"), .mode = 0170000 }));
	REFUSED(CALL(setxattr, &x,
		     { .at = root, .path = str("own"), .name = { big, 256 } }));
	REFUSED(CALL(
		setxattr, &x,
		{ .at = root, .path = str("own"), .name = str("trusted.x") }));
	REFUSED(CALL(setxattr, &x,
		     { .at = root,
		       .path = str("own"),
		       .name = str("security.capability") }));
}

/* Sizes, offsets and counts. */
static void numbers(void)
{
	struct bfs_handle root = peer.hello.root;
	struct bfs_fallocate_rep fa;
	struct bfs_setattr_rep set;
	struct bfs_write_rep written;
	struct bfs_read_rep read;
	struct bfs_seek_rep seek;
	struct bfs_open_rep rep;
	struct bfs_lock_rep lock;

	WANT(0, open_it(root, str("own"), O_RDWR, &rep));
	WANT(EINVAL, CALL(read, &read,
			  { .handle = rep.handle,
			    .offset = UINT64_MAX,
			    .size = UINT32_MAX }));
	REFUSED(CALL(write, &written,
		     { .handle = rep.handle, .offset = UINT64_MAX }));
	REFUSED(CALL(fallocate, &fa,
		     { .handle = rep.handle,
		       .offset = INT64_MAX,
		       .size = INT64_MAX }));
	REFUSED(CALL(fallocate, &fa,
		     { .handle = rep.handle, .mode = 0xffffffff, .size = 1 }));
	REFUSED(CALL(setattr, &set,
		     { .at = rep.handle,
		       .path = str(""),
		       .valid = BFS_SET_SIZE,
		       .size = UINT64_MAX }));
	REFUSED(CALL(
		seek, &seek,
		{ .handle = rep.handle, .offset = UINT64_MAX, .whence = 77 }));
	REFUSED(CALL(lock, &lock,
		     { .handle = rep.handle,
		       .space = 77,
		       .type = F_WRLCK,
		       .end = 10 }));
	REFUSED(CALL(lock, &lock,
		     { .handle = rep.handle, .type = 77, .end = 10 }));
	REFUSED(CALL(lock, &lock,
		     { .handle = rep.handle,
		       .type = F_WRLCK,
		       .start = 10,
		       .end = 5 }));
	/* a description's lock, of one that it is not */
	REFUSED(CALL(lock, &lock,
		     { .handle = rep.handle,
		       .space = BFS_LOCK_FLOCK,
		       .type = F_WRLCK,
		       .end = UINT64_MAX,
		       .arena_slot = UINT32_MAX - 1 }));
	REFUSED(CALL(lock, &lock,
		     { .handle = rep.handle,
		       .space = BFS_LOCK_FLOCK,
		       .type = F_WRLCK,
		       .end = UINT64_MAX,
		       .arena = 0x123456789abcdef }));
}

/* Sessions of others, numbers of others' requests, other generations. */
static void sessions(void)
{
	struct bfs_transport *t = atomic_load(&client.t), *other = NULL;
	struct bfs_hello_req req = { .version = BFS_PROTO_VERSION,
				     .generation = 5 };
	struct bfs_getattr_rep attr;
	struct bfs_cancel_rep cancel;
	struct bfs_local_peer p;
	uint64_t session = t->session;
	uint32_t generation = t->generation;

	t->session ^= 1;
	WANT(EACCES, stat_it(peer.hello.root, str(""), &attr));
	t->session = session;
	t->generation = generation + 1;
	REFUSED(stat_it(peer.hello.root, str(""), &attr));
	t->generation = generation;
	WANT(ENOENT, CALL(cancel, &cancel, { 1 })); /* answered long ago */
	/* its own session, without its ticket */
	req.session = session;
	req.ticket = t->ticket ^ 1;
	REFUSED(dial(&other, &p, &req));
	req = (struct bfs_hello_req){ .version = BFS_PROTO_VERSION + 1 };
	REFUSED(dial(&other, &p, &req));
	req = (struct bfs_hello_req){ .version = BFS_PROTO_VERSION,
				      .cluster = 12345 };
	REFUSED(dial(&other, &p, &req));
	WANT(0, stat_it(peer.hello.root, str(""), &attr));
}

/* What only daemons may ask. */
static void peers_calls(void)
{
	struct bfs_forward_rep forward;
	struct bfs_lookup_rep lookup;
	struct bfs_txend_rep end;
	struct bfs_peerhello_rep hello;

	WANT(EPERM, CALL(forward, &forward,
			 { .op = BFS_OP_OPEN, .session = 1, .id = 1 }));
	WANT(EPERM, CALL(lookup, &lookup, { 1, str("own") }));
	WANT(EPERM, CALL(txend, &end, { 1, 1 }));
	WANT(EPERM, CALL(peerhello, &hello, { .version = BFS_PROTO_VERSION }));
}

/* The seals keep what is shared as it is (R35). */
static void memory(void)
{
	int fds[2] = { peer.arena_fd, peer.empty_fd };

	for (unsigned n = 0; n < BFS_COUNT(fds); n++) {
		if (!ftruncate(fds[n], 0) && n == 0)
			wrong("the arena could be cut off", 0);
		if (!ftruncate(fds[n], 1 << 30))
			wrong("a memfd could be made longer", 0);
		if (!fcntl(fds[n], F_ADD_SEALS, F_SEAL_FUTURE_WRITE))
			wrong("a memfd could be sealed", 0);
	}
	if (pwrite(peer.empty_fd, "x", 1, 0) >= 0)
		wrong("the empty memfd could be written", 0);
}

int main(int argc, char **argv)
{
	struct bfs_hello_req req = { .version = BFS_PROTO_VERSION,
				     .generation = 1 };
	struct bfs_transport *t;
	int r;

	if (argc != 3)
		return 2;
	run_dir = argv[1];
	private = argv[2];
	r = dial(&t, &peer, &req);
	if (r) {
		printf("no connection: %s\n", strerror(-r));
		return 3;
	}
	t->session = peer.hello.session;
	t->generation = 1;
	atomic_store(&client.t, t);
	rights_of_users();
	handles();
	names();
	numbers();
	sessions();
	peers_calls();
	memory();
	return bad;
}
