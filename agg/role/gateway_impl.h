/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the parts of the gateway know of each other: gateway.c, the role;
 * gateway_session.c; gateway_uplinks.c; gateway_bypass.c; gateway_update.c;
 * gateway_report.c.
 * Included by nobody else.
 */
#ifndef AGG_ROLE_GATEWAY_IMPL_H
#define AGG_ROLE_GATEWAY_IMPL_H

#include "agg/role/bypass.h"
#include "agg/role/carrier.h"
#include "agg/role/clients.h"
#include "agg/role/gateway_history.h"
#include "agg/role/gateway_tunnel.h"
#include "agg/role/home.h"
#include "agg/role/lan.h"
#include "agg/role/left.h"
#include "agg/role/mptcp/mptcp.h"
#include "agg/role/outage.h"
#include "agg/role/role.h"
#include "agg/role/speedtest.h"
#include "agg/role/uplink.h"
#include "agg/role/upkeep.h"

struct gateway {
	struct role role;
	struct route *route;
	struct tls_context *tls;
	struct rand rand;
	struct keeper_session session; /* its incarnation: of a gateway that has left */
	uint64_t incarnation;    /* 0: not known yet */
	uint32_t next_subflow;
	struct home home;        /* always has a session */
	struct lefts lefts;      /* those before it that leave */
	void (*on_anew)(struct gateway *g); /* which is another one now */
	struct loop_timer *second;
	struct uplink *uplinks[CONF_UPLINKS_MAX]; /* by path; NULL: free */
	struct endpoints *endpoints;
	struct mptcp *mptcp;
	struct carrier carrier;
	struct loop_timer *probe;   /* of a trial of the carriers */
	struct speedtest speedtest;
	struct clients *clients;
	struct lan *lan;
	struct gateway_tunnel tunnel;
	struct gateway_history trace;
	struct upkeep *upkeep;
	bool draining, rests, gone; /* for an update */
	struct outage outage;
	struct bypass bypass;
	bool remote_known, remote_ipv6; /* the concentrator's settings */
	struct wire_wish told;   /* how it sends, by its settings */
	char cipher[REPORT_WORDS_MAX + 1];
};

/* gateway_session.c */
/* Timers, and a first session. 0 or -errno. */
int gateway_session_begin(struct gateway *g);
/* A subflow that has its WELCOME joins the session. False: it ends instead, or
 * will. */
bool gateway_admit(struct gateway *g, struct subflow *sf,
                   const struct wire_welcome *welcome);
/* Connections by it are for the session of that incarnation, whoever has it. */
void gateway_offer(struct tls_context *tls, uint64_t incarnation);
/* The session leaves, and another begins at once, for all that is new. */
void gateway_leave(struct gateway *g);
/* role_ops.part, and the same without waiting for anybody. */
bool gateway_part(struct role *role);
void gateway_say_end(struct gateway *g);
/* Paths may work that did not, or not any more: is it an outage? */
void gateway_note_paths(struct gateway *g);
/* What decides over a new connection of the LAN. */
struct outage_facts gateway_facts(const struct gateway *g);
/* What happens to the LAN's new connections now. */
void gateway_set_modes(struct gateway *g);
/* By which carrier it sends, from what is known now. */
void gateway_choose_carrier(struct gateway *g);
uint32_t gateway_next_id(void *ctx); /* of a subflow; ctx is the gateway */

/* gateway_uplinks.c */
/* Makes those of the configuration that are not there yet. */
void gateway_uplinks_add(struct gateway *g);
/* Another configuration than old is in force. Uplinks whose section changed are
 * made anew, but for the cost of a mere change elsewhere: those stay connected. */
void gateway_uplinks_reload(struct gateway *g, const struct conf *old);
/* All connect anew: the session is another one. */
void gateway_uplinks_restart(struct gateway *g);
/* The same, as keeper_leave; gateway_uplinks_on_endpoints follows. */
void gateway_uplinks_leave(struct gateway *g, keeper_take_fn *take, void *ctx);
void gateway_uplinks_on_netdev(struct gateway *g, const struct netdev *dev);
void gateway_uplinks_on_endpoints(struct gateway *g);
/* As in pool_args; ctx is the gateway. */
int64_t gateway_uplinks_health(void *ctx, unsigned uplink);
void gateway_uplinks_destroy(struct gateway *g);
/* It costs that from now on, and why, as uplink_set_cost(): whoever sends goes by it. */
void gateway_uplinks_set_cost(struct gateway *g, unsigned path, enum conf_cost cost,
                              const char *why);

/* gateway_speedtest.c: role_ops.speedtest; and a change of what rests for it. */
int gateway_speedtest(struct role *role, int argc, const char *const *argv,
                      struct buf *out);
void gateway_on_speedtest(void *ctx);

/* gateway_history.c: role_ops.history. */
int gateway_history(struct role *role, int argc, const char *const *argv,
                    struct buf *out);

/* gateway_update.c: role_ops.updates. */
extern const struct role_updates gateway_updates;

/* gateway_bypass.c */
/* Uplinks may work that did not, or not any more: who leads what passes by? */
void gateway_note_bypass(struct gateway *g);
/* As in clients_args; ctx is the gateway. */
const char *gateway_bypass_device(void *ctx, unsigned path);
bool gateway_bypass_tunnel(void *ctx, sa_family_t family, const char **device);

/* gateway_report.c: role_ops.report. */
void gateway_report(struct role *role, struct report *out);

#endif
