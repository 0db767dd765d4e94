# Run by ucx-left.sh.
import os, random, signal, subprocess, sys, time
mnt = os.environ['mnt']
random.seed(3)
SHM = '/dev/shm/ucx_shm_posix_'


def await_gone(names, what):
    end = time.monotonic() + 60
    while any(os.path.exists(n) for n in names):
        if time.monotonic() > end:
            sys.exit(f'{what}: still there: {[n for n in names if os.path.exists(n)]}')
        time.sleep(0.05)


open(f'{mnt}/f', 'w').write('x' * 10000)
await_gone([SHM + '1'], 'of an earlier run')
# Clients are killed while they open UCX; one leaves what such a kill leaves for sure.
start = time.monotonic()
deaths = 0
while deaths < 30:
    p = subprocess.Popen([sys.executable, '-c', f'open("{mnt}/f").read()'])
    time.sleep(random.random() * 0.08)
    p.kill()
    deaths += p.wait() == -signal.SIGKILL
victim = subprocess.Popen([sys.executable, '-c', f'''
import os, time
open("{mnt}/f").read()
with open("{SHM}4", "w") as f:
    f.write("x" * 100000)
    print("ready", flush=True)
    time.sleep(1000)'''], stdout=subprocess.PIPE)
assert victim.stdout.readline() == b'ready\n'
victim.kill()
victim.wait()
left = [SHM + n[len('ucx_shm_posix_'):] for n in os.listdir('/dev/shm') if n.startswith('ucx_shm_posix_')]
left = [n for n in left if n not in (SHM + '2', SHM + '3')]
print(f'{deaths} killed in {time.monotonic() - start:.1f} s, left: {left}')
assert SHM + '4' in left
await_gone(left, 'of clients')
assert open(f'{mnt}/f').read() == 'x' * 10000
