# Run by multiprocessing.sh.
import concurrent.futures, multiprocessing as mp, os, subprocess, sys, threading

def work(args):
    d, i = args
    with open(f'{d}/w{i}', 'w') as f:
        for j in range(50):
            f.write(f'{i} {j}\n')
    with open(f'{d}/log', 'a') as f:
        f.write(f'done {i}\n')
    return os.path.getsize(f'{d}/w{i}')

def main():
    D = os.environ['D']
    for method in 'fork', 'spawn':
        d = f'{D}/{method}'
        os.mkdir(d)
        with mp.get_context(method).Pool(2) as pool:
            print(method, sum(pool.map(work, [(d, i) for i in range(8)])))
        print(sorted(open(f'{d}/log')))
        os.unlink(f'{d}/log')
    os.mkdir(f'{D}/thr')
    with concurrent.futures.ThreadPoolExecutor(4) as ex:
        print(sum(ex.map(work, [(f'{D}/thr', i) for i in range(20)])))
    os.unlink(f'{D}/thr/log')
    with open(f'{D}/out', 'w') as o, open(f'{D}/thr/w1') as i:
        i.readline()
        o.write('head\n'); o.flush()
        subprocess.run(['cat'], stdin=i, stdout=o, cwd=f'{D}/thr', check=True)
        subprocess.run('pwd; ls | wc -l', shell=True, stdout=o, cwd=f'{D}/thr', check=True)
        os.set_inheritable(o.fileno(), True)
        subprocess.run(['sh', '-c', f'echo by-fd >&{o.fileno()}'], pass_fds=[o.fileno()])
        o.write('tail\n')
    print(open(f'{D}/out').read())
    print(subprocess.check_output(['wc', '-l', f'{D}/thr/w3'], text=True))
    print(os.popen(f'cat {D}/thr/w2 | wc -l').read())
    try:
        subprocess.run(['true'], cwd=f'{D}/none')
    except FileNotFoundError as e:
        print(e.filename)

if __name__ == '__main__':
    main()
