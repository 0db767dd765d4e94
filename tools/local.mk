# tools: the benchfs program.  Depends on core only.
bin_PROGRAMS += benchfs
benchfs_SOURCES = \
	%D%/benchfs.c %D%/tools.h \
	%D%/cluster.c %D%/cluster.h %D%/cluster_status.c \
	%D%/cmd_cluster.c \
	%D%/bench/bare.c %D%/bench/bench.h %D%/bench/conf.c \
	%D%/bench/driver.h %D%/bench/idle.c %D%/bench/json.c \
	%D%/bench/machine.c %D%/bench/measure.c %D%/bench/plot.c \
	%D%/bench/print.c %D%/bench/target.c %D%/bench/targets.def \
	%D%/bench/works.c %D%/bench/works.def \
	%D%/cmd_bench.c \
	%D%/cmd_config.c \
	%D%/cmd_doctor.c \
	%D%/cmd_fsck.c \
	%D%/cmd_layout.c \
	%D%/cmd_node.c \
	%D%/cmd_run.c \
	%D%/cmd_start.c \
	%D%/cmd_status.c \
	%D%/daemon.c \
	%D%/elf.c %D%/elf.h \
	%D%/hosts.c \
	%D%/inspect.c %D%/inspect.h \
	%D%/inspect_libs.c \
	%D%/json.c \
	%D%/launch.c %D%/launch_cmd.c \
	%D%/node.h %D%/node_start.c %D%/node_stop.c \
	%D%/options.c \
	%D%/program.c \
	%D%/report.c \
	%D%/rundir.c \
	%D%/signals.c \
	%D%/stuck.c \
	$(NULL)
benchfs_CPPFLAGS = $(AM_CPPFLAGS) \
	-DBFS_LIBDIR='"$(libdir)"' \
	-DBFS_PKGLIBEXECDIR='"$(pkglibexecdir)"' \
	-DBFS_PKGLIBDIR='"$(pkglibdir)"' \
	-DBFS_SBINDIR='"$(sbindir)"'
benchfs_LDADD = core/libcorecluster.la core/libcoreconf.la core/libcore.la

dist_bashcomp_DATA = %D%/completion/benchfs

# What `benchfs bench` measures with: an ordinary program.
pkglibexec_PROGRAMS += benchfs-worker
benchfs_worker_SOURCES = \
	%D%/bench/worker.c %D%/bench/worker.h \
	%D%/bench/worker_idle.c %D%/bench/worker_io.c \
	%D%/bench/worker_meta.c %D%/bench/worker_start.c \
	%D%/bench/worker_team.c \
	%D%/bench/bench.h %D%/bench/works.c %D%/bench/works.def \
	$(NULL)
benchfs_worker_LDADD = core/libcore.la
