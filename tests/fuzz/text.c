/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What daemons and tools read from files, the environment and the command
 * line: settings, the list of a cluster, a member's record, a list of hosts.
 * The first byte says which.  Each is taken or refused with one line.
 */
#include "tests/fuzz/fuzz.h"

#include "core/cluster.h"
#include "core/config.h"
#include "core/siphash.h"
#include "core/util.h"
#include "core/wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>

const unsigned fuzz_runs = 20000;

static char dir[64];
static char err[BFS_MEMBERS_ERR];
static struct bfs_members *list; /* two members, for records */

/* No names are asked for in a network. */
int getaddrinfo(const char *host, const char *port,
		const struct addrinfo *hints, struct addrinfo **res)
{
	struct addrinfo *a = calloc(1, sizeof(*a) + sizeof(struct sockaddr_in));
	struct sockaddr_in *in = (struct sockaddr_in *)(a + 1);

	FUZZ_CHECK(a);
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1) {
		free(a);
		return EAI_NONAME;
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)atoi(port));
	a->ai_addr = (struct sockaddr *)in;
	a->ai_addrlen = sizeof(*in);
	*res = a;
	return 0;
}

void freeaddrinfo(struct addrinfo *a)
{
	free(a);
}

static void put_file(const char *name, const void *data, size_t len)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

/* An error is one line that says something. */
static void check_text(int r, const char *text)
{
	FUZZ_CHECK(r <= 0);
	FUZZ_CHECK(!r || (*text && !strchr(text, '\n')));
}

static void show(const struct bfs_config *c)
{
	FILE *f = fopen("/dev/null", "w");

	FUZZ_CHECK(f);
	bfs_config_show(c, f);
	fclose(f);
}

static void try_config(const char *text, size_t len)
{
	struct bfs_config_err e = { "" };
	struct bfs_config c;
	char path[128];
	int r;

	put_file("conf", text, len);
	snprintf(path, sizeof(path), "%s/conf", dir);
	FUZZ_CHECK(!bfs_config_init(&c));
	r = bfs_config_load(&c, path, &e);
	check_text(r, e.text);
	FUZZ_CHECK(!r || strstr(e.text, "conf") || strchr(e.text, '/'));
	show(&c);
	bfs_config_fini(&c);
}

static void try_set(const char *text, size_t len)
{
	struct bfs_config_err e = { "" };
	struct bfs_config c;

	FUZZ_CHECK(!bfs_config_init(&c));
	check_text(bfs_config_set(&c, text, &e), e.text);
	show(&c);
	bfs_config_fini(&c);
}

static void try_env(const char *text, size_t len)
{
	const char *env[] = { text, "BENCHFS_TIMEOUT=5", NULL };
	struct bfs_config_err e = { "" };
	struct bfs_config c;

	FUZZ_CHECK(!bfs_config_init(&c));
	check_text(bfs_config_env(&c, env, &e), e.text);
	show(&c);
	bfs_config_fini(&c);
}

static void try_cluster(const char *text, size_t len)
{
	struct bfs_members *l = bfs_members_new(&bfs_members_dir);
	int r;

	FUZZ_CHECK(l);
	put_file("cluster", text, len);
	*err = '\0';
	r = bfs_cluster_read(l, dir, err);
	check_text(r, err);
	FUZZ_CHECK(r || (l->n && l->hash && l->cluster));
	bfs_members_free(l);
}

/* With a head whose checksum is right. */
static void try_record(const char *text, size_t len)
{
	uint8_t *buf = malloc(40 + len);
	struct bfs_wire w;

	FUZZ_CHECK(buf);
	bfs_wire_init(&w, buf, 40);
	bfs_put_u64(&w, 0x31424d454d534642ull);
	bfs_put_u32(&w, 1);
	bfs_put_u32(&w, (uint32_t)len);
	bfs_put_u64(&w, list->cluster);
	bfs_put_u32(&w, bfs_secret_id(list->secret));
	bfs_put_u32(&w, 0);
	bfs_put_u64(&w, bfs_siphash(list->secret, text, len));
	memcpy(buf + 40, text, len);
	*err = '\0';
	check_text(bfs_record_take(list, len % 2, buf, 40 + len, "it", err),
		   err);
	/* and one where it is what the input says */
	*err = '\0';
	check_text(bfs_record_take(list, 0, text, len, "it", err), err);
	free(buf);
}

static void try_hosts(const char *text, size_t len)
{
	struct bfs_members *l = NULL;
	struct bfs_config_err e;
	struct bfs_config c;
	char *set;
	int r;

	FUZZ_CHECK(!bfs_config_init(&c));
	FUZZ_CHECK(asprintf(&set, "network.secret_file=%s/secret", dir) > 0);
	FUZZ_CHECK(!bfs_config_set(&c, set, &e));
	free(set);
	FUZZ_CHECK(asprintf(&set, "network.peers=%s", text) > 0);
	*err = '\0';
	r = bfs_config_set(&c, set, &e);
	if (!r)
		r = bfs_members_load(&l, &c, err);
	FUZZ_CHECK(r <= 0 && !(r && l));
	if (l)
		bfs_members_free(l);
	free(set);
	bfs_config_fini(&c);
}

static void (*const tries[])(const char *text, size_t len) = {
	try_config, try_set, try_env, try_cluster, try_record, try_hosts
};

void fuzz_one(const uint8_t *data, size_t len)
{
	char *text;

	if (!len)
		return;
	text = malloc(len); /* with a zero behind it, in place of the first */
	FUZZ_CHECK(text);
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	tries[data[0] % BFS_COUNT(tries)](text, len - 1);
	free(text);
}

static size_t seed(uint8_t *buf, uint8_t which, const void *text, size_t len)
{
	buf[0] = which;
	memcpy(buf + 1, text, len);
	return len + 1;
}

/* The file that we write ourselves, and a record's body: made once, since a
 * record that was taken changes the list. */
static uint8_t own[2][FUZZ_MAX];
static size_t own_len[2];

static void make_own(void)
{
	struct bfs_member us = { .node = (char *)"n1",
				 .run_dir = (char *)"/r",
				 .data_dir = (char *)"/d",
				 .incarnation = 5,
				 .pid = 6,
				 .address = (void *)"worker",
				 .address_len = 6 };
	void *data = NULL;
	char path[128];
	size_t len;

	snprintf(path, sizeof(path), "%s/cluster", dir);
	FUZZ_CHECK(!bfs_cluster_write(list, dir, err));
	FUZZ_CHECK(!bfs_file_read(path, &data, &len, FUZZ_MAX - 1, err));
	own_len[0] = seed(own[0], 3, data, len);
	free(data);
	FUZZ_CHECK(!bfs_record_make(list, 0, &us, &data, &len));
	own_len[1] = seed(own[1], 4, (char *)data + 40, len - 40);
	free(data);
}

size_t fuzz_seed(unsigned n, uint8_t buf[FUZZ_MAX])
{
	static const struct {
		uint8_t which;
		const char *text;
	} seeds[] = {
		{ 0, "storage: { chunk_size = 1048576; };" },
		{ 0, "node = { log_level = \"debug\"; };\nnetwork: { "
		     "transport = \"ucx\"; timeout_secs = 5; };" },
		{ 0, "auth: { allow_users = [ \"a\", \"b\" ]; };" },
		{ 0, "# c\n/* x */ client: { mount = \"/b\"; } // y\n" },
		{ 0, "@include \"conf\"\n" },
		{ 0, "@include \"/nonexistent\"\nstorage: {" },
		{ 0, "metadata: { journal = \"lmdb\"; };" },
		{ 1, "storage.chunk_size=4M" },
		{ 1, "network.timeout_secs=99999999999999999999" },
		{ 1, "storage.max_storage_gb=1.5" },
		{ 1, "node.log_level=debug" },
		{ 1, "auth.allow_users=a,b,,c" },
		{ 2, "BENCHFS_STORAGE_CHUNK_SIZE=64K" },
		{ 2, "BENCHFS_TRANSPORT=ucx" },
		{ 2, "BENCHFS_CLIENT_MOUNT=/x" },
		{ 3, NULL },
		{ 4, NULL },
		{ 5, "a@127.0.0.1:5000,b@127.0.0.1:5001" },
		{ 5, "127.0.0.1:5000 127.0.0.2:5000" },
		{ 5, "[::1]:80,x@[::1]:" },
	};

	if (n >= BFS_COUNT(seeds))
		return 0;
	if (!seeds[n].text) {
		memcpy(buf, own[seeds[n].which - 3], FUZZ_MAX);
		return own_len[seeds[n].which - 3];
	}
	return seed(buf, seeds[n].which, seeds[n].text, strlen(seeds[n].text));
}

void fuzz_begin(void)
{
	const char *tmp;

	fuzz_set_up();
	tmp = getenv("TMPDIR");
	snprintf(dir, sizeof(dir), "%.40s/bfs-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	FUZZ_CHECK(mkdtemp(dir));
	list = bfs_members_new(&bfs_members_dir);
	FUZZ_CHECK(list);
	FUZZ_CHECK(!bfs_members_add(list, "n1.0", "n1", "/r", "/d", err));
	FUZZ_CHECK(!bfs_members_add(list, "n2.0", "n2", "/r", "/d", err));
	list->cluster = 7;
	list->epoch = 1;
	FUZZ_CHECK(!bfs_members_sort(list, err));
	memcpy(list->secret, "0123456789abcdef", sizeof(list->secret));
	put_file("secret", "30313233343536373839616263646566\n", 33);
	make_own();
}

void fuzz_end(void)
{
	static const char *const names[] = { "conf", "cluster", "secret" };
	char path[128];

	for (size_t i = 0; i < BFS_COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	bfs_members_free(list);
}
