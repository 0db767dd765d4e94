# Run by exclusive.sh.
import os, sys
os.chdir(os.environ['D'])
rounds, callers = 25, 8
kinds = {
    'excl': lambda i, w: os.close(os.open(f'excl{i}', os.O_CREAT | os.O_EXCL | os.O_WRONLY)),
    'mkdir': lambda i, w: os.mkdir(f'mkdir{i}'),
    'link': lambda i, w: os.link(f'src{w}', f'link{i}'),
    'symlink': lambda i, w: os.symlink('x', f'symlink{i}'),
    'rename': lambda i, w: os.rename(f'from{i}', f'to{i}.{w}'),
    'rmdir': lambda i, w: os.rmdir(f'rmdir{i}'),
    'unlink': lambda i, w: os.unlink(f'unlink{i}'),
}
for w in range(callers):
    open(f'src{w}', 'w').close()
for i in range(rounds):
    open(f'from{i}', 'w').close()
    open(f'unlink{i}', 'w').close()
    os.mkdir(f'rmdir{i}')
start_r, start_w = os.pipe()
for w in range(callers):
    if os.fork():
        continue
    os.close(start_w)
    os.read(start_r, 1)  # ends when the parent closes its end
    with open(os.environ['W'] + f'/won{w}', 'w') as won:
        for i in range(rounds):
            for kind, f in kinds.items():
                try:
                    f(i, w)
                    print(kind, i, file=won)
                except (FileExistsError, FileNotFoundError):
                    pass
    os._exit(0)
os.close(start_w)
bad = 0
for w in range(callers):
    bad |= os.wait()[1]
if bad:
    sys.exit('a caller failed')
wins = [l for w in range(callers) for l in open(os.environ['W'] + f'/won{w}')]
for kind in kinds:
    for i in range(rounds):
        n = wins.count(f'{kind} {i}\n')
        if n != 1:
            sys.exit(f'{kind} {i} had {n} winners')
