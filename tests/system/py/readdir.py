# Run by readdir.sh.
import os, sys, time
os.chdir(os.environ['D'])
keep = {f'keep{i}' for i in range(700)}
for n in keep:
    os.mkdir(n) if n.endswith('7') else open(n, 'w').close()
end = time.monotonic() + 1
pid = os.fork()
if not pid:
    i = 0
    while i < 2 or time.monotonic() < end:
        for j in range(100):
            open(f'come{i}.{j}', 'w').close()
        for j in range(100):
            os.rename(f'come{i}.{j}', f'go{i}.{j}')
        for j in range(100):
            os.unlink(f'go{i}.{j}')
        i += 1
    os._exit(0 if i > 1 else 1)
scans = 0
while scans < 2 or time.monotonic() < end:
    seen = [e.name for e in os.scandir('.')]
    kept = [n for n in seen if n in keep]
    if len(kept) != 700 or set(kept) != keep:
        sys.exit(f'{len(kept)} entries, {len(set(kept))} different, wanted 700')
    if len(seen) != len(set(seen)):
        sys.exit('a passing entry came twice')
    scans += 1
if os.waitpid(pid, 0)[1] or scans < 2:
    sys.exit(f'{scans} scans')
# an open directory from which all is removed while it is read
for n in keep:
    os.unlink(n) if not n.endswith('7') else os.rmdir(n)
for i in range(300):
    open(f'f{i}', 'w').close()
n = 0
with os.scandir('.') as it:
    for e in it:
        os.unlink(e.name)
        n += 1
if n != 300 or os.listdir('.'):
    sys.exit(f'removed {n} of 300, left {len(os.listdir("."))}')
