/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/append.h"

#include "core/kill.h"
#include "core/log.h"
#include "server/answer.h"
#include "server/data.h"
#include "server/journal.h"
#include "server/server.h"
#include "server/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static uint64_t this_boot(void)
{
	static uint64_t id[2];

	if (!id[0])
		(void)bfs_boot_id(id);
	return id[0];
}

int bfs_append_begins(struct bfs_call *c, struct bfs_inode *i, uint64_t size,
		      uint64_t len)
{
	struct bfs_journal *j = c->server->journal;
	const struct bfs_append a = { .ino = i->ino,
				      .offset = size,
				      .end = size + len,
				      .boot = this_boot() };
	int r;

	if (!j || !c->session || bfs_orphan_written_past(bfs_call_fs(c), i))
		return 0;
	bfs_session_note_append(c, &a);
	r = bfs_journal_flush(j);
	BFS_KILL_POINT(append_noted);
	return r;
}

void bfs_append_done(struct bfs_call *c, uint32_t written, uint64_t end,
		     bool later)
{
	BFS_KILL_POINT(append_written);
	bfs_note_change(bfs_call_fs(c)); /* its answer is to be remembered */
	if (c->server->journal && c->session && later)
		bfs_session_note_written(c, 0, written, end);
}

void bfs_append_failed(struct bfs_call *c, int status)
{
	if (c->server->journal && c->session)
		bfs_session_note_written(c, status, 0, 0);
}

/* What others have written behind it would have gone through us, and been
 * noted: then it was done. */
static int cut_back(struct bfs_fs *fs, int fd, const struct bfs_append *a)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if ((uint64_t)st.st_size <= a->offset)
		return 0;
	if ((uint64_t)st.st_size > a->end)
		return -ERANGE;
	return bfs_sums_truncate(fs, a->ino, fd, a->offset);
}

void bfs_append_undo(struct bfs_fs *fs, const struct bfs_append *a)
{
	struct bfs_inode *i = bfs_inode_here(fs, a->ino);
	int fd, r;

	/* The machine's end was that of all who could ask again, and what is
	 * on disk is not in order. */
	if (!i || !S_ISREG(i->mode) || a->boot != this_boot())
		return;
	fd = bfs_data_open(fs, i, bfs_sums_on(fs) ? O_RDWR : O_WRONLY);
	r = fd < 0 ? fd : cut_back(fs, fd, a);
	if (r)
		bfs_log(error,
			"file %016lx may have an append of %lu bytes at %lu "
			"twice: %s",
			a->ino, a->end - a->offset, a->offset, strerror(-r));
	if (fd < 0)
		return;
	bfs_space_account(fs, i, fd);
	close(fd);
}
