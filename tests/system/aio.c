/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aio DIR OTHER: asynchronous I/O on files in DIR, and in lists together with
 * files in OTHER.  Prints what came of it.
 */
#include <aio.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define BLOCKS 64

static sem_t told;
static volatile int value, code;
static char buf[BLOCKS][BLOCK], back[BLOCKS][BLOCK];
static struct aiocb cb[BLOCKS];

static int file(const char *dir, const char *name, int flags)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags, 0600);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static struct aiocb *set(int i, int fd, int op)
{
	memset(&cb[i], 0, sizeof(cb[i]));
	cb[i].aio_fildes = fd;
	cb[i].aio_lio_opcode = op;
	cb[i].aio_buf = op == LIO_WRITE ? buf[i] : back[i];
	cb[i].aio_nbytes = BLOCK;
	cb[i].aio_offset = (off_t)i * BLOCK;
	cb[i].aio_sigevent.sigev_notify = SIGEV_NONE;
	return &cb[i];
}

static long end(struct aiocb *c)
{
	const struct aiocb *list[] = { c };
	int e;

	while ((e = aio_error(c)) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
	return e ? -e : aio_return(c);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	value = info->si_value.sival_int;
	code = info->si_code;
	sem_post(&told);
}

static void on_thread(union sigval v)
{
	value = v.sival_int;
	sem_post(&told);
}

static void wait_told(const char *what)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 20;
	while (sem_timedwait(&told, &t))
		if (errno != EINTR)
			errx(1, "%s: nobody was told", what);
}

static void by_signal(struct sigevent *ev, int n)
{
	ev->sigev_notify = SIGEV_SIGNAL;
	ev->sigev_signo = SIGRTMIN + 3;
	ev->sigev_value.sival_int = n;
}

static void by_thread(struct sigevent *ev, int n)
{
	ev->sigev_notify = SIGEV_THREAD;
	ev->sigev_notify_function = on_thread;
	ev->sigev_notify_attributes = NULL;
	ev->sigev_value.sival_int = n;
}

static void notices(const char *dir)
{
	int fd = file(dir, "n", O_RDWR | O_CREAT);

	by_signal(&set(0, fd, LIO_WRITE)->aio_sigevent, 77);
	printf("write %d", aio_write(&cb[0]));
	wait_told("signal");
	printf(" value %d code %d result %ld\n", value, code == SI_ASYNCIO,
	       end(&cb[0]));
	by_thread(&set(0, fd, LIO_READ)->aio_sigevent, 78);
	printf("read %d", aio_read(&cb[0]));
	wait_told("thread");
	printf(" value %d result %ld\n", value, end(&cb[0]));
	by_signal(&set(0, fd, LIO_NOP)->aio_sigevent, 79);
	printf("fsync %d", aio_fsync(O_SYNC, &cb[0]));
	wait_told("fsync");
	printf(" value %d result %ld\n", value, end(&cb[0]));
	printf("cancel %d\n", aio_cancel(fd, &cb[0]) == AIO_ALLDONE);
	close(fd);
}

/* Many requests under way; every second one is of other[0]. */
static void lists(const char *dir, const char *other, int mode)
{
	int fd[2] = { file(dir, "l", O_RDWR | O_CREAT | O_TRUNC),
		      file(other, "l", O_RDWR | O_CREAT | O_TRUNC) };
	struct aiocb *list[BLOCKS];
	struct sigevent ev;
	long sum;

	memset(&ev, 0, sizeof(ev));
	for (int op = LIO_WRITE; op >= LIO_READ; op--) {
		for (int i = 0; i < BLOCKS; i++)
			list[i] = set(i, fd[i & 1], op);
		by_signal(&ev, 100 + op);
		list[5]->aio_lio_opcode = LIO_NOP;
		printf("list %d", lio_listio(mode, list, BLOCKS, &ev));
		if (mode == LIO_NOWAIT) {
			wait_told("list");
			printf(" value %d", value);
		}
		sum = 0;
		for (int i = 0; i < BLOCKS; i++)
			sum += i == 5 ? 0 : end(list[i]);
		printf(" bytes %ld\n", sum);
	}
	sum = 0;
	for (int i = 0; i < BLOCKS; i++)
		sum += i != 5 && memcmp(buf[i], back[i], BLOCK);
	printf("wrong blocks %ld\n", sum);
	close(fd[0]);
	close(fd[1]);
}

static void errors(const char *dir)
{
	int r = file(dir, "e", O_RDONLY | O_CREAT);
	int w = file(dir, "e", O_WRONLY), d = open(dir, O_RDONLY);
	struct aiocb *list[] = { set(0, w, LIO_READ), set(1, r, LIO_READ) };

	printf("write to a reader %d", aio_write(set(3, r, LIO_WRITE)));
	printf(" %ld\n", end(&cb[3]));
	printf("directory %d", aio_read(set(3, d, LIO_READ)));
	printf(" %ld\n", end(&cb[3]));
	set(3, w, LIO_WRITE)->aio_offset = -1;
	printf("offset %d", aio_write(&cb[3]));
	printf(" %ld\n", end(&cb[3]));
	printf("list %d", lio_listio(LIO_WAIT, list, 2, NULL));
	printf(" %ld %ld\n", end(list[0]), end(list[1]));
}

static void appends(const char *dir)
{
	int fd = file(dir, "a", O_WRONLY | O_CREAT | O_APPEND);

	for (int i = 0; i < 3; i++) {
		aio_write(set(i, fd, LIO_WRITE));
		printf("append %ld\n", end(&cb[i]));
	}
	printf("size %ld\n", (long)lseek(fd, 0, SEEK_END));
	close(fd);
}

int main(int argc, char **argv)
{
	struct sigaction sa;

	if (argc != 3)
		errx(2, "usage: aio DIR OTHER");
	for (int i = 0; i < BLOCKS; i++)
		memset(buf[i], 'A' + i, BLOCK);
	sem_init(&told, 0, 0);
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = on_signal;
	sa.sa_flags = SA_SIGINFO | SA_RESTART;
	sigaction(SIGRTMIN + 3, &sa, NULL);
	notices(argv[1]);
	lists(argv[1], argv[1], LIO_WAIT);
	lists(argv[1], argv[2], LIO_WAIT);
	lists(argv[1], argv[2], LIO_NOWAIT);
	lists(argv[1], argv[1], LIO_NOWAIT);
	errors(argv[1]);
	appends(argv[1]);
	return 0;
}
