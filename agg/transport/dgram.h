/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the shell round packet tunnels (tunnel.h): UDP sockets of one loop, the buffers
 * that they share, and whose a datagram is, by its index. A gateway has a socket for each
 * path, connected to the concentrator; a concentrator has one for each address that it
 * listens on, and each of its workers has its own: an index is chosen so that the kernel
 * hands its datagrams to the worker that chose it, and what is not of one of ours is dropped
 * before anybody wakes (udp_filter()).
 *
 * Datagrams that go to one destination in a row leave as one message where the kernel can
 * (UDP_SEGMENT); that is given up for good on a socket where it cannot. So a gateway's
 * socket is of one tunnel: what it sends goes to one worker. What is not one of ours is
 * dropped and counted, and never answered.
 */
#ifndef AGG_TRANSPORT_DGRAM_H
#define AGG_TRANSPORT_DGRAM_H

#include "agg/transport/tunnel.h"

#define DGRAM_INDEXES_MAX 8192u  /* of a loop: 4 for each of 1,000 sites, and more */
#define DGRAM_BUSY_US 1000u      /* what is full for now is tried again after that */

struct loop;
struct dgram;
struct dgram_socket;

/* To whom an index belongs. None may close sockets or drop indexes in here. */
struct dgram_user {
	/* A datagram, as for tunnel_input(). */
	void (*on_datagram)(void *ctx, const struct tunnel_came *came, uint8_t *p, size_t n);
};

/* One of so many workers, each with its own loop; 0 of 1 where there is but one. NULL:
 * errno. */
struct dgram *dgram_create(struct loop *loop, unsigned worker, unsigned workers);
void dgram_destroy(struct dgram *d); /* with all sockets */
/* From now on its sockets send datagrams one by one, as what several leave in is spoilt by
 * some devices. */
void dgram_send_singly(struct dgram *d);

/* The suite in which this host seals and opens fastest: AES where the processor has it,
 * else ChaCha20 (RFC 8439). Measured at the dgram's start, for a millisecond. */
enum aead_suite dgram_suite(const struct dgram *d);

/* A number by which this user's datagrams are known. 0; -ENOSPC, -ENOMEM. */
int dgram_take_index(struct dgram *d, const struct dgram_user *user, void *ctx,
                     uint32_t *index);
void dgram_drop_index(struct dgram *d, uint32_t index);

/* Who is told when a socket that was full has room. Its user's, who cancels it before it
 * goes. */
struct dgram_waiter {
	void (*on_writable)(void *ctx); /* closes no socket in here */
	void *ctx;
	struct dgram_socket *socket;    /* for which it waits; NULL: none */
	struct dgram_waiter *prev, *next; /* dgram_socket.waiters */
};
void dgram_cancel(struct dgram_waiter *waiter);

/* As in udp.h. NULL: errno. */
struct dgram_socket *dgram_connect(struct dgram *d, const char *device,
                                   const struct addr *source, const struct addr *peer);
/* One of udp_listen(); it is the dgram's from now on, also where this fails. */
struct dgram_socket *dgram_adopt(struct dgram *d, int fd);
/* What waits in it to go is dropped; so are its waiters, untold. NULL is fine. */
void dgram_close(struct dgram_socket *s);

/* The one that such a datagram came by; NULL: it is gone. */
struct dgram_socket *dgram_find(struct dgram *d, const struct tunnel_ends *ends);
/* Memory for a datagram of n bytes; ends: NULL on one that is connected. NULL: it is full
 * for now, and the waiter will be told. Then commit at most so many, or nothing; singly: in
 * no message with others. */
uint8_t *dgram_reserve(struct dgram_socket *s, const struct tunnel_ends *ends, size_t n,
                       struct dgram_waiter *waiter);
void dgram_commit(struct dgram_socket *s, size_t n, bool singly);
void dgram_flush(struct dgram *d); /* of all its sockets */

struct dgram_stats {
	uint64_t strange;      /* received, not dropped below: not ours, by form or index */
	uint64_t lost;         /* could not be sent, and were given up */
	uint64_t too_long;     /* of them: for the device */
	uint64_t sent, received, calls_out, calls_in;
	bool segments;         /* several leave as one message, on all sockets */
};
void dgram_stats(const struct dgram *d, struct dgram_stats *out);

#endif
