# server: the daemon.  Depends on core only.
noinst_LTLIBRARIES += %D%/libserver.la
%C%_libserver_la_SOURCES = \
	%D%/admit.c %D%/answer.c %D%/answer.h \
	%D%/arena.c %D%/arena.h %D%/arena_impl.h \
	%D%/arena_alive.c %D%/arena_sweep.c \
	%D%/bind.c %D%/bind.h \
	%D%/confine.c \
	%D%/client.c %D%/client_cred.c %D%/client_rings.c %D%/client_rings.h %D%/client_wakes.c %D%/client_wakes.h \
	%D%/client.h \
	%D%/dispatch.c %D%/serve.h %D%/server.h \
	%D%/join.c %D%/join.h \
	%D%/lock.c %D%/lock.h %D%/lock_range.c %D%/lock_range.h \
	%D%/loop.c %D%/loop.h \
	%D%/cores.c %D%/cores.h \
	%D%/fiber.c %D%/fiber.h \
	%D%/holder.c %D%/holder.h %D%/comeback.c %D%/comeback.h \
	%D%/parked.c \
	%D%/peer.c %D%/peer.h %D%/peer_hello.c %D%/peer_impl.h \
	%D%/peer_link.c %D%/peer_self.c %D%/peer_stub.c \
	%D%/peer_probe.c %D%/peer_probe.h \
	%D%/peer_ucx.c %D%/peer_ucx.h %D%/peer_ucx_reply.c \
	%D%/peer_ucx_buffer.c \
	%D%/peer_where.c %D%/peer_where.h \
	%D%/daemon.c %D%/daemon.h %D%/run_dir.c %D%/signals.c \
	%D%/port_local.c %D%/port_local.h \
	%D%/port_ucx.c %D%/port_ucx.h \
	%D%/process.c %D%/process.h \
	%D%/registrar.c %D%/registrar.h \
	%D%/serve_lock.c %D%/serve_lock.h %D%/serve_session.c \
	%D%/session.c %D%/session.h %D%/session_log.c \
	%D%/ucx_call.c %D%/ucx_impl.h \
	%D%/ucx_reply.c %D%/ucx_request.c %D%/ucx_peer.c %D%/ucx_ports.c %D%/ucx_probe.c \
	%D%/ucx_left.c %D%/ucx_left.h \
	%D%/syncfs.c %D%/syncfs.h %D%/uring.c %D%/uring.h \
	$(NULL)
%C%_libserver_la_CPPFLAGS = $(AM_CPPFLAGS) $(UCX_CFLAGS) $(LIBURING_CFLAGS) $(LMDB_CFLAGS)
%C%_libserver_la_LIBADD = core/libcoreucx.la core/libcorecluster.la core/libcore.la \
	$(UCX_LIBS) $(LIBURING_LIBS) $(LMDB_LIBS)
# The file system.
%C%_libserver_la_SOURCES += \
	%D%/append.c %D%/append.h %D%/slice.c %D%/slice.h \
	%D%/calm.c %D%/calm.h \
	%D%/copy.c %D%/copy.h \
	%D%/hidden.c %D%/hidden.h %D%/hidden_data.c %D%/hidden_first.c %D%/hidden_impl.h \
	%D%/special.c %D%/special.h \
	%D%/mappers.c %D%/mappers.h \
	%D%/fetch.c %D%/fetch.h %D%/turn.c %D%/turn.h \
	%D%/data.c %D%/data.h %D%/datafd.c %D%/hand_out.c %D%/opening.h \
	%D%/btree.c %D%/btree.h %D%/dir.c %D%/dir.h \
	%D%/checkpoint.c %D%/checkpoint.h \
	%D%/frame.c %D%/frame.h \
	%D%/fs.c %D%/fs.h %D%/hash.h \
	%D%/fsck.c %D%/fsck.def %D%/fsck.h %D%/fsck_impl.h \
	%D%/fsck_data.c %D%/fsck_dirs.c %D%/fsck_inodes.c %D%/fsck_load.c \
	%D%/fsck_mend.c %D%/fsck_names.c %D%/fsck_tell.c \
	%D%/identity.c \
	%D%/inode.c %D%/inode.h %D%/itable.c %D%/itable.h \
	%D%/layout_attr.c %D%/layout_attr.h \
	%D%/serve_layout.c %D%/serve_layout.h \
	%D%/direct.c %D%/direct.h %D%/serve_direct.c \
	%D%/making.c %D%/making.h \
	%D%/jlog.c %D%/jlog.h %D%/jlog_impl.h %D%/jlog_read.c \
	%D%/journal.c %D%/journal.def %D%/journal.h \
	%D%/journal_load.c %D%/journal_room.c %D%/journal_sync.c \
	%D%/removals.c \
	%D%/spare.c %D%/spare.h \
	%D%/journal_turn.c %D%/journal_turn.h \
	%D%/kept.c \
	%D%/later.c %D%/later.h \
	%D%/map.c %D%/map.h \
	%D%/node.c %D%/node.h \
	%D%/orphan.c \
	%D%/perm.c %D%/perm.h \
	%D%/quota.c %D%/quota.h \
	%D%/record.c %D%/record.h \
	%D%/serve_attr.c \
	%D%/serve_data.c \
	%D%/serve_fsync.c \
	%D%/serve_datafd.c %D%/serve_map.c \
	%D%/serve_dir.c \
	%D%/serve_name.c \
	%D%/serve_open.c \
	%D%/serve_rename.c \
	%D%/serve_setattr.c \
	%D%/serve_space.c \
	%D%/serve_xattr.c \
	%D%/space.c \
	%D%/sum_file.c %D%/sum_file.h \
	%D%/scrub.c %D%/scrub.h \
	%D%/sums.c %D%/sums.h %D%/sums_change.c %D%/sums_impl.h \
	%D%/sums_tell.c \
	%D%/stage.c %D%/stage.h \
	%D%/null.c %D%/null.h %D%/store.c %D%/store.h \
	%D%/sync.c %D%/sync.h \
	%D%/walk.c %D%/walk.h \
	%D%/xattr.c %D%/xattr.h \
	$(NULL)

# One file system over many daemons.
%C%_libserver_la_SOURCES += \
	%D%/change.c %D%/change.h \
	%D%/copies.c %D%/copies.h \
	%D%/climb.c %D%/climb.h \
	%D%/cluster.c %D%/cluster.h \
	%D%/fanout.c %D%/fanout.h \
	%D%/deadlock.c %D%/deadlock.h \
	%D%/far.c %D%/far_owner.c %D%/far.h \
	%D%/forward.c %D%/route.c %D%/route.h \
	%D%/found.c %D%/found.h \
	%D%/hint.c %D%/hint.h \
	%D%/outcome.c %D%/outcome.h \
	%D%/hold.c %D%/hold.h \
	%D%/home.c %D%/home.h \
	%D%/naming.h %D%/renaming.h %D%/serve_moving.c \
	%D%/passing.c %D%/passing.h \
	%D%/readdir.c %D%/readdir.h \
	%D%/reclaim.c %D%/reclaim.h \
	%D%/serve_part.c \
	%D%/serve_tx.c %D%/tx.c %D%/tx.h %D%/txp.c %D%/txp.h %D%/tx_log.c %D%/tx_log.h \
	%D%/settle.c %D%/settle.h %D%/settle_impl.h %D%/settle_round.c \
	%D%/sync_shards.c \
	%D%/shared.c %D%/shared.h %D%/shards.c %D%/shards.h \
	%D%/statfs.c %D%/statfs.h \
	%D%/chunks.c %D%/chunks.h %D%/pieces.c %D%/serve_chunk.c %D%/serve_chunk_space.c %D%/serve_stripe.c \
	%D%/stripe.h %D%/stripe_home.c %D%/stripe_home.h \
	%D%/stripe_cut.c %D%/stripe_dirty.c %D%/stripe_drop.c \
	%D%/stripe_known.c %D%/stripe_look.c \
	%D%/stripe_space.c %D%/stripe_space.h \
	%D%/stripe_plan.c %D%/stripe_plan.h \
	%D%/stripe_read.c %D%/stripe_send.c %D%/stripe_finish.c \
	%D%/stripe_size.c %D%/stripe_write.c \
	$(NULL)

sbin_PROGRAMS += benchfsd
benchfsd_SOURCES = %D%/main.c
benchfsd_LDADD = %D%/libserver.la core/libcoreconf.la $(XXHASH_LIBS)

# Many daemons in one process, for tests.
check_LTLIBRARIES += %D%/libpeerloop.la
%C%_libpeerloop_la_SOURCES = %D%/peer_loop.c %D%/peer_loop.h
