/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the bundles of the kernel's MPTCP, of one address family, that a gateway
 * keeps connected: each is one subflow (subflow.h) on an MPTCP socket, to which
 * the kernel joins the other uplinks.
 *
 * The kernel sends what comes first on a bundle's first subflow: so the two
 * that are used most, bulk's and the first for what is small, begin over the
 * uplink that is the fastest now. Each further one begins over an uplink on
 * which the fewest have, and there are as many that each uplink is tried with
 * MP_CAPABLE (RFC 8684, 3.1). An uplink over which none can begin is passed over
 * for a while, and one on which our own do not work.
 */
#ifndef AGG_ROLE_MPTCP_POOL_H
#define AGG_ROLE_MPTCP_POOL_H

#include "agg/conf/conf.h"
#include "agg/role/keeper.h"

#define POOL_BUNDLES_MAX KEEPER_SLOTS_MAX
#define POOL_PASS_OVER_US 10000000u /* an uplink, after a failure */

struct pool;

/* An uplink over which bundles may begin. */
struct pool_uplink {
	unsigned index;
	char device[IFNAMSIZ];
	struct addr source;
};

/* All borrowed; they outlive the pool. */
struct pool_args {
	struct loop *loop;
	struct tls_context *tls;
	struct rand *rand;
	const struct conf *conf;
	struct endpoints *endpoints;
	sa_family_t family;
	uint8_t path;           /* of its lanes */
	/* A bundle, begun over that uplink, has its WELCOME: subflow_join and
	 * pool_on_join, or subflow_fail. */
	void (*on_welcome)(void *ctx, unsigned uplink, struct subflow *sf,
	                   const struct wire_welcome *welcome);
	void (*on_change)(void *ctx); /* the number of joined bundles */
	/* Of our own subflows on that uplink: > 0 one works, with that round-
	 * trip time in us; 0 there was none yet; < 0 they do not work (any
	 * more). */
	int64_t (*health)(void *ctx, unsigned uplink);
	/* Connecting over that uplink got no answer. */
	void (*on_no_answer)(void *ctx, unsigned uplink);
	uint32_t (*next_id)(void *ctx);
	const struct keeper_session *session;
	void *ctx;
};

struct pool *pool_create(const struct pool_args *args); /* NULL: errno */
void pool_destroy(struct pool *pool); /* NULL is fine */
/* Over these, copied; none: all end. */
void pool_set_uplinks(struct pool *pool, const struct pool_uplink *uplinks,
                      unsigned count);
/* Another configuration. */
void pool_set_conf(struct pool *pool, const struct conf *conf);
void pool_on_join(struct pool *pool, struct subflow *sf);
/* No bundle begins for so long; those that there are stay. */
void pool_hold(struct pool *pool, uint64_t us);
/* As keeper_leave; pool_restart follows. */
void pool_leave(struct pool *pool, keeper_take_fn *take, void *ctx);
/* Ends all and connects anew: the session is another one. */
void pool_restart(struct pool *pool);

unsigned pool_wanted(const struct pool *pool); /* bundles */
unsigned pool_joined(const struct pool *pool);
/* The i-th bundle, i < POOL_BUNDLES_MAX; NULL: it is not joined. */
struct subflow *pool_bundle(const struct pool *pool, unsigned i);

#endif
