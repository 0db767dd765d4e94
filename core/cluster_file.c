/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of the registry: whole or not at all, and a secret that is one. */
#include "core/cluster.h"

#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

/* dir/.name.pid, which no reader takes for a record. */
static char *temporary(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *temp;

	if (asprintf(&temp, "%.*s/.%s.%d", (int)(slash - path), path, slash + 1,
		     getpid()) < 0)
		return NULL;
	return temp;
}

int bfs_file_replace(const char *path, const void *data, size_t len,
		     unsigned mode, char *err)
{
	BFS_AUTOFREE char *temp = temporary(path);
	int fd, r;

	if (!temp)
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		  mode);
	if (fd < 0) {
		r = -errno;
	} else {
		r = write_all(fd, data, len);
		if (close(fd) && !r)
			r = -errno;
		if (!r && rename(temp, path))
			r = -errno;
		if (r)
			unlink(temp);
	}
	if (r)
		bfs_members_fail(r, err, "cannot write %s: %s", path,
				 strerror(-r));
	return r;
}

static int read_all(int fd, char **data, size_t *len, size_t max)
{
	struct stat st;
	ssize_t n = 1;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	*data = malloc((size_t)st.st_size + 1);
	if (!*data)
		return -ENOMEM;
	for (*len = 0; *len < (size_t)st.st_size && n; *len += (size_t)n) {
		n = read(fd, *data + *len, (size_t)st.st_size - *len);
		if (n < 0)
			return -errno;
	}
	(*data)[*len] = '\0';
	return 0;
}

int bfs_file_read(const char *path, void **data, size_t *len, size_t max,
		  char *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;
	char *text = NULL;

	*data = NULL;
	r = fd < 0 ? -errno : read_all(fd, &text, len, max);
	if (fd >= 0)
		close(fd);
	if (r) {
		free(text);
		return bfs_members_fail(r, err, "cannot read %s: %s", path,
					strerror(-r));
	}
	*data = text;
	return 0;
}

int bfs_secret_make(const char *path, uint8_t secret[BFS_SECRET_LEN], char *err)
{
	char text[2 * BFS_SECRET_LEN + 2];
	int fd, r;

	if (getrandom(secret, BFS_SECRET_LEN, 0) != BFS_SECRET_LEN)
		return bfs_members_fail(-EIO, err, "no random numbers");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		r = -errno;
		return bfs_members_fail(r, err, "cannot make %s: %s", path,
					strerror(-r));
	}
	for (int i = 0; i < BFS_SECRET_LEN; i++)
		sprintf(text + 2 * i, "%02x", secret[i]);
	strcat(text, "\n");
	r = write_all(fd, text, strlen(text));
	close(fd);
	if (r) {
		unlink(path);
		bfs_members_fail(r, err, "cannot write %s: %s", path,
				 strerror(-r));
	}
	explicit_bzero(text, sizeof(text));
	return r;
}

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int parse_secret(const char *text, size_t len,
			uint8_t secret[BFS_SECRET_LEN])
{
	if (len && text[len - 1] == '\n')
		len--;
	if (len != 2 * BFS_SECRET_LEN)
		return -EINVAL;
	for (int i = 0; i < BFS_SECRET_LEN; i++) {
		int high = hex(text[2 * i]), low = hex(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		secret[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* Nobody else may read it, or have put it there. */
static int check_owner(const char *path, char *err)
{
	struct stat st;

	if (stat(path, &st))
		return bfs_members_fail(-errno, err, "cannot read %s: %s", path,
					strerror(errno));
	if (st.st_uid != geteuid())
		return bfs_members_fail(-EACCES, err,
					"%s: belongs to user %u, we are %u",
					path, st.st_uid, geteuid());
	if (st.st_mode & 077)
		return bfs_members_fail(
			-EACCES, err,
			"%s: has mode %04o, so that others can "
			"read it; it must be 0600, and a secret "
			"that others may have read is none",
			path, st.st_mode & 07777);
	return 0;
}

int bfs_secret_read(const char *path, uint8_t secret[BFS_SECRET_LEN], char *err)
{
	void *text;
	size_t len;
	int r = check_owner(path, err);

	if (!r)
		r = bfs_file_read(path, &text, &len, 4096, err);
	if (r)
		return r;
	r = parse_secret(text, len, secret);
	explicit_bzero(text, len);
	free(text);
	if (r)
		bfs_members_fail(r, err, "%s: is not %d hex digits", path,
				 2 * BFS_SECRET_LEN);
	return r;
}

static bool is_record(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && !strcmp(name + len - 5, ".addr");
}

int bfs_registry_clear(const char *dir, char *err)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int r = 0;

	if (!d) {
		r = -errno;
		return bfs_members_fail(r, err, "cannot read %s: %s", dir,
					strerror(-r));
	}
	while (!r && (e = readdir(d))) {
		if (!is_record(e->d_name) || !unlinkat(dirfd(d), e->d_name, 0))
			continue;
		r = -errno;
		bfs_members_fail(r, err, "cannot remove %s/%s: %s", dir,
				 e->d_name, strerror(-r));
	}
	closedir(d);
	return r;
}
