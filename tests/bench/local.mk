# What is measured by hand.
check_PROGRAMS += %D%/scale
EXTRA_DIST += %D%/scale.sh
