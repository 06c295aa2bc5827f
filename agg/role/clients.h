/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what becomes of a client that the LAN's ways in bring: a stream of the
 * session, a connection past it, or a refusal. No LAN host gets all places.
 */
#ifndef AGG_ROLE_CLIENTS_H
#define AGG_ROLE_CLIENTS_H

#include "agg/conf/conf.h"
#include "agg/kernel/netmon.h"
#include "agg/role/outage.h"
#include "agg/transport/session.h"
#include "proxy/inlet.h"

struct clients;

/* All are borrowed, and outlive it. NULL: errno. */
struct clients *clients_create(struct loop *loop, struct netmon *netmon);
/* After the session, whose streams have relays here. NULL is fine. */
void clients_destroy(struct clients *c);

/* The client, and its socket, are taken in any case. conf says its class;
 * session is for OUTAGE_STREAM. */
void clients_take(struct clients *c, const struct inlet_client *client,
                  enum outage_way way, struct session *session,
                  const struct conf *conf);
/* Who has how many places. */
struct tally *clients_hosts(struct clients *c);
/* Connections past the session. */
unsigned clients_direct(const struct clients *c);

#endif
