/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: collects what netmsg parsed and works out, for each device, its source
 * addresses, its connected networks and its best default route. Pure. Order
 * of arrival never matters: everything is ranked, then sorted by its bytes.
 */
#include "agg/kernel/nettable.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* An array that grows up to max items. */
struct vec {
	void *items;
	size_t size; /* of an item */
	unsigned count, cap, max;
};

/* One nexthop of one default route. */
struct hop {
	sa_family_t family; /* of the route */
	uint32_t metric, table;
	uint8_t preference;
	unsigned nexthops;
	struct netmsg_hop next;
};

/* A network through a device. */
struct routed {
	struct prefix net;
	int ifindex;
};

struct nettable {
	struct vec links;   /* struct netmsg_link */
	struct vec addrs;   /* struct netmsg_addr */
	struct vec locals;  /* struct prefix */
	struct vec hops;    /* struct hop */
	struct vec routed;  /* struct routed */
	struct vec devices; /* struct netdev, once finished */
};

static struct vec vec_of(size_t size, unsigned max)
{
	return (struct vec){ .size = size, .max = max };
}

static int vec_push(struct vec *v, const void *item)
{
	if (v->count == v->max)
		return -ENOBUFS;
	if (v->count == v->cap) {
		unsigned cap = v->cap ? v->cap * 2 : 8;
		void *items = realloc(v->items, cap * v->size);
		if (!items)
			return -ENOMEM;
		v->items = items;
		v->cap = cap;
	}
	memcpy((char *)v->items + v->count++ * v->size, item, v->size);
	return 0;
}

struct nettable *nettable_create(void)
{
	struct nettable *t = malloc(sizeof(*t));

	if (!t)
		return NULL;
	t->links = vec_of(sizeof(struct netmsg_link), NETTABLE_DEVICES_MAX);
	t->addrs = vec_of(sizeof(struct netmsg_addr), NETTABLE_ADDRS_MAX);
	t->locals = vec_of(sizeof(struct prefix), NETTABLE_LOCALS_MAX);
	t->hops = vec_of(sizeof(struct hop), NETTABLE_HOPS_MAX);
	t->routed = vec_of(sizeof(struct routed), NETTABLE_ROUTED_MAX);
	t->devices = vec_of(sizeof(struct netdev), NETTABLE_DEVICES_MAX);
	return t;
}

void nettable_destroy(struct nettable *t)
{
	if (!t)
		return;
	free(t->links.items);
	free(t->addrs.items);
	free(t->locals.items);
	free(t->hops.items);
	free(t->routed.items);
	free(t->devices.items);
	free(t);
}

static int add_default(struct nettable *t, const struct netmsg_route *route)
{
	int rc = 0;

	for (unsigned i = 0; i < route->hops_count && !rc; i++) {
		struct hop hop = {
			.family = route->dest.family, .metric = route->metric,
			.table = route->table, .preference = route->preference,
			.nexthops = route->hops_count, .next = route->hops[i],
		};
		if (!hop.next.dead)
			rc = vec_push(&t->hops, &hop);
	}
	return rc;
}

/* What is too much is left out. */
static int add_routed(struct nettable *t, const struct netmsg_route *route)
{
	int rc = 0;

	for (unsigned i = 0; i < route->hops_count && rc != -ENOMEM; i++) {
		struct routed routed = { route->dest, route->hops[i].ifindex };
		rc = vec_push(&t->routed, &routed);
	}
	return rc == -ENOMEM ? rc : 0;
}

int nettable_add(struct nettable *t, const struct netmsg *msg)
{
	if (msg->removed)
		return 0;
	switch (msg->kind) {
	case NETMSG_LINK:
		return vec_push(&t->links, &msg->link);
	case NETMSG_ADDR:
		return vec_push(&t->addrs, &msg->addr);
	case NETMSG_LOCAL:
		return vec_push(&t->locals, &msg->route.dest);
	case NETMSG_DEFAULT:
		return add_default(t, &msg->route);
	case NETMSG_ROUTED:
		return add_routed(t, &msg->route);
	case NETMSG_OTHER:
	case NETMSG_POLICY:
		return 0;
	}
	return 0;
}

/* Lower is better: metric, RFC 4191's preference, the main table, and then
 * anything that is always the same. */
static int hop_compare(const struct hop *a, const struct hop *b)
{
	bool a_main = a->table == RT_TABLE_MAIN, b_main = b->table == RT_TABLE_MAIN;

	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	if (a->preference != b->preference)
		return a->preference < b->preference ? -1 : 1;
	if (a_main != b_main)
		return a_main ? -1 : 1;
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return memcmp(a->next.gateway.ip, b->next.gateway.ip,
	              sizeof(a->next.gateway.ip));
}

static struct netdev_route best_route(const struct nettable *t, int ifindex,
                                      sa_family_t family)
{
	const struct hop *hops = t->hops.items, *best = NULL;

	for (unsigned i = 0; i < t->hops.count; i++)
		if (hops[i].next.ifindex == ifindex && hops[i].family == family &&
		    (!best || hop_compare(&hops[i], best) < 0))
			best = &hops[i];
	if (!best)
		return (struct netdev_route){ 0 };
	return (struct netdev_route){
		.exists = true, .gateway = best->next.gateway,
		.metric = best->metric, .table = best->table,
		.nexthops = best->nexthops,
	};
}

/* May a socket be bound to it, to reach the Internet? An optimistic address
 * (RFC 4429) is tentative too, and may. */
static bool addr_is_source(const struct netmsg_addr *a)
{
	bool waiting = a->flags & IFA_F_TENTATIVE &&
	               !(a->flags & IFA_F_OPTIMISTIC);

	return !waiting && !(a->flags & IFA_F_DADFAILED) &&
	       a->scope < RT_SCOPE_LINK;
}

/* How bad a source it is: what weighs most comes in the highest bit. */
static unsigned source_badness(const struct netmsg_addr *a,
                               const struct netdev_route *route)
{
	const uint8_t *ip = a->addr.ip;
	bool v4 = a->addr.family == AF_INET;
	bool local_only = v4 ? ip[0] == 169 && ip[1] == 254 : (ip[0] & 0xfe) == 0xfc;
	bool far = route->gateway.family == a->addr.family &&
	           !route->gateway.scope_id && !prefix_has(&a->network,
	                                                   &route->gateway);

	/* For IPv4 the same bit says secondary. */
	return !!(a->flags & IFA_F_DEPRECATED) * 8u + far * 4u +
	       local_only * 2u + !!(a->flags & IFA_F_TEMPORARY);
}

struct source {
	struct addr addr;
	unsigned badness;
};

static int source_compare(const void *x, const void *y)
{
	const struct source *a = x, *b = y;

	if (a->badness != b->badness)
		return a->badness < b->badness ? -1 : 1;
	return memcmp(a->addr.ip, b->addr.ip, sizeof(a->addr.ip));
}

/* Sorts source in among the best so far; the worst may fall out. */
static void keep_source(struct source *kept, unsigned *count,
                        const struct source *source)
{
	unsigned at = *count;

	while (at && source_compare(source, &kept[at - 1]) < 0)
		at--;
	if (at == NETDEV_SOURCES_MAX)
		return;
	if (*count < NETDEV_SOURCES_MAX)
		++*count;
	memmove(&kept[at + 1], &kept[at],
	        (*count - 1 - at) * sizeof(*kept));
	kept[at] = *source;
}

static void fill_ip(const struct nettable *t, int ifindex, sa_family_t family,
                    struct netdev_ip *out)
{
	const struct netmsg_addr *addrs = t->addrs.items;
	struct source kept[NETDEV_SOURCES_MAX];
	unsigned count = 0;

	out->route = best_route(t, ifindex, family);
	for (unsigned i = 0; i < t->addrs.count; i++) {
		const struct netmsg_addr *a = &addrs[i];
		if (a->ifindex != ifindex || a->addr.family != family ||
		    a->scope >= RT_SCOPE_LINK)
			continue;
		if (!addr_is_source(a)) {
			bool failed = a->flags & IFA_F_DADFAILED;
			out->duplicate |= failed;
			out->tentative |= !failed;
			continue;
		}
		struct source source = {
			a->addr, source_badness(a, &out->route),
		};
		keep_source(kept, &count, &source);
	}
	for (unsigned i = 0; i < count; i++)
		out->sources[i] = kept[i].addr;
	out->sources_count = count;
}

static int prefix_compare(const void *x, const void *y)
{
	const struct prefix *a = x, *b = y;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->ip, b->ip, sizeof(a->ip));
}

/* A host route to the address itself connects to nobody. */
static bool addr_connects(const struct netmsg_addr *a)
{
	return a->scope < RT_SCOPE_LINK &&
	       !(a->network.length == addr_ip_len(&a->addr) * 8 &&
	         !memcmp(a->network.ip, a->addr.ip, sizeof(a->addr.ip)));
}

/* One that is there, or for which there is no room, changes nothing. */
static void add_network(struct netdev *dev, const struct prefix *net, unsigned *count)
{
	unsigned all = dev->connected_count + dev->routed_count;

	for (unsigned k = 0; k < all; k++)
		if (!prefix_compare(&dev->connected[k], net))
			return;
	if (all < NETDEV_CONNECTED_MAX) {
		dev->connected[all] = *net;
		++*count;
	}
}

static void fill_connected(const struct nettable *t, struct netdev *dev)
{
	const struct netmsg_addr *addrs = t->addrs.items;
	const struct routed *routed = t->routed.items;

	for (unsigned i = 0; i < t->addrs.count; i++)
		if (addrs[i].ifindex == dev->ifindex && addr_connects(&addrs[i]))
			add_network(dev, &addrs[i].network, &dev->connected_count);
	for (unsigned i = 0; i < t->routed.count; i++)
		if (routed[i].ifindex == dev->ifindex)
			add_network(dev, &routed[i].net, &dev->routed_count);
	qsort(dev->connected, dev->connected_count, sizeof(struct prefix),
	      prefix_compare);
	qsort(dev->connected + dev->connected_count, dev->routed_count,
	      sizeof(struct prefix), prefix_compare);
}

static int device_compare(const void *x, const void *y)
{
	const struct netdev *a = x, *b = y;

	return (a->ifindex > b->ifindex) - (a->ifindex < b->ifindex);
}

int nettable_finish(struct nettable *t)
{
	const struct netmsg_link *links = t->links.items;

	for (unsigned i = 0; i < t->links.count; i++) {
		struct netdev dev = {
			.ifindex = links[i].ifindex, .present = true,
			.admin_up = links[i].admin_up, .carrier = links[i].carrier,
			.operstate = links[i].operstate,
		};
		memcpy(dev.name, links[i].name, sizeof(dev.name));
		fill_ip(t, dev.ifindex, AF_INET, &dev.v4);
		fill_ip(t, dev.ifindex, AF_INET6, &dev.v6);
		fill_connected(t, &dev);
		int rc = vec_push(&t->devices, &dev);
		if (rc)
			return rc;
	}
	if (t->devices.count)
		qsort(t->devices.items, t->devices.count, sizeof(struct netdev),
		      device_compare);
	return 0;
}

static bool knows_link(const struct nettable *t, const struct netmsg *msg)
{
	const struct netmsg_link *links = t->links.items, *link = &msg->link;

	for (unsigned i = 0; i < t->links.count; i++)
		if (links[i].ifindex == link->ifindex)
			return !msg->removed && !strcmp(links[i].name, link->name) &&
			       links[i].admin_up == link->admin_up &&
			       links[i].carrier == link->carrier &&
			       links[i].operstate == link->operstate;
	return msg->removed;
}

static bool knows_addr(const struct nettable *t, const struct netmsg *msg)
{
	const struct netmsg_addr *addrs = t->addrs.items, *a = &msg->addr;

	for (unsigned i = 0; i < t->addrs.count; i++)
		if (addrs[i].ifindex == a->ifindex &&
		    addr_equal_ip(&addrs[i].addr, &a->addr) &&
		    !prefix_compare(&addrs[i].network, &a->network))
			return !msg->removed && addrs[i].flags == a->flags &&
			       addrs[i].scope == a->scope;
	return msg->removed;
}

bool nettable_knows(const struct nettable *t, const struct netmsg *msg)
{
	switch (msg->kind) {
	case NETMSG_OTHER:
	case NETMSG_POLICY: /* which is in no table */
		return true;
	case NETMSG_LINK:
		return knows_link(t, msg);
	case NETMSG_ADDR:
		return knows_addr(t, msg);
	case NETMSG_LOCAL:
	case NETMSG_DEFAULT:
	case NETMSG_ROUTED:
		return false;
	}
	return false;
}

const struct netdev *nettable_at(const struct nettable *t, unsigned i)
{
	const struct netdev *devices = t->devices.items;

	return i < t->devices.count ? &devices[i] : NULL;
}

const struct netdev *nettable_find(const struct nettable *t, const char *name)
{
	const struct netdev *dev;

	for (unsigned i = 0; (dev = nettable_at(t, i)); i++)
		if (!strcmp(dev->name, name))
			return dev;
	return NULL;
}

const struct netdev *nettable_by_index(const struct nettable *t, int ifindex)
{
	const struct netdev *dev;

	for (unsigned i = 0; (dev = nettable_at(t, i)); i++)
		if (dev->ifindex == ifindex)
			return dev;
	return NULL;
}

bool nettable_is_local(const struct nettable *t, const struct addr *a)
{
	const struct netmsg_addr *addrs = t->addrs.items;
	const struct prefix *locals = t->locals.items;

	for (unsigned i = 0; i < t->addrs.count; i++)
		if (addrs[i].addr.family == a->family &&
		    !memcmp(addrs[i].addr.ip, a->ip, addr_ip_len(a)))
			return true;
	for (unsigned i = 0; i < t->locals.count; i++)
		if (prefix_has(&locals[i], a))
			return true;
	return false;
}
