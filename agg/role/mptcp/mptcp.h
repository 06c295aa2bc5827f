/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the kernel's MPTCP (RFC 8684) as the gateway uses it: the path manager's
 * endpoints, one for each uplink; a pool of bundles (pool.h) for each address
 * family; and what the kernel's subflows do, seen each second and after each
 * of the path manager's events.
 *
 * An uplink belongs to one family: the one that most of the uplinks have, else
 * the other one. A pool's bundles are a path of the session's.
 *
 * What is known of an uplink: whether the option arrives, from the bundle that
 * began over it; and in how many bundles the kernel has joined it. One that
 * strips the option, or drops what carries it, is left alone, and tried again
 * after MPTCP_STRIPPED_US or when its address changes. One that should be joined
 * and is not, or that has gone quiet with data outstanding, is joined anew: the
 * kernel does not do so by itself.
 */
#ifndef AGG_ROLE_MPTCP_MPTCP_H
#define AGG_ROLE_MPTCP_MPTCP_H

#include "agg/kernel/netmon.h"
#include "agg/report/report.h"
#include "agg/role/carrier.h"
#include "agg/role/mptcp/pool.h"
#include "agg/role/snapshot.h"

/* A metered uplink is left to our own subflows. */
#define MPTCP_STRIPPED_US 600000000u /* then it is tried again */
#define MPTCP_UNANSWERED_MAX 2u      /* connections, while our own work */
#define MPTCP_OFF_US 60000000u       /* and what the kernel has turned off */
#define MPTCP_JOIN_US 1000000u       /* for a join, before it is asked for anew: */
#define MPTCP_JOIN_MAX_US 16000000u  /* doubled each time, up to this */
#define MPTCP_STALL_MS 2000u         /* no answer to what is outstanding */
#define MPTCP_EVENT_US 20000u        /* looked at so long after an event */

struct mptcp;

/* All borrowed; they outlive it. */
struct mptcp_args {
	struct loop *loop;
	struct tls_context *tls;
	struct rand *rand;
	const struct conf *conf;
	struct endpoints *endpoints;
	/* A bundle has its WELCOME: subflow_join and mptcp_on_join, or
	 * subflow_fail. */
	void (*on_welcome)(void *ctx, struct subflow *sf,
	                   const struct wire_welcome *welcome);
	void (*on_change)(void *ctx); /* what mptcp_facts() says */
	int64_t (*health)(void *ctx, unsigned uplink); /* as in pool_args */
	uint32_t (*next_id)(void *ctx);
	const struct keeper_session *session;
	void *ctx;
};

/* A kernel without MPTCP is no error. NULL: errno. */
struct mptcp *mptcp_create(const struct mptcp_args *args);
/* Endpoints, limits and scheduler are as they were. NULL is fine. */
void mptcp_destroy(struct mptcp *m);
void mptcp_set_conf(struct mptcp *m, const struct conf *conf);

/* The uplink of that index and its device are so now; conf NULL: there is no
 * such uplink, dev NULL: no such device. True: its address is another. */
bool mptcp_set_uplink(struct mptcp *m, unsigned index,
                      const struct conf_uplink *conf,
                      const struct netdev *dev);
/* Whether the concentrator takes MPTCP; it has said so. */
void mptcp_set_peer(struct mptcp *m, bool has_mptcp);
/* There are other endpoints than before. */
void mptcp_on_endpoints(struct mptcp *m);
void mptcp_on_join(struct mptcp *m, struct subflow *sf);
/* As keeper_leave; mptcp_restart follows. */
void mptcp_leave(struct mptcp *m, keeper_take_fn *take, void *ctx);
/* All bundles connect anew: the session is another one. */
void mptcp_restart(struct mptcp *m);
/* The kernel's endpoints are touched no more, at the end either; or again. */
void mptcp_rest(struct mptcp *m, bool rests);
/* Once a second: looks at every bundle. */
void mptcp_look(struct mptcp *m);

/* Bundles that are. */
unsigned mptcp_joined(const struct mptcp *m);
/* Fills obstacle, usable, covered, stripped, bundle, whole and metered. */
void mptcp_facts(const struct mptcp *m, struct carrier_facts *out);
/* What streams send by it on that uplink of late, bytes/s: it is seen when it is asked. */
uint64_t mptcp_tx_bps(struct mptcp *m, unsigned uplink);
/* Adds the bytes that the kernel's subflows moved, ever, by uplink. */
void mptcp_add_totals(const struct mptcp *m, struct snapshot_totals *out);
/* What the uplink does in MPTCP. */
void mptcp_report_uplink(const struct mptcp *m, unsigned index,
                         struct report_uplink *out);
/* The kernel's scheduler, and each subflow of each bundle. */
void mptcp_report(const struct mptcp *m, const struct snapshot *snap,
                  struct report_session *rs, struct report *out);

#endif
