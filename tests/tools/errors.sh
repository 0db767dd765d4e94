#!/bin/sh
# Bad input to benchfs: the exit status, and what the message says.
. "${0%/*}/../system/lib.sh"
XDG_RUNTIME_DIR=$T/x
export XDG_RUNTIME_DIR
mkdir "$XDG_RUNTIME_DIR"
echo 'int main(void) { return 3; }' >"$T/three.c"
: >"$T/file"

benchfs() {
	timeout -k 10 "$limit" "$builddir/run" benchfs "$@"
}

# refuses STATUS TEXT ARGS...: benchfs ARGS ends so, TEXT in its message.
refuses() {
	want=$1 text=$2 rc=0
	shift 2
	benchfs "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	[ $rc = "$want" ] ||
		{ cat "$T/err"; fail "benchfs $*: status $rc, not $want"; }
	grep -qF -e "$text" "$T/err" ||
		{ cat "$T/err"; fail "benchfs $*: does not say \"$text\""; }
	[ -z "$(find "$T/x" -mindepth 1)" ] ||
		fail "benchfs $*: left something behind"
}

config() {
	printf '%b' "$1" >"$T/conf"
}

refuses 64 'usage:'
refuses 64 'no command "ran"' ran
refuses 64 'no program given' run
refuses 64 'no program given' run --
refuses 64 'unknown option "-x"' run -x true
refuses 64 'needs a value' run -d
refuses 64 'expected 1 to 1024' run -n 0 -- true
refuses 64 'expected 1 to 1024' run -n x -- true
refuses 64 'expected 1 to 1024' run -n 2x -- true
refuses 64 'expected 1 to 1024' start -n 1025
refuses 64 'unexpected argument' status now
refuses 127 'No such file' run nosuchprogram
refuses 127 'No such file' run "$T/nosuch"
refuses 127 'No such file' run ''
refuses 126 'Permission denied' run "$T/file"
refuses 126 'Permission denied' run "$T"
refuses 78 'must be a directory or nothing' run -m "$T/file" -- true
refuses 78 'must be a directory or nothing' run -m "$T/file/x" -- true
refuses 64 'absolute path other than /' run -m / -- true
refuses 64 'absolute path other than /' run -m tmp -- true
refuses 64 'absolute path other than /' run -m /a/../b -- true
refuses 64 'absolute path' run -o node.run_dir=relative -- true
refuses 73 'cannot make the data directory' run -d /proc/nosuch -- true
refuses 73 'not a directory' run -d "$T/file" -- true
refuses 73 'not a directory' run --run-dir "$T/file" -- true
refuses 66 'No such file' run -c "$T/nosuch" -- true
refuses 64 'section.key=value' run -o nonsense -- true
refuses 64 'its keys are' run -o storage.nosuch=1 -- true
refuses 64 'sections are' run -o nosuch.key=1 -- true
refuses 64 '64K to 1G' run -o storage.chunk_size=1 -- true
refuses 64 'none, lmdb' run -o metadata.journal=sqlite -- true
refuses 69 'no daemon runs' status
refuses 69 'no daemon runs' stop
refuses 69 'no daemon runs' env

config 'storage: {\n chunks = 1;\n};\n'
refuses 78 "$T/conf:2: unknown key \"chunks\"" run -c "$T/conf" -- true
refuses 78 'chunk_size' config check "$T/conf"
config 'storage: {\n\n chunk_size = "3";\n};\n'
refuses 78 "$T/conf:3:" run -c "$T/conf" -- true
config 'storage: {\n'
refuses 78 'syntax error' run -c "$T/conf" -- true
config 'metadata: { journal = "sqlite"; };\n'
refuses 78 'none, lmdb' run -c "$T/conf" -- true
BENCHFS_TRANSPORT=tcp refuses 78 'auto, ucx' run -- true
BENCHFS_STORAGE_CHUNKSIZE=1 refuses 78 'BENCHFS_STORAGE_CHUNKSIZE' run -- true

# A run directory that is too long for the socket in it.
long=$T/$(printf '%090d' 0)
mkdir "$long"
XDG_RUNTIME_DIR=$long refuses 64 'can have 107' run -- true
[ -z "$(ls -A "$long")" ] || fail "something was made in the long directory"
refuses 64 'can have 107' run --run-dir "$long/x" -- true

# Somebody else's directory, or one that others may look into.
mkdir "$T/loose"
mkdir -m 755 "$T/loose/benchfs-$(id -u)"
XDG_RUNTIME_DIR=$T/loose refuses 73 'mode 0700' run -- true

# What cannot be served is served the warning.
warns() {
	text=$1
	shift
	benchfs run -- "$@" >"$T/out" 2>"$T/err" && rc=0 || rc=$?
	grep -qF "$text" "$T/err" || { cat "$T/err"; fail "$*: no \"$text\""; }
}
if gcc -static -o "$T/static" "$T/three.c" 2>/dev/null; then
	warns 'statically linked' "$T/static"
	[ $rc = 3 ] || fail "a static program: status $rc"
	printf '#!%s\n' "$T/static" >"$T/script"
	chmod +x "$T/script"
	warns "$T/static is statically linked" "$T/script"
fi
if gcc -o "$T/setuid" "$T/three.c" && chown 1 "$T/setuid" 2>/dev/null &&
	chmod 4755 "$T/setuid"; then
	warns 'is setuid' "$T/setuid"
fi
# An ELF header of 32 bits is enough to be one.
printf '\177ELF\001\001\001%057d' 0 >"$T/elf32"
chmod +x "$T/elf32"
warns '32-bit' "$T/elf32"
err=$(benchfs run -- sh -c : 2>&1)
[ -z "$err" ] || fail "a plain run says: $err"
