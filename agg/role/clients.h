/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what becomes of a client that the LAN's ways in bring: a stream of the
 * session, a connection past it, or a refusal. Where a section bypass may hold
 * for the name that it asks for, its first bytes are looked at before. No LAN
 * host gets all places.
 */
#ifndef AGG_ROLE_CLIENTS_H
#define AGG_ROLE_CLIENTS_H

#include "agg/conf/conf.h"
#include "agg/kernel/netmon.h"
#include "agg/role/bypass.h"
#include "agg/role/outage.h"
#include "agg/role/usage.h"
#include "agg/transport/session.h"
#include "proxy/inlet.h"

struct clients;

struct clients_args { /* all borrowed, and outlive it */
	struct loop *loop;
	struct netmon *netmon;
	const struct conf *conf;
	const struct bypass *bypass;
	/* The device of an uplink, by its path. */
	const char *(*device)(void *ctx, unsigned path);
	/* By what a datagram of SOCKS5's to that family leaves where no section
	 * bypass holds: *device, the host's own way where that is "". False: it
	 * does not. */
	bool (*tunnel)(void *ctx, sa_family_t family, const char **device);
	struct usage *usage; /* of the LAN's hosts */
	/* The client of clients_ask, whose name is known: clients_take it. */
	void (*on_asked)(void *ctx, const struct inlet_client *client,
	                 const char *name);
	void *ctx;
};

struct clients *clients_create(const struct clients_args *args); /* NULL: errno */
/* After the session, whose streams have relays here. NULL is fine. */
void clients_destroy(struct clients *c);

/* Another configuration is in force. */
void clients_set_conf(struct clients *c, const struct conf *conf);
/* Takes the client; on_asked is called, now or soon. */
void clients_ask(struct clients *c, const struct inlet_client *client,
                 const struct conf *conf);
/* The client, and its socket, are taken in any case. conf says whether it
 * bypasses the session, and else its class; way and session hold for the rest. */
void clients_take(struct clients *c, const struct inlet_client *client,
                  const char *name, enum outage_way way,
                  struct session *session, const struct conf *conf);
/* What the last bypass_step says is lost: connections that left there end. */
void clients_on_bypass(struct clients *c);
/* Who has how many places. */
struct tally *clients_hosts(struct clients *c);
/* What streams carried since the last time is in args.usage then. */
void clients_tell_usage(struct clients *c);
/* Connections past the session. */
unsigned clients_direct(const struct clients *c);

#endif
