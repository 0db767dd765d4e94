/* SPDX-License-Identifier: BSD-3-Clause */
/* identity: what a process makes belongs to who it is at that moment */
#include "tests/hooks/row.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define UID 12u
#define GID 34u

ROW(umask)
{
	int fd;

	GIVES(umask(027), 022);
	fd = open(P("f"), O_CREAT | O_WRONLY, 0666);
	close(fd);
	TRUE(mode_of("f") == (S_IFREG | 0640));
	OK(mkdir(P("d"), 0777));
	TRUE(mode_of("d") == (S_IFDIR | 0750));
	GIVES(umask(0), 027);
	OK(mkfifo(P("p"), 0666));
	TRUE(mode_of("p") == (S_IFIFO | 0666));
}

static void root(void)
{
	const char *way = getenv("BENCHFS_TRANSPORT"), *tls = getenv("UCX_TLS");

	if (geteuid())
		row_skip("needs root");
	if (row_ours && way && !strcmp(way, "ucx") &&
	    !(tls && !strcmp(tls, "tcp")))
		row_skip("the shared memory of UCX is one user's");
	OK(chmod(row_dir, 0777));
	put("seen", ""); /* the connection is there before the change */
}

/* A new file belongs to uid and gid. */
static void made_as(uid_t uid, gid_t gid)
{
	struct stat st = { 0 };
	int fd = FD(open(P("new"), O_CREAT | O_EXCL | O_WRONLY, 0600));

	OK(fstat(fd, &st));
	TRUE(st.st_uid == uid && st.st_gid == gid);
	OK(close(fd));
	OK(unlink(P("new")));
}

/* A file of root's is out of reach. */
static void refused(void)
{
	FAILS(open(P("secret"), O_RDONLY), EACCES);
	FAILS(open("/proc/self/mem/none", O_RDONLY), ENOTDIR);
}

static void secret(void)
{
	root();
	put("secret", "root's");
	OK(chmod(P("secret"), 0600));
}

ROW(setuid)
{
	secret();
	OK(setuid(UID));
	made_as(UID, 0);
	refused();
	FAILS(setuid(0), EPERM);
}

ROW(seteuid)
{
	secret();
	OK(seteuid(UID));
	made_as(UID, 0);
	refused();
	OK(seteuid(0));
	made_as(0, 0);
	TEXT(get("secret"), "root's");
}

ROW(setreuid)
{
	secret();
	OK(setreuid(0, UID));
	made_as(UID, 0);
	refused();
	OK(setreuid(0, 0));
	made_as(0, 0);
}

ROW(setresuid)
{
	secret();
	OK(setresuid(UID, UID, 0));
	made_as(UID, 0);
	refused();
	OK(setresuid(0, 0, 0));
	made_as(0, 0);
}

ROW(setgid)
{
	root();
	OK(setgid(GID));
	made_as(0, GID);
}

ROW(setegid)
{
	root();
	OK(setegid(GID));
	made_as(0, GID);
	OK(setegid(0));
	made_as(0, 0);
}

ROW(setregid)
{
	root();
	OK(setregid(GID, GID));
	made_as(0, GID);
}

ROW(setresgid)
{
	root();
	OK(setresgid(GID, GID, GID));
	made_as(0, GID);
}

/* Somebody who may change groups but not overrule permissions. */
static void become_keeper(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { .effective = 1 << CAP_SETGID,
						 .permitted = 1 << CAP_SETGID },
					       { 0 } };

	secret();
	OK(chown(P("secret"), 0, GID));
	OK(chmod(P("secret"), 0640));
	OK(setgroups(0, NULL));
	OK(prctl(PR_SET_KEEPCAPS, 1));
	OK(setuid(UID));
	OK(syscall(SYS_capset, &h, d));
	refused();
}

ROW(setgroups)
{
	gid_t groups[] = { GID };

	become_keeper();
	OK(setgroups(1, groups));
	TEXT(get("secret"), "root's");
	OK(setgroups(0, NULL));
	refused();
}

ROW(initgroups)
{
	become_keeper();
	GIVES(initgroups("benchfs-nobody", GID), 0);
	TEXT(get("secret"), "root's");
}
