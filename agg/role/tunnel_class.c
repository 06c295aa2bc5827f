/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_class.h.
 */
#include "agg/role/tunnel_class.h"

#include <string.h>

_Static_assert(CONF_PACKETS_MAX * CONF_PACKETS_PORTS_MAX <= WIRE_TRAFFIC_PORTS_MAX,
               "the frame has room for them");

static void read_section(struct wire_traffic *out, const struct conf_packets *packets,
                         enum traffic traffic)
{
	uint64_t dscps = 0;

	for (unsigned i = 0; i < packets->dscp_count; i++)
		dscps |= UINT64_C(1) << packets->dscp[i];
	if (traffic == TRAFFIC_REALTIME)
		out->realtime_dscps = dscps;
	else
		out->bulk_dscps = dscps;
	for (unsigned i = 0; i < packets->port_count; i++) {
		const struct selector_ports *port = &packets->port[i];
		out->port[out->port_count++] = (struct wire_traffic_port){
			(uint8_t)traffic, port->protocol, port->first, port->last };
	}
	out->redundant |= packets->redundant;
}

/* A host of the LAN is told by its addresses, in an order that does not depend on who
 * was met first. */
static void add_host(struct wire_traffic *out, const struct prefix *net)
{
	unsigned at = out->host_count;

	for (unsigned i = 0; i < out->host_count; i++)
		if (!memcmp(&out->host[i].net, net, sizeof(*net)))
			return;
	if (at == WIRE_TRAFFIC_HOSTS_MAX)
		return;
	for (; at && memcmp(net, &out->host[at - 1].net, sizeof(*net)) < 0; at--)
		out->host[at] = out->host[at - 1];
	out->host[at] = (struct wire_traffic_host){ TRAFFIC_BULK, *net };
	out->host_count++;
}

static const struct conf_class *bulk_of(const struct conf *conf)
{
	return conf_find_class(conf, CONF_CLASS_BULK);
}

static void read_hosts(struct wire_traffic *out, const struct conf_class *bulk)
{
	for (unsigned i = 0; bulk && i < bulk->host_count; i++)
		if (!bulk->host[i].is_mac)
			add_host(out, &bulk->host[i].net);
}

bool tunnel_class_hangs_on_mac(const struct conf *conf)
{
	const struct conf_class *bulk = bulk_of(conf);

	return bulk && selector_hosts_have_mac(bulk->host, bulk->host_count);
}

void tunnel_class_meet(struct wire_traffic *out, const struct conf *conf,
                       const struct addr *ip, const uint8_t *mac)
{
	const struct conf_class *bulk = bulk_of(conf);
	struct prefix net;

	memset(&net, 0, sizeof(net)); /* it is compared as bytes */
	net.family = ip->family;
	net.length = (uint8_t)(8 * addr_ip_len(ip));
	memcpy(net.ip, ip->ip, addr_ip_len(ip));
	for (unsigned i = 0; bulk && i < bulk->host_count; i++)
		if (bulk->host[i].is_mac && selector_host_has(&bulk->host[i], ip, mac))
			add_host(out, &net);
}

void tunnel_class_read(struct wire_traffic *out, const struct conf *conf)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < conf->packets_count; i++)
		read_section(out, &conf->packets[i],
		             strcmp(conf->packets[i].name, CONF_PACKETS_BACKGROUND) ?
		             TRAFFIC_REALTIME : TRAFFIC_BULK);
	read_hosts(out, bulk_of(conf));
}

static bool has_port(const struct wire_traffic_port *port, const struct inspect_key *key)
{
	if (port->protocol && port->protocol != key->protocol)
		return false;
	return (key->dport >= port->first && key->dport <= port->last) ||
	       (key->sport >= port->first && key->sport <= port->last);
}

/* What has neither has no port 0 that could be meant. */
static bool has_ports(const struct inspect_key *key)
{
	return key->protocol == IPPROTO_UDP || key->protocol == IPPROTO_TCP;
}

static bool is_of(const struct prefix *net, const struct inspect_key *key)
{
	struct addr src = { .family = key->family }, dst = src;

	memcpy(src.ip, key->src, sizeof(src.ip));
	memcpy(dst.ip, key->dst, sizeof(dst.ip));
	return prefix_has(net, &src) || prefix_has(net, &dst);
}

/* What says itself how it wants to be treated, is. */
static enum traffic class_of_host(const struct wire_traffic *t, const struct inspection *in)
{
	if (!t->host_count || inspect_traffic(in) != TRAFFIC_NORMAL)
		return TRAFFIC_UNTOLD;
	for (unsigned i = 0; i < t->host_count; i++)
		if (t->host[i].traffic == TRAFFIC_BULK && is_of(&t->host[i].net, &in->key))
			return TRAFFIC_BULK;
	return TRAFFIC_UNTOLD;
}

enum traffic tunnel_class(const struct wire_traffic *t, const struct inspection *in)
{
	if (t->realtime_dscps >> in->dscp & 1)
		return TRAFFIC_REALTIME;
	if (t->bulk_dscps >> in->dscp & 1)
		return TRAFFIC_BULK;
	for (unsigned i = 0; i < t->port_count && has_ports(&in->key); i++)
		if ((t->port[i].traffic == TRAFFIC_REALTIME ||
		     t->port[i].traffic == TRAFFIC_BULK) && has_port(&t->port[i], &in->key))
			return (enum traffic)t->port[i].traffic;
	return class_of_host(t, in);
}
