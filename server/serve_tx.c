/* SPDX-License-Identifier: BSD-3-Clause */
/* What drivers of changes on several shards ask of us. */
#include "server/server.h"
#include "server/settle.h"
#include "server/txp.h"

int bfs_serve_txentry(struct bfs_call *c, const struct bfs_txentry_req *req,
		      struct bfs_txentry_rep *rep)
{
	return bfs_txp_entry(c, (unsigned)c->peer, req, rep);
}

int bfs_serve_txtree(struct bfs_call *c, const struct bfs_txtree_req *req,
		     struct bfs_txtree_rep *rep)
{
	return bfs_txp_tree(c, (unsigned)c->peer, req->tx);
}

int bfs_serve_txinode(struct bfs_call *c, const struct bfs_txinode_req *req,
		      struct bfs_txinode_rep *rep)
{
	return bfs_txp_inode(c, (unsigned)c->peer, req, rep);
}

int bfs_serve_txdir(struct bfs_call *c, const struct bfs_txdir_req *req,
		    struct bfs_txdir_rep *rep)
{
	return bfs_txp_dir(c, (unsigned)c->peer, req);
}

int bfs_serve_txprepare(struct bfs_call *c, const struct bfs_txprepare_req *req,
			struct bfs_txprepare_rep *rep)
{
	return bfs_txp_prepare(c->server->fs, (unsigned)c->peer, req);
}

int bfs_serve_txend(struct bfs_call *c, const struct bfs_txend_req *req,
		    struct bfs_txend_rep *rep)
{
	rep->known = bfs_txp_holds(c->server->fs, req->tx) ||
		     bfs_settle_known(c->server->fs, req->tx);
	bfs_txp_end(c->server->fs, req->tx, req->commit);
	return 0;
}
