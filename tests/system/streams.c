/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * streams DIR: stdio on files of DIR, in all modes, wide and narrow, with its
 * descriptors shared and replaced.  Prints each finding, for comparing.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#define must(e) \
	do { \
		if (!(e)) \
			err(1, "line %d: %s", __LINE__, #e); \
	} while (0)
#define say(e) printf("%s: %ld\n", #e, (long)(e))

static void show(const char *name)
{
	char buf[200];
	FILE *f = fopen(name, "re");
	size_t n;

	if (!f) {
		printf("%s: %s\n", name, strerrorname_np(errno));
		return;
	}
	n = fread(buf, 1, sizeof(buf), f);
	printf("%s: %zu '%.*s' eof %d error %d\n", name, n, (int)n, buf,
	       feof(f) != 0, ferror(f) != 0);
	must(fclose(f) == 0);
}

static void modes(void)
{
	static const char *const mode[] = { "r", "r+", "w",  "w+",
					    "a", "a+", "wx", "w+x" };

	for (size_t i = 0; i < sizeof(mode) / sizeof(*mode); i++) {
		FILE *f = fopen("modes", mode[i]);
		char c = '-';

		printf("fopen %s: ", mode[i]);
		if (!f) {
			puts(strerrorname_np(errno));
			continue;
		}
		printf("at %ld, ", ftell(f));
		printf("read %zu, ", fread(&c, 1, 1, f));
		rewind(f);
		printf("write %d, ", fputs("text", f) >= 0);
		printf("flush %d, at %ld, ", fflush(f), ftell(f));
		printf("close %d\n", fclose(f));
		show("modes");
	}
}

static void positions(void)
{
	FILE *f = fopen("pos", "w+");
	char *line = NULL;
	size_t size = 0;
	fpos_t mark;

	must(f);
	for (int i = 0; i < 5000; i++)
		fprintf(f, "%d line\n", i);
	say(ftell(f));
	say(fseek(f, 100, SEEK_SET));
	say(getc(f));
	say(ungetc('!', f));
	say(getc(f));
	say(ftell(f));
	say(getline(&line, &size, f));
	say(fgetpos(f, &mark));
	say(getline(&line, &size, f));
	say(fsetpos(f, &mark));
	say(getline(&line, &size, f));
	say(fseek(f, -10, SEEK_END));
	say(fputs("END", f) >= 0);
	say(fseek(f, -3, SEEK_CUR));
	say(fgetc(f));
	say(fseek(f, -1, SEEK_SET) < 0 && errno == EINVAL);
	say(fseek(f, 100000, SEEK_SET));
	say(fgetc(f) == EOF && feof(f) && !ferror(f));
	say(fputc('x', f));
	say(fflush(f));
	say(ftello(f));
	say(lseek(fileno(f), 0, SEEK_CUR));
	say(ftruncate(fileno(f), 20));
	say(fseeko(f, 0, SEEK_END));
	say(ftell(f));
	free(line);
	must(fclose(f) == 0);
	show("pos");
}

static void buffers(void)
{
	static char big[70000];
	FILE *f = fopen("buf", "w");
	struct stat st;

	must(f && setvbuf(f, NULL, _IONBF, 0) == 0);
	say(fputs("unbuffered", f) >= 0);
	say(stat("buf", &st) == 0 && st.st_size == 10);
	must(fclose(f) == 0);
	f = fopen("buf", "a");
	must(f && setvbuf(f, NULL, _IOLBF, 0) == 0);
	fputs(" line", f);
	say(stat("buf", &st) == 0 && st.st_size == 10);
	fputs("\n", f);
	say(stat("buf", &st) == 0 && st.st_size == 16);
	must(fclose(f) == 0);
	f = fopen("big", "w+");
	memset(big, 'b', sizeof(big));
	say(fwrite(big, 1, sizeof(big), f));
	say(fflush(f));
	rewind(f);
	say(fread(big, 1, sizeof(big), f));
	say(fgetc(f));
	must(fclose(f) == 0);
	f = fopen("buf", "r");
	say(fputs("no", f) < 0 || fflush(f) < 0);
	say(errno == EBADF);
	fclose(f);
	show("buf");
}

static void descriptors(void)
{
	int fd = open("fds", O_RDWR | O_CREAT | O_TRUNC, 0644), copy;
	FILE *f, *g;
	struct stat st;

	must(fd >= 0);
	f = fdopen(fd, "r+");
	must(f);
	fprintf(f, "first ");
	say(fdopen(fd, "nonsense") == NULL && errno == EINVAL);
	copy = dup(fd);
	fflush(f);
	must(write(copy, "second ", 7) == 7);
	say(ftell(f));
	fseek(f, 0, SEEK_CUR);
	say(ftell(f));
	fprintf(f, "third");
	must(fclose(f) == 0);
	say(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
	say(lseek(copy, 0, SEEK_CUR));
	close(copy);
	show("fds");
	f = fopen("fds", "r");
	g = freopen("pos", "r", f);
	must(g == f);
	say(fgetc(f));
	must(freopen("fds", "a", f) == f);
	fputs(" fourth", f);
	must(fclose(f) == 0);
	show("fds");
	f = tmpfile();
	must(f && fputs("temporary", f) >= 0);
	rewind(f);
	say(fgetc(f));
	fclose(f);
	f = fopen("none/x", "w");
	say(!f && errno == ENOENT);
	f = fopen(".", "r");
	say(!f || (fgetc(f) == EOF && ferror(f) && errno == EISDIR));
	if (f)
		fclose(f);
	f = fopen("gone", "w+");
	must(f && unlink("gone") == 0);
	fputs("unlinked", f);
	rewind(f);
	say(fgetc(f));
	say(fstat(fileno(f), &st) == 0 && st.st_nlink == 0);
	fclose(f);
}

static void children(void)
{
	FILE *f = fopen("kids", "w+");
	char line[100];
	int status;

	must(f);
	fputs("parent\n", f);
	fflush(f);
	if (fork() == 0) {
		fputs("child\n", f);
		exit(0); /* which flushes */
	}
	must(wait(&status) > 0 && status == 0);
	fseek(f, 0, SEEK_END);
	fputs("after\n", f);
	must(fclose(f) == 0);
	show("kids");
	say(system("echo system >>kids; test -s kids"));
	f = popen("cat kids; echo popen >>kids", "r");
	must(f);
	while (fgets(line, sizeof(line), f))
		printf("popen: %s", line);
	say(pclose(f));
	f = popen("cat >piped", "w");
	fputs("through a pipe", f);
	say(pclose(f));
	show("kids");
	show("piped");
}

static void wide(void)
{
	wchar_t line[100];
	FILE *f = fopen("wide", "w+,ccs=UTF-8");

	must(f);
	say(fwprintf(f, L"gr\u00f6\u00dfe %ls\n", L"\u20ac"));
	rewind(f);
	say(fgetws(line, 100, f) != NULL);
	say(wcslen(line));
	say(line[2]);
	say(fwide(f, 0) > 0);
	must(fclose(f) == 0);
	show("wide");
}

static void standard(void)
{
	int saved = dup(1);

	fflush(stdout);
	must(freopen("stdout", "w", stdout));
	puts("by puts");
	fflush(stdout);
	must(system("echo by a child") == 0);
	puts("more");
	fflush(stdout);
	must(dup2(saved, 1) == 1);
	puts("back");
	show("stdout");
	must(freopen("stdout", "r", stdin));
	say(getchar());
	say(scanf("%*s") == 0);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: streams DIR");
	setlocale(LC_ALL, "C.UTF-8");
	if (chdir(argv[1]) < 0)
		err(1, "%s", argv[1]);
	modes();
	positions();
	buffers();
	descriptors();
	children();
	wide();
	standard();
	return 0;
}
