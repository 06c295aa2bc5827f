/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a TUN device: what the kernel routes into it is read here, what is written
 * comes out of it. It belongs to this process and goes with it; its addresses, routes and
 * link state are others' (agg/kernel).
 *
 * With offload the kernel hands over, and takes, many packets of a flow as one (gso.h).
 * What kernels differ in is found out when the device is made: UDP from Linux 6.2 on.
 */
#ifndef TUN_DEVICE_H
#define TUN_DEVICE_H

#include "tun/gso.h"
#include "tun/packet.h"

#define DEVICE_READS_MAX 64u              /* in one call of device_read() */
#define DEVICE_READ_BYTES (256u * 1024)   /* likewise: then it is others' turn */
#define DEVICE_WRITE_MAX 64u              /* packets that wait for device_flush() */

enum device_offload {
	DEVICE_OFFLOAD_NONE, /* a packet at a time, in both directions */
	DEVICE_OFFLOAD_TCP,  /* checksums and TCP */
	DEVICE_OFFLOAD_UDP,  /* and UDP */
};

struct device_stats {
	uint64_t read, read_bytes, reads;          /* packets; calls of the kernel */
	uint64_t written, written_bytes, writes;
	uint64_t dropped_memory;  /* read, and the pool had no packet left */
	uint64_t dropped_invalid; /* read: no IP, or not what its header says */
	uint64_t dropped_long;    /* read: more than PACKET_LEN_MAX */
	uint64_t dropped_write;   /* the kernel did not take it */
};

struct device;

/* Memory to read and to merge in, which the devices of a thread may share. */
struct device_scratch {
	uint8_t bytes[sizeof(struct gso_header) + GSO_BYTES_MAX + 1];
	struct gso_group groups[DEVICE_WRITE_MAX];
};

struct device_args {
	const char *name;            /* below IFNAMSIZ */
	enum device_offload offload; /* the most that it may use */
	struct packet_pool *pool;    /* borrowed: of what is read */
	struct device_scratch *scratch; /* borrowed */
};

/* NULL: errno. EBUSY: somebody has a device of that name; EPERM: no
 * CAP_NET_ADMIN; ENOENT, ENODEV, EACCES: /dev/net/tun is not there, or not for us. */
struct device *device_create(const struct device_args *args);
void device_destroy(struct device *d); /* what waits to be written is dropped */
int device_fd(const struct device *d); /* readable: call device_read() */
unsigned device_index(const struct device *d); /* as the kernel numbers links */
enum device_offload device_offload(const struct device *d); /* that it has */
void device_stats(const struct device *d, struct device_stats *out);

/* The packet is the callee's. */
typedef void device_packet_fn(void *ctx, struct packet *p);
/* Reads a burst. How many packets it gave; 0: there was none; -EBADFD: the device
 * is gone, and another error is as final. Never leaves a packet unread because
 * nobody has room for it: then it is dropped, and counted. */
int device_read(struct device *d, device_packet_fn *on_packet, void *ctx);

/* Takes the packet, to be written by device_flush(), which comes by itself when
 * there are many. */
void device_write(struct device *d, struct packet *p);
/* 0, or the last error; what the kernel did not take is dropped and counted. -EIO: its
 * link is down; -EBADFD: it is gone. */
int device_flush(struct device *d);

#endif
