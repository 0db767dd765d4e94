# Hostile and damaged input.  Each target, NAME.c, is a program of its own that
# changes seeds at random (drive.c), and, in a tree configured with clang and
# --enable-fuzz, one that libFuzzer drives: fuzz-NAME.
FUZZ_LIBS = $(CLUSTER_UNIT_LIBS)
FUZZ_RECORDED = %D%/recorded.c %D%/recorded.h
FUZZ_WORLD = %D%/message.c %D%/message.h %D%/secret.h %D%/world.c %D%/world.h \
	$(FUZZ_RECORDED)
FUZZ_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) \
	-DFUZZ_SEEDS='"$(abs_srcdir)/%D%/seeds"'

FUZZ_TARGETS = decode daemon peer ring text journal

UNIT_FUZZ = %D%/decode %D%/daemon %D%/peer %D%/ring %D%/text %D%/journal
check_PROGRAMS += $(UNIT_FUZZ)
TESTS += $(UNIT_FUZZ)
%C%_decode_SOURCES = %D%/decode.c %D%/drive.c %D%/fuzz.h $(FUZZ_RECORDED)
%C%_decode_CPPFLAGS = $(FUZZ_CPPFLAGS)
%C%_decode_LDADD = $(FUZZ_LIBS)
%C%_daemon_SOURCES = %D%/daemon.c %D%/drive.c $(FUZZ_WORLD)
%C%_daemon_CPPFLAGS = $(FUZZ_CPPFLAGS)
%C%_daemon_LDADD = $(FUZZ_LIBS)
%C%_peer_SOURCES = %D%/peer.c %D%/drive.c $(FUZZ_WORLD)
%C%_peer_CPPFLAGS = $(FUZZ_CPPFLAGS)
%C%_peer_LDADD = $(FUZZ_LIBS)
%C%_ring_SOURCES = %D%/ring.c %D%/drive.c %D%/message.c %D%/message.h $(FUZZ_RECORDED)
%C%_ring_CPPFLAGS = $(FUZZ_CPPFLAGS)
%C%_ring_LDADD = $(FUZZ_LIBS)
TEXT_LIBS = core/libcorecluster.la core/libcoreconf.la $(XXHASH_LIBS)
%C%_text_SOURCES = %D%/text.c %D%/drive.c
%C%_text_LDADD = $(TEXT_LIBS)
JOURNAL_LIBS = tests/unit/libjournalunit.la $(FS_UNIT_LIBS) $(XXHASH_LIBS)
%C%_journal_SOURCES = %D%/journal.c %D%/drive.c %D%/message.c %D%/message.h
%C%_journal_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_journal_LDADD = $(JOURNAL_LIBS)

# Seeds out of the tests, as text.
EXTRA_PROGRAMS += %D%/tidy
%C%_tidy_SOURCES = %D%/tidy.c
%C%_tidy_LDADD = core/libcore.la
EXTRA_DIST += %D%/record.sh %D%/seeds/calls.txt %D%/seeds/peers.txt
.PHONY: record-seeds
record-seeds: all $(check_PROGRAMS) $(check_LTLIBRARIES) %D%/tidy
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/%D%/record.sh \
		$(abs_builddir)/%D%/tidy $(abs_builddir)/tests/faults/benchfsd \
		$(srcdir)/%D%/seeds

if FUZZ
FUZZERS = %D%/fuzz-decode %D%/fuzz-daemon %D%/fuzz-peer %D%/fuzz-ring \
	%D%/fuzz-text %D%/fuzz-journal
EXTRA_PROGRAMS += $(FUZZERS)
endif
%C%_fuzz_decode_SOURCES = %D%/decode.c %D%/libfuzzer.c $(FUZZ_RECORDED)
%C%_fuzz_decode_CPPFLAGS = $(FUZZ_CPPFLAGS)
%C%_fuzz_decode_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
%C%_fuzz_decode_LDADD = $(FUZZ_LIBS)
%C%_fuzz_daemon_SOURCES = %D%/daemon.c %D%/libfuzzer.c $(FUZZ_WORLD)
%C%_fuzz_daemon_CPPFLAGS = $(FUZZ_CPPFLAGS)
%C%_fuzz_daemon_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
%C%_fuzz_daemon_LDADD = $(FUZZ_LIBS)
%C%_fuzz_peer_SOURCES = %D%/peer.c %D%/libfuzzer.c $(FUZZ_WORLD)
%C%_fuzz_peer_CPPFLAGS = $(FUZZ_CPPFLAGS)
%C%_fuzz_peer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
%C%_fuzz_peer_LDADD = $(FUZZ_LIBS)
%C%_fuzz_ring_SOURCES = %D%/ring.c %D%/libfuzzer.c %D%/message.c %D%/message.h \
	$(FUZZ_RECORDED)
%C%_fuzz_ring_CPPFLAGS = $(FUZZ_CPPFLAGS)
%C%_fuzz_ring_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
%C%_fuzz_ring_LDADD = $(FUZZ_LIBS)
%C%_fuzz_text_SOURCES = %D%/text.c %D%/libfuzzer.c
%C%_fuzz_text_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
%C%_fuzz_text_LDADD = $(TEXT_LIBS)
%C%_fuzz_journal_SOURCES = %D%/journal.c %D%/libfuzzer.c %D%/message.c %D%/message.h
%C%_fuzz_journal_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_fuzz_journal_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
%C%_fuzz_journal_LDADD = $(JOURNAL_LIBS)

# SECONDS=30 for each target, or RUNS=1000000.  In a tree that is not
# configured for it, in one that is made for it.
EXTRA_DIST += %D%/run.sh
.PHONY: check-fuzz
if FUZZ
check-fuzz: $(UNIT_FUZZ) $(FUZZERS)
	builddir='$(abs_builddir)' FUZZ_SECONDS='$(SECONDS)' \
		$(SHELL) $(srcdir)/%D%/run.sh $(FUZZ_TARGETS)
else
check-fuzz: distdir
	rm -rf fuzz-build && mv $(distdir) fuzz-build && chmod -R u+w fuzz-build
	cd fuzz-build && ./configure --enable-fuzz CC=clang CFLAGS='-O1 -g'
	cd fuzz-build && $(MAKE) $(AM_MAKEFLAGS) check-fuzz
	rm -rf fuzz-build
endif
