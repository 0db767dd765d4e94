#!/bin/sh
# benchfsd: readiness by file and by sd_notify, signals, exit statuses.
. "${0%/*}/lib.sh"
requires "$PY"

cat >"$T/daemon.py" <<'END'
import os, signal, socket, subprocess, sys, time
T, run = os.environ['T'], os.environ['builddir'] + '/run'
n = 0

def start(*args, notify=None):
    global n
    n += 1
    env = dict(os.environ)
    env.pop('NOTIFY_SOCKET', None)
    if notify:
        env['NOTIFY_SOCKET'] = notify
    log = open(f'{T}/log{n}', 'wb')
    p = subprocess.Popen([run, 'benchfsd', '--run-dir', f'{T}/run', '--data-dir', f'{T}/data', *args],
                         env=env, stderr=log, stdout=log)
    end = time.monotonic() + 60
    while not os.path.exists(f'{T}/run/ready'):
        if p.poll() is not None or time.monotonic() > end:
            return p
        time.sleep(0.01)
    return p

def log():
    return open(f'{T}/log{n}').read()

def check(what, ok):
    if not ok:
        sys.exit(f'{what}\n{log()}')

path = f'{T}/notify'
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(path)
s.settimeout(60)
p = start(notify=path)
check('READY=1', b'READY=1' in s.recv(1000))
check('pid file', int(open(f'{T}/run/pid').read()) == p.pid)
p.send_signal(signal.SIGTERM)
check('SIGTERM is status 0', p.wait(60) == 0)
check('no ready file is left', not os.path.exists(f'{T}/run/ready'))
check('no socket is left', not os.path.exists(f'{T}/run/sock'))
p = start(notify='@benchfs-test-nobody')  # a notify socket that is not there
check('it runs without', p.poll() is None)
second = subprocess.run([run, 'benchfsd', '--run-dir', f'{T}/run2', '--data-dir', f'{T}/data'], capture_output=True, timeout=60)
check(f'in use is 75, not {second.returncode}', second.returncode == 75 and b'data' in second.stderr)
p.send_signal(signal.SIGINT)
check('SIGINT is status 0', p.wait(60) == 0)
conf = f'{T}/conf'
open(conf, 'w').write('node: { log_level = "info"; };\nnetwork: { spin_us = 20; };\n')
p = start('-c', conf)
open(conf, 'w').write('node: { log_level = "debug"; };\nstorage: { chunk_size = "8M"; };\n')
p.send_signal(signal.SIGHUP)
end = time.monotonic() + 60
while 'chunk_size' not in log() and time.monotonic() < end:
    time.sleep(0.02)
check('SIGHUP says what cannot change', 'chunk_size' in log())
open(conf, 'w').write('nonsense')
p.send_signal(signal.SIGHUP)
end = time.monotonic() + 60
while f'{conf}:' not in log() and time.monotonic() < end:
    time.sleep(0.02)
check('a bad file at SIGHUP is named', f'{conf}:' in log() and p.poll() is None)
p.send_signal(signal.SIGTERM)
check('status 0', p.wait(60) == 0)
p = start('--nonsense')
check(f'usage is 64, not {p.returncode}', p.wait(60) == 64 and 'nonsense' in log())
p = start('-c', conf)
check(f'bad configuration is 78, not {p.returncode}', p.wait(60) == 78 and f'{conf}:' in log())
p = start('--data-dir', '/sys/kernel/x')
check(f'no directory is 73, not {p.returncode}', p.wait(60) == 73 and '/sys/kernel/x' in log())
END
"$PY" "$T/daemon.py" || fail "see above"
