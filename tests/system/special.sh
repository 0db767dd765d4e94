#!/bin/sh
# fifos and AF_UNIX sockets between processes; device entries.
. "${0%/*}/lib.sh"
requires "$PY"

both '
cd "$D"; mkfifo -m 640 p; (echo through >p) & cat p; wait
(cat p >got) & { echo 1; echo 2; } >p; wait; cat got
(sleep 0.1; echo late >"$D/p") & read -r x <p; echo "$x"; wait; exec 3<>p; echo both >&3; read -r x <&3; echo "$x"; exec 3>&-
(cd /; cat "$D/p" | tr a-z A-Z) & seq 20000 | md5sum >p; wait; mv p q; ln q r; (echo renamed >r) & cat q; wait; [ -p q ] && echo fifo
timeout 0.2 cat q || echo "waited $?"; mkfifo q 2>&1 || echo $?; stat -c "%F %a %s" q; dd if=q iflag=nonblock status=none; rm q
'
both '"$PY" -u "$py/sock.py" | sort'
# Unlinked fifos of somebody who was killed: who looks whether they are still
# open does not wait in them.
inside '
cd "$D"; "$PY" -c "
import os, signal, time
names = [f\"fifo{i}\" for i in range(8)]
for n in names:
    os.mkfifo(n)
r, w = os.pipe()
child = os.fork()
if not child:
    fds = [os.open(n, os.O_PATH) for n in names]
    os.write(w, b\"x\")
    time.sleep(100)
os.read(r, 1)
for n in names:
    os.unlink(n)
os.kill(child, signal.SIGKILL)
os.wait()
end = time.monotonic() + 2.5  # it is looked for once a second
while time.monotonic() < end:
    start = time.monotonic()
    assert os.listdir(\".\") == []
    assert time.monotonic() - start < 15
    time.sleep(0.1)
"'
requires_root
mknod "$T/null" c 1 3 2>/dev/null || skip "may not make devices"
inside '
cd "$D"; mknod c c 1 3; mknod -m 600 b b 7 5; want "$(stat -c "%F %t %T %a" b)" "block special file 7 5 600"
want "$(stat -c "%F %t %T" c)" "character special file 1 3"; mv c d; ln d e; want "$(stat -c %h d)" 2
want "$(ls -l d | cut -c1)" c; (: <d) 2>/dev/null && exit 1; cp -a d b "$W/"; want "$(stat -c "%F %t %T" "$W/d")" "character special file 1 3"
cp -a "$W/b" again; want "$(stat -c "%F %t" again)" "block special file 7"; rm b d e again
'
