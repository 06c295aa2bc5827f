/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: messages as the kernel sends them, put together by libmnl, and what is
 * wrong with each that is refused.
 */
#include "agg/kernel/netmsg.h"
#include "agg/kernel/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 1024

struct message {
	char bytes[ROOM] __attribute__((aligned(4)));
	struct nlmsghdr *nlh;
};

static void *message_start(struct message *m, uint16_t type, size_t header)
{
	memset(m, 0, sizeof(*m));
	m->nlh = mnl_nlmsg_put_header(m->bytes);
	m->nlh->nlmsg_type = type;
	return mnl_nlmsg_put_extra_header(m->nlh, header);
}

static int parse(const struct message *m, struct netmsg *out)
{
	return netmsg_parse(out, m->nlh, m->nlh->nlmsg_len);
}

static void put_ip(struct message *m, uint16_t type, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 0), 0);
	mnl_attr_put(m->nlh, type, addr_ip_len(&a), a.ip);
}

static void assert_ip(const struct addr *a, const char *text)
{
	struct addr want;

	assert_int_equal(addr_parse(&want, text, 0), 0);
	want.scope_id = a->scope_id;
	assert_true(addr_equal_ip(a, &want));
}

static void link_message(struct message *m, uint16_t type)
{
	struct ifinfomsg *info = message_start(m, type, sizeof(*info));

	info->ifi_index = 7;
	info->ifi_flags = IFF_UP;
	mnl_attr_put_strz(m->nlh, IFLA_IFNAME, "wan1");
	mnl_attr_put_u8(m->nlh, IFLA_OPERSTATE, 6);
	mnl_attr_put_u8(m->nlh, IFLA_CARRIER, 1);
}

static void a_link_is_read(void **state)
{
	struct message m;
	struct netmsg out;

	link_message(&m, RTM_NEWLINK);
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.kind, NETMSG_LINK);
	assert_false(out.removed);
	assert_int_equal(out.link.ifindex, 7);
	assert_string_equal(out.link.name, "wan1");
	assert_true(out.link.admin_up && out.link.carrier);
	assert_int_equal(out.link.operstate, 6);
	link_message(&m, RTM_DELLINK);
	assert_int_equal(parse(&m, &out), 0);
	assert_true(out.removed);
}

static void a_bridge_port_that_leaves_is_no_lost_device(void **state)
{
	struct message m;
	struct netmsg out;

	link_message(&m, RTM_DELLINK);
	((struct ifinfomsg *)mnl_nlmsg_get_payload(m.nlh))->ifi_family = AF_BRIDGE;
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.kind, NETMSG_OTHER);
}

static void bad_links_are_refused(void **state)
{
	struct message m;
	struct netmsg out;

	message_start(&m, RTM_NEWLINK, sizeof(struct ifinfomsg));
	assert_int_equal(parse(&m, &out), -EBADMSG); /* no name */
	link_message(&m, RTM_NEWLINK);
	mnl_attr_put_strz(m.nlh, IFLA_IFNAME, "a-name-of-more-than-15");
	assert_int_equal(parse(&m, &out), -EBADMSG);
	link_message(&m, RTM_NEWLINK);
	mnl_attr_put(m.nlh, IFLA_IFNAME, 4, "wan1"); /* no NUL */
	assert_int_equal(parse(&m, &out), -EBADMSG);
	link_message(&m, RTM_NEWLINK);
	mnl_attr_put_u32(m.nlh, IFLA_OPERSTATE, 6);
	assert_int_equal(parse(&m, &out), -EBADMSG);
	link_message(&m, RTM_NEWLINK);
	for (size_t n = 0; n < m.nlh->nlmsg_len; n++)
		assert_int_equal(netmsg_parse(&out, m.nlh, n), -EBADMSG);
	message_start(&m, RTM_NEWLINK, sizeof(struct ifinfomsg) - 4);
	assert_int_equal(parse(&m, &out), -EBADMSG);
}

static void addr_message(struct message *m, uint8_t family, uint8_t bits)
{
	struct ifaddrmsg *info = message_start(m, RTM_NEWADDR, sizeof(*info));

	info->ifa_family = family;
	info->ifa_prefixlen = bits;
	info->ifa_index = 7;
	info->ifa_flags = 0x80;
}

static void an_address_is_read(void **state)
{
	struct message m;
	struct netmsg out;
	char text[ADDR_TEXT_MAX];

	addr_message(&m, AF_INET6, 60);
	put_ip(&m, IFA_ADDRESS, "2001:db8::1f:1");
	mnl_attr_put_u32(m.nlh, IFA_FLAGS, 0x340); /* more than the header's 8 bits */
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.kind, NETMSG_ADDR);
	assert_ip(&out.addr.addr, "2001:db8::1f:1");
	assert_int_equal(out.addr.flags, 0x340);
	assert_string_equal(prefix_format(&out.addr.network, text),
	                    "2001:db8::/60");
}

static void of_a_peer_and_ourselves_we_are_the_local_one(void **state)
{
	struct message m;
	struct netmsg out;
	char text[ADDR_TEXT_MAX];

	addr_message(&m, AF_INET, 32);
	put_ip(&m, IFA_ADDRESS, "10.0.0.1");
	put_ip(&m, IFA_LOCAL, "10.0.0.2");
	assert_int_equal(parse(&m, &out), 0);
	assert_ip(&out.addr.addr, "10.0.0.2");
	assert_int_equal(out.addr.flags, 0x80);
	assert_string_equal(prefix_format(&out.addr.network, text), "10.0.0.1/32");
}

static void bad_addresses_are_refused(void **state)
{
	struct message m;
	struct netmsg out;

	addr_message(&m, AF_INET, 24);
	assert_int_equal(parse(&m, &out), -EBADMSG); /* none */
	put_ip(&m, IFA_ADDRESS, "2001:db8::1");
	assert_int_equal(parse(&m, &out), -EBADMSG); /* of another family */
	addr_message(&m, AF_INET, 33);
	put_ip(&m, IFA_ADDRESS, "10.0.0.1");
	assert_int_equal(parse(&m, &out), -EBADMSG);
	addr_message(&m, AF_INET, 24);
	put_ip(&m, IFA_ADDRESS, "10.0.0.1");
	mnl_attr_put_u8(m.nlh, IFA_FLAGS, 1);
	assert_int_equal(parse(&m, &out), -EBADMSG);
	addr_message(&m, AF_PACKET, 0);
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.kind, NETMSG_OTHER);
}

static struct rtmsg *route_message(struct message *m, uint8_t family)
{
	struct rtmsg *info = message_start(m, RTM_NEWROUTE, sizeof(*info));

	info->rtm_family = family;
	info->rtm_type = RTN_UNICAST;
	info->rtm_table = RT_TABLE_MAIN;
	return info;
}

static void a_default_route_is_read(void **state)
{
	struct message m;
	struct netmsg out;

	route_message(&m, AF_INET6);
	mnl_attr_put_u32(m.nlh, RTA_TABLE, 70000);
	mnl_attr_put_u32(m.nlh, RTA_PRIORITY, 1024);
	mnl_attr_put_u32(m.nlh, RTA_OIF, 7);
	mnl_attr_put_u8(m.nlh, RTA_PREF, 1); /* RFC 4191: high */
	put_ip(&m, RTA_GATEWAY, "fe80::1");
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.kind, NETMSG_DEFAULT);
	assert_int_equal(out.route.table, 70000);
	assert_int_equal(out.route.metric, 1024);
	assert_int_equal(out.route.preference, 0);
	assert_int_equal(out.route.hops_count, 1);
	assert_int_equal(out.route.hops[0].ifindex, 7);
	assert_ip(&out.route.hops[0].gateway, "fe80::1");
	assert_int_equal(out.route.hops[0].gateway.scope_id, 7);
}

static void a_gateway_may_be_of_the_other_family_or_none(void **state)
{
	struct message m;
	struct netmsg out;
	uint8_t via[18] = { 0 };

	route_message(&m, AF_INET);
	mnl_attr_put_u32(m.nlh, RTA_OIF, 7);
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.route.hops[0].gateway.family, AF_UNSPEC);
	memcpy(via, &(uint16_t){ AF_INET6 }, 2); /* host order: struct rtvia */
	via[2] = 0xfe;
	via[3] = 0x80;
	via[17] = 9;
	mnl_attr_put(m.nlh, RTA_VIA, sizeof(via), via);
	assert_int_equal(parse(&m, &out), 0);
	assert_ip(&out.route.hops[0].gateway, "fe80::9");
	route_message(&m, AF_INET);
	mnl_attr_put(m.nlh, RTA_VIA, sizeof(via) - 1, via);
	assert_int_equal(parse(&m, &out), -EBADMSG);
}

/* One nexthop with a gateway, as in RTA_MULTIPATH. */
static size_t put_hop(uint8_t *at, int ifindex, uint8_t flags, uint8_t last)
{
	struct rtnexthop hop = { .rtnh_len = 16, .rtnh_flags = flags,
	                         .rtnh_ifindex = ifindex };
	struct nlattr gateway = { .nla_len = 8, .nla_type = RTA_GATEWAY };
	uint8_t ip[4] = { 10, 0, 0, last };

	memcpy(at, &hop, 8);
	memcpy(at + 8, &gateway, 4);
	memcpy(at + 12, ip, 4);
	return 16;
}

static void every_nexthop_is_read(void **state)
{
	uint8_t hops[48];
	struct message m;
	struct netmsg out;

	put_hop(hops, 7, 0, 1);
	put_hop(hops + 16, 8, RTNH_F_LINKDOWN, 2);
	put_hop(hops + 32, 9, 0, 3);
	route_message(&m, AF_INET);
	mnl_attr_put(m.nlh, RTA_MULTIPATH, sizeof(hops), hops);
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.route.hops_count, 3);
	assert_int_equal(out.route.hops[2].ifindex, 9);
	assert_ip(&out.route.hops[2].gateway, "10.0.0.3");
	assert_true(out.route.hops[1].dead);
	assert_false(out.route.hops[2].dead);

	hops[16] = 200; /* the second is longer than what is left */
	hops[17] = 0;
	route_message(&m, AF_INET);
	mnl_attr_put(m.nlh, RTA_MULTIPATH, sizeof(hops), hops);
	assert_int_equal(parse(&m, &out), -EBADMSG);
	memset(hops + 16, 0, 2); /* of no length: must not loop */
	route_message(&m, AF_INET);
	mnl_attr_put(m.nlh, RTA_MULTIPATH, sizeof(hops), hops);
	assert_int_equal(parse(&m, &out), -EBADMSG);
}

static void more_nexthops_than_the_limit_are_left_out(void **state)
{
	uint8_t hops[16 * (NETMSG_HOPS_MAX + 4)];
	struct message m;
	struct netmsg out;

	for (unsigned i = 0; i < NETMSG_HOPS_MAX + 4; i++)
		put_hop(hops + i * 16, 7, 0, (uint8_t)i);
	route_message(&m, AF_INET);
	mnl_attr_put(m.nlh, RTA_MULTIPATH, sizeof(hops), hops);
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.route.hops_count, NETMSG_HOPS_MAX);
}

/* Of a network that is routed: who set it, and how large it is, decides. */
static void a_routed_network_is_read(void **state)
{
	static const struct { uint8_t length, protocol, table; enum netmsg_kind kind; } all[] = {
		{ 24, RTPROT_STATIC, RT_TABLE_MAIN, NETMSG_ROUTED },
		{ 8, RTPROT_BOOT, RT_TABLE_MAIN, NETMSG_ROUTED },
		{ 1, RTPROT_BOOT, RT_TABLE_MAIN, NETMSG_OTHER },
		{ 24, RTPROT_KERNEL, RT_TABLE_MAIN, NETMSG_OTHER },
		{ 24, RTPROT_STATIC, 100, NETMSG_OTHER },
	};
	struct message m;
	struct netmsg out;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct rtmsg *info = route_message(&m, AF_INET);
		info->rtm_dst_len = all[i].length;
		info->rtm_protocol = all[i].protocol;
		info->rtm_table = all[i].table;
		put_ip(&m, RTA_DST, all[i].length == 1 ? "128.0.0.0" : "10.0.0.0");
		mnl_attr_put_u32(m.nlh, RTA_OIF, 7);
		assert_int_equal(parse(&m, &out), 0);
		assert_int_equal(out.kind, all[i].kind);
		if (out.kind == NETMSG_ROUTED)
			assert_int_equal(out.route.hops[0].ifindex, 7);
	}
}

static void routes_of_no_interest_are_passed_over(void **state)
{
	struct message m;
	struct netmsg out;

	route_message(&m, AF_INET)->rtm_protocol = ROUTE_PROTOCOL;
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.kind, NETMSG_OTHER);
	route_message(&m, AF_INET)->rtm_type = RTN_UNREACHABLE;
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.kind, NETMSG_OTHER);
	route_message(&m, AF_INET6)->rtm_flags = RTM_F_CLONED;
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.kind, NETMSG_OTHER);
	/* TPROXY's, of whoever: not every address is the host's. */
	route_message(&m, AF_INET)->rtm_type = RTN_LOCAL;
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.kind, NETMSG_OTHER);
}

/* Of ours it is said when they go; of others', always. */
static void what_touches_our_policy_is_told_apart(void **state)
{
	static const struct { uint16_t type; uint8_t protocol; uint32_t table;
	                      enum netmsg_kind kind; } routes[] = {
		{ RTM_NEWROUTE, ROUTE_PROTOCOL, ROUTE_TABLE_BASE, NETMSG_OTHER },
		{ RTM_DELROUTE, ROUTE_PROTOCOL, ROUTE_TABLE_BASE, NETMSG_POLICY },
		{ RTM_NEWROUTE, RTPROT_BOOT, ROUTE_TABLE_TPROXY, NETMSG_POLICY },
		{ RTM_NEWROUTE, RTPROT_BOOT, 100, NETMSG_DEFAULT },
	}, rules[] = {
		{ RTM_NEWRULE, ROUTE_PROTOCOL, 100, NETMSG_OTHER },
		{ RTM_DELRULE, ROUTE_PROTOCOL, 100, NETMSG_POLICY },
		{ RTM_NEWRULE, RTPROT_BOOT, 100, NETMSG_POLICY },
		{ RTM_DELRULE, RTPROT_BOOT, 100, NETMSG_POLICY },
	};
	struct message m;
	struct netmsg out;

	for (unsigned i = 0; i < 4; i++) {
		struct rtmsg *info = message_start(&m, routes[i].type,
		                                   sizeof(*info));
		info->rtm_family = AF_INET;
		info->rtm_type = RTN_UNICAST;
		info->rtm_protocol = routes[i].protocol;
		mnl_attr_put_u32(m.nlh, RTA_TABLE, routes[i].table);
		assert_int_equal(parse(&m, &out), 0);
		assert_int_equal(out.kind, routes[i].kind);
	}
	for (unsigned i = 0; i < 4; i++) {
		struct fib_rule_hdr *header = message_start(&m, rules[i].type,
		                                            sizeof(*header));
		header->family = AF_INET6;
		mnl_attr_put_u32(m.nlh, FRA_TABLE, rules[i].table);
		mnl_attr_put_u8(m.nlh, FRA_PROTOCOL, rules[i].protocol);
		assert_int_equal(parse(&m, &out), 0);
		assert_int_equal(out.kind, rules[i].kind);
	}
}

static void a_local_route_is_read(void **state)
{
	struct message m;
	struct netmsg out;
	char text[ADDR_TEXT_MAX];

	struct rtmsg *info = route_message(&m, AF_INET);
	info->rtm_type = RTN_LOCAL;
	info->rtm_dst_len = 8;
	assert_int_equal(parse(&m, &out), -EBADMSG); /* to where? */
	put_ip(&m, RTA_DST, "127.0.0.0");
	assert_int_equal(parse(&m, &out), 0);
	assert_int_equal(out.kind, NETMSG_LOCAL);
	assert_string_equal(prefix_format(&out.route.dest, text), "127.0.0.0/8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_is_read),
		cmocka_unit_test(a_bridge_port_that_leaves_is_no_lost_device),
		cmocka_unit_test(bad_links_are_refused),
		cmocka_unit_test(an_address_is_read),
		cmocka_unit_test(of_a_peer_and_ourselves_we_are_the_local_one),
		cmocka_unit_test(bad_addresses_are_refused),
		cmocka_unit_test(a_default_route_is_read),
		cmocka_unit_test(a_gateway_may_be_of_the_other_family_or_none),
		cmocka_unit_test(every_nexthop_is_read),
		cmocka_unit_test(more_nexthops_than_the_limit_are_left_out),
		cmocka_unit_test(a_routed_network_is_read),
		cmocka_unit_test(routes_of_no_interest_are_passed_over),
		cmocka_unit_test(what_touches_our_policy_is_told_apart),
		cmocka_unit_test(a_local_route_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
