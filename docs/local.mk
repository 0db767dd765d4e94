# docs: the manual, from POD; its lists come from config.def and stats.def.
noinst_PROGRAMS += %D%/gen
%C%_gen_SOURCES = %D%/gen.c
%C%_gen_LDADD = core/libcoreconf.la core/libcore.la

man_MANS = %D%/benchfs.1 %D%/benchfs.conf.5 %D%/benchfsd.8
EXTRA_DIST += %D%/benchfs.1.pod %D%/benchfs.conf.5.pod %D%/benchfsd.8.pod
CLEANFILES += $(man_MANS)

POD2MAN_FLAGS = --release='BenchFS $(PACKAGE_VERSION)' --center='BenchFS' --errors=die --utf8
SUFFIXES = .1.pod .5.pod .8.pod .1 .5 .8
.1.pod.1:
	$(bfs_man_recipe)
.5.pod.5:
	$(bfs_man_recipe)
.8.pod.8:
	$(bfs_man_recipe)
bfs_man_recipe = $(AM_V_GEN)$(MKDIR_P) %D% && %D%/gen <$< >$@.pod.tmp && \
	page=`basename $@` && \
	$(POD2MAN) $(POD2MAN_FLAGS) --name="$${page%.*}" --section="$${page\#\#*.}" $@.pod.tmp $@ && \
	rm -f $@.pod.tmp
$(man_MANS): %D%/gen$(EXEEXT)

EXTRA_DIST += %D%/scaling.md \
	%D%/reliability.md %D%/design/ARCHITECTURE.md %D%/design/CLUSTER.md %D%/design/NUMBERS.md %D%/design/PITFALLS.md \
	%D%/design/RULES.md %D%/design/SEMANTICS.md %D%/design/STYLE.md
EXTRA_DIST += %D%/performance.md
EXTRA_DIST += %D%/plots/io.svg %D%/plots/meta.svg %D%/plots/net.svg %D%/plots/start.svg
