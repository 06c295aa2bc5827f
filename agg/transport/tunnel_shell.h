/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a tunnel (tunnel.h) on a loop, over the sockets of a dgram (dgram.h): its clock, its
 * turns, its timer, its indexes, and a socket for each of a gateway's paths. Both roles
 * use it; what is left to them is what is inside (packets) and the session (frames).
 *
 * A gateway's path that is dead for some time gets a new socket, and so another source
 * port: a NAT that forgot the old one may let that through.
 */
#ifndef AGG_TRANSPORT_TUNNEL_SHELL_H
#define AGG_TRANSPORT_TUNNEL_SHELL_H

#include "agg/transport/dgram.h"
#include "agg/transport/path_load.h"

#include <net/if.h>

struct tunnel_shell;

/* Required, but where it says so. Called from inside of the tunnel, which they must not
 * call; nor may they destroy the shell. */
struct tunnel_shell_events {
	/* An inner packet, the owner's then. */
	void (*deliver)(void *ctx, struct packet *p, const struct inspection *in);
	/* (optional) One for a host of our side, from whoever that host sent to; the
	 * owner's then. */
	void (*answer)(void *ctx, struct packet *p);
	/* (optional) By the session: session_carry(). */
	bool (*carry)(void *ctx, const uint8_t *p, size_t n);
	/* (optional) By the session: session_path_load(). */
	void (*load)(void *ctx, unsigned path, struct path_load *out);
	/* To be said by the session: session_say_tunnel(). */
	void (*say)(void *ctx, const struct wire_frame *frame);
};

struct tunnel_shell_args {
	struct loop *loop;         /* borrowed */
	struct dgram *dgram;       /* borrowed; outlives it */
	bool is_gateway;
	uint8_t session_id[WIRE_SESSION_ID_BYTES];
	enum aead_suite suite;
	struct packet_pool *pool;  /* borrowed */
	uint64_t queue_bytes_max;
	struct budget *budget;     /* borrowed; NULL: none */
	const struct tunnel_shell_events *events; /* borrowed */
	void *ctx;
};

/* NULL: errno. */
struct tunnel_shell *tunnel_shell_create(const struct tunnel_shell_args *args);
void tunnel_shell_destroy(struct tunnel_shell *s);
/* For tunnel_put(), tunnel_frame(), tunnel_path(), tunnel_stats(). */
struct tunnel *tunnel_shell_tunnel(struct tunnel_shell *s);

/* Do datagrams leave one by one on a path, as its device spoils what leaves several in a
 * message (segment_trial.h)? */
bool tunnel_shell_is_single(const struct tunnel_shell *s);

/* How a gateway's path goes. */
struct tunnel_way {
	char device[IF_NAMESIZE]; /* "": any */
	struct addr source;       /* without a port; AF_UNSPEC: the kernel's choice */
	struct addr peer;         /* the concentrator's */
};
/* The path is up, by that way from now on; its class: enum sched_path_class. Again the
 * same: nothing. 0 or -errno: it is down then. */
int tunnel_shell_connect(struct tunnel_shell *s, unsigned path, const struct tunnel_way *way,
                         unsigned path_class);
/* The path is down; its number and counters stay. */
void tunnel_shell_disconnect(struct tunnel_shell *s, unsigned path);

#endif
