/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: parses RTM_{NEW,DEL}{LINK,ADDR,ROUTE,RULE} (rtnetlink(7)) with libmnl. Even
 * the kernel is not believed: every length is checked before a byte is read.
 */
#include "agg/kernel/netmsg.h"
#include "agg/kernel/netattr.h"
#include "agg/kernel/route.h"
#include "agg/kernel/rule.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define ROUTED_LEAST 8 /* bits, of either family */

static bool set_prefix(struct prefix *out, const struct addr *a, unsigned bits)
{
	memset(out, 0, sizeof(*out));
	if (bits > addr_ip_len(a) * 8)
		return false;
	out->family = a->family;
	out->length = (uint8_t)bits;
	for (unsigned i = 0; i < bits; i++)
		out->ip[i / 8] |= a->ip[i / 8] & (uint8_t)(0x80 >> i % 8);
	return true;
}

static int parse_link(struct netmsg *out, const struct nlmsghdr *msg)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);
	struct netmsg_link *link = &out->link;
	struct netattrs attrs;
	uint8_t carrier = 0;

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*info))
		return -EBADMSG;
	/* A bridge tells of its ports in the same messages, with its family: a
	 * DELLINK of that kind does not mean that the device has gone. */
	if (info->ifi_family != AF_UNSPEC)
		return 0;
	netattrs_parse(&attrs, mnl_nlmsg_get_payload_offset(msg, sizeof(*info)),
	            mnl_nlmsg_get_payload_len(msg) - MNL_ALIGN(sizeof(*info)));
	const struct nlattr *name = attrs.of[IFLA_IFNAME];
	if (info->ifi_index <= 0 || !name ||
	    mnl_attr_validate(name, MNL_TYPE_NUL_STRING) < 0 ||
	    mnl_attr_get_payload_len(name) > IFNAMSIZ ||
	    !netattrs_u8(&attrs, IFLA_OPERSTATE, &link->operstate) ||
	    !netattrs_u8(&attrs, IFLA_CARRIER, &carrier))
		return -EBADMSG;
	link->ifindex = info->ifi_index;
	strncpy(link->name, mnl_attr_get_str(name), IFNAMSIZ - 1);
	link->admin_up = info->ifi_flags & IFF_UP;
	link->carrier = carrier;
	out->kind = NETMSG_LINK;
	return 0;
}

static int parse_addr(struct netmsg *out, const struct nlmsghdr *msg)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(msg);
	struct netmsg_addr *a = &out->addr;
	struct addr peer;
	struct netattrs attrs;

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*info))
		return -EBADMSG;
	if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
		return 0;
	netattrs_parse(&attrs, mnl_nlmsg_get_payload_offset(msg, sizeof(*info)),
	            mnl_nlmsg_get_payload_len(msg) - MNL_ALIGN(sizeof(*info)));
	/* IFA_ADDRESS is the peer on a point-to-point link, where IFA_LOCAL is
	 * our own address; elsewhere they are the same, or IFA_LOCAL absent. */
	const struct nlattr *far = attrs.of[IFA_ADDRESS];
	const struct nlattr *own = attrs.of[IFA_LOCAL];
	far = far ? far : own;
	own = own ? own : far;
	a->flags = info->ifa_flags;
	if (!far || !netattr_addr(own, info->ifa_family, &a->addr) ||
	    !netattr_addr(far, info->ifa_family, &peer) ||
	    !set_prefix(&a->network, &peer, info->ifa_prefixlen) ||
	    !netattrs_u32(&attrs, IFA_FLAGS, &a->flags))
		return -EBADMSG;
	a->ifindex = (int)info->ifa_index;
	a->scope = info->ifa_scope;
	out->kind = NETMSG_ADDR;
	return 0;
}

/* RTA_GATEWAY, of the route's family, or RTA_VIA, of another (RFC 5549). */
static bool get_gateway(const struct netattrs *attrs, sa_family_t family,
                        struct netmsg_hop *hop)
{
	const struct nlattr *gateway = attrs->of[RTA_GATEWAY];
	const struct nlattr *via = attrs->of[RTA_VIA];

	if (gateway && !netattr_addr(gateway, family, &hop->gateway))
		return false;
	if (via) {
		const struct rtvia *v = mnl_attr_get_payload(via);
		size_t len = mnl_attr_get_payload_len(via);
		if (len < sizeof(*v) ||
		    !netattr_set_addr(&hop->gateway, v->rtvia_family, v->rtvia_addr,
		              len - sizeof(*v)))
			return false;
	}
	if (hop->gateway.family == AF_INET6 && hop->gateway.ip[0] == 0xfe &&
	    (hop->gateway.ip[1] & 0xc0) == 0x80)
		hop->gateway.scope_id = (uint32_t)hop->ifindex;
	return true;
}

static bool hop_is_dead(unsigned flags)
{
	return flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN);
}

static int parse_multipath(struct netmsg_route *route, const struct nlattr *attr)
{
	const struct rtnexthop *next = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);

	while (left >= sizeof(*next) && route->hops_count < NETMSG_HOPS_MAX) {
		struct netmsg_hop *hop = &route->hops[route->hops_count];
		size_t len = next->rtnh_len, step = RTNH_ALIGN(len);
		struct netattrs attrs;

		if (len < sizeof(*next) || len > left)
			return -EBADMSG;
		netattrs_parse(&attrs, next + 1, len - sizeof(*next));
		hop->ifindex = next->rtnh_ifindex;
		hop->dead = hop_is_dead(next->rtnh_flags);
		if (!get_gateway(&attrs, route->dest.family, hop))
			return -EBADMSG;
		route->hops_count++;
		left -= step < left ? step : left;
		next = (const void *)((const char *)next + step);
	}
	return 0;
}

static int parse_hops(struct netmsg_route *route, const struct rtmsg *info,
                      const struct netattrs *attrs)
{
	uint32_t oif = 0;

	if (attrs->of[RTA_MULTIPATH])
		return parse_multipath(route, attrs->of[RTA_MULTIPATH]);
	route->hops_count = 1;
	if (!netattrs_u32(attrs, RTA_OIF, &oif))
		return -EBADMSG;
	route->hops[0].ifindex = (int)oif;
	route->hops[0].dead = hop_is_dead(info->rtm_flags);
	return get_gateway(attrs, route->dest.family, &route->hops[0]) ?
		0 : -EBADMSG;
}

/* RFC 4191's two bits, in the order of preference. */
static uint8_t preference_rank(uint8_t pref)
{
	return pref == ICMPV6_ROUTER_PREF_HIGH ? 0 :
	       pref == ICMPV6_ROUTER_PREF_LOW ? 2 : 1;
}

/* The uplinks' and TPROXY's. */
static bool table_is_ours(uint32_t table)
{
	return (table & 0xffff0000u) == ROUTE_TABLE_BASE;
}

static enum netmsg_kind route_kind(const struct rtmsg *info)
{
	if ((info->rtm_family != AF_INET && info->rtm_family != AF_INET6) ||
	    info->rtm_flags & RTM_F_CLONED)
		return NETMSG_OTHER;
	if (info->rtm_protocol == ROUTE_PROTOCOL)
		return NETMSG_POLICY;
	if (info->rtm_dst_len &&
	    (info->rtm_type == RTN_LOCAL || info->rtm_type == RTN_ANYCAST))
		return NETMSG_LOCAL;
	if (!info->rtm_dst_len && !info->rtm_src_len &&
	    info->rtm_type == RTN_UNICAST)
		return NETMSG_DEFAULT;
	/* What is larger stands for a default route (0.0.0.0/1, 2000::/3). */
	if (info->rtm_type == RTN_UNICAST && info->rtm_table == RT_TABLE_MAIN &&
	    info->rtm_protocol != RTPROT_KERNEL && info->rtm_dst_len >= ROUTED_LEAST)
		return NETMSG_ROUTED;
	return NETMSG_OTHER;
}

static int parse_route(struct netmsg *out, const struct nlmsghdr *msg)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(msg);
	struct netmsg_route *route = &out->route;
	struct addr dest = { 0 };
	struct netattrs attrs;
	uint8_t pref = ICMPV6_ROUTER_PREF_MEDIUM;

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*info))
		return -EBADMSG;
	enum netmsg_kind kind = route_kind(info);
	if (kind == NETMSG_OTHER)
		return 0;
	if (kind == NETMSG_POLICY) { /* that we put one is no news to us */
		out->kind = out->removed ? NETMSG_POLICY : NETMSG_OTHER;
		return 0;
	}
	netattrs_parse(&attrs, mnl_nlmsg_get_payload_offset(msg, sizeof(*info)),
	            mnl_nlmsg_get_payload_len(msg) - MNL_ALIGN(sizeof(*info)));
	dest.family = info->rtm_family;
	route->table = info->rtm_table;
	if ((kind == NETMSG_LOCAL && !attrs.of[RTA_DST]) ||
	    (attrs.of[RTA_DST] &&
	     !netattr_addr(attrs.of[RTA_DST], info->rtm_family, &dest)) ||
	    !set_prefix(&route->dest, &dest, info->rtm_dst_len) ||
	    !netattrs_u32(&attrs, RTA_TABLE, &route->table) ||
	    !netattrs_u32(&attrs, RTA_PRIORITY, &route->metric) ||
	    !netattrs_u8(&attrs, RTA_PREF, &pref))
		return -EBADMSG;
	if (table_is_ours(route->table)) {
		out->kind = NETMSG_POLICY;
		return 0;
	}
	route->preference = preference_rank(pref);
	if (kind != NETMSG_LOCAL && parse_hops(route, info, &attrs) < 0)
		return -EBADMSG;
	out->kind = kind;
	return 0;
}

/* A rule of ours that was removed, or any change of another's: it may come
 * before ours. */
static int parse_rule(struct netmsg *out, const struct nlmsghdr *msg)
{
	struct rule rule;

	if (rule_parse(&rule, msg, msg->nlmsg_len) < 0)
		return -EBADMSG;
	if ((rule.family == AF_INET || rule.family == AF_INET6) &&
	    (out->removed || rule.protocol != ROUTE_PROTOCOL))
		out->kind = NETMSG_POLICY;
	return 0;
}

int netmsg_parse(struct netmsg *out, const void *data, size_t size)
{
	const struct nlmsghdr *msg = data;

	memset(out, 0, sizeof(*out));
	/* mnl_nlmsg_ok takes a length of 2 GiB and more for a negative one. */
	if (size > INT32_MAX || !mnl_nlmsg_ok(msg, (int)size) ||
	    msg->nlmsg_len > size)
		return -EBADMSG;
	switch (msg->nlmsg_type) {
	case RTM_DELLINK:
	case RTM_DELADDR:
	case RTM_DELROUTE:
	case RTM_DELRULE:
		out->removed = true;
		break;
	}
	switch (msg->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return parse_link(out, msg);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return parse_addr(out, msg);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return parse_route(out, msg);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return parse_rule(out, msg);
	}
	return 0;
}
