/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see clients.h. Owns the relays, the connections past the session and
 * who has how many of both. Past the session this host dials itself, so the
 * rules of an egress hold: nothing private, and no address of its own.
 */
#include "agg/role/clients.h"

#include "agg/base/descriptors.h"
#include "agg/base/log.h"
#include "agg/base/seldom.h"
#include "agg/role/policy.h"
#include "proxy/direct.h"
#include "proxy/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TELL_US 600000000u /* between lines about greedy LAN hosts */

struct clients {
	struct loop *loop;           /* borrowed, as netmon */
	struct netmon *netmon;
	struct relays *relays;
	struct tally *hosts;
	struct egress egress;
	struct resolver *resolver;   /* NULL: names are not found */
	struct directs *directs;
	uint64_t told_us;            /* that a host has its share, last */
};

static bool is_local(void *ctx, const struct addr *a)
{
	const struct clients *c = ctx;

	return netmon_is_local(c->netmon, a);
}

struct clients *clients_create(struct loop *loop, struct netmon *netmon)
{
	struct clients *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	const struct resolver_args resolver = { .loop = loop };
	c->loop = loop;
	c->netmon = netmon;
	c->egress = (struct egress){ .is_local = is_local, .ctx = c };
	c->relays = relays_create(loop);
	c->hosts = tally_create(descriptors_for_streams(WIRE_STREAMS_MAX));
	c->resolver = resolver_create(&resolver);
	if (!c->resolver)
		log_sys("names for SOCKS5 in an outage: %s", strerror(errno));
	struct directs_args directs = { loop, &c->egress, c->resolver, c->relays,
	                                c->hosts };
	if (c->relays && c->hosts)
		c->directs = directs_create(&directs);
	if (!c->directs) {
		clients_destroy(c);
		errno = ENOMEM;
		return NULL;
	}
	return c;
}

void clients_destroy(struct clients *c)
{
	if (!c)
		return;
	directs_destroy(c->directs);
	relays_destroy(c->relays);
	resolver_destroy(c->resolver);
	tally_destroy(c->hosts);
	free(c);
}

static void tell_surplus(struct clients *c, const struct addr *from)
{
	char text[ADDR_TEXT_MAX];

	if (!seldom(&c->told_us, loop_now_us(c->loop), TELL_US))
		return;
	log_peer("LAN host %s: has %u of %u connections, its share; more are "
	         "refused", addr_format_ip(from, text), tally_of(c->hosts, from),
	         tally_used(c->hosts));
}

static void open_stream(struct clients *c, const struct inlet_client *client,
                        struct session *session, const struct conf *conf)
{
	struct relay *relay = relay_create(c->relays, client->fd,
	                                   client->greeter);

	if (!relay)
		return;
	if (!relay_charge(relay, c->hosts, &client->from)) {
		tell_surplus(c, &client->from);
		relay_refuse(relay, STREAM_END_LIMIT);
		return;
	}
	struct stream *stream = session_open(session, &client->dest,
	                                     &client->from, &relay_events, relay);
	int class = policy_class(conf, client->dest.addr.port, client->dscp);
	if (stream && class >= 0)
		stream_set_class(stream, (enum stream_class)class);
	relay_start(relay, stream);
}

void clients_take(struct clients *c, const struct inlet_client *client,
                  enum outage_way way, struct session *session,
                  const struct conf *conf)
{
	switch (way) {
	case OUTAGE_STREAM:
		open_stream(c, client, session, conf);
		break;
	case OUTAGE_DIRECT:
		if (!directs_take(c->directs, client))
			tell_surplus(c, &client->from);
		break;
	case OUTAGE_REFUSE:
		relay_turn_away(c->relays, client->fd, client->greeter,
		                STREAM_END_NET_UNREACH);
		break;
	}
}

struct tally *clients_hosts(struct clients *c)
{
	return c->hosts;
}

unsigned clients_direct(const struct clients *c)
{
	return directs_count(c->directs);
}
