/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a table makes of links, addresses and routes, in whatever order
 * they come.
 */
#include "agg/kernel/nettable.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OPER_UP 6
#define OPER_DORMANT 5

static struct addr addr(const char *text)
{
	struct addr a = { 0 };

	if (*text)
		assert_int_equal(addr_parse(&a, text, 0), 0);
	return a;
}

static void add_link(struct nettable *t, int ifindex, const char *name)
{
	struct netmsg msg = { .kind = NETMSG_LINK };

	msg.link.ifindex = ifindex;
	msg.link.admin_up = msg.link.carrier = true;
	msg.link.operstate = OPER_UP;
	snprintf(msg.link.name, sizeof(msg.link.name), "%s", name);
	assert_int_equal(nettable_add(t, &msg), 0);
}

static struct netmsg addr_msg(int ifindex, const char *ip, const char *network,
                              uint32_t flags)
{
	struct netmsg msg = { .kind = NETMSG_ADDR };

	msg.addr = (struct netmsg_addr){
		.ifindex = ifindex, .addr = addr(ip), .flags = flags,
	};
	assert_int_equal(prefix_parse(&msg.addr.network, network), 0);
	return msg;
}

static void add_addr(struct nettable *t, int ifindex, const char *ip,
                     const char *network, uint32_t flags)
{
	struct netmsg msg = addr_msg(ifindex, ip, network, flags);

	assert_int_equal(nettable_add(t, &msg), 0);
}

struct default_route {
	sa_family_t family;
	int ifindex;
	const char *gateway;
	uint32_t table, metric;
	uint8_t preference;
	bool dead;
};

static void add_default(struct nettable *t, struct default_route r)
{
	struct netmsg msg = { .kind = NETMSG_DEFAULT };

	msg.route.dest.family = r.family;
	msg.route.table = r.table ? r.table : RT_TABLE_MAIN;
	msg.route.metric = r.metric;
	msg.route.preference = r.preference;
	msg.route.hops_count = 1;
	msg.route.hops[0] = (struct netmsg_hop){
		.ifindex = r.ifindex, .gateway = addr(r.gateway), .dead = r.dead,
	};
	assert_int_equal(nettable_add(t, &msg), 0);
}

static void assert_source(const struct netdev_ip *ip, unsigned i,
                          const char *text)
{
	struct addr want = addr(text);

	assert_true(i < ip->sources_count);
	assert_true(addr_equal_ip(&ip->sources[i], &want));
}

static void assert_gateway(const struct netdev_ip *ip, const char *text)
{
	struct addr want = addr(text);

	assert_true(ip->route.exists);
	assert_true(addr_equal_ip(&ip->route.gateway, &want));
}

static void the_lowest_metric_of_any_table_wins(void **state)
{
	struct nettable *t = nettable_create();

	add_link(t, 2, "wan1");
	add_link(t, 3, "wan2");
	add_default(t, (struct default_route){ AF_INET, 2, "10.0.0.1", 0, 100 });
	add_default(t, (struct default_route){ AF_INET, 2, "10.0.0.2", 77, 50 });
	add_default(t, (struct default_route){ AF_INET, 2, "10.0.0.3", 0, 10,
	                                       .dead = true });
	add_default(t, (struct default_route){ AF_INET, 3, "10.9.0.1", 0, 1 });
	assert_int_equal(nettable_finish(t), 0);
	const struct netdev *dev = nettable_find(t, "wan1");
	assert_gateway(&dev->v4, "10.0.0.2");
	assert_int_equal(dev->v4.route.metric, 50);
	assert_int_equal(dev->v4.route.table, 77);
	assert_false(dev->v6.route.exists);
	nettable_destroy(t);
}

static void at_equal_metric_preference_and_the_main_table_decide(void **state)
{
	static const struct default_route routes[] = {
		{ AF_INET6, 2, "fe80::3", 0, 1024, 2 },
		{ AF_INET6, 2, "fe80::2", 0, 1024, 0 },
		{ AF_INET6, 2, "fe80::1", 0, 1024, 1 },
		{ AF_INET, 2, "10.0.0.1", 5, 0 },
		{ AF_INET, 2, "10.0.0.2", 0, 0 },
	};
	for (unsigned first = 0; first < 5; first++) {
		struct nettable *t = nettable_create();
		add_link(t, 2, "wan1");
		for (unsigned i = 0; i < 5; i++)
			add_default(t, routes[(first + i) % 5]);
		assert_int_equal(nettable_finish(t), 0);
		assert_gateway(&nettable_at(t, 0)->v6, "fe80::2");
		assert_gateway(&nettable_at(t, 0)->v4, "10.0.0.2");
		nettable_destroy(t);
	}
}

/* A deprecated address is valid: better than none, and worse than any other. */
static void a_deprecated_address_is_the_last_source(void **state)
{
	struct nettable *t = nettable_create();

	add_link(t, 2, "wan1");
	add_addr(t, 2, "2001:db8::1", "2001:db8::/64", IFA_F_DEPRECATED);
	add_addr(t, 2, "2001:db8::9", "2001:db8::/64", IFA_F_TEMPORARY);
	add_link(t, 3, "wan2");
	add_addr(t, 3, "2001:db8:1::1", "2001:db8:1::/64", IFA_F_DEPRECATED);
	assert_int_equal(nettable_finish(t), 0);
	const struct netdev *dev = nettable_find(t, "wan1");
	assert_int_equal(dev->v6.sources_count, 2);
	struct addr best = addr("2001:db8::9"), only = addr("2001:db8:1::1");
	assert_true(addr_equal_ip(&dev->v6.sources[0], &best));
	dev = nettable_find(t, "wan2");
	assert_int_equal(dev->v6.sources_count, 1);
	assert_true(addr_equal_ip(&dev->v6.sources[0], &only));
	assert_non_null(strstr(netdev_obstacle(dev), "no default route"));
	nettable_destroy(t);
}

/* What lacks is named as what it is. */
static void obstacles_are_named_truly(void **state)
{
	struct netdev dev = { .present = true, .admin_up = true };

	assert_non_null(strstr(netdev_obstacle(&dev), "no carrier"));
	dev.carrier = true;
	assert_non_null(strstr(netdev_obstacle(&dev), "no address"));
	dev.v6.tentative = true;
	assert_non_null(strstr(netdev_obstacle(&dev), "being checked"));
	dev.v6.tentative = false;
	dev.v6.duplicate = true;
	assert_non_null(strstr(netdev_obstacle(&dev), "somebody else"));
	dev.v4.sources_count = 1;
	assert_non_null(strstr(netdev_obstacle(&dev), "no default route"));
	dev.v6.route.exists = true;
	assert_string_equal(netdev_obstacle(&dev), "an IPv6 default route, and "
	                    "an IPv4 address only");
	dev.v4.route.exists = true;
	assert_null(netdev_obstacle(&dev));
}

static void only_fit_addresses_are_sources(void **state)
{
	static const uint32_t unfit[] = {
		IFA_F_TENTATIVE, IFA_F_DADFAILED,
		IFA_F_TENTATIVE | IFA_F_DEPRECATED,
		IFA_F_TENTATIVE | IFA_F_OPTIMISTIC | IFA_F_DADFAILED,
	};
	struct nettable *t = nettable_create();
	struct netmsg local = addr_msg(2, "fe80::2", "fe80::/64", 0);

	add_link(t, 2, "wan1");
	for (unsigned i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++)
		add_addr(t, 2, "2001:db8::bad", "2001:db8::/64", unfit[i]);
	local.addr.scope = RT_SCOPE_LINK;
	assert_int_equal(nettable_add(t, &local), 0);
	add_addr(t, 2, "2001:db8::2", "2001:db8::/64",
	         IFA_F_TENTATIVE | IFA_F_OPTIMISTIC);
	assert_int_equal(nettable_finish(t), 0);
	const struct netdev *dev = nettable_at(t, 0);
	assert_int_equal(dev->v6.sources_count, 1);
	assert_source(&dev->v6, 0, "2001:db8::2");
	/* A link-local network is on every link and says nothing. */
	assert_int_equal(dev->connected_count, 1);
	/* Fit or not, they are the host's. */
	assert_true(nettable_is_local(t, &local.addr.addr));
	nettable_destroy(t);
}

static void the_best_source_comes_first(void **state)
{
	static const struct { const char *ip, *net; uint32_t flags; } addrs[] = {
		{ "fd00::1", "fd00::/64", 0 },
		{ "2001:db8::9", "2001:db8::/64", IFA_F_TEMPORARY },
		{ "2001:db8::7", "2001:db8::/64", 0 },
		{ "192.168.7.2", "192.168.7.0/24", 0 },
		{ "10.0.0.9", "10.0.0.0/24", IFA_F_SECONDARY },
		{ "10.0.0.8", "10.0.0.0/24", 0 },
		{ "169.254.3.3", "169.254.0.0/16", 0 },
	};
	for (unsigned first = 0; first < 7; first++) {
		struct nettable *t = nettable_create();
		add_link(t, 2, "wan1");
		for (unsigned i = 0; i < 7; i++)
			add_addr(t, 2, addrs[(first + i) % 7].ip,
			         addrs[(first + i) % 7].net,
			         addrs[(first + i) % 7].flags);
		add_default(t, (struct default_route){ AF_INET, 2, "10.0.0.1" });
		assert_int_equal(nettable_finish(t), 0);
		const struct netdev *dev = nettable_at(t, 0);
		assert_source(&dev->v6, 0, "2001:db8::7");
		assert_source(&dev->v6, 1, "2001:db8::9");
		assert_source(&dev->v6, 2, "fd00::1");
		assert_source(&dev->v4, 0, "10.0.0.8"); /* the gateway's network */
		assert_source(&dev->v4, 1, "10.0.0.9");
		assert_source(&dev->v4, 2, "192.168.7.2");
		assert_source(&dev->v4, 3, "169.254.3.3");
		nettable_destroy(t);
	}
}

static void more_addresses_than_fit_leave_the_best(void **state)
{
	struct nettable *t = nettable_create();
	char ip[32], net[32];

	add_link(t, 2, "wan1");
	for (int i = 200; i > 0; i--) {
		snprintf(ip, sizeof(ip), "10.%d.0.1", i);
		snprintf(net, sizeof(net), "10.%d.0.0/24", i);
		add_addr(t, 2, ip, net, 0);
	}
	assert_int_equal(nettable_finish(t), 0);
	const struct netdev *dev = nettable_at(t, 0);
	assert_int_equal(dev->v4.sources_count, NETDEV_SOURCES_MAX);
	assert_source(&dev->v4, 0, "10.1.0.1");
	assert_source(&dev->v4, NETDEV_SOURCES_MAX - 1, "10.8.0.1");
	assert_int_equal(dev->connected_count, NETDEV_CONNECTED_MAX);
	nettable_destroy(t);
}

static void connected_networks_are_each_told_once(void **state)
{
	struct nettable *t = nettable_create();
	struct prefix peer;

	add_link(t, 2, "ppp0");
	add_addr(t, 2, "10.0.0.2", "10.0.0.1", 0);   /* a peer */
	add_addr(t, 2, "10.0.0.5", "10.0.0.5", 0);   /* itself alone */
	add_addr(t, 2, "10.7.0.2", "10.7.0.0/16", 0);
	add_addr(t, 2, "10.7.0.3", "10.7.0.0/16", IFA_F_SECONDARY);
	assert_int_equal(nettable_finish(t), 0);
	const struct netdev *dev = nettable_at(t, 0);
	assert_int_equal(dev->connected_count, 2);
	assert_int_equal(prefix_parse(&peer, "10.0.0.1"), 0);
	assert_int_equal(dev->connected[1].length, 32);
	assert_memory_equal(dev->connected[1].ip, peer.ip, 4);
	nettable_destroy(t);
}

static void add_routed(struct nettable *t, int ifindex, const char *network)
{
	struct netmsg msg = { .kind = NETMSG_ROUTED,
		.route = { .hops_count = 1, .hops = { { .ifindex = ifindex } } } };

	assert_int_equal(prefix_parse(&msg.route.dest, network), 0);
	assert_int_equal(nettable_add(t, &msg), 0);
}

/* Behind the connected ones, each once, whoever came first; more change nothing. */
static void routed_networks_follow(void **state)
{
	struct nettable *t = nettable_create();

	add_link(t, 2, "lan0");
	add_link(t, 3, "wan1");
	add_routed(t, 2, "192.168.50.0/24");
	add_routed(t, 2, "10.7.0.0/16"); /* connected, too */
	add_routed(t, 2, "192.168.50.0/24");
	add_routed(t, 3, "192.168.60.0/24");
	add_addr(t, 2, "10.7.0.2", "10.7.0.0/16", 0);
	for (unsigned i = 0; i < NETTABLE_ROUTED_MAX; i++)
		add_routed(t, 3, "192.168.60.0/24");
	assert_int_equal(nettable_finish(t), 0);
	const struct netdev *dev = nettable_at(t, 0), *other = nettable_at(t, 1);
	assert_int_equal(dev->connected_count, 1);
	assert_int_equal(dev->routed_count, 1);
	assert_int_equal(dev->connected[1].ip[2], 50);
	assert_int_equal(other->connected_count, 0);
	assert_int_equal(other->routed_count, 1);
	struct netdev before = *dev;
	assert_true(netdev_equal(dev, &before));
	before.connected[1].ip[2]++;
	assert_false(netdev_equal(dev, &before));
	nettable_destroy(t);
}

static void local_are_addresses_and_local_routes(void **state)
{
	struct netmsg route = { .kind = NETMSG_LOCAL };
	struct nettable *t = nettable_create();
	struct addr a = addr("127.3.2.1"), b = addr("10.0.0.2");
	struct addr c = addr("10.0.0.3"), mapped = addr("::ffff:10.0.0.2");

	assert_int_equal(prefix_parse(&route.route.dest, "127.0.0.0/8"), 0);
	assert_int_equal(nettable_add(t, &route), 0);
	add_addr(t, 9, "10.0.0.2", "10.0.0.0/24", 0); /* of no device we know */
	assert_int_equal(nettable_finish(t), 0);
	b.port = 80;
	assert_true(nettable_is_local(t, &a));
	assert_true(nettable_is_local(t, &b));
	assert_false(nettable_is_local(t, &c));
	assert_false(nettable_is_local(t, &mapped)); /* the caller unwraps */
	nettable_destroy(t);
}

static void only_news_is_not_known(void **state)
{
	struct nettable *t = nettable_create();
	struct netmsg a = addr_msg(2, "10.0.0.2", "10.0.0.0/24", 0);
	struct netmsg link = { .kind = NETMSG_LINK };
	struct netmsg route = { .kind = NETMSG_DEFAULT }, other = { 0 };

	add_link(t, 2, "wan1");
	assert_int_equal(nettable_add(t, &a), 0);
	assert_int_equal(nettable_finish(t), 0);
	assert_true(nettable_knows(t, &a));
	a.addr.flags = IFA_F_DEPRECATED;
	assert_false(nettable_knows(t, &a));
	a.removed = true;
	assert_false(nettable_knows(t, &a));
	a.addr.addr = addr("10.0.0.7");
	assert_true(nettable_knows(t, &a)); /* gone, and never seen */
	link.link = (struct netmsg_link){ .ifindex = 2, .name = "wan1",
		.admin_up = true, .carrier = true, .operstate = OPER_UP };
	assert_true(nettable_knows(t, &link));
	link.link.carrier = false;
	assert_false(nettable_knows(t, &link));
	link.link.ifindex = 3;
	assert_false(nettable_knows(t, &link));
	assert_false(nettable_knows(t, &route));
	assert_true(nettable_knows(t, &other));
	nettable_destroy(t);
}

static void ready_is_up_with_a_source_and_a_route(void **state)
{
	struct nettable *t = nettable_create();

	add_link(t, 2, "wan1");
	add_addr(t, 2, "10.0.0.2", "10.0.0.0/24", 0);
	add_default(t, (struct default_route){ AF_INET, 2, "10.0.0.1" });
	add_default(t, (struct default_route){ AF_INET6, 2, "fe80::1" });
	assert_int_equal(nettable_finish(t), 0);
	struct netdev dev = *nettable_at(t, 0), same = dev;
	assert_true(netdev_is_ready(&dev, AF_INET));
	assert_false(netdev_is_ready(&dev, AF_INET6));
	assert_true(netdev_equal(&dev, &same));
	same.operstate = OPER_DORMANT;
	assert_false(netdev_is_up(&same));
	assert_false(netdev_equal(&dev, &same));
	same = dev;
	same.carrier = false;
	assert_false(netdev_is_ready(&same, AF_INET));
	same = dev;
	same.v4.route.gateway.ip[3]++;
	assert_false(netdev_equal(&dev, &same));
	nettable_destroy(t);
}

static void limits_hold(void **state)
{
	struct netmsg msg = { .kind = NETMSG_LINK };
	struct nettable *t = nettable_create();

	for (int i = 0; i < NETTABLE_DEVICES_MAX; i++) {
		msg.link.ifindex = NETTABLE_DEVICES_MAX - i;
		assert_int_equal(nettable_add(t, &msg), 0);
	}
	assert_int_equal(nettable_add(t, &msg), -ENOBUFS);
	assert_int_equal(nettable_finish(t), 0);
	assert_int_equal(nettable_at(t, 0)->ifindex, 1);
	assert_null(nettable_at(t, NETTABLE_DEVICES_MAX));
	nettable_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_lowest_metric_of_any_table_wins),
		cmocka_unit_test(at_equal_metric_preference_and_the_main_table_decide),
		cmocka_unit_test(only_fit_addresses_are_sources),
		cmocka_unit_test(a_deprecated_address_is_the_last_source),
		cmocka_unit_test(obstacles_are_named_truly),
		cmocka_unit_test(the_best_source_comes_first),
		cmocka_unit_test(more_addresses_than_fit_leave_the_best),
		cmocka_unit_test(connected_networks_are_each_told_once),
		cmocka_unit_test(routed_networks_follow),
		cmocka_unit_test(local_are_addresses_and_local_routes),
		cmocka_unit_test(only_news_is_not_known),
		cmocka_unit_test(ready_is_up_with_a_source_and_a_route),
		cmocka_unit_test(limits_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
