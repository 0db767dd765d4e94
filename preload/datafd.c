/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/datafd.h"
#include "preload/path.h"
#include "preload/session.h"

#include <errno.h>

int bfs_datafd(struct bfs_where *w, enum bfs_datafd what, struct bfs_attr *attr,
	       struct bfs_handle *handle)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_datafd_rep rep;
	struct bfs_client *c;
	int e = bfs_session_local(&c);

	while (!e) {
		if (w->foreign)
			return -(int)BFS_ESCAPE;
		e = bfs_rpc_datafd(
			c, &r,
			&(struct bfs_datafd_req){ .at = w->at,
						  .path = bfs_where_str(w),
						  .what = what },
			&rep);
		if (!bfs_where_on(w, &r, &e))
			break;
	}
	if (!e) {
		e = r.io.fd >= 0 ? r.io.fd : -EIO;
		if (attr)
			*attr = rep.attr;
		if (handle)
			*handle = rep.handle;
	}
	bfs_rpc_end(&r);
	return e;
}

void bfs_datafd_path(struct bfs_handle h, char *out, size_t size)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_getpath_rep rep;
	struct bfs_client *c;
	int e = bfs_session_local(&c);

	if (!e)
		e = bfs_rpc_getpath(c, &r, &(struct bfs_getpath_req){ .at = h },
				    &rep);
	if (e || bfs_path_out(out, size, rep.path) < 0)
		*out = '\0';
	bfs_rpc_end(&r);
}
