/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the gateway's side towards its LAN: the ways in (SOCKS5, TPROXY) and
 * the interception that feeds TPROXY. It knows nothing of sessions: its owner
 * says what shall happen to new connections, and gets the clients.
 */
#ifndef AGG_ROLE_LAN_H
#define AGG_ROLE_LAN_H

#include "agg/conf/conf.h"
#include "agg/kernel/netmon.h"
#include "agg/kernel/nft.h"
#include "agg/kernel/route.h"
#include "agg/role/bypass.h"
#include "agg/role/endpoints.h"
#include "proxy/inlet.h"

struct lan;
struct report_interception;

struct lan_args { /* all borrowed, and outlive it */
	struct loop *loop;
	struct netmon *netmon;
	struct route *route;
	const struct conf *conf;
	const struct endpoints *endpoints; /* which are not intercepted */
	const struct bypass *bypass;
	struct tally *hosts; /* of whose places clients in a handshake take one */
	inlet_client_fn *on_client;
	void (*on_settled)(void *ctx); /* lan_is_settled(), maybe */
	void *ctx;
};

/* NULL: it has logged why. Nothing is intercepted until lan_set_modes. A way in
 * that cannot be opened yet is tried again: lan_waits_for. */
struct lan *lan_create(const struct lan_args *args);
/* Removes the table, closes the ways in; rule and route stay for
 * role_cleanup_routes. NULL is fine. */
void lan_destroy(struct lan *lan);

#define LAN_ADDRESSES_MAX 16 /* that are looked at */

/* What happens to what is not TCP. */
struct lan_tunnel {
	const char *device; /* the packet tunnel's; borrowed for good; NULL: none */
	enum intercept_mode v4, v6;
	/* Addresses at its other end that lead to hosts behind such tunnels: the LAN
	 * reaches them like the concentrator itself. Borrowed for good. */
	const struct prefix *addresses;
	unsigned addresses_count;
};
/* What happens to new connections, and to other packets; in force within some
 * 10 ms. */
void lan_set_modes(struct lan *lan, enum intercept_mode v4,
                   enum intercept_mode v6, const struct lan_tunnel *others);
/* Is it in force by now, or has failed? */
bool lan_is_settled(const struct lan *lan);
/* Networks or endpoints may have changed: the ruleset follows soon. */
void lan_on_netdev(struct lan *lan);
void lan_on_endpoints(struct lan *lan);
void lan_on_bypass(struct lan *lan); /* at once */
/* Another configuration; a way in whose own keys are as before keeps its
 * listener, so that who connects meanwhile notices nothing. 0, or -errno and
 * error says which one cannot be opened: then all is as before. */
int lan_reload(struct lan *lan, const struct conf *conf,
               struct conf_error *error);
/* What is not there and would be used if it came; "": nothing. */
void lan_waits_for(const struct lan *lan, char *out, size_t size);
/* Is what shall be intercepted led to us, by rule and route? */
void lan_report(const struct lan *lan, struct report_interception *out);
/* An update: new clients wait and nothing in the kernel is touched any more, at the end
 * either; or all as before. */
void lan_rest(struct lan *lan, bool rests);
/* No more new clients. */
void lan_drain(struct lan *lan);

#endif
