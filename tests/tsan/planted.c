/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * planted own | library | none DIR: two threads that race, in this program or
 * in what the preload library does for them, or that do not.
 * ThreadSanitizer must say so, or else a run without a word says nothing.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#define ROUNDS 1000

static const char *what, *dir;
static int number;
static struct statx both;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *run(void *arg)
{
	struct statx own, *to = strcmp(what, "library") ? &own : &both;

	for (int n = 0; n < ROUNDS; n++) {
		if (!strcmp(what, "own"))
			number++;
		pthread_mutex_lock(&mutex);
		number++;
		pthread_mutex_unlock(&mutex);
		/* libc's is not looked at, so it is ours that is seen */
		if (statx(AT_FDCWD, dir, 0, STATX_BASIC_STATS, to))
			err(2, "statx");
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[2];

	/* an absolute DIR, and never chdir: a report opens files by relative
	 * names, with locks held that another report within them waits for */
	if (argc != 3 || *argv[2] != '/')
		errx(2, "planted own | library | none /DIR");
	what = argv[1];
	dir = argv[2];
	for (int n = 0; n < 2; n++)
		if (pthread_create(&t[n], NULL, run, NULL))
			errx(2, "no thread");
	for (int n = 0; n < 2; n++)
		pthread_join(t[n], NULL);
	return 0;
}
