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
#include "agg/kernel/neighbor.h"
#include "agg/role/policy.h"
#include "proxy/associate.h"
#include "proxy/direct.h"
#include "proxy/look.h"
#include "proxy/tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_US 600000000u /* between lines about greedy LAN hosts */

struct clients {
	struct clients_args args;
	struct relays *relays;
	struct tally *hosts;
	struct egress egress;
	struct resolver *resolver;   /* NULL: names are not found */
	struct directs *directs;
	struct looks *looks;
	struct associates *associates;
	const struct conf *conf;     /* borrowed; clients_set_conf */
	uint64_t told_us;            /* that a host has its share, last */
};

static bool is_local(void *ctx, const struct addr *a)
{
	const struct clients *c = ctx;

	return netmon_is_local(c->args.netmon, a);
}

/* A flow as it begins; mac is room for its host's card's address. */
static struct bypass_flow flow_of(uint8_t protocol, const struct addr *host,
                                  const struct dest *dest, const char *name,
                                  const struct conf *conf,
                                  uint8_t mac[NEIGHBOR_MAC_BYTES])
{
	struct bypass_flow flow = {
		.protocol = protocol, .host = host, .dest = dest, .name = name,
	};

	if (bypass_hangs_on_mac(conf) && !neighbor_mac(host, mac))
		flow.mac = mac;
	return flow;
}

/* What leaves past the session has to be for the Net, and for no address of this
 * host's. */
static bool may_leave(const struct clients *c, const struct addr *to)
{
	struct addr unmapped = egress_unmapped(to);

	return egress_allows(&c->egress, &unmapped);
}

static bool datagram_way(void *ctx, const struct addr *client,
                         const struct addr *to, const char *name,
                         char device[IFNAMSIZ])
{
	struct clients *c = ctx;
	const struct dest dest = { .addr = *to };
	uint8_t mac[NEIGHBOR_MAC_BYTES];
	const char *by = "";

	const struct bypass_flow flow = flow_of(IPPROTO_UDP, client, &dest, name,
	                                        c->conf, mac);
	const struct conf_bypass *section = bypass_find(c->conf, &flow);
	if (section && strcmp(section->to, CONF_TO_TUNNEL)) {
		uint8_t path = bypass_leads(c->args.bypass, section, to->family);
		by = path == BYPASS_NOBODY ? "" : c->args.device(c->args.ctx, path);
		snprintf(device, IFNAMSIZ, "%s", by);
		return may_leave(c, to);
	}
	if (!c->args.tunnel(c->args.ctx, to->family, &by))
		return false;
	snprintf(device, IFNAMSIZ, "%s", by);
	return *by || may_leave(c, to);
}

static void on_looked(void *ctx, const struct inlet_client *client,
                      const char *name)
{
	struct clients *c = ctx;

	c->args.on_asked(c->args.ctx, client, name);
}

/* As relay.h has it. */
static void on_bytes(void *ctx, const struct addr *host, uint64_t down_bytes,
                     uint64_t up_bytes)
{
	struct clients *c = ctx;

	usage_add(c->args.usage, host, down_bytes, up_bytes);
}

struct clients *clients_create(const struct clients_args *args)
{
	struct loop *loop = args->loop;
	struct clients *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	const struct resolver_args resolver = { .loop = loop };
	c->args = *args;
	c->conf = args->conf;
	c->egress = (struct egress){ .is_local = is_local, .ctx = c };
	c->relays = relays_create(loop);
	if (c->relays)
		relays_set_meter(c->relays, on_bytes, c);
	c->hosts = tally_create(descriptors_for_streams(WIRE_STREAMS_MAX));
	c->resolver = resolver_create(&resolver);
	if (!c->resolver)
		log_sys("names for SOCKS5 in an outage: %s", strerror(errno));
	struct directs_args directs = { loop, &c->egress, c->resolver, c->relays,
	                                c->hosts };
	if (c->relays && c->hosts) {
		c->directs = directs_create(&directs);
		c->looks = looks_create(loop, c->hosts, on_looked, c);
		c->associates = associates_create(&(struct associates_args){
			loop, c->resolver, c->relays, c->hosts, datagram_way, c });
	}
	if (!c->directs || !c->looks || !c->associates) {
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
	associates_destroy(c->associates);
	looks_destroy(c->looks);
	directs_destroy(c->directs);
	relays_destroy(c->relays);
	resolver_destroy(c->resolver);
	tally_destroy(c->hosts);
	free(c);
}

static void tell_surplus(struct clients *c, const struct addr *from)
{
	char text[ADDR_TEXT_MAX];

	if (!seldom(&c->told_us, loop_now_us(c->args.loop), TELL_US))
		return;
	log_peer("LAN host %s: has %u of %u connections, its share; more are "
	         "refused", addr_format_ip(from, text), tally_of(c->hosts, from),
	         tally_used(c->hosts));
}

static int class_of(const struct inlet_client *client, const struct conf *conf)
{
	uint8_t mac[NEIGHBOR_MAC_BYTES];
	bool known = policy_hangs_on_mac(conf) && !neighbor_mac(&client->from, mac);

	return policy_class(conf, client->dest.addr.port, client->dscp, &client->from,
	                    known ? mac : NULL);
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
	int class = class_of(client, conf);
	if (stream && class >= 0)
		stream_set_class(stream, (enum stream_class)class);
	relay_start(relay, stream);
}

/* Bypassing -------------------------------------------------------------------- */

void clients_ask(struct clients *c, const struct inlet_client *client,
                 const struct conf *conf)
{
	uint8_t mac[NEIGHBOR_MAC_BYTES];
	struct bypass_flow flow;

	/* Who has a greeter waits for an answer, and says nothing before. */
	if (conf->bypass_count && !client->greeter) {
		flow = flow_of(IPPROTO_TCP, &client->from, &client->dest, "",
		               conf, mac);
		if (bypass_hangs_on_name(conf, &flow)) {
			looks_take(c->looks, client);
			return;
		}
	}
	c->args.on_asked(c->args.ctx, client, client->dest.name);
}

/* Past the session, by what leads the section now. */
static void pass_by(struct clients *c, const struct inlet_client *client,
                    const struct conf_bypass *section)
{
	sa_family_t family = client->dest.addr.family;
	uint8_t path = bypass_leads(c->args.bypass, section,
	                            family == AF_INET6 ? AF_INET6 : AF_INET);
	const char *device = path == BYPASS_NOBODY ? "" :
		c->args.device(c->args.ctx, path);

	if (!directs_take(c->directs, client, device))
		tell_surplus(c, &client->from);
}

/* The section by which the client bypasses the session; NULL: it does not. Whom
 * the tunnel should take, and who came here, is past that. */
static const struct conf_bypass *section_of(const struct inlet_client *client,
                                            const char *name,
                                            const struct conf *conf)
{
	uint8_t mac[NEIGHBOR_MAC_BYTES];

	if (!conf->bypass_count)
		return NULL;
	const struct bypass_flow flow = flow_of(IPPROTO_TCP, &client->from,
	                                        &client->dest, name, conf, mac);
	const struct conf_bypass *found = bypass_find(conf, &flow);
	return found && strcmp(found->to, CONF_TO_TUNNEL) ? found : NULL;
}

void clients_set_conf(struct clients *c, const struct conf *conf)
{
	c->conf = conf;
}

void clients_on_bypass(struct clients *c)
{
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++) {
		if (!c->args.bypass->lost[i])
			continue;
		directs_reset(c->directs, c->args.device(c->args.ctx, i));
		for (unsigned f = 0; f < 2; f++)
			if (c->args.bypass->facts.direct[f] == i)
				directs_reset(c->directs, "");
	}
}

void clients_take(struct clients *c, const struct inlet_client *client,
                  const char *name, enum outage_way way,
                  struct session *session, const struct conf *conf)
{
	if (client->associate) {
		if (!associates_take(c->associates, client))
			tell_surplus(c, &client->from);
		return;
	}
	const struct conf_bypass *section = section_of(client, name, conf);
	if (section) {
		pass_by(c, client, section);
		return;
	}
	switch (way) {
	case OUTAGE_STREAM:
		open_stream(c, client, session, conf);
		break;
	case OUTAGE_DIRECT:
		if (!directs_take(c->directs, client, ""))
			tell_surplus(c, &client->from);
		break;
	case OUTAGE_REFUSE:
		relay_turn_away(c->relays, client->fd, client->greeter,
		                STREAM_END_NET_UNREACH);
		break;
	}
}

void clients_tell_usage(struct clients *c)
{
	relays_tell(c->relays);
}

struct tally *clients_hosts(struct clients *c)
{
	return c->hosts;
}

unsigned clients_direct(const struct clients *c)
{
	return directs_count(c->directs);
}
