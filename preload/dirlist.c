/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/dirlist.h"

#include <errno.h>
#include <string.h>

int bfs_dirlist_no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
}

DIR *bfs_dirlist_open(int dirfd, const char *path)
{
	int fd = openat(dirfd, path,
			O_RDONLY | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int saved = errno;

	if (fd >= 0 && !dir)
		close(fd);
	errno = saved;
	return dir;
}

static int append(struct bfs_dirlist *l, size_t *room, const struct dirent *e)
{
	struct dirent *copy = malloc(e->d_reclen);
	struct dirent **grown;

	if (copy && l->count == *room) {
		*room = *room ? 2 * *room : 16;
		grown = reallocarray(l->entries, *room, sizeof(*grown));
		if (!grown) {
			free(copy);
			return -ENOMEM;
		}
		l->entries = grown;
	}
	if (!copy)
		return -ENOMEM;
	memcpy(copy, e, e->d_reclen);
	l->entries[l->count++] = copy;
	return 0;
}

int bfs_dirlist_take(struct bfs_dirlist *l, DIR *dir,
		     int (*want)(const struct dirent *))
{
	const struct dirent *e;
	size_t room = 0;
	int r = 0;

	*l = (struct bfs_dirlist){ NULL, 0 };
	while (!r && (errno = 0, e = readdir(dir)))
		if (!want || want(e))
			r = append(l, &room, e);
	if (!r)
		r = -errno;
	closedir(dir);
	if (r)
		bfs_dirlist_free(l);
	return r;
}

void bfs_dirlist_free(struct bfs_dirlist *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->entries[i]);
	free(l->entries);
	*l = (struct bfs_dirlist){ NULL, 0 };
}
