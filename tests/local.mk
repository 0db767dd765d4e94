TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = srcdir='$(abs_srcdir)'; builddir='$(abs_builddir)'; export srcdir builddir;
LOG_COMPILER = $(SHELL) $(srcdir)/tests/run-unit.sh

# The longest first: two minutes, where root and the network allow.
TESTS += %D%/system/bootstrap-bare.sh
EXTRA_DIST += %D%/system/bootstrap-bare.sh

# Unit tests: one per module, tests/unit/test_<module>.c
UNIT_TESTS += %D%/unit/test_wire
%C%_unit_test_wire_SOURCES = %D%/unit/test_wire.c
%C%_unit_test_wire_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_wire_LDADD = core/libcore.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_patience
%C%_unit_test_patience_SOURCES = %D%/unit/test_patience.c
%C%_unit_test_patience_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_patience_LDADD = $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_cores
%C%_unit_test_cores_SOURCES = %D%/unit/test_cores.c
%C%_unit_test_cores_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_cores_LDADD = server/libserver.la core/libcore.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_ring
%C%_unit_test_ring_SOURCES = %D%/unit/test_ring.c
%C%_unit_test_ring_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_ring_CFLAGS = $(AM_CFLAGS) -pthread
%C%_unit_test_ring_LDADD = $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_members
%C%_unit_test_members_SOURCES = %D%/unit/test_members.c
%C%_unit_test_members_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_members_LDADD = core/libcorecluster.la core/libcoreconf.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_members_hosts
%C%_unit_test_members_hosts_SOURCES = %D%/unit/test_members_hosts.c
%C%_unit_test_members_hosts_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_members_hosts_LDADD = server/libserver.la core/libcorecluster.la core/libcoreconf.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_place
%C%_unit_test_place_SOURCES = %D%/unit/test_place.c
%C%_unit_test_place_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_place_LDADD = core/libcorecluster.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_unit_fork
%C%_unit_test_unit_fork_SOURCES = %D%/unit/test_unit_fork.c
%C%_unit_test_unit_fork_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_unit_fork_LDADD = $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_config
%C%_unit_test_config_SOURCES = %D%/unit/test_config.c
%C%_unit_test_config_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_config_LDADD = core/libcoreconf.la $(CMOCKA_LIBS)

# The file system: what the tests share, and one program per aspect.
check_LTLIBRARIES += %D%/unit/libfsunit.la
%C%_unit_libfsunit_la_SOURCES = %D%/unit/fs_unit.c %D%/unit/fs_unit.h
%C%_unit_libfsunit_la_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
FS_UNIT_LIBS = %D%/unit/libfsunit.la server/libserver.la core/libcore.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_fs_basic
%C%_unit_test_fs_basic_SOURCES = %D%/unit/test_fs_basic.c
%C%_unit_test_fs_basic_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_fs_basic_LDADD = $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_self_open
%C%_unit_test_self_open_SOURCES = %D%/unit/test_self_open.c
%C%_unit_test_self_open_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_self_open_LDADD = $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_calm
%C%_unit_test_calm_SOURCES = %D%/unit/test_calm.c
%C%_unit_test_calm_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_calm_LDADD = $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_btree
%C%_unit_test_btree_SOURCES = %D%/unit/test_btree.c
%C%_unit_test_btree_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_btree_LDADD = server/libserver.la core/libcore.la $(CMOCKA_LIBS)
UNIT_TESTS += %D%/unit/test_itable
%C%_unit_test_itable_SOURCES = %D%/unit/test_itable.c
%C%_unit_test_itable_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_itable_LDADD = server/libserver.la core/libcore.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_fs_chaos
%C%_unit_test_fs_chaos_SOURCES = %D%/unit/test_fs_chaos.c
%C%_unit_test_fs_chaos_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_fs_chaos_LDADD = $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_fs_data
%C%_unit_test_fs_data_SOURCES = %D%/unit/test_fs_data.c
%C%_unit_test_fs_data_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_fs_data_LDADD = $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_fs_walk
%C%_unit_test_fs_walk_SOURCES = %D%/unit/test_fs_walk.c
%C%_unit_test_fs_walk_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_fs_walk_LDADD = $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_fs_xattr
%C%_unit_test_fs_xattr_SOURCES = %D%/unit/test_fs_xattr.c
%C%_unit_test_fs_xattr_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_fs_xattr_LDADD = $(FS_UNIT_LIBS)
UNIT_TESTS += %D%/unit/test_proto
%C%_unit_test_proto_SOURCES = %D%/unit/test_proto.c
%C%_unit_test_proto_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_proto_LDADD = core/libcore.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_lock
%C%_unit_test_lock_SOURCES = %D%/unit/test_lock.c
%C%_unit_test_lock_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_lock_LDADD = server/libserver.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_lock_model
%C%_unit_test_lock_model_SOURCES = %D%/unit/test_lock_model.c
%C%_unit_test_lock_model_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_lock_model_LDADD = server/libserver.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_arena
%C%_unit_test_arena_SOURCES = %D%/unit/test_arena.c
%C%_unit_test_arena_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_arena_CFLAGS = $(AM_CFLAGS) -pthread
%C%_unit_test_arena_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=mmap
%C%_unit_test_arena_LDADD = server/libserver.la core/libcore.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_process
%C%_unit_test_process_SOURCES = %D%/unit/test_process.c
%C%_unit_test_process_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_process_LDADD = server/libserver.la core/libcore.la $(CMOCKA_LIBS)

check_LTLIBRARIES += %D%/unit/libjournalunit.la
%C%_unit_libjournalunit_la_SOURCES = %D%/unit/journal_unit.c %D%/unit/journal_unit.h
%C%_unit_libjournalunit_la_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

UNIT_TESTS += %D%/unit/test_spare
%C%_unit_test_spare_SOURCES = %D%/unit/test_spare.c
%C%_unit_test_spare_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_spare_LDADD = %D%/unit/libjournalunit.la $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_journal
%C%_unit_test_journal_SOURCES = %D%/unit/test_journal.c
%C%_unit_test_journal_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_journal_LDADD = %D%/unit/libjournalunit.la $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_journal_model
%C%_unit_test_journal_model_SOURCES = %D%/unit/test_journal_model.c
%C%_unit_test_journal_model_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_journal_model_LDADD = %D%/unit/libjournalunit.la $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_layout
%C%_unit_test_layout_SOURCES = %D%/unit/test_layout.c
%C%_unit_test_layout_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_layout_LDADD = %D%/unit/libjournalunit.la $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_fs_store
%C%_unit_test_fs_store_SOURCES = %D%/unit/test_fs_store.c
%C%_unit_test_fs_store_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_fs_store_LDADD = $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_fs_dir
%C%_unit_test_fs_dir_SOURCES = %D%/unit/test_fs_dir.c
%C%_unit_test_fs_dir_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_fs_dir_LDADD = $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_fs_kernel
%C%_unit_test_fs_kernel_SOURCES = %D%/unit/test_fs_kernel.c
%C%_unit_test_fs_kernel_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_fs_kernel_LDADD = $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_ucx
%C%_unit_test_ucx_SOURCES = %D%/unit/test_ucx.c \
	%D%/unit/ucx_unit.c %D%/unit/ucx_unit.h
%C%_unit_test_ucx_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(UCX_CFLAGS)
%C%_unit_test_ucx_LDADD = server/libserver.la core/libcore.la $(CMOCKA_LIBS)

# Our ftw and fts against libc's, outside the preload library.
UNIT_TESTS += %D%/unit/test_tree_walk
%C%_unit_test_tree_walk_SOURCES = %D%/unit/test_tree_walk.c \
	preload/dirlist.c preload/fts_tree.c preload/ops_fts.c preload/ops_ftw.c
%C%_unit_test_tree_walk_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_tree_walk_LDADD = $(CMOCKA_LIBS)
UNIT_TESTS += %D%/unit/test_ucx_left
%C%_unit_test_ucx_left_SOURCES = %D%/unit/test_ucx_left.c
%C%_unit_test_ucx_left_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_ucx_left_LDADD = server/libserver.la core/libcore.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_uring
%C%_unit_test_uring_SOURCES = %D%/unit/test_uring.c
%C%_unit_test_uring_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_uring_LDADD = server/libserver.la core/libcore.la $(CMOCKA_LIBS)
# Client and daemon over the loop transport, with handlers that only count.
check_LTLIBRARIES += %D%/unit/libfakefs.la
%C%_unit_libfakefs_la_SOURCES = %D%/unit/fake_fs.c %D%/unit/fake_fs.h
%C%_unit_libfakefs_la_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
check_LTLIBRARIES += %D%/unit/libloopport.la
%C%_unit_libloopport_la_SOURCES = %D%/unit/loop_port.c %D%/unit/loop_port.h
%C%_unit_libloopport_la_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
LOOP_LIBS = %D%/unit/libloopport.la server/libserver.la core/libcoreloop.la core/libcore.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_rpc
%C%_unit_test_rpc_SOURCES = %D%/unit/test_rpc.c
%C%_unit_test_rpc_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_rpc_LDADD = %D%/unit/libfakefs.la $(LOOP_LIBS)

UNIT_TESTS += %D%/unit/test_direct
%C%_unit_test_direct_SOURCES = %D%/unit/test_direct.c
%C%_unit_test_direct_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_direct_LDADD = %D%/unit/libfakefs.la $(LOOP_LIBS)

UNIT_TESTS += %D%/unit/test_session
%C%_unit_test_session_SOURCES = %D%/unit/test_session.c
%C%_unit_test_session_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_session_LDADD = %D%/unit/libfakefs.la $(LOOP_LIBS)

UNIT_TESTS += %D%/unit/test_rpc_fs
%C%_unit_test_rpc_fs_SOURCES = %D%/unit/test_rpc_fs.c
%C%_unit_test_rpc_fs_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_rpc_fs_LDADD = $(FS_UNIT_LIBS) $(LOOP_LIBS)

# Daemons that call each other.
UNIT_TESTS += %D%/unit/test_fiber
%C%_unit_test_fiber_SOURCES = %D%/unit/test_fiber.c
%C%_unit_test_fiber_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_fiber_LDADD = server/libserver.la core/libcore.la $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_peer
%C%_unit_test_peer_SOURCES = %D%/unit/test_peer.c
%C%_unit_test_peer_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_peer_LDADD = %D%/unit/libfakefs.la server/libpeerloop.la $(LOOP_LIBS)

UNIT_TESTS += %D%/unit/test_peer_chaos
%C%_unit_test_peer_chaos_SOURCES = %D%/unit/test_peer_chaos.c
%C%_unit_test_peer_chaos_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_peer_chaos_LDADD = %D%/unit/libfakefs.la server/libpeerloop.la $(LOOP_LIBS)

UNIT_TESTS += %D%/unit/test_peer_ucx
%C%_unit_test_peer_ucx_SOURCES = %D%/unit/test_peer_ucx.c
%C%_unit_test_peer_ucx_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_peer_ucx_LDADD = %D%/unit/libfakefs.la server/libserver.la core/libcore.la $(CMOCKA_LIBS)
# One file system over several daemons.
check_LTLIBRARIES += %D%/unit/libclusterunit.la
%C%_unit_libclusterunit_la_SOURCES = \
	%D%/unit/cluster_unit.c %D%/unit/cluster_unit.h
%C%_unit_libclusterunit_la_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
CLUSTER_UNIT_LIBS = %D%/unit/libclusterunit.la server/libpeerloop.la \
	server/libserver.la core/libcoreloop.la core/libcorecluster.la \
	core/libcore.la $(XXHASH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_cluster
%C%_unit_test_cluster_SOURCES = %D%/unit/test_cluster.c
%C%_unit_test_cluster_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_cluster_LDADD = $(CLUSTER_UNIT_LIBS)

# What is not synced is lost: the calls that sync are looked at.
UNIT_TESTS += %D%/unit/test_power
%C%_unit_test_power_SOURCES = \
	%D%/unit/test_power.c %D%/unit/power.c %D%/unit/power.h
%C%_unit_test_power_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_power_LDFLAGS = -Wl,--wrap=fsync,--wrap=fdatasync
%C%_unit_test_power_LDADD = $(CLUSTER_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_fair
%C%_unit_test_fair_SOURCES = %D%/unit/test_fair.c \
	%D%/unit/ring_unit.c %D%/unit/ring_unit.h
%C%_unit_test_fair_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_fair_LDADD = $(CLUSTER_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_slice
%C%_unit_test_slice_SOURCES = %D%/unit/test_slice.c \
	%D%/unit/ring_unit.c %D%/unit/ring_unit.h
%C%_unit_test_slice_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_slice_LDADD = $(CLUSTER_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_sums
%C%_unit_test_sums_SOURCES = %D%/unit/test_sums.c
%C%_unit_test_sums_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_sums_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=bfs_boot_id
%C%_unit_test_sums_LDADD = %D%/unit/libjournalunit.la $(FS_UNIT_LIBS) $(XXHASH_LIBS)

UNIT_TESTS += %D%/unit/test_stripe
%C%_unit_test_stripe_SOURCES = %D%/unit/test_stripe.c
%C%_unit_test_stripe_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_stripe_LDADD = $(CLUSTER_UNIT_LIBS)

# Messages for each call, and how evenly files lie: docs/scaling.md.
check_PROGRAMS += %D%/bench/simulate
%C%_bench_simulate_SOURCES = %D%/bench/simulate.c
%C%_bench_simulate_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_bench_simulate_LDADD = $(CLUSTER_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_copies
%C%_unit_test_copies_SOURCES = %D%/unit/test_copies.c
%C%_unit_test_copies_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_copies_LDADD = $(CLUSTER_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_cluster_races
%C%_unit_test_cluster_races_SOURCES = %D%/unit/test_cluster_races.c
%C%_unit_test_cluster_races_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_cluster_races_LDADD = $(CLUSTER_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_cluster_local
%C%_unit_test_cluster_local_SOURCES = %D%/unit/test_cluster_local.c
%C%_unit_test_cluster_local_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_cluster_local_LDADD = $(CLUSTER_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_cluster_locks
%C%_unit_test_cluster_locks_SOURCES = %D%/unit/test_cluster_locks.c
%C%_unit_test_cluster_locks_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_cluster_locks_LDADD = $(CLUSTER_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_local_hello
%C%_unit_test_local_hello_SOURCES = %D%/unit/test_local_hello.c
%C%_unit_test_local_hello_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_local_hello_LDADD = %D%/unit/libjournalunit.la $(FS_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_hostile
%C%_unit_test_hostile_SOURCES = %D%/unit/test_hostile.c
%C%_unit_test_hostile_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_hostile_LDADD = $(CLUSTER_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_spawn_actions
%C%_unit_test_spawn_actions_SOURCES = %D%/unit/test_spawn_actions.c
%C%_unit_test_spawn_actions_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_spawn_actions_LDADD = $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_script
%C%_unit_test_script_SOURCES = %D%/unit/test_script.c preload/script.c
%C%_unit_test_script_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_script_LDADD = $(CMOCKA_LIBS)

UNIT_TESTS += %D%/unit/test_ld_path
%C%_unit_test_ld_path_SOURCES = %D%/unit/test_ld_path.c preload/ld_path.c core/elf_scan.c
%C%_unit_test_ld_path_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_ld_path_LDADD = $(CMOCKA_LIBS)

# Messages that are lost.
UNIT_TESTS += %D%/unit/test_kills
%C%_unit_test_kills_SOURCES = %D%/unit/test_kills.c
%C%_unit_test_kills_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_kills_LDADD = $(CLUSTER_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_lost_peers
%C%_unit_test_lost_peers_SOURCES = %D%/unit/test_lost_peers.c
%C%_unit_test_lost_peers_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_lost_peers_LDADD = $(CLUSTER_UNIT_LIBS)

UNIT_TESTS += %D%/unit/test_lost_replies
%C%_unit_test_lost_replies_SOURCES = %D%/unit/test_lost_replies.c
%C%_unit_test_lost_replies_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_lost_replies_LDADD = %D%/unit/libjournalunit.la \
	$(FS_UNIT_LIBS) $(LOOP_LIBS)

include tests/sequences/local.mk
include tests/faults/local.mk
include tests/fsck/local.mk
include tests/overload/local.mk
include tests/power/local.mk

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

include tests/system/local.mk
include tests/hooks/local.mk
include tests/tools/local.mk
include tests/model/local.mk
include tests/cluster/local.mk
include tests/races/local.mk
include tests/bench/local.mk
include tests/fuzz/local.mk
include tests/tsan/local.mk

# On three daemons.  Left out:
#   start a daemon of their own, so that nothing would be different (several
#   are killed and started again in tests/tools/cluster.sh and tests/cluster)
ONE_DAEMON_TESTS = \
	%D%/system/come-back.sh \
	%D%/system/daemon.sh \
	%D%/system/kill-daemon.sh \
	%D%/system/restart.sh \
	%D%/system/tools.sh
#   ask nothing of a daemon, or only of those that they kill: make check-crash
ONE_DAEMON_TESTS += \
	%D%/system/needed.sh \
	%D%/system/symbols.sh \
	%D%/races/crash-history.sh \
	%D%/races/crash-points.sh \
	%D%/races/crash-tampered.sh \
	%D%/races/crash.sh \
	%D%/races/faults.sh \
	%D%/races/planted.sh
#   take longer than 20 s
ONE_DAEMON_TESTS += \
	%D%/races/cycles.sh \
	%D%/races/history.sh \
	%D%/races/swap.sh
THREE_TESTS = $(SYSTEM_TESTS) $(RACES) %D%/model/model.sh
.PHONY: check-3 check-3-striped
check-3: $(check_PROGRAMS)
	BENCHFS_TEST_DAEMONS=3 SEED=$${SEED:-5} $(MAKE) $(AM_MAKEFLAGS) check \
		TESTS='$(filter-out $(ONE_DAEMON_TESTS),$(THREE_TESTS))'
check-3-striped:
	BENCHFS_STORAGE_PLACEMENT=stripe BENCHFS_STORAGE_CHUNK_SIZE=64K \
		$(MAKE) $(AM_MAKEFLAGS) check-3

# Does docs/conformance.md name tests that there are?
TESTS += %D%/conformance.sh
EXTRA_DIST += %D%/conformance.sh docs/conformance.md

# The public suite, which lies built in PJDFSTEST.
.PHONY: check-pjdfstest
check-pjdfstest: all
	PJDFSTEST='$(PJDFSTEST)' srcdir='$(abs_srcdir)' builddir='$(abs_builddir)' \
		$(SHELL) $(srcdir)/%D%/pjdfstest.sh
EXTRA_DIST += %D%/pjdfstest.sh %D%/pjdfstest.expected

# Tests of the Linux Test Project, which is installed in LTP.
.PHONY: check-ltp
check-ltp: all
	LTP='$(LTP)' srcdir='$(abs_srcdir)' builddir='$(abs_builddir)' \
		$(SHELL) $(srcdir)/%D%/ltp.sh
EXTRA_DIST += %D%/ltp.sh %D%/ltp.list %D%/ltp.expected
# What the journal costs: sh tests/bench/journal.sh
EXTRA_PROGRAMS += %D%/bench/many
%C%_bench_many_SOURCES = %D%/bench/many.c
%C%_bench_many_LDADD =
EXTRA_DIST += %D%/bench/journal.sh %D%/run-unit.sh %D%/lint.sh %D%/unit/unit.h %D%/bench/startup.sh %D%/bench/syscalls.sh
