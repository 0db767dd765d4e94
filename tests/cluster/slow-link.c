/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slow-link A B MS LOSS [SEED]: a wire between two interfaces of this network
 * namespace that takes MS milliseconds and loses LOSS of a thousand frames.  It
 * says "ready" when it works, and does until it is killed.  Needs CAP_NET_RAW.
 *
 * Frames go as the kernel has them between veths, with their offload header:
 * unfinished checksums and up to 64 KiB, so a frame that is lost may be many of
 * a real wire's.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX (sizeof(struct virtio_net_hdr) + 70000)
#define QUEUED_MAX (64u << 20) /* bytes on the wire; what is more is lost */

struct frame {
	struct frame *next;
	uint64_t due; /* ns */
	size_t len;
	uint8_t bytes[];
};

struct way {
	int from, to;
	struct frame *first, **last;
	size_t queued;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static int open_end(const char *name)
{
	int on = 1,
	    fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex(name) };

	if (fd < 0 || !a.sll_ifindex)
		err(2, "%s", name);
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on,
		       sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)))
		err(2, "%s", name);
	return fd;
}

/* Of a thousand; xorshift. */
static unsigned chance(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (unsigned)(*state >> 16) % 1000;
}

static void take(struct way *w, uint64_t delay, unsigned loss, uint64_t *state)
{
	static uint8_t buf[FRAME_MAX];
	ssize_t n;

	while ((n = recv(w->from, buf, sizeof(buf), 0)) > 0) {
		struct frame *f;

		if (chance(state) < loss || w->queued > QUEUED_MAX)
			continue;
		f = malloc(sizeof(*f) + (size_t)n);
		if (!f)
			continue;
		f->next = NULL;
		f->due = now() + delay;
		f->len = (size_t)n;
		memcpy(f->bytes, buf, (size_t)n);
		*w->last = f;
		w->last = &f->next;
		w->queued += f->len;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENETDOWN)
		err(2, "recv");
}

static void give(struct way *w)
{
	while (w->first && w->first->due <= now()) {
		struct frame *f = w->first;

		/* A wire tells nobody what it does not deliver. */
		if (send(w->to, f->bytes, f->len, 0) < 0 && errno == EAGAIN)
			return;
		w->first = f->next;
		if (!w->first)
			w->last = &w->first;
		w->queued -= f->len;
		free(f);
	}
}

static struct timespec until_due(const struct way *w)
{
	uint64_t t = now(), due = t + 1000000000ull;

	for (int i = 0; i < 2; i++)
		if (w[i].first && w[i].first->due < due)
			due = w[i].first->due;
	due = due > t ? due - t : 100000; /* the socket is full */
	return (struct timespec){ .tv_sec = (time_t)(due / 1000000000ull),
				  .tv_nsec = (long)(due % 1000000000ull) };
}

int main(int argc, char **argv)
{
	uint64_t delay, state;
	unsigned loss;
	struct way w[2];

	if (argc < 5)
		errx(64, "slow-link A B MS LOSS [SEED]");
	delay = strtoull(argv[3], NULL, 10) * 1000000;
	loss = (unsigned)atoi(argv[4]);
	state = argc > 5 ? strtoull(argv[5], NULL, 10) + 1 : 1;
	w[0].from = w[1].to = open_end(argv[1]);
	w[1].from = w[0].to = open_end(argv[2]);
	for (int i = 0; i < 2; i++) {
		w[i].first = NULL;
		w[i].last = &w[i].first;
		w[i].queued = 0;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd p[] = { { .fd = w[0].from, .events = POLLIN },
				      { .fd = w[1].from, .events = POLLIN } };
		struct timespec t = until_due(w);

		if (ppoll(p, 2, &t, NULL) < 0 && errno != EINTR)
			err(2, "poll");
		for (int i = 0; i < 2; i++)
			take(&w[i], delay, loss, &state);
		for (int i = 0; i < 2; i++)
			give(&w[i]);
	}
}
