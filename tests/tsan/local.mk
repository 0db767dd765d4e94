# ThreadSanitizer, on the client's threads.
check_PROGRAMS += %D%/planted
%C%_planted_SOURCES = %D%/planted.c
EXTRA_DIST += %D%/tsan.sh

# Built anew, no more than is needed.  TSAN_TESTS run as any test does; without
# UCX's hooks for memory, which take a lock behind the end of a thread, where
# ThreadSanitizer does not know the thread any more.
TSAN_BUILT = %D%/planted \
	tests/system/threads tests/system/together \
	tests/unit/test_rpc tests/unit/test_session
TSAN_TESTS = %D%/tsan.sh tests/unit/test_rpc tests/unit/test_session
.PHONY: check-tsan
check-tsan: distdir
	rm -rf tsan-build && mv $(distdir) tsan-build && chmod -R u+w tsan-build
	cd tsan-build && ./configure -q --enable-sanitizer=thread CFLAGS='-O1 -g'
	cd tsan-build && $(MAKE) $(AM_MAKEFLAGS) all
	cd tsan-build && UCX_MEM_MMAP_HOOK_MODE=none \
		$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(TSAN_TESTS)' \
		check_PROGRAMS='$(TSAN_BUILT)' check_LTLIBRARIES=
	rm -rf tsan-build
