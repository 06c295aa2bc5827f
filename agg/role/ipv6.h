/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: does the concentrator's way out have IPv6? Where a device is ready for it
 * and connections do not tell otherwise (reach.h): then it is tried again now and
 * then, by connections to destinations that sites have asked for.
 */
#ifndef AGG_ROLE_IPV6_H
#define AGG_ROLE_IPV6_H

#include "agg/base/loop.h"
#include "proxy/dial.h"
#include "proxy/reach.h"

struct ipv6_args {
	struct loop *loop;           /* borrowed, as these */
	const struct egress *egress;
	struct resolver *resolver;
	loop_fn *on_change;          /* ipv6_works() is another */
	void *ctx;
	bool quiet;                  /* another says what is so of the device; what
	                              * connections find is said by who finds it */
};

struct ipv6 {
	struct ipv6_args args;
	struct reach reach;
	struct dial_watch watch;     /* of the outlet's dials */
	struct loop_task look;       /* after an outcome */
	struct loop_timer *timer;
	struct dial *probe;          /* NULL: none is on its way */
	bool ready, works;           /* a device is; as it was told */
	bool found;                  /* that nobody answers, when that was told */
};

int ipv6_init(struct ipv6 *six, const struct ipv6_args *args); /* 0, -errno */
void ipv6_finish(struct ipv6 *six);
/* A device is ready for IPv6, or none is. */
void ipv6_set_ready(struct ipv6 *six, bool ready);
bool ipv6_works(const struct ipv6 *six);
/* A device is ready, but nobody answers. */
bool ipv6_is_broken(const struct ipv6 *six);

#endif
