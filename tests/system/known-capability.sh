#!/bin/sh
# Not kept yet (S9): capabilities that an ordinary user's process has do not
# count.
. "${0%/*}/lib.sh"
requires_root
requires setpriv

chmod 755 "$T"
run_options='-o auth.allow_users=*'
set -f # it holds a star
as='setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps +dac_override --ambient-caps +dac_override'
export as
echo secret >"$T/secret" && chmod 600 "$T/secret"
$as cat "$T/secret" >/dev/null 2>&1 || skip "capabilities cannot be given here"
inside 'echo secret >"$D/f"; chmod 600 "$D/f"; want "$($as cat "$D/f")" secret'
