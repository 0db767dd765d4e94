#!/bin/sh
# S1-S4, S7, S8, S10, S11: some order of the calls of several processes
# explains all their results.  The same on a real tmpfs, as a control.
. "${0%/*}/races.sh"

histories() {
	for profile in names dirs tops data append locks; do
		echo "$profile${3:+ ($3)}:"
		"$1" "$races/history" "$profile" "$2" "$T/log" \
			"${ROUNDS:-60}" "${CLIENTS:-5}" "${SEED:-1}" "${3:-short}"
	done
}

on_kernel() {
	rm -rf "$control/$name.$$"
	mkdir "$control/$name.$$"
	timeout -k 10 "$limit" "$@" || fail "the control: $*"
}
control=/dev/shm
if [ "$(stat -f -c %T $control 2>/dev/null)" = tmpfs ] && [ -w $control ]; then
	at_exit='rm -rf "$control/$name.$$"'
	histories on_kernel "$control/$name.$$" kernel
	eval "$at_exit"
fi
histories crew "$dir"
crew "$races/history" names "$dir" "$T/log" 20 5 7 long
