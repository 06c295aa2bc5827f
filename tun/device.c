/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see device.h. Owns the descriptor, and the packets that wait to be written.
 */
#include "tun/device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Of linux/if_tun.h since 6.2; headers may be older than the kernel. */
enum { OFFLOAD_USO4 = 0x20, OFFLOAD_USO6 = 0x40 };

struct device {
	struct device_stats stats;
	struct packet_pool *pool;       /* borrowed */
	struct device_scratch *scratch; /* borrowed */
	struct packet *first, *last;    /* packet.next; owned: to be written */
	unsigned waiting;
	int fd;
	unsigned index;
	enum device_offload offload;
	bool has_header;            /* each packet has a struct gso_header before it */
	bool merges_tcp, merges_udp; /* and the kernel takes these */
};

/* The first step of the ladder that the kernel knows. */
static void set_offload(struct device *d, enum device_offload most)
{
	const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

	d->offload = DEVICE_OFFLOAD_NONE;
	if (most == DEVICE_OFFLOAD_UDP &&
	    !ioctl(d->fd, TUNSETOFFLOAD, tcp | OFFLOAD_USO4 | OFFLOAD_USO6))
		d->offload = DEVICE_OFFLOAD_UDP;
	else if (!ioctl(d->fd, TUNSETOFFLOAD, tcp))
		d->offload = DEVICE_OFFLOAD_TCP;
	d->merges_tcp = d->offload >= DEVICE_OFFLOAD_TCP;
	d->merges_udp = d->offload >= DEVICE_OFFLOAD_UDP;
}

static int open_device(struct device *d, const struct device_args *args)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };

	if (strlen(args->name) >= sizeof(ifr.ifr_name)) {
		errno = EINVAL;
		return -1;
	}
	strcpy(ifr.ifr_name, args->name);
	d->has_header = args->offload != DEVICE_OFFLOAD_NONE;
	if (d->has_header)
		ifr.ifr_flags |= IFF_VNET_HDR;
	d->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (d->fd < 0)
		return -1;
	if (ioctl(d->fd, TUNSETIFF, &ifr))
		return -1;
	d->index = if_nametoindex(ifr.ifr_name);
	if (d->has_header)
		set_offload(d, args->offload);
	return 0;
}

struct device *device_create(const struct device_args *args)
{
	struct device *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return NULL;
	d->fd = -1;
	d->pool = args->pool;
	d->scratch = args->scratch;
	if (!open_device(d, args))
		return d;
	err = errno;
	if (d->fd >= 0)
		close(d->fd);
	free(d);
	errno = err;
	return NULL;
}

static void put_all(struct packet *p)
{
	struct packet *next;

	for (; p; p = next) {
		next = p->next;
		packet_put(p);
	}
}

void device_destroy(struct device *d)
{
	if (!d)
		return;
	put_all(d->first);
	close(d->fd);
	free(d);
}

int device_fd(const struct device *d)
{
	return d->fd;
}

unsigned device_index(const struct device *d)
{
	return d->index;
}

enum device_offload device_offload(const struct device *d)
{
	return d->offload;
}

void device_stats(const struct device *d, struct device_stats *out)
{
	*out = d->stats;
}

/* ---- Read ---- */

/* The next of what was read, as a packet; NULL: it is dropped, and counted. */
static struct packet *cut_one(struct device *d, struct gso_cut *cut)
{
	struct packet *p = packet_get(d->pool);

	if (!p) {
		d->stats.dropped_memory++;
		return NULL;
	}
	p->len = (uint16_t)gso_cut_length(cut);
	gso_cut_next(cut, packet_data(p));
	d->stats.read++;
	d->stats.read_bytes += p->len;
	return p;
}

/* Gives what lies in the scratch; how many packets. */
static int give(struct device *d, size_t n, device_packet_fn *on_packet, void *ctx)
{
	size_t before = d->has_header ? sizeof(struct gso_header) : 0;
	struct gso_header header = { 0 };
	struct gso_cut cut;
	struct packet *p;
	int given = 0;

	memcpy(&header, d->scratch->bytes, n < before ? 0 : before);
	if (n < before ||
	    gso_cut_begin(&cut, &header, d->scratch->bytes + before, n - before)) {
		d->stats.dropped_invalid++;
		return 0;
	}
	if (gso_cut_length(&cut) > PACKET_LEN_MAX) {
		d->stats.dropped_long++;
		return 0;
	}
	while (gso_cut_length(&cut) && (p = cut_one(d, &cut))) {
		on_packet(ctx, p);
		given++;
	}
	return given;
}

int device_read(struct device *d, device_packet_fn *on_packet, void *ctx)
{
	size_t bytes = 0;
	int given = 0;

	for (unsigned i = 0; i < DEVICE_READS_MAX && bytes < DEVICE_READ_BYTES; i++) {
		ssize_t n = read(d->fd, d->scratch->bytes, sizeof(d->scratch->bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return given || errno == EAGAIN ? given : -errno;
		d->stats.reads++;
		bytes += (size_t)n;
		given += give(d, (size_t)n, on_packet, ctx);
	}
	return given;
}

/* ---- Write ---- */

static int write_group(struct device *d, struct gso_group *g)
{
	struct iovec piece[GSO_IOVECS_MAX];
	unsigned n = gso_group_pieces(g, piece), from = d->has_header ? 0 : 1;

	d->stats.writes++;
	if (writev(d->fd, piece + from, (int)(n - from)) < 0)
		return -errno;
	d->stats.written += g->packets;
	for (struct packet *p = g->first; p; p = p->next)
		d->stats.written_bytes += p->len;
	return 0;
}

/* The kernel did not know what it is: from now on, and these, one by one. */
static int write_single(struct device *d, struct gso_group *g)
{
	struct packet *next;
	int rc = 0, one;

	if (g->type == GSO_UDP)
		d->merges_udp = false;
	else
		d->merges_tcp = false;
	for (struct packet *p = g->first; p; p = next) {
		next = p->next;
		gso_group_begin(g, p, false, false);
		one = write_group(d, g);
		p->next = next;
		if (!one)
			continue;
		d->stats.dropped_write++;
		rc = one;
	}
	return rc;
}

static int write_or_drop(struct device *d, struct gso_group *g)
{
	struct packet *all = g->first;
	int rc = write_group(d, g);

	if (rc == -EINVAL && g->packets > 1)
		rc = write_single(d, g);
	else if (rc)
		d->stats.dropped_write += g->packets;
	put_all(all);
	return rc;
}

/* Puts what waits into groups; how many. */
static unsigned merge(struct device *d)
{
	struct gso_group *groups = d->scratch->groups;
	struct packet *p, *next;
	unsigned count = 0, j;

	for (p = d->first; p; p = next) {
		next = p->next;
		gso_group_begin(&groups[count], p, d->merges_tcp, d->merges_udp);
		for (j = 0; j < count; j++)
			if (gso_group_join(&groups[j], &groups[count]))
				break;
		count += j == count;
	}
	d->first = d->last = NULL;
	d->waiting = 0;
	return count;
}

int device_flush(struct device *d)
{
	unsigned count = merge(d);
	int rc = 0;

	for (unsigned i = 0; i < count; i++) {
		int one = write_or_drop(d, &d->scratch->groups[i]);
		rc = one ? one : rc;
	}
	return rc;
}

void device_write(struct device *d, struct packet *p)
{
	p->next = NULL;
	if (d->last)
		d->last->next = p;
	else
		d->first = p;
	d->last = p;
	if (++d->waiting == DEVICE_WRITE_MAX)
		device_flush(d);
}
