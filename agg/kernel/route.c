/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: policy routes with libnl-route. The kernel is the only memory: what is
 * there is read back by our protocol number (the kernel filters the dump), so
 * a restart, a crash and somebody else's `ip route flush` need no special
 * case. Owns one netlink socket; blocks for the kernel's acknowledgement.
 */
#include "agg/kernel/route.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define REASON_MAX 96
#define DUMP_TRIES 5 /* of one that changes while it is read */

struct route {
	struct nl_sock *sock;
	int error;               /* -errno of the last refusal */
	char reason[REASON_MAX]; /* the kernel's words for it, or "" */
};

/* What a dump found that is ours. */
struct found {
	struct nl_object **objects;
	unsigned count, cap;
	bool failed; /* no memory */
};

static const sa_family_t families[] = { AF_INET, AF_INET6 };

/* Keeps what the library would lose: the errno, and the extended
 * acknowledgement's message, which stands behind the copy of our request. */
static int on_refusal(struct sockaddr_nl *who, struct nlmsgerr *e, void *arg)
{
	const struct nlmsghdr *msg =
		(const void *)((const char *)e - NLMSG_HDRLEN);
	size_t at = sizeof(*e), len = msg->nlmsg_len - NLMSG_HDRLEN;
	struct route *r = arg;

	r->error = e->error;
	r->reason[0] = 0;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (msg->nlmsg_flags & NLM_F_ACK_TLVS && at < len) {
		struct nlattr *attr = nla_find(
			(const struct nlattr *)((const char *)e + at),
			(int)(len - at), NLMSGERR_ATTR_MSG);
		if (attr)
			nla_strlcpy(r->reason, attr, sizeof(r->reason));
	}
	return NL_STOP;
}

/* A library's result as ours. Call at once after the request. */
static int result(struct route *r, int rc)
{
	int error = r->error;

	r->error = 0;
	if (error)
		return error;
	return rc == -NLE_NOMEM ? -ENOMEM : rc < 0 ? -EIO : 0;
}

static int refuse(struct route *r, int rc, struct kerr *err, const char *what)
{
	if (!rc)
		return 0;
	if (r->reason[0])
		return kerr_set(err, rc, "%s (%s)", what, r->reason);
	return kerr_set(err, rc, "%s", what);
}

struct route *route_create(struct kerr *err)
{
	struct route *r = calloc(1, sizeof(*r));
	int on = 1;

	if (!r || !(r->sock = nl_socket_alloc())) {
		free(r);
		errno = ENOMEM;
		kerr_set(err, -errno, "netlink");
		return NULL;
	}
	if (nl_connect(r->sock, NETLINK_ROUTE) < 0) {
		int error = errno ? errno : EIO;
		route_destroy(r);
		errno = error;
		kerr_set(err, -error, "netlink");
		return NULL;
	}
	nl_socket_modify_err_cb(r->sock, NL_CB_CUSTOM, on_refusal, r);
	/* Older kernels know neither; then words are fewer, and dumps longer. */
	int fd = nl_socket_get_fd(r->sock);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return r;
}

void route_destroy(struct route *r)
{
	if (!r)
		return;
	nl_socket_free(r->sock);
	free(r);
}

static void found_finish(struct found *found)
{
	for (unsigned i = 0; i < found->count; i++)
		nl_object_put(found->objects[i]);
	free(found->objects);
}

static void on_found(struct nl_object *object, void *arg)
{
	struct found *found = arg;

	if (found->count == found->cap) {
		unsigned cap = found->cap ? found->cap * 2 : 16;
		void *objects = realloc(found->objects, cap * sizeof(object));
		if (!objects) {
			found->failed = true;
			return;
		}
		found->objects = objects;
		found->cap = cap;
	}
	nl_object_get(object);
	found->objects[found->count++] = object;
}

/* Both headers have the family first; a route's has the protocol in its
 * header, a rule's in an attribute. */
static int on_dumped(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	bool ours = false;

	if (header->nlmsg_type == RTM_NEWROUTE) {
		const struct rtmsg *info = nlmsg_data(header);
		ours = info->rtm_protocol == ROUTE_PROTOCOL;
	} else if (header->nlmsg_type == RTM_NEWRULE) {
		struct nlattr *protocol = nlmsg_find_attr(
			header, sizeof(struct fib_rule_hdr), FRA_PROTOCOL);
		ours = protocol && nla_get_u8(protocol) == ROUTE_PROTOCOL;
	}
	if (ours)
		nl_msg_parse(msg, on_found, arg);
	return NL_OK;
}

/* Our routes (RTM_GETROUTE) or rules (RTM_GETRULE) of the family. Finish
 * *found in every case. */
static int find_ours(struct route *r, int type, sa_family_t family,
                     struct found *found)
{
	/* A rule's header has the same length and the family at the same place. */
	struct rtmsg ask = { .rtm_family = (uint8_t)family };
	int rc = -NLE_DUMP_INTR;

	_Static_assert(sizeof(struct rtmsg) == sizeof(struct fib_rule_hdr),
	               "one request fits both");
	if (type == RTM_GETROUTE)
		ask.rtm_protocol = ROUTE_PROTOCOL;
	memset(found, 0, sizeof(*found));
	nl_socket_modify_cb(r->sock, NL_CB_VALID, NL_CB_CUSTOM, on_dumped, found);
	for (int i = 0; i < DUMP_TRIES && rc == -NLE_DUMP_INTR; i++) {
		found_finish(found);
		memset(found, 0, sizeof(*found));
		rc = nl_send_simple(r->sock, type, NLM_F_DUMP, &ask, sizeof(ask));
		if (rc >= 0)
			rc = nl_recvmsgs_default(r->sock);
	}
	nl_socket_modify_cb(r->sock, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	return found->failed ? -ENOMEM : result(r, rc);
}

static struct nl_addr *addr_of(sa_family_t family, const uint8_t *ip,
                               unsigned bits)
{
	struct nl_addr *addr = nl_addr_build(family, ip, family == AF_INET ? 4 : 16);

	if (addr)
		nl_addr_set_prefixlen(addr, (int)bits);
	return addr;
}

/* Adds the way out to the route: the device, and the gateway if there is one.
 * On-link: the gateway is where we are told, whatever the tables say of it. */
static int set_hop(struct rtnl_route *route, int ifindex,
                   const struct addr *gateway)
{
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();

	if (!hop)
		return -ENOMEM;
	rtnl_route_nh_set_ifindex(hop, ifindex);
	rtnl_route_add_nexthop(route, hop); /* owned by the route from here */
	if (!gateway || gateway->family == AF_UNSPEC) {
		rtnl_route_set_scope(route, RT_SCOPE_LINK);
		return 0;
	}
	struct nl_addr *via = addr_of(gateway->family, gateway->ip,
	                              addr_ip_len(gateway) * 8);
	if (!via)
		return -ENOMEM;
	if (gateway->family == rtnl_route_get_family(route))
		rtnl_route_nh_set_gateway(hop, via);
	else
		rtnl_route_nh_set_via(hop, via);
	nl_addr_put(via);
	rtnl_route_nh_set_flags(hop, RTNH_F_ONLINK);
	rtnl_route_set_flags(route, RTNH_F_ONLINK);
	rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
	return 0;
}

/* One of our routes, with nothing but its destination. NULL: no memory. */
static struct rtnl_route *route_to(const struct prefix *dest, uint32_t table,
                                   uint8_t type)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *dst = addr_of(dest->family, dest->ip, dest->length);

	if (!route || !dst || rtnl_route_set_family(route, (uint8_t)dest->family) ||
	    rtnl_route_set_dst(route, dst) || rtnl_route_set_type(route, type)) {
		rtnl_route_put(route);
		route = NULL;
	} else {
		rtnl_route_set_table(route, table);
		rtnl_route_set_protocol(route, ROUTE_PROTOCOL);
	}
	nl_addr_put(dst);
	return route;
}

static int put(struct route *r, struct rtnl_route *route)
{
	return result(r, rtnl_route_add(r->sock, route,
	                                NLM_F_CREATE | NLM_F_REPLACE));
}

static int put_uplink_route(struct route *r, const struct route_uplink *want,
                            const struct prefix *dest,
                            const struct addr *gateway)
{
	struct rtnl_route *route = route_to(dest, ROUTE_TABLE_BASE + want->index,
	                                    RTN_UNICAST);
	int ifindex = (int)if_nametoindex(want->device);
	int rc = !route ? -ENOMEM : !ifindex ? -ENODEV :
	         set_hop(route, ifindex, gateway);

	if (!rc && want->source.family == want->family) {
		struct nl_addr *source = addr_of(want->family, want->source.ip,
		                                 addr_ip_len(&want->source) * 8);
		rc = source && !rtnl_route_set_pref_src(route, source) ? 0 : -ENOMEM;
		nl_addr_put(source);
	}
	if (!rc)
		rc = put(r, route);
	rtnl_route_put(route);
	return rc;
}

static int put_uplink_routes(struct route *r, const struct route_uplink *want)
{
	const struct prefix everything = { .family = want->family };
	int rc = 0;

	for (size_t i = 0; i < want->connected_count && !rc; i++)
		if (want->connected[i].family == want->family)
			rc = put_uplink_route(r, want, &want->connected[i], NULL);
	return rc ? rc : put_uplink_route(r, want, &everything, &want->gateway);
}

/* Is the route's destination the default or a network that is told? */
static bool is_told(const struct route_uplink *want, struct rtnl_route *route)
{
	const struct nl_addr *dst = rtnl_route_get_dst(route);
	unsigned bits = dst ? nl_addr_get_prefixlen(dst) : 0;

	if (!bits)
		return true;
	for (size_t i = 0; i < want->connected_count; i++)
		if (want->connected[i].family == want->family &&
		    want->connected[i].length == bits &&
		    !memcmp(want->connected[i].ip, nl_addr_get_binary_addr(dst),
		            nl_addr_get_len(dst)))
			return true;
	return false;
}

static int remove_object(struct route *r, int type, struct nl_object *object)
{
	int rc = type == RTM_GETROUTE ?
		rtnl_route_delete(r->sock, (struct rtnl_route *)object, 0) :
		rtnl_rule_delete(r->sock, (struct rtnl_rule *)object, 0);

	/* Gone in between, with its device perhaps: that was the wish. */
	rc = result(r, rc);
	return rc == -ESRCH || rc == -ENOENT || rc == -ENODEV ? 0 : rc;
}

/* Removes our routes from a table, except those that want tells (or NULL). */
static int prune_routes(struct route *r, sa_family_t family, uint32_t table,
                        const struct route_uplink *want)
{
	struct found found;
	int rc = find_ours(r, RTM_GETROUTE, family, &found);

	for (unsigned i = 0; i < found.count && !rc; i++) {
		struct rtnl_route *route = (struct rtnl_route *)found.objects[i];
		if (rtnl_route_get_family(route) != family ||
		    rtnl_route_get_table(route) != table ||
		    (want && is_told(want, route)))
			continue;
		rc = remove_object(r, RTM_GETROUTE, found.objects[i]);
	}
	found_finish(&found);
	return rc;
}

/* A rule of ours: by output device, or with device NULL by mark. */
struct rule_want {
	sa_family_t family;
	uint32_t table, priority, mark;
	const char *device;
};

static bool rule_is(struct rtnl_rule *rule, const struct rule_want *want)
{
	const char *device = rtnl_rule_get_oif(rule);

	if (rtnl_rule_get_prio(rule) != want->priority)
		return false;
	if (want->device)
		return device && !strcmp(device, want->device);
	return rtnl_rule_get_mark(rule) == want->mark &&
	       rtnl_rule_get_mask(rule) == UINT32_MAX;
}

static int add_rule(struct route *r, const struct rule_want *want)
{
	struct rtnl_rule *rule = rtnl_rule_alloc();
	int rc = rule ? 0 : -ENOMEM;

	if (!rc) {
		rtnl_rule_set_family(rule, want->family);
		rtnl_rule_set_table(rule, want->table);
		rtnl_rule_set_prio(rule, want->priority);
		rtnl_rule_set_action(rule, FR_ACT_TO_TBL);
		if (rtnl_rule_set_protocol(rule, ROUTE_PROTOCOL) < 0)
			rc = -ENOMEM;
		if (want->device && rtnl_rule_set_oif(rule, want->device) < 0)
			rc = -EINVAL;
		if (!want->device) {
			rtnl_rule_set_mark(rule, want->mark);
			rtnl_rule_set_mask(rule, UINT32_MAX);
		}
	}
	if (!rc)
		rc = result(r, rtnl_rule_add(r->sock, rule,
		                             NLM_F_CREATE | NLM_F_EXCL));
	rtnl_rule_put(rule);
	return rc;
}

/* Removes our rules to the table but the first that is as wanted (priority 0:
 * none is). *there tells whether one was. */
static int prune_rules(struct route *r, const struct rule_want *want,
                       bool *there)
{
	struct found found;
	int rc = find_ours(r, RTM_GETRULE, want->family, &found);

	*there = false;
	for (unsigned i = 0; i < found.count && !rc; i++) {
		struct rtnl_rule *rule = (struct rtnl_rule *)found.objects[i];
		if (rtnl_rule_get_family(rule) != want->family ||
		    rtnl_rule_get_table(rule) != want->table)
			continue;
		if (want->priority && !*there && rule_is(rule, want))
			*there = true;
		else
			rc = remove_object(r, RTM_GETRULE, found.objects[i]);
	}
	found_finish(&found);
	return rc;
}

static int set_rule(struct route *r, const struct rule_want *want)
{
	bool there;
	int rc = prune_rules(r, want, &there);

	return rc || there ? rc : add_rule(r, want);
}

int route_set_uplink(struct route *r, const struct route_uplink *want,
                     struct kerr *err)
{
	const struct rule_want rule = {
		.family = want->family, .table = ROUTE_TABLE_BASE + want->index,
		.priority = ROUTE_PRIORITY_UPLINK, .device = want->device,
	};

	if (want->index >= ROUTE_UPLINKS_MAX ||
	    want->connected_count > ROUTE_CONNECTED_MAX)
		return kerr_set(err, -EINVAL, "routes of %s", want->device);
	int rc = refuse(r, put_uplink_routes(r, want), err, want->device);
	if (!rc)
		rc = refuse(r, prune_routes(r, want->family, rule.table, want), err,
		            want->device);
	return rc ? rc : refuse(r, set_rule(r, &rule), err, want->device);
}

/* Rule and routes of one table. The rule first: nothing shall be sent into a
 * table that is half gone. */
static int clear_table(struct route *r, sa_family_t family, uint32_t table)
{
	const struct rule_want none = { .family = family, .table = table };
	bool there;
	int rc = prune_rules(r, &none, &there);

	return rc ? rc : prune_routes(r, family, table, NULL);
}

int route_clear_uplink(struct route *r, unsigned index, sa_family_t family,
                       struct kerr *err)
{
	return refuse(r, clear_table(r, family, ROUTE_TABLE_BASE + index), err,
	              "removing an uplink's routes");
}

static int set_tproxy_family(struct route *r, sa_family_t family, uint32_t mark)
{
	const struct prefix everything = { .family = family };
	const struct rule_want rule = {
		.family = family, .table = ROUTE_TABLE_TPROXY,
		.priority = ROUTE_PRIORITY_TPROXY, .mark = mark,
	};
	struct rtnl_route *route = route_to(&everything, ROUTE_TABLE_TPROXY,
	                                    RTN_LOCAL);
	int rc = !route ? -ENOMEM :
	         set_hop(route, (int)if_nametoindex("lo"), NULL);

	if (!rc) {
		rtnl_route_set_scope(route, RT_SCOPE_HOST);
		rc = put(r, route);
	}
	rtnl_route_put(route);
	return rc ? rc : set_rule(r, &rule);
}

int route_set_tproxy(struct route *r, uint32_t mark, struct kerr *err)
{
	int rc = refuse(r, set_tproxy_family(r, AF_INET, mark), err,
	                "TPROXY's route (IPv4)");
	if (rc)
		return rc;
	rc = set_tproxy_family(r, AF_INET6, mark);
	if (rc == -EAFNOSUPPORT || rc == -EOPNOTSUPP)
		return 0;
	return refuse(r, rc, err, "TPROXY's route (IPv6)");
}

int route_clear_tproxy(struct route *r, struct kerr *err)
{
	int rc = 0;

	for (int i = 0; i < 2 && !rc; i++)
		rc = clear_table(r, families[i], ROUTE_TABLE_TPROXY);
	return refuse(r, rc, err, "removing TPROXY's route");
}

static int remove_all(struct route *r, int type, sa_family_t family)
{
	struct found found;
	int rc = find_ours(r, type, family, &found);

	for (unsigned i = 0; i < found.count; i++) {
		int failed = remove_object(r, type, found.objects[i]);
		rc = rc ? rc : failed;
	}
	found_finish(&found);
	return rc;
}

int route_cleanup(struct route *r, struct kerr *err)
{
	int rc = 0;

	for (int i = 0; i < 2; i++) {
		int rules = remove_all(r, RTM_GETRULE, families[i]);
		int routes = remove_all(r, RTM_GETROUTE, families[i]);
		rc = rc ? rc : rules ? rules : routes;
	}
	return refuse(r, rc, err, "removing our routes and rules");
}
