/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: past the session: a client's socket joined with one that is dialled
 * from this host, by the host's own routing or by a device. For an outage, in
 * which clients of SOCKS5 shall leave like those whose packets are forwarded; and
 * for who bypasses the session by a name that only the way in heard.
 *
 * Carried over are bytes, the end of a direction, and a reset. A connection
 * ends by itself.
 */
#ifndef PROXY_DIRECT_H
#define PROXY_DIRECT_H

#include "agg/base/loop.h"
#include "proxy/egress.h"
#include "proxy/inlet.h"
#include "proxy/relay.h"
#include "proxy/resolve.h"
#include "proxy/tally.h"

#define DIRECT_CHUNK 65536 /* bytes read at once; more than that never wait */

struct directs_args { /* all borrowed, and outlive it */
	struct loop *loop;
	const struct egress *egress;
	struct resolver *resolver; /* NULL: names are not found */
	struct relays *relays;     /* that tell clients why not */
	struct tally *hosts;       /* a connection takes a place of its client's */
};

/* All such connections. */
struct directs;
struct directs *directs_create(const struct directs_args *args); /* NULL: errno */
void directs_destroy(struct directs *d); /* resets them; NULL is fine */
unsigned directs_count(const struct directs *d);

/* Takes the client, and its socket in any case. device: by which it leaves; "":
 * any. False: its host has its share, and it was told STREAM_END_LIMIT. */
bool directs_take(struct directs *d, const struct inlet_client *client,
                  const char *device);
/* Resets those that left by the device, or, with "", by any: they would wait for
 * a long time, and their clients can begin anew at once. */
void directs_reset(struct directs *d, const char *device);

#endif
