/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see ways.h. Owns one rtnetlink socket of libnl-route. The kernel filters
 * what is read by table and protocol (strict checking, Linux 4.20); what an
 * older one tells besides is passed over.
 */
#include "agg/kernel/ways.h"
#include "agg/kernel/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define REASON_MAX 96
#define DUMP_TRIES 5 /* of one that changes while it is read */

struct ways {
	struct nl_sock *sock;
	int error;               /* -errno of the last refusal */
	char reason[REASON_MAX]; /* the kernel's words for it, or "" */
};

/* What a dump's callbacks need. */
struct dump {
	struct ways_list *list;
	uint32_t table; /* 0: any */
	int error;
};

/* Keeps what the library would lose: the errno, and the extended
 * acknowledgement's message, which stands behind the copy of our request. */
static int on_refusal(struct sockaddr_nl *who, struct nlmsgerr *e, void *arg)
{
	const struct nlmsghdr *msg =
		(const void *)((const char *)e - NLMSG_HDRLEN);
	size_t at = sizeof(*e), len = msg->nlmsg_len - NLMSG_HDRLEN;
	struct ways *w = arg;

	w->error = e->error;
	w->reason[0] = 0;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (msg->nlmsg_flags & NLM_F_ACK_TLVS && at < len) {
		struct nlattr *attr = nla_find(
			(const struct nlattr *)((const char *)e + at),
			(int)(len - at), NLMSGERR_ATTR_MSG);
		if (attr)
			nla_strlcpy(w->reason, attr, sizeof(w->reason));
	}
	return NL_STOP;
}

static int connect_socket(struct ways *w)
{
	const struct timeval timeout = { .tv_usec = WAYS_TIMEOUT_MS * 1000 };
	int on = 1;

	if (nl_connect(w->sock, NETLINK_ROUTE) < 0)
		return errno ? -errno : -EIO;
	/* Older kernels know neither; then words are fewer, and dumps longer. */
	int fd = nl_socket_get_fd(w->sock);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return 0;
}

/* A library's result as ours. Call at once after the request. An answer that
 * did not come in time shall not be taken for that of the next request. */
static int result(struct ways *w, int rc)
{
	int error = w->error;

	w->error = 0;
	if (error)
		return error;
	if (rc == -NLE_AGAIN) {
		nl_close(w->sock);
		connect_socket(w);
		return -ETIMEDOUT;
	}
	return rc == -NLE_NOMEM ? -ENOMEM : rc < 0 ? -EIO : 0;
}

struct ways *ways_create(void)
{
	struct ways *w = calloc(1, sizeof(*w));
	int rc = -ENOMEM;

	if (!w)
		return NULL;
	w->sock = nl_socket_alloc();
	if (w->sock)
		rc = connect_socket(w);
	if (rc) {
		ways_destroy(w);
		errno = -rc;
		return NULL;
	}
	nl_socket_modify_err_cb(w->sock, NL_CB_CUSTOM, on_refusal, w);
	return w;
}

void ways_destroy(struct ways *w)
{
	if (!w)
		return;
	nl_socket_free(w->sock);
	free(w);
}

const char *ways_reason(const struct ways *w)
{
	return w->reason;
}

/* Reading ------------------------------------------------------------------- */

void ways_list_finish(struct ways_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		nl_object_put(list->items[i].object);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

static void take_addr(struct addr *out, const struct nl_addr *addr)
{
	size_t len = addr ? nl_addr_get_len(addr) : 0;

	memset(out, 0, sizeof(*out));
	if (!len || len > sizeof(out->ip))
		return;
	out->family = (sa_family_t)nl_addr_get_family(addr);
	memcpy(out->ip, nl_addr_get_binary_addr(addr), len);
}

static void take_route(struct way *out, struct rtnl_route *route)
{
	const struct nl_addr *dst = rtnl_route_get_dst(route);
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);
	struct addr to;

	memset(out, 0, sizeof(*out));
	out->family = rtnl_route_get_family(route);
	out->table = rtnl_route_get_table(route);
	out->local = rtnl_route_get_type(route) == RTN_LOCAL;
	take_addr(&to, dst);
	out->dest.family = out->family;
	out->dest.length = dst ? (uint8_t)nl_addr_get_prefixlen(dst) : 0;
	memcpy(out->dest.ip, to.ip, sizeof(to.ip));
	take_addr(&out->source, rtnl_route_get_pref_src(route));
	if (!hop)
		return;
	out->ifindex = rtnl_route_nh_get_ifindex(hop);
	take_addr(&out->gateway, rtnl_route_nh_get_gateway(hop) ?
	          rtnl_route_nh_get_gateway(hop) : rtnl_route_nh_get_via(hop));
}

static void on_parsed(struct nl_object *object, void *arg)
{
	struct dump *dump = arg;
	struct ways_list *list = dump->list;
	struct rtnl_route *route = (struct rtnl_route *)object;

	if (dump->table && rtnl_route_get_table(route) != dump->table)
		return;
	if (list->count == list->cap) {
		unsigned cap = list->cap ? list->cap * 2 : 16;
		void *items = realloc(list->items, cap * sizeof(*list->items));
		if (!items) {
			dump->error = -ENOMEM;
			return;
		}
		list->items = items;
		list->cap = cap;
	}
	struct ways_found *found = &list->items[list->count++];
	nl_object_get(object);
	found->object = object;
	take_route(&found->way, route);
}

static int on_dumped(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct rtmsg *info = nlmsg_data(header);

	if (header->nlmsg_type == RTM_NEWROUTE &&
	    info->rtm_protocol == ROUTE_PROTOCOL)
		nl_msg_parse(msg, on_parsed, arg);
	return NL_OK;
}

static int ask_dump(struct ways *w, sa_family_t family, uint32_t table)
{
	struct rtmsg ask = { .rtm_family = (uint8_t)family,
	                     .rtm_protocol = ROUTE_PROTOCOL };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE,
	                                        NLM_F_REQUEST | NLM_F_DUMP);
	int rc = msg ? nlmsg_append(msg, &ask, sizeof(ask), NLMSG_ALIGNTO)
	             : -NLE_NOMEM;

	if (!rc && table)
		rc = nla_put_u32(msg, RTA_TABLE, table);
	if (!rc)
		rc = nl_send_auto(w->sock, msg);
	nlmsg_free(msg);
	return rc < 0 ? rc : nl_recvmsgs_default(w->sock);
}

int ways_read(struct ways *w, sa_family_t family, uint32_t table,
              struct ways_list *out)
{
	struct dump dump = { .list = out, .table = table };
	int rc = -NLE_DUMP_INTR;

	memset(out, 0, sizeof(*out));
	nl_socket_modify_cb(w->sock, NL_CB_VALID, NL_CB_CUSTOM, on_dumped, &dump);
	for (int i = 0; i < DUMP_TRIES && rc == -NLE_DUMP_INTR; i++) {
		ways_list_finish(out);
		rc = ask_dump(w, family, table);
	}
	nl_socket_modify_cb(w->sock, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	rc = result(w, rc);
	if (rc == -ENOENT && table) /* there is no such table yet */
		rc = 0;
	return dump.error ? dump.error : rc;
}

/* Changing ------------------------------------------------------------------ */

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
static int set_hop(struct rtnl_route *route, const struct way *way)
{
	const struct addr *gateway = &way->gateway;
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();

	if (!hop)
		return -ENOMEM;
	rtnl_route_nh_set_ifindex(hop, way->ifindex);
	rtnl_route_add_nexthop(route, hop); /* owned by the route from here */
	if (gateway->family == AF_UNSPEC) {
		rtnl_route_set_scope(route, way->local ? RT_SCOPE_HOST
		                                       : RT_SCOPE_LINK);
		return 0;
	}
	struct nl_addr *via = addr_of(gateway->family, gateway->ip,
	                              addr_ip_len(gateway) * 8);
	if (!via)
		return -ENOMEM;
	if (gateway->family == way->family)
		rtnl_route_nh_set_gateway(hop, via);
	else
		rtnl_route_nh_set_via(hop, via);
	nl_addr_put(via);
	rtnl_route_nh_set_flags(hop, RTNH_F_ONLINK);
	rtnl_route_set_flags(route, RTNH_F_ONLINK);
	rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
	return 0;
}

static int set_source(struct rtnl_route *route, const struct addr *a)
{
	if (a->family == AF_UNSPEC)
		return 0;
	struct nl_addr *source = addr_of(a->family, a->ip, addr_ip_len(a) * 8);
	int rc = source && !rtnl_route_set_pref_src(route, source) ? 0 : -ENOMEM;
	nl_addr_put(source);
	return rc;
}

/* With nothing but its destination. NULL: no memory. */
static struct rtnl_route *route_to(const struct way *way)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *dst = addr_of(way->family, way->dest.ip,
	                              way->dest.length);

	if (!route || !dst ||
	    rtnl_route_set_family(route, (uint8_t)way->family) ||
	    rtnl_route_set_dst(route, dst) ||
	    rtnl_route_set_type(route, way->local ? RTN_LOCAL : RTN_UNICAST)) {
		rtnl_route_put(route);
		route = NULL;
	} else {
		rtnl_route_set_table(route, way->table);
		rtnl_route_set_protocol(route, ROUTE_PROTOCOL);
	}
	nl_addr_put(dst);
	return route;
}

int ways_put(struct ways *w, const struct way *way)
{
	struct rtnl_route *route = route_to(way);
	int rc = route ? set_hop(route, way) : -ENOMEM;

	w->reason[0] = 0;
	if (!rc)
		rc = set_source(route, &way->source);
	if (!rc)
		rc = result(w, rtnl_route_add(w->sock, route,
		                              NLM_F_CREATE | NLM_F_REPLACE));
	rtnl_route_put(route);
	return rc;
}

int ways_remove(struct ways *w, struct ways_found *found)
{
	w->reason[0] = 0;
	int rc = result(w, rtnl_route_delete(
		w->sock, (struct rtnl_route *)found->object, 0));

	/* Gone in between, with its device perhaps: that was the wish. */
	return rc == -ESRCH || rc == -ENOENT || rc == -ENODEV ? 0 : rc;
}

bool way_equal(const struct way *a, const struct way *b)
{
	return a->family == b->family && a->table == b->table &&
	       a->local == b->local && a->ifindex == b->ifindex &&
	       a->dest.length == b->dest.length &&
	       !memcmp(a->dest.ip, b->dest.ip, sizeof(a->dest.ip)) &&
	       a->gateway.family == b->gateway.family &&
	       !memcmp(a->gateway.ip, b->gateway.ip, sizeof(a->gateway.ip)) &&
	       a->source.family == b->source.family &&
	       !memcmp(a->source.ip, b->source.ip, sizeof(a->source.ip));
}
