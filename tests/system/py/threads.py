# Run by threads.sh.
import os, subprocess, threading
D = os.environ['D']
os.chdir(D)
stop = threading.Event()
bad = []

def churn(n):
    while not stop.is_set():
        try:
            with open(f'c{n}', 'w+') as f:
                f.write('x' * 100)
                f.seek(0)
                if len(f.read()) != 100:
                    bad.append('short')
            os.listdir('.'), os.stat(f'{D}/c{n}')
        except OSError as e:
            bad.append(str(e))

ts = [threading.Thread(target=churn, args=(n,)) for n in range(4)]
for t in ts:
    t.start()
open('in', 'w').write('in\n')
for i in range(25):
    out = subprocess.check_output(['sh', '-c', 'cat in; echo $0 >>out', str(i)])
    if out != b'in\n':
        bad.append(out)
stop.set()
for t in ts:
    t.join()
print(bad[:3], open('out').read().split())
