/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: an uplink of the gateway: it watches its device, keeps the device's
 * policy routes, and keeps one subflow per bundle connected over it.
 *
 * While none is joined, one alone is tried (the scout), with growing, jittered
 * pauses (retry.h); when it has joined, the others follow at once. Endpoints
 * take turns when they fail, of the families that the device has now.
 */
#ifndef AGG_ROLE_UPLINK_H
#define AGG_ROLE_UPLINK_H

#include "agg/base/rand.h"
#include "agg/conf/conf.h"
#include "agg/kernel/netmon.h"
#include "agg/kernel/route.h"
#include "agg/report/report.h"
#include "agg/role/endpoints.h"
#include "agg/role/keeper.h"
#include "agg/transport/subflow.h"
#include "agg/transport/tunnel_shell.h"

/* A wrong pin or a refusal is the obstacle for so long, whatever else went wrong
 * since (a guard that does not answer, say). */
#define UPLINK_VERDICT_US 120000000u

struct uplink;

/* All borrowed; they outlive the uplink. */
struct uplink_args {
	struct loop *loop;
	struct route *route;
	struct tls_context *tls;
	struct rand *rand;
	const struct conf *conf;
	struct endpoints *endpoints; /* who owns them tells them of the device */
	unsigned index;              /* path, and routing table */
	/* A subflow has its WELCOME: subflow_join and uplink_on_join it, or
	 * subflow_fail. */
	void (*on_welcome)(void *ctx, struct uplink *u, struct subflow *sf,
	                   const struct wire_welcome *welcome);
	void (*on_change)(void *ctx); /* the number of joined subflows */
	uint32_t (*next_id)(void *ctx);
	const struct keeper_session *session;
	void *ctx;
};

/* The conf_uplink of that name in args->conf. NULL: errno. */
struct uplink *uplink_create(const struct uplink_args *args, const char *name);
void uplink_destroy(struct uplink *u); /* its routes go too; NULL is fine */
const char *uplink_name(const struct uplink *u);
const char *uplink_device(const struct uplink *u);
unsigned uplink_index(const struct uplink *u);
unsigned uplink_joined(const struct uplink *u);
/* In words, while what the concentrator says, or its pin, keeps it from joining;
 * NULL: it does not. */
const char *uplink_verdict(const struct uplink *u);
/* It connects, and nobody speaks there: SESSION_MUTE_WORDS. */
bool uplink_is_mute(const struct uplink *u);
/* How a datagram goes by it: to where its subflows are, or one is tried. False: it has
 * no device, or no endpoint. */
bool uplink_way(const struct uplink *u, struct tunnel_way *out);
/* What it costs now, which is its class (enum sched_path_class); why, where that is not
 * as configured; "". Of a new one it is as configured. Who changes it tells the session. */
enum conf_cost uplink_cost(const struct uplink *u);
void uplink_set_cost(struct uplink *u, enum conf_cost cost, const char *why);
/* Subflows were joined, and none is now. */
bool uplink_has_failed(const struct uplink *u);

/* What its device is now; NULL: there is none. */
void uplink_on_netdev(struct uplink *u, const struct netdev *dev);
/* There are other endpoints than before. */
void uplink_on_endpoints(struct uplink *u);
void uplink_on_join(struct uplink *u, struct subflow *sf);
/* Another configuration with the same uplink in it. */
void uplink_set_conf(struct uplink *u, const struct conf *conf);
/* As keeper_leave: the session is another one, to which it connects by
 * uplink_on_endpoints(). Of the bundles that it has not, sf is NULL. */
void uplink_leave(struct uplink *u, keeper_take_fn *take, void *ctx);
/* As keeper_begin_guest, where it has joined the present session; else NULL. */
struct subflow *uplink_begin_guest(struct uplink *u, unsigned bundle,
                                   const struct keeper_guest *guest);
/* Ends all subflows and connects anew: the session is another one. */
void uplink_restart(struct uplink *u, const char *why);
/* Name, device, state, addresses, reconnects; the lanes' part is added by who
 * knows the session. */
void uplink_report(const struct uplink *u, struct report_uplink *out);

#endif
