/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/daemon.h"

#include "core/log.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/client.h"
#include "server/cluster.h"
#include "server/comeback.h"
#include "server/copy.h"
#include "server/far.h"
#include "server/fs.h"
#include "server/hidden.h"
#include "server/join.h"
#include "server/journal.h"
#include "server/loop.h"
#include "server/mappers.h"
#include "server/passing.h"
#include "server/peer_impl.h"
#include "server/port_local.h"
#include "server/port_ucx.h"
#include "server/quota.h"
#include "server/reclaim.h"
#include "server/serve_lock.h"
#include "server/session.h"
#include "server/slice.h"
#include "server/special.h"
#include "server/stage.h"
#include "server/stripe.h"
#include "server/sync.h"
#include "server/syncfs.h"
#include "server/tx.h"
#include "server/tx_log.h"
#include "server/uring.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define SWEEP_NS 1000000000ull
#define SWEEP_PAUSE_NS 10000000ull /* within a round */
#define CALM_NS 20000000ull
#define CALM_PAUSE_NS 1000000ull

struct bfs_daemon {
	struct bfs_port_local *local;
	struct bfs_port_ucx *ucx; /* NULL: not in use */
	struct bfs_timer sweep, calm, idle;
	uint64_t swept_at; /* requests served by the last sweep */
	bool sweeping;	   /* a round of the arenas is not over */
	bool again;	   /* it has work in a second anyway */
};

static int allow_user(struct bfs_server *s, const char *name)
{
	char *end;
	unsigned long uid = strtoul(name, &end, 10);
	const struct passwd *pw;
	uint32_t *more;

	if (!strcmp(name, "*")) {
		s->allow_all = true;
		return 0;
	}
	if (!*name || *end) {
		pw = getpwnam(name);
		if (!pw) {
			bfs_log(error, "auth.allow_users: no user '%s'", name);
			return -EINVAL;
		}
		uid = pw->pw_uid;
	}
	more = realloc(s->allowed, (s->nallowed + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	more[s->nallowed] = (uint32_t)uid;
	s->allowed = more;
	s->nallowed++;
	return 0;
}

static int allow_users(struct bfs_server *s)
{
	char *list = strdup(s->config.auth.allow_users), *save = NULL;
	int r = list ? 0 : -ENOMEM;

	for (char *name = list ? strtok_r(list, ", ", &save) : NULL; !r && name;
	     name = strtok_r(NULL, ", ", &save))
		r = allow_user(s, name);
	free(list);
	return r;
}

static int raise_limits(void)
{
	struct rlimit lim;

	/* One socket and one pidfd for each client process. */
	if (getrlimit(RLIMIT_NOFILE, &lim))
		return -errno;
	lim.rlim_cur = lim.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &lim) ? -errno : 0;
}

static bool pass_alive(void *arg, uint64_t ino, uint32_t uid, uint32_t slot)
{
	struct bfs_server *s = arg;

	if (bfs_cluster_elsewhere(s, ino))
		return bfs_passing_locked(s, ino, uid, slot);
	return bfs_fs_slot_locked(s->fs, ino, uid, slot);
}

static void closed(void *arg, struct bfs_handle h)
{
	struct bfs_server *s = arg;

	if (bfs_cluster_needed(s, h.ino))
		bfs_cluster_closed(s, h);
	else
		bfs_sync_closed(s, h);
}

/* Nobody asks for anything while it is to close idle connections. */
static void on_idle(struct bfs_timer *t)
{
	struct bfs_server *s = t->arg;
	uint64_t secs = (uint64_t)s->config.network.direct_idle_secs;

	if (bfs_session_close_idle(s))
		bfs_loop_timer(s->loop, t, bfs_now() + secs * 1000000000u);
}

/*
 * Unlinked files whose last descriptor has gone, and records of processes
 * that were killed.  Runs while requests come, orphans are left, or files are
 * open that must be synced when they are closed, so that an idle daemon
 * sleeps.
 */
static void on_sweep(struct bfs_timer *t)
{
	struct bfs_server *s = t->arg;
	const struct bfs_arena_sweep ops = { pass_alive, closed, s };
	enum bfs_swept swept;
	bool again;

	if (!s->daemon->sweeping) {
		s->fs->keep_orphans =
			bfs_session_awaited(s) | bfs_reclaim_waits(s);
		again = s->fs->keep_orphans || bfs_fs_sweep(s->fs);
		again |= bfs_cluster_sweep(s);
		bfs_session_sweep(s);
		if (!s->daemon->idle.at)
			on_idle(&s->daemon->idle);
		s->daemon->again = again;
	}
	swept = bfs_arenas_sweep(s->arenas, &ops);
	s->daemon->sweeping = swept == BFS_SWEPT_PART;
	if (s->daemon->sweeping) {
		bfs_loop_timer(s->loop, t, bfs_now() + SWEEP_PAUSE_NS);
		return;
	}
	again = s->daemon->again || swept == BFS_SWEPT_SOON;
	if (again || s->daemon->swept_at != bfs_stats.requests)
		bfs_loop_timer(s->loop, t, bfs_now() + SWEEP_NS);
	s->daemon->swept_at = bfs_stats.requests;
}

/* Files that were opened a moment ago are closed by now, most of them. */
static void on_calm(struct bfs_timer *t)
{
	struct bfs_server *s = t->arg;

	if (bfs_fs_calm_some(s->fs))
		bfs_loop_timer(s->loop, t, bfs_now() + CALM_PAUSE_NS);
}

static void on_busy(struct bfs_server *s)
{
	if (bfs_fs_calm_waits(s->fs) && !s->daemon->calm.at)
		bfs_loop_timer(s->loop, &s->daemon->calm, bfs_now() + CALM_NS);
	if (!s->daemon->sweep.at)
		bfs_loop_timer(s->loop, &s->daemon->sweep,
			       bfs_now() + SWEEP_NS);
}

static void ask_far(void *arg, struct bfs_inode *i)
{
	bfs_far_ask(arg, i);
}

static void drop_far(void *arg, uint64_t ino)
{
	bfs_stripe_drop(arg, ino);
}

/* Of the top directory; a chunk's size is a power of two. */
static struct bfs_layout configured_layout(const struct bfs_server *s)
{
	static const uint8_t policies[] = {
		/* until it is known where all daemons are */
		[BFS_CONFIG_storage_placement_auto] = BFS_POLICY_WHOLE,
		[BFS_CONFIG_storage_placement_whole] = BFS_POLICY_WHOLE,
		[BFS_CONFIG_storage_placement_stripe] = BFS_POLICY_STRIPE,
		[BFS_CONFIG_storage_placement_local] = BFS_POLICY_LOCAL,
	};

	return (struct bfs_layout){
		.policy = policies[s->config.storage.placement],
		.chunk_log2 = __builtin_ctzll(s->config.storage.chunk_size) & 63
	};
}

struct bfs_quota bfs_daemon_quota(const struct bfs_server *s)
{
	const struct bfs_quota all = {
		.bytes = s->config.storage.quota_gb,
		.files = (uint64_t)s->config.storage.quota_files,
		.user_bytes = s->config.storage.user_quota_gb,
		.user_files = (uint64_t)s->config.storage.user_quota_files,
	};

	return bfs_quota_share(&all, s->nshards);
}

static bool slot_current(void *arg, uint32_t uid, uint32_t slot, uint32_t gen)
{
	return bfs_arenas_current(arg, uid, slot, gen);
}

static bool slot_making(void *arg, uint32_t uid, uint32_t slot, uint32_t gen)
{
	return bfs_arenas_making(arg, uid, slot, gen);
}

static bool is_null(const struct bfs_server *s)
{
	return s->config.storage.backend == BFS_CONFIG_storage_backend_null;
}

static int open_fs(struct bfs_server *s, bool scratch)
{
	bool journal =
		s->config.metadata.journal == BFS_CONFIG_metadata_journal_lmdb;
	int r;
	struct bfs_fs_conf conf = {
		.data_dir = s->config.node.data_dir,
		/* A daemon that is alone goes on as whoever it was. */
		.cluster = journal && !s->members ? 0 : s->cluster,
		.list_hash = s->list_hash,
		.journal = journal,
		.scratch = scratch,
		.shard = s->shard,
		.nshards = s->nshards,
		.place = s->place,
		/* as in /tmp: all may come, nobody removes another's */
		.root_mode = bfs_client_others(s) ? 01777 : 0755,
		.max_bytes = s->config.storage.max_storage_gb,
		.quota = bfs_daemon_quota(s),
		.layout = configured_layout(s),
		.unplaced =
			s->members && s->config.storage.placement ==
					      BFS_CONFIG_storage_placement_auto,
		.max_copies = (uint32_t)s->config.metadata.directory_copies,
		.incarnation = s->incarnation,
		.pass = s->pass,
		.checksum = s->config.storage.checksum,
		.null = is_null(s),
		.sync_close = s->config.storage.fsync_on_close,
		.slot_alive = bfs_arenas_alive,
		.slot_current = slot_current,
		.slot_making = slot_making,
		.arg = s->arenas,
		.ask_far = s->nshards > 1 ? ask_far : NULL,
		.drop_far = s->nshards > 1 ? drop_far : NULL,
		.arg_far = s,
	};

	memcpy(conf.secret, s->secret, sizeof(conf.secret));
	r = bfs_fs_new(&s->fs, &conf);
	if (r || !journal)
		return r;
	bfs_fs_identity(s->fs, &s->cluster, s->secret);
	return 0;
}

static bool chores(void *arg, uint64_t idle_ns)
{
	struct bfs_server *s = arg;
	bool more = bfs_removals_idle(s->fs->journal, idle_ns);

	if (idle_ns != BFS_LOOP_SLEEPS)
		return bfs_spare_make(s->fs) || more;
	bfs_spare_drop(s->fs);
	return more;
}

/* The rest is there. */
static void attach_journal(struct bfs_server *s, bool scratch)
{
	if (!s->fs->journal)
		return;
	s->journal = s->fs->journal;
	bfs_journal_attach(s->journal, s);
	bfs_loop_at_end(s->loop, bfs_journal_turn, s->journal);
	bfs_loop_chores(s->loop, chores, s);
	if (!scratch)
		bfs_comeback_arenas(s);
	bfs_session_restore(s);
	bfs_tx_log_restore(s);
	bfs_stripe_restore(s);
	s->remembers = true;
}

/* Whoever was a client of our last run, and still lives. */
static void come_back(struct bfs_server *s)
{
	if (!s->journal)
		return;
	bfs_comeback_opens(s);
	bfs_serve_lock_restore(s);
	bfs_session_watch(s, s->daemon->local);
	/* Other nodes' clients are known when we have joined. */
	s->fs->keep_orphans = s->awaits || s->nshards > 1;
	bfs_journal_forget_kept(s->journal);
	on_busy(s);
}

static int make_parts(struct bfs_server *s)
{
	s->daemon = calloc(1, sizeof(*s->daemon));
	s->loop = bfs_loop_new((unsigned)s->config.network.spin_us);
	s->arenas = bfs_arenas_new(s->secret);
	if (!s->daemon || !s->loop || !s->arenas)
		return -ENOMEM;
	s->pass =
		s->config.network.transport != BFS_CONFIG_network_transport_ucx;
	s->daemon->sweep.fn = on_sweep;
	s->daemon->sweep.arg = s;
	s->daemon->calm.fn = on_calm;
	s->daemon->calm.arg = s;
	s->daemon->idle.fn = on_idle;
	s->daemon->idle.arg = s;
	s->busy = on_busy;
	s->peer_new = bfs_cluster_peer_new;
	return 0;
}

/* All members can be reached: clients may come. */
static void on_joined(struct bfs_server *s)
{
	int r;

	bfs_cluster_joined(s);
	r = bfs_port_local_go(s->daemon->local);
	if (!r)
		r = bfs_run_dir_ready(s);
	if (r) {
		s->failed = r;
		s->stop = "cannot begin to serve";
	}
}

static int join(struct bfs_server *s)
{
	bfs_port_local_hold(s->daemon->local);
	bfs_run_dir_up();
	return bfs_join_start(s, on_joined);
}

/* What null storage cannot be together with. */
static int check_null(const struct bfs_server *s)
{
	const char *what =
		s->members ? "several daemons"
		: s->config.metadata.journal != BFS_CONFIG_metadata_journal_none
			? "a journal (metadata.journal=none)"
		: s->config.storage.checksum ? "storage.checksum"
					     : NULL;

	if (!is_null(s) || !what)
		return 0;
	bfs_log(error, "storage.backend=null is not for %s", what);
	return -EINVAL;
}

int bfs_daemon_start(struct bfs_server *s, bool scratch)
{
	int r = allow_users(s);

	raise_limits();
	bfs_daemon_confine();
	bfs_stages = s->config.node.stage_times;
	if (!r)
		r = bfs_join_identify(s);
	if (!r)
		r = check_null(s);
	if (!r)
		r = make_parts(s);
	if (!r)
		r = bfs_run_dir_make(s);
	if (!r)
		r = open_fs(s, scratch);
	if (!r)
		r = bfs_uring_new(s->loop, s->config.storage.use_iouring,
				  &s->uring);
	if (!r)
		r = bfs_slices_new(s);
	if (!r)
		attach_journal(s, scratch);
	if (!r)
		r = bfs_serve_lock_start(s);
	if (!r)
		r = bfs_signals_start(s);
	if (!r)
		r = bfs_port_local_new(s, &s->daemon->local);
	if (!r)
		come_back(s);
	/* Copies and mappings of files are made by calls to daemons. */
	if (!r && s->config.storage.checksum && s->nshards == 1)
		r = bfs_peers_alone(s);
	/* Loading UCX costs milliseconds and megabytes: only if it is used. */
	if (!r && (!s->pass || s->members))
		r = bfs_port_ucx_new(s, s->config.network.eager_threshold,
				     s->nshards > 1 ? &bfs_peer_ucx : NULL,
				     &s->daemon->ucx);
	if (!r)
		r = bfs_run_dir_write_pid(s);
	if (!r && s->members)
		return join(s);
	return r ? r : bfs_run_dir_ready(s);
}

int bfs_daemon_run(struct bfs_server *s)
{
	int r = bfs_loop_run(s->loop, &s->stop);

	bfs_log(info, "stopping: %s", s->stop ? s->stop : "the loop failed");
	return r ? r : s->failed;
}

void bfs_daemon_stop(struct bfs_server *s, bool scratch)
{
	bfs_signals_stop(s);
	bfs_peers_free(s); /* what waits for others ends */
	bfs_tx_stop(s);
	bfs_reclaim_free(s);
	bfs_far_joined(s); /* nobody is told */
	bfs_join_stop(s);
	bfs_syncfs_free(s);
	bfs_slices_free(s);
	bfs_uring_free(s->uring); /* the last answers go out */
	s->uring = NULL;
	if (s->journal)
		bfs_journal_turn(s->journal);
	if (s->journal)
		bfs_comeback_end(s, !s->failed || scratch);
	/* Who goes now because we go may come back. */
	s->journal = NULL;
	if (s->daemon && s->daemon->local) {
		bfs_port_local_free(s->daemon->local);
		bfs_run_dir_clean(s, scratch);
	}
	if (s->daemon && s->daemon->ucx)
		bfs_port_ucx_free(s->daemon->ucx);
	bfs_session_free_all(s);
	if (s->locks)
		bfs_serve_lock_stop(s);
	bfs_copies_free(s);
	bfs_hiddens_free(s);
	bfs_mappers_free(s);
	bfs_special_free(s);
	if (s->fs)
		bfs_fs_free(s->fs);
	if (s->fs && scratch)
		rmdir(s->config.node.data_dir);
	if (s->fs && scratch)
		rmdir(s->run_dir);
	if (s->arenas)
		bfs_arenas_free(s->arenas);
	if (s->loop)
		bfs_loop_free(s->loop);
	free(s->daemon);
	free(s->allowed);
	free(s->node_first);
	free(s->run_dir);
}
