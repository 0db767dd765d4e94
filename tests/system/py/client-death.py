# Run by client-death.sh.
import fcntl, os, random, signal, sys, time
os.chdir(os.environ['D'])
random.seed(7)
daemon = int(open(os.environ['BENCHFS_RUN_DIR'] + '/pid').read())
open('kept', 'w').write('k' * 100_000)

def busy(n):
    i = 0
    lock = os.open('lock', os.O_RDWR | os.O_CREAT)
    while True:
        i += 1
        with open(f'b{n}', 'w') as f:
            f.write('x' * random.randrange(100_000))
        os.rename(f'b{n}', f'c{n}')
        fcntl.lockf(lock, fcntl.LOCK_EX)
        os.listdir('.')
        fcntl.lockf(lock, fcntl.LOCK_UN)
        fcntl.flock(lock, fcntl.LOCK_SH)
        if open('kept').read(10) != 'k' * 10:
            os._exit(1)
        if i % 5 == 0 and not os.fork():
            os.stat('kept')
            os._exit(0)

children = {}
end = time.monotonic() + 1.5
deaths = 0
while time.monotonic() < end or (deaths < 10 and time.monotonic() < end + 60):
    while len(children) < 4:
        pid = os.fork()
        if not pid:
            random.seed()
            busy(deaths + len(children))
        children[pid] = 1
    time.sleep(random.random() * 0.03)
    pid = random.choice(list(children))
    os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if status != signal.SIGKILL:
        sys.exit(f'a client ended with {status:x} by itself')
    del children[pid]
    deaths += 1
for pid in children:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
# no lock is left: this waits only for what the daemon still has to notice
signal.alarm(100)
fd = os.open('lock', os.O_RDWR)
fcntl.lockf(fd, fcntl.LOCK_EX)
fcntl.flock(fd, fcntl.LOCK_EX)
signal.alarm(0)
if deaths < 10:
    sys.exit(f'only {deaths} deaths')
if open('kept').read() != 'k' * 100_000:
    sys.exit('data was damaged')
os.kill(daemon, 0)
left = sum(1 for e in os.scandir(f'/proc/{daemon}/fd'))
print(f'{deaths} deaths, the daemon has {left} descriptors')
if left > 200:
    sys.exit('the daemon leaks descriptors')
