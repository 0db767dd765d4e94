#!/bin/sh
# make lint: format, include direction, shell scripts.
cd "$(dirname "$0")/.." || exit 1
bad=0
git ls-files '*.[ch]' | xargs clang-format --dry-run -Werror || bad=1
for rule in 'core (preload|server|tools)/' 'preload (server|tools)/' \
	'server (preload|tools)/' 'tools (preload|server)/'; do
	dir=${rule%% *} to=${rule#* }
	if grep -rnE "#include \"$to" "$dir"; then
		echo "lint: $dir must not include the above" >&2
		bad=1
	fi
done
if grep -nE '(^|[^_[:alnum:]])v?fork\(\)' tests/unit/*.c; then
	echo "lint: unit tests fork by unit_fork()" >&2
	bad=1
fi
git ls-files '*.sh' bootstrap .ci/run | xargs shellcheck -x -e SC1091 || bad=1
exit $bad
