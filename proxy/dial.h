/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a non-blocking connect to a struct dest, by Happy Eyeballs version 2
 * (RFC 8305): both families are asked for at once, IPv6 has a head start,
 * the families take turns, a new address is tried while the last one is still
 * silent, and at once when it has failed; the first that connects wins.
 *
 * Every address is checked by the egress rules after it was resolved, and the
 * connect goes to that address (egress.h).
 *
 * When all fail, one reason is told: the one that says most about the
 * destination. In this order: refused (somebody answered), timed out, host
 * unreachable, network unreachable (mostly our own lack of a family), not
 * allowed, limit (of ours), name not found.
 */
#ifndef PROXY_DIAL_H
#define PROXY_DIAL_H

#include "agg/base/loop.h"
#include "agg/transport/stream.h"
#include "proxy/egress.h"
#include "proxy/resolve.h"

#define DIAL_ADDRESSES_MAX 8             /* tried for one destination */
#define DIAL_RESOLUTION_DELAY_US 50000   /* RFC 8305, section 3 */
#define DIAL_ATTEMPT_DELAY_US 250000     /* RFC 8305, section 5 */
#define DIAL_VAIN_LOOK_US 1000000        /* between two looks: is it in vain? */
#define DIAL_DEADLINE_US 30000000        /* for all of it */

struct dial_result {
	int fd;              /* the callee's, connected; -1: failed */
	struct addr bound;   /* the local address */
	enum stream_end end; /* why it failed */
};

typedef void dial_fn(void *ctx, const struct dial_result *result);

/* Who wants to know of every address, whether somebody answered there, with a
 * refusal at least, or was silent or out of reach (reach.h). The first may follow
 * the second. on_outcome may not touch any dial. */
struct dial_watch {
	void (*on_outcome)(void *ctx, const struct addr *to, bool answered);
	/* Is waiting for that family in vain? Then who is silent is given up
	 * before the deadline. */
	bool (*is_vain)(void *ctx, sa_family_t family);
	void *ctx;
};

struct dial_args {
	struct loop *loop;
	const struct egress *egress; /* borrowed until the end */
	struct resolver *resolver;   /* for names; borrowed */
	struct share *share;         /* whose names; borrowed; may be NULL */
	const struct dial_watch *watch; /* borrowed until the end; may be NULL */
	const struct dest *dest;     /* copied */
	uint64_t deadline_us;        /* 0: DIAL_DEADLINE_US */
	const char *device;          /* by which it leaves; copied; NULL: any */
	dial_fn *on_done;
	void *ctx;
};

/* Starts: an address is connected to before this returns. on_done is called
 * once, in a later turn, and ends the dial. NULL: errno. */
struct dial;
struct dial *dial_start(const struct dial_args *args);
/* Before on_done only; NULL is fine. */
void dial_cancel(struct dial *d);

#endif
