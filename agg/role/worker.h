/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a worker of the concentrator: a loop, and all that touches the sessions
 * on it: sites and their members, streams, relays, dials and names. Nobody
 * outside reaches into it; what there is to be said is these messages:
 *
 *     FACTS    what it goes by, whenever it is other than before
 *     ADOPT    a greeted subflow is the worker's
 *     CHOOSE   a person says how a site is sent to
 *     DRAIN    nothing new begins any more
 *     REPORT   what there is to be seen
 *
 * What belongs to the host - listeners, nft, routes, netlink, the control
 * socket - is not the worker's. There is one, which has the daemon's own loop:
 * so a message is a call, and what is borrowed is valid until the next FACTS.
 */
#ifndef AGG_ROLE_WORKER_H
#define AGG_ROLE_WORKER_H

#include "agg/base/budget.h"
#include "agg/base/loop.h"
#include "agg/conf/conf.h"
#include "agg/report/report.h"
#include "agg/role/choice.h"
#include "agg/role/mptcp/mptcp_host.h"
#include "agg/transport/subflow.h"

struct worker;

/* What a worker may read, and nobody changes; all is borrowed. */
struct worker_facts {
	const struct conf *conf;
	/* Is it an address of this host (egress.h)? */
	bool (*is_local)(void *ctx, const struct addr *a);
	void *ctx;
	bool takes_mptcp; /* the door does */
	bool ipv6_ready;  /* a device is ready for IPv6 */
};

/* All borrowed; they outlive the worker. */
struct worker_args {
	struct loop *loop;
	struct budget *memory;  /* of all sessions */
	const struct mptcp_host *mptcp_host;
	/* What REPORT tells of a state is another. */
	void (*on_change)(void *ctx);
	void *ctx;
};

/* It has no facts yet, and wants some before anything else. NULL: errno. */
struct worker *worker_create(const struct worker_args *args);
/* Ends all sessions. NULL is fine. */
void worker_destroy(struct worker *w);

/* FACTS. 0, or -ENOMEM: those of before hold. */
int worker_facts(struct worker *w, const struct worker_facts *facts);
/* ADOPT, as door.h has it. */
void worker_adopt(struct worker *w, struct subflow *sf,
                  const struct tls_pin *pin, const struct wire_hello *hello);
/* CHOOSE, as role_ops has it. */
int worker_choose(struct worker *w, const struct choice *choice,
                  struct buf *out);
/* DRAIN. */
void worker_drain(struct worker *w);
/* REPORT: adds the sites, and what it waits for to head; and how many streams
 * there are, by itself. */
void worker_report(struct worker *w, struct report *out);
unsigned worker_streams(const struct worker *w);

#endif
