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

void tunnel_class_read(struct wire_traffic *out, const struct conf *conf)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < conf->packets_count; i++)
		read_section(out, &conf->packets[i],
		             strcmp(conf->packets[i].name, CONF_PACKETS_BACKGROUND) ?
		             TRAFFIC_REALTIME : TRAFFIC_BULK);
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
	return TRAFFIC_UNTOLD;
}
