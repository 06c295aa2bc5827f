/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: SOCKS5's UDP ASSOCIATE (RFC 1928, sections 4 and 7): datagrams that a
 * client sends to a socket of ours, with their destination before them, leave by
 * a socket of this host, and the answers come back. They have no wire of their
 * own: the owner says for each destination by which device it leaves, and the
 * kernel leads it, into the packet tunnel for one.
 *
 * An association lives as long as its client's TCP connection. Only that host is
 * served, from the port that it named or else first sent from. Fragments
 * (FRAG != 0) are dropped, as the RFC lets one do.
 */
#ifndef PROXY_ASSOCIATE_H
#define PROXY_ASSOCIATE_H

#include "agg/base/loop.h"
#include "proxy/inlet.h"
#include "proxy/resolve.h"
#include "proxy/tally.h"

#include <net/if.h>

#define ASSOCIATES_MAX 256
#define ASSOCIATE_EXITS_MAX 4   /* sockets of one: a device and family each */
#define ASSOCIATE_NAMES_MAX 4   /* that one remembers, */
#define ASSOCIATE_NAME_US 60000000u /* for so long */
#define ASSOCIATE_HELD_MAX 4    /* datagrams that wait for a name */
#define ASSOCIATE_TURN_MAX 32   /* datagrams of one socket in a turn */

/* By which device a client's datagrams to that address leave; "": as the host's
 * own. name: by which it was asked for, or "". False: they are dropped. */
typedef bool associate_way_fn(void *ctx, const struct addr *client,
                              const struct addr *to, const char *name,
                              char device[IFNAMSIZ]);

struct associates_args { /* all borrowed, and outlive it */
	struct loop *loop;
	struct resolver *resolver; /* NULL: names are not found */
	struct relays *relays;     /* that tell clients why not */
	struct tally *hosts;       /* one takes a place of its client's */
	associate_way_fn *way;
	void *ctx;
};

struct associates;
struct associates *associates_create(const struct associates_args *args);
void associates_destroy(struct associates *a); /* closes them; NULL is fine */
unsigned associates_count(const struct associates *a);

/* Takes the client, and its socket in any case. dest is where it will send from;
 * of no address or port: it does not say. False: its host has its share, and it was
 * told STREAM_END_LIMIT. */
bool associates_take(struct associates *a, const struct inlet_client *client);

#endif
