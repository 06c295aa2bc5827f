/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: packets that the kernel hands over, or takes, many at once, as one that is
 * too large (segmentation offload of a TUN device, the header of virtio 1.2, 5.1.6).
 * Cut what was read, merge what is to be written. Pure.
 *
 * Both are exact: what is merged is cut by the kernel into the packets that were
 * there, byte for byte; and a packet whose checksum is wrong is never merged, as the
 * cut would mend it. One field is free: the identification of an IPv4 packet that
 * may not be fragmented, which nobody may look at (RFC 6864).
 */
#ifndef TUN_GSO_H
#define TUN_GSO_H

#include "tun/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#define GSO_BYTES_MAX 65535u    /* of what is cut or merged */
#define GSO_SEGMENTS_MAX 64u    /* that are merged; the kernel's own limit for UDP */
#define GSO_HEADERS_MAX 120u    /* bytes: IP and TCP with all their options */

enum gso_type { /* of linux/virtio_net.h */
	GSO_NONE = 0,
	GSO_TCP4 = 1,
	GSO_TCP6 = 4,
	GSO_UDP = 5, /* UDP_L4 there; of Linux 6.2 and later */
	GSO_CWR_ONCE = 0x80, /* a bit more: CWR is the first segment's only */
};

#define GSO_NEEDS_SUM 1 /* from sum_start on, the field holds the pseudo header's */

/* What lies before each packet, in the host's byte order. */
struct gso_header {
	uint8_t flags;       /* GSO_NEEDS_SUM; others are to be passed over */
	uint8_t type;
	uint16_t header_len; /* not to be believed */
	uint16_t size;       /* payload of a segment */
	uint16_t sum_start, sum_offset;
};
_Static_assert(sizeof(struct gso_header) == 10, "as it is read and written");

/* ---- To cut ---- */

struct gso_cut {
	const uint8_t *p;  /* borrowed; until the last segment is out */
	uint32_t n, at;    /* bytes; payload that is out up to there */
	uint16_t headers;  /* bytes: IP and upper */
	uint16_t upper;    /* where the upper header begins */
	uint16_t size;     /* payload of a segment */
	uint16_t sum_at;   /* where its checksum is; 0: there is nothing to do */
	uint16_t index;    /* of the next segment */
	uint8_t type;      /* enum gso_type */
	bool is_once;      /* GSO_CWR_ONCE */
	uint64_t sum;      /* of what is the same in each */
};

/* 0; -EBADMSG: what the header says cannot be of these bytes. */
int gso_cut_begin(struct gso_cut *cut, const struct gso_header *h, const uint8_t *p,
                  size_t n);
/* How long the next one is; 0: there is none. */
size_t gso_cut_length(const struct gso_cut *cut);
/* Writes it there, with its lengths and checksums. */
void gso_cut_next(struct gso_cut *cut, uint8_t *out);

/* ---- To merge ---- */

/* Packets of a flow, one behind the other, that are written together. */
struct gso_group {
	struct packet *first, *last; /* packet.next; borrowed */
	uint32_t flow;     /* who has another number is of another flow */
	uint32_t tcp_next; /* the number that comes next */
	uint16_t packets;
	uint16_t headers, upper, size; /* as above */
	uint16_t id;       /* IPv4: of the last */
	uint8_t type;
	bool may_join;     /* its packet is of those that may be merged */
	bool is_open;      /* another may join it */
	uint32_t payload;  /* bytes, of all */
	struct gso_header header;
	uint8_t merged[GSO_HEADERS_MAX]; /* the headers of all as one */
};

#define GSO_IOVECS_MAX (GSO_SEGMENTS_MAX + 2)

/* A group of that packet alone. Types are those that may be merged. */
void gso_group_begin(struct gso_group *g, struct packet *p, bool tcp, bool udp);
/* Adds the group b, of one packet, at the end of a: true, or a is as it was. Where b is
 * of the same flow and cannot be added, a takes no more: order is kept. */
bool gso_group_join(struct gso_group *a, const struct gso_group *b);
/* What is to be written, header first; it is borrowed from the group and its packets.
 * How many pieces. */
unsigned gso_group_pieces(struct gso_group *g, struct iovec piece[GSO_IOVECS_MAX]);

#endif
