/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: ways in. An inlet listens, finds out where each client wants to go,
 * and hands it over; the owner opens a stream and starts a relay (relay.h).
 * socks5: the client says it (RFC 1928). tproxy: the kernel says it, of a
 * connection that the ruleset took from the client's way.
 */
#ifndef PROXY_INLET_H
#define PROXY_INLET_H

#include "agg/base/loop.h"
#include "agg/transport/stream.h"
#include "proxy/relay.h"
#include "proxy/tally.h"

/* A client whose destination is known. Give fd and greeter to relay_create. */
struct inlet_client {
	int fd;                              /* the callee's from now on */
	struct addr from;
	struct dest dest;
	int dscp;                            /* it began with; -1: not known */
	bool associate;                      /* it wants datagrams passed on
	                                      * (associate.h), not dest */
	const struct relay_greeter *greeter; /* NULL: nothing to be said */
};

/* May a connection that came in by the device of that number be served? The
 * loopback's is the host's own. */
typedef bool inlet_admits_fn(void *ctx, int ifindex);

/* The inlet must not be destroyed inside. */
typedef void inlet_client_fn(void *ctx, const struct inlet_client *client);

struct inlet_args {
	struct loop *loop;
	/* socks5: the address to listen at. tproxy: family and port (0: any),
	 * always on loopback (sockopt_tproxy_listen). */
	struct addr listen;
	/* socks5: what a client must show; both NULL or "": nothing, which an
	 * inlet that listens everywhere refuses with -EACCES. Copied. */
	const char *username, *password;
	inlet_admits_fn *admits; /* socks5; NULL: every device */
	/* socks5: who is in its handshake takes a place of its host's. Borrowed;
	 * NULL: there are as many as the inlet takes. */
	struct tally *hosts;
	bool associates; /* socks5: UDP ASSOCIATE is served */
	inlet_client_fn *on_client;
	void *ctx;
};

struct inlet;

struct inlet_ops {
	const char *name;
	/* 0 and *out, or -errno of the listener. Required. */
	int (*create)(struct inlet **out, const struct inlet_args *args);
	/* Clients that were not handed over yet are closed. Required. */
	void (*destroy)(struct inlet *in);
	/* As listener_rest. Required. */
	void (*rest)(struct inlet *in, bool rests);
	/* Where it listens, with the port that was chosen for 0. Required. */
	void (*address)(const struct inlet *in, struct addr *out);
};

extern const struct inlet_ops inlet_socks5;
extern const struct inlet_ops inlet_tproxy;

/* What every implementation starts with. */
struct inlet {
	const struct inlet_ops *ops;
};

static inline void inlet_destroy(struct inlet *in)
{
	if (in)
		in->ops->destroy(in);
}

static inline void inlet_rest(struct inlet *in, bool rests)
{
	if (in)
		in->ops->rest(in, rests);
}

#endif
