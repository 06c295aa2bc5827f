/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the way out: every stream that the other side opens is dialled, and
 * joined with its socket (dial.h, relay.h). What the stream brings before the
 * socket is there waits in the stream. A share begins some in a turn of the loop,
 * and goes on in the next.
 */
#ifndef PROXY_OUTLET_H
#define PROXY_OUTLET_H

#include "agg/base/loop.h"
#include "agg/transport/stream.h"
#include "proxy/dial.h"
#include "proxy/egress.h"
#include "proxy/relay.h"
#include "proxy/resolve.h"
#include "proxy/share.h"

#define OUTLET_DIALS_MAX RELAYS_MAX /* at once */
#define OUTLET_LOOK_MAX 256 /* dials that wait, looked at in a turn */
#define OUTLET_TELL_US 60000000u /* between two lines about a shortage */

struct outlet_args { /* all borrowed, and outlive the outlet */
	struct loop *loop;
	const struct egress *egress;
	struct resolver *resolver;
	struct relays *relays;
	const struct dial_watch *watch; /* may be NULL */
};

struct outlet;
struct outlet *outlet_create(const struct outlet_args *args); /* NULL: errno */
/* After its streams were closed. */
void outlet_destroy(struct outlet *o);

/* Takes a stream that the other side opened, on the account of share: what is
 * to be attached to it is stored in *events and *stream_ctx. The stream is
 * accepted when the dial has succeeded, and reset with the reason when it has
 * not. FINISHED: taken; else the end to refuse the stream with, of which nothing
 * was kept. */
enum stream_end outlet_take(struct outlet *o, struct share *share,
                            struct stream *s, const struct dest *dest,
                            const struct stream_events **events,
                            void **stream_ctx);

#endif
