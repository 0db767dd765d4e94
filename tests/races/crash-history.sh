#!/bin/sh
# S1-S4, S10, D1, D3: while daemons are killed and started again, some order of
# the calls still explains all results; those that failed with EIO may have
# taken effect or not.
. "${0%/*}/races.sh"
. "${0%/*}/killed.sh"
requires "$PY"

# Until the file "end" is there; then all daemons run.
cat >"$T/killer.py" <<'END'
import os, random, subprocess, sys, time
end, daemons = sys.argv[1], int(sys.argv[2])
kills = 0
while not os.path.exists(end):
    time.sleep(random.random() * 0.5)
    k = str(random.randrange(daemons))
    for step in 'KILL', 'RESTART':
        subprocess.check_call(os.environ['BENCHFS_TEST_' + step].split() + [k],
                              stdout=subprocess.DEVNULL)
        time.sleep(random.random() * 0.05)
    kills += 1
print(f'{kills} kills')
END
limit=$((limit + ${ROUNDS:-10} * 30))
# What is left is removed when nobody is killed any more: until then rm meets
# daemons that are down.
# shellcheck disable=SC2034 # for crew
kept=1
for profile in ${PROFILES:-names dirs data append locks}; do
	rm -f "$T/end"
	"$PY" "$T/killer.py" "$T/end" "$daemons" &
	crew "$races/history" "$profile" "$dir" "$T/log" \
		$((${ROUNDS:-10} * 15)) "${CLIENTS:-4}" "${SEED:-1}"
	: >"$T/end"
	wait $! || fail "the killer: $?"
	# shellcheck disable=SC2086
	$BENCHFS_TEST_NODE_0 rm -rf "$dir" || fail "rm: $?"
done
nothing_wrong
