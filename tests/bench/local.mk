# What is measured by hand.
check_PROGRAMS += %D%/scale
EXTRA_DIST += %D%/scale.sh

# The table of docs/scaling.md: about 8 minutes on a quiet machine.
bench-scale: all %D%/scale
	builddir=$(abs_builddir) $(SHELL) $(srcdir)/%D%/scale.sh 1 16 64
.PHONY: bench-scale
