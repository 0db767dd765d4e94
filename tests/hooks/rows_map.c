/* SPDX-License-Identifier: BSD-3-Clause */
/* mapping and moving data */
#include "tests/hooks/row.h"

#include <linux/aio_abi.h>
#include <sys/syscall.h>

static void failed_map(int line, const void *p, int err)
{
	row_is(line, "mmap", (long)p, -1, err);
}

#define NO_MAP(prot, flags, fd, err) \
	failed_map(__LINE__, \
		   (errno = CANARY, mmap(NULL, 4096, prot, flags, fd, 0)), \
		   err)

/* Refused as the documents say where a space limit is in force. */
static void shared_map(int fd)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (row_ours && p == MAP_FAILED && errno == ENODEV)
		return;
	if (!TRUE(p != MAP_FAILED))
		row_exit();
	TEXT(p, "hello"); /* the rest of the page is zeros */
	p[0] = 'J';
	OK(msync(p, 4096, MS_SYNC));
	TEXT(get("f"), "Jello");
	p[0] = 'h';
	OK(munmap(p, 4096));
}

ROW(mmap)
{
	int fd = file("f", "hello"), r = open(P("f"), O_RDONLY);
	int w = open(P("f"), O_WRONLY);
	char *p;

	shared_map(fd);
	p = PTR(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	if (!TRUE(p != MAP_FAILED))
		return;
	IS(pwrite(fd, "y", 1, 4), 1);
	TEXT(p, "helly");
	OK(munmap(p, 4096));
	p = PTR(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	p[0] = 'B';
	TEXT(get("f"), "helly");
	OK(munmap(p, 4096));
	NO_MAP(PROT_READ | PROT_WRITE, MAP_SHARED, r, EACCES);
	NO_MAP(PROT_READ, MAP_PRIVATE, w, EACCES);
	NO_MAP(PROT_READ, MAP_PRIVATE, dir(), ENODEV);
	NO_MAP(PROT_READ, MAP_PRIVATE, open(P("f"), O_PATH), EBADF);
	NO_MAP(PROT_READ, MAP_PRIVATE, 987, EBADF);
	p = PTR(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, fd,
		     0));
	TRUE(p != MAP_FAILED && !*p);
}

/* Other nodes see it: tests/cluster/maps.sh. */
ROW(msync)
{
	int fd = file("f", "hello");
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (row_ours && p == MAP_FAILED && errno == ENODEV)
		return;
	if (!TRUE(p != MAP_FAILED))
		return;
	p[0] = 'J';
	OK(msync(p, 4096, MS_SYNC));
	OK(msync(p, 4096, MS_ASYNC));
	TEXT(get("f"), "Jello");
	FAILS(msync(p, 4096, MS_SYNC | MS_ASYNC), EINVAL);
	FAILS(msync(p + 1, 4096, MS_SYNC), EINVAL);
	OK(munmap(p, 4096));
	FAILS(msync(p, 4096, MS_SYNC), ENOMEM);
}

ROW(munmap)
{
	int fd = file("f", "hello");
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (row_ours && p == MAP_FAILED && errno == ENODEV)
		return;
	if (!TRUE(p != MAP_FAILED))
		return;
	OK(close(fd));
	p[0] = 'J';
	FAILS(munmap(p + 1, 4096), EINVAL);
	FAILS(munmap(p, 0), EINVAL);
	OK(munmap(p + 4096, 4096));
	p[1] = 'E';
	OK(munmap(p, 4096));
	TEXT(get("f"), "JEllo");
}

/* To another file system and back, more than any buffer. */
static void across(int in, int out, int memory)
{
	char last[4] = "";
	off_t at = 0;

	OK(ftruncate(in, 300000));
	IS(pwrite(in, "end", 3, 299997), 3);
	IS(sendfile(memory, in, &at, 400000), 300000);
	TRUE(at == 300000);
	at = 0;
	OK(ftruncate(out, 0));
	OK(lseek(out, 0, SEEK_SET));
	IS(sendfile(out, memory, &at, 400000), 300000);
	IS(pread(out, last, 3, 299997), 3);
	TEXT(last, "end");
	OK(ftruncate(in, 9));
}

ROW(sendfile)
{
	int in = file("f", "hello you"), out = file("g", ""), pipes[2], fifo;
	off_t at = 6;
	char buf[16] = "";

	IS(sendfile(out, in, NULL, 5), 5);
	IS(lseek(in, 0, SEEK_CUR), 5);
	IS(sendfile(out, in, &at, 99), 3);
	TRUE(at == 9);
	IS(lseek(in, 0, SEEK_CUR), 5);
	TEXT(get("g"), "helloyou");
	OK(pipe(pipes));
	IS(sendfile(pipes[1], in, NULL, 99), 4);
	IS(read(pipes[0], buf, sizeof(buf)), 4);
	TEXT(buf, " you");
	IS(sendfile(out, in, NULL, 99), 0);
	/* A pipe does not mind O_APPEND; one that has a name is another. */
	OK(mkfifo(P("p"), 0600));
	fifo = open(P("p"), O_RDWR | O_APPEND);
	at = 0;
	IS(sendfile(fifo, in, &at, 99), 9);
	at = 6;
	IS(splice(in, &at, fifo, NULL, 99, 0), 3);
	IS(read(fifo, buf, sizeof(buf)), 12);
	OK(memcmp(buf, "hello youyou", 12));
	at = 6;
	across(in, out, memfd_create("row", 0));
	FAILS(sendfile(open(P("g"), O_WRONLY | O_APPEND), in, &at, 1), EINVAL);
	FAILS(sendfile(out, dir(), NULL, 1), EINVAL);
	FAILS(sendfile(in, open(P("f"), O_WRONLY), NULL, 1), EBADF);
	FAILS(sendfile(open(P("f"), O_RDONLY), in, NULL, 1), EBADF);
	FAILS(sendfile(987, in, NULL, 1), EBADF);
}

/* Another file system, or the same: then content, else an honest EXDEV. */
static void copy_across(int in, int memory)
{
	off_t from = 0, to = 0;
	ssize_t n = copy_file_range(in, &from, memory, &to, 5, 0);
	char buf[8] = "";

	if (n < 0 && errno == EXDEV)
		return;
	TRUE(n == 5 && from == 5 && to == 5);
	TRUE(pread(memory, buf, 5, 0) == 5);
	TEXT(buf, "hello");
}

ROW(copy_file_range)
{
	int in = file("f", "hello you"), out = file("g", "");
	off_t from = 6, to = 1;

	IS(copy_file_range(in, NULL, out, NULL, 5, 0), 5);
	IS(lseek(in, 0, SEEK_CUR), 5);
	IS(lseek(out, 0, SEEK_CUR), 5);
	IS(copy_file_range(in, &from, out, &to, 99, 0), 3);
	TRUE(from == 9 && to == 4);
	IS(lseek(out, 0, SEEK_CUR), 5);
	TEXT(get("g"), "hyouo");
	IS(copy_file_range(in, &from, out, &to, 99, 0), 0);
	from = 0, to = 2;
	FAILS(copy_file_range(in, &from, in, &to, 4, 0), EINVAL);
	FAILS(copy_file_range(in, &from, out, &to, 1, 99), EINVAL);
	FAILS(copy_file_range(in, &from, dir(), &to, 1, 0), EISDIR);
	FAILS(copy_file_range(in, NULL, open(P("g"), O_WRONLY | O_APPEND), NULL,
			      1, 0),
	      EBADF);
	FAILS(copy_file_range(in, NULL, open(P("g"), O_RDONLY), NULL, 1, 0),
	      EBADF);
	FAILS(copy_file_range(987, NULL, out, NULL, 1, 0), EBADF);
	copy_across(in, memfd_create("row", 0));
}

ROW(splice)
{
	int in = file("f", "hello you"), out = file("g", ""), p[2];
	off_t at = 6;

	OK(pipe(p));
	IS(splice(in, NULL, p[1], NULL, 5, 0), 5);
	IS(lseek(in, 0, SEEK_CUR), 5);
	IS(splice(p[0], NULL, out, NULL, 99, 0), 5);
	IS(splice(in, &at, p[1], NULL, 99, 0), 3);
	TRUE(at == 9);
	at = 1;
	IS(splice(p[0], NULL, out, &at, 2, 0), 2);
	TRUE(at == 3);
	IS(lseek(out, 0, SEEK_CUR), 5);
	TEXT(get("g"), "hyolo");
	FAILS(splice(p[0], &at, out, NULL, 1, 0), ESPIPE);
	FAILS(splice(in, NULL, out, NULL, 1, 0), EINVAL);
	FAILS(splice(p[0], NULL, open(P("g"), O_WRONLY | O_APPEND), NULL, 1, 0),
	      EINVAL);
	IS(splice(p[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK), 1);
	FAILS(splice(p[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	FAILS(splice(987, NULL, p[1], NULL, 1, 0), EBADF);
	FAILS(splice(dir(), NULL, p[1], NULL, 1, 0), EINVAL);
}

static struct aiocb cb;
static char aio_buf[16];

static struct aiocb *request(int fd, int op)
{
	memset(&cb, 0, sizeof(cb));
	cb.aio_fildes = fd;
	cb.aio_buf = aio_buf;
	cb.aio_nbytes = 5;
	cb.aio_lio_opcode = op;
	cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	return &cb;
}

static long finish(void)
{
	const struct aiocb *list[] = { &cb };
	int e;

	while ((e = aio_error(&cb)) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
	return e ? -e : aio_return(&cb);
}

ROW(aio_read)
{
	int fd = file("f", "hello");

	OK(aio_read(request(fd, 0)));
	TRUE(finish() == 5 && !memcmp(aio_buf, "hello", 5));
	OK(aio_read(request(open(P("f"), O_WRONLY), 0)));
	TRUE(finish() == -EBADF);
	request(fd, 0)->aio_reqprio = -1;
	FAILS(aio_read(&cb), EINVAL);
}

ROW(aio_write)
{
	int fd = file("f", "");

	memcpy(aio_buf, "hello", 5);
	OK(aio_write(request(fd, 0)));
	TRUE(finish() == 5);
	TEXT(get("f"), "hello");
	OK(aio_write(request(open(P("f"), O_RDONLY), 0)));
	TRUE(finish() == -EBADF);
}

ROW(aio_fsync)
{
	OK(aio_fsync(O_SYNC, request(file("f", "hello"), 0)));
	TRUE(finish() == 0);
	OK(aio_fsync(O_DSYNC, request(open(P("f"), O_PATH), 0)));
	TRUE(finish() == -EBADF);
	FAILS(aio_fsync(99, request(file("f", "hello"), 0)), EINVAL);
}

ROW(lio_listio)
{
	struct aiocb *list[] = { request(file("f", "hello"), LIO_READ) };

	OK(lio_listio(LIO_WAIT, list, 1, NULL));
	TRUE(finish() == 5 && !memcmp(aio_buf, "hello", 5));
	list[0] = request(open(P("f"), O_WRONLY), LIO_READ);
	FAILS(lio_listio(LIO_WAIT, list, 1, NULL), EIO);
	OK(lio_listio(LIO_NOWAIT, list, 1, NULL));
	TRUE(finish() == -EBADF);
	FAILS(lio_listio(99, list, 1, NULL), EINVAL);
}

/* libaio's function if there is one, else what it would do. */
static long submit(aio_context_t context, long n, struct iocb **blocks)
{
	int (*call)(aio_context_t, long, struct iocb **) =
		(int (*)(aio_context_t, long, struct iocb **))dlsym(
			RTLD_DEFAULT, "io_submit");
	long r = call ? call(context, n, blocks)
		      : syscall(SYS_io_submit, context, n, blocks);

	return r == -1 && !call ? -errno : r;
}

static aio_context_t context;

/* One block: its result, or what refuses it. */
static long one(struct iocb *c)
{
	struct iocb *list[] = { c };
	struct io_event event = { 0 };
	long r = submit(context, 1, list);

	if (r != 1)
		return r;
	GIVES(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), 1);
	TRUE(event.obj == (uint64_t)c && event.data == c->aio_data);
	return event.res;
}

static struct iocb block(int fd, int op, void *buf, size_t n, long long offset)
{
	return (struct iocb){ .aio_data = 4711,
			      .aio_fildes = (unsigned)fd,
			      .aio_lio_opcode = (uint16_t)op,
			      .aio_buf = (uint64_t)buf,
			      .aio_nbytes = n,
			      .aio_offset = offset };
}

static void submit_each(int fd)
{
	struct iovec v[] = { { aio_buf, 2 }, { aio_buf + 2, 9 } };
	struct iocb c = block(fd, IOCB_CMD_PREAD, aio_buf, 5, 0), was = c;

	GIVES(one(&c), 5);
	TRUE(!memcmp(aio_buf, "hello", 5));
	was.aio_key = c.aio_key;
	TRUE(!memcmp(&c, &was, sizeof(c)));
	c = block(fd, IOCB_CMD_PWRITE, aio_buf, 5, 5);
	GIVES(one(&c), 5);
	c = block(fd, IOCB_CMD_PREADV, v, 2, 3);
	GIVES(one(&c), 7);
	TRUE(!memcmp(aio_buf, "lohello", 7));
	c = block(fd, IOCB_CMD_PWRITEV, v, 2, 10);
	GIVES(one(&c), 11);
	TRUE(size_of("f") == 21);
	c = block(fd, IOCB_CMD_PREAD, aio_buf, 5, 21);
	GIVES(one(&c), 0);
	c = block(fd, IOCB_CMD_FSYNC, NULL, 0, 0);
	GIVES(one(&c), 0);
	c = block(fd, IOCB_CMD_FDSYNC, NULL, 0, 0);
	GIVES(one(&c), 0);
	c = block(fd, IOCB_CMD_PREAD, aio_buf, 5, -2);
	GIVES(one(&c), -EINVAL);
	c = block(fd, 99, aio_buf, 5, 0);
	GIVES(one(&c), -EINVAL);
}

/* What lies between others; what is refused ends the list before it. */
static void submit_list(int fd, int real)
{
	struct iocb c[] = { block(real, IOCB_CMD_PREAD, aio_buf, 1, 0),
			    block(fd, IOCB_CMD_PREAD, aio_buf + 1, 5, 0),
			    block(real, IOCB_CMD_PREAD, aio_buf + 6, 1, 0),
			    block(fd, 99, NULL, 0, 0) };
	struct iocb *list[] = { &c[0], &c[1], &c[2], &c[3] };
	struct io_event event[4];

	GIVES(submit(context, 4, list), 3);
	GIVES(syscall(SYS_io_getevents, context, 3, 4, event, NULL), 3);
	TRUE(!memcmp(aio_buf, "\0hello\0", 7));
}

ROW(io_submit)
{
	int fd = file("f", "hello"), real = open("/dev/zero", O_RDONLY);
	struct iocb c, *list[] = { &c };

	if (syscall(SYS_io_setup, 4, &context))
		row_skip("no io_setup here");
	submit_list(fd, real);
	submit_each(fd);
	c = block(open(P("f"), O_WRONLY), IOCB_CMD_PREAD, aio_buf, 5, 0);
	GIVES(one(&c), -EBADF);
	c = block(fd, IOCB_CMD_PWRITE, aio_buf, 5, 0);
	GIVES(submit(context, 0, list), 0);
	GIVES(submit(context, -1, list), -EINVAL);
	GIVES(submit(context, 1, (struct iocb **)-1), -EFAULT);
	list[0] = NULL;
	GIVES(submit(context, 1, list), -EFAULT);
	GIVES(syscall(SYS_io_destroy, context), 0);
}
