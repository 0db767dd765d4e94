#!/bin/sh
# ./bootstrap on a bare Debian 12, in a fresh debootstrap tree.  Two minutes.
. "${0%/*}/lib.sh"
requires debootstrap
requires_root

# Where this machine gets its packages from, the new tree can as well.
mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' \
	'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1)
[ -n "$mirror" ] || mirror=$(sed -n 's/^URIs: *\([^ ]*debian\)$/\1/p' \
	/etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
[ -n "$mirror" ] || skip "no Debian 12 package source is configured here"

root=$T/root
at_exit='umount -l "$root/proc" 2>/dev/null || :'
# debootstrap keeps what it cannot verify out; other failures are the machine's.
TMPDIR=/tmp debootstrap --variant=minbase bookworm "$root" "$mirror" \
	>"$T/log" 2>&1 || { tail -n 5 "$T/log"; skip "debootstrap cannot"; }
mount -t proc proc "$root/proc" || skip "cannot mount /proc in the tree"
# As this machine reaches its mirror: resolver, proxy, clock.
cp /etc/resolv.conf "$root/etc/resolv.conf"
for conf in /etc/apt/apt.conf.d/*; do
	! grep -qE '^ *Acquire::(http|https|Check)' "$conf" ||
		cp "$conf" "$root/etc/apt/apt.conf.d/"
done

mkdir "$root/src"
# An unpacked tarball may lie in a git tree without being of it.
top=$(git -C "$srcdir" rev-parse --show-toplevel 2>/dev/null || :)
if [ "$top" = "$(cd "$srcdir" && pwd -P)" ]; then
	(cd "$srcdir" && git ls-files -z | tar -c --null -T - -f -)
else
	tar -C "$srcdir" -c --exclude='*.o' --exclude='*.lo' \
		--exclude=./config.status --exclude=./Makefile \
		--exclude=./_build --exclude=./_inst -f - .
fi | tar -C "$root/src" -xf -

in_root() {
	chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
in_root apt-get update -qq >/dev/null 2>&1 || skip "no packages for the tree"
rc=0
in_root /src/bootstrap >"$T/log" 2>&1 || rc=$?
[ $rc -eq 0 ] || { tail -n 40 "$T/log"; fail "./bootstrap: $rc"; }
in_root /src/benchfs --version | grep -q '^benchfs ' || fail "no benchfs"
in_root /src/run benchfs run -- sh -c 'cp -r /etc/default /benchfs/ &&
	diff -r /etc/default /benchfs/default' || fail "benchfs run: $?"
[ ! -e "$root/benchfs" ] || fail "something went to the real /benchfs"

# Whoever may not install is told what to install.
in_root apt-get remove -qq -y uthash-dev >/dev/null 2>&1
in_root su nobody -s /bin/sh -c /src/bootstrap >"$T/out" 2>&1 && rc=0 || rc=$?
[ "$rc" = 1 ] || fail "without rights: status $rc"
grep -q 'apt-get install .*uthash-dev' "$T/out" ||
	{ cat "$T/out"; fail "without rights: no line to run"; }
