/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/pair/found.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct found found;

static int begin(void **state)
{
	memset(&found, 0, sizeof(found));
	return 0;
}

/* A device as the kernel tells of it. v4, v6: its address, or NULL. */
static void add(const char *name, const char *v4, bool route4, const char *v6,
                bool route6)
{
	struct netdev dev = { .present = true, .admin_up = true, .carrier = true,
	                      .operstate = 6 }; /* IF_OPER_UP */

	snprintf(dev.name, sizeof(dev.name), "%s", name);
	if (v4) {
		assert_int_equal(addr_parse(&dev.v4.sources[0], v4, 0), 0);
		dev.v4.sources_count = 1;
	}
	if (v6) {
		assert_int_equal(addr_parse(&dev.v6.sources[0], v6, 0), 0);
		dev.v6.sources_count = 1;
	}
	dev.v4.route.exists = route4;
	dev.v6.route.exists = route6;
	found_add(&found, &dev);
}

static void a_router_at_home(void **state)
{
	add("lo", "127.0.0.1", false, NULL, false);
	add("eth0", "192.168.1.2", true, "[2001:db8::2]", true);
	add("wwan0", "100.64.3.4", true, NULL, false);
	add("usb0", NULL, false, "[2001:db8:1::2]", true);
	add("docker0", "172.17.0.1", false, NULL, false);
	add("veth12ab", "172.18.0.1", false, NULL, false);
	add("wg0", "10.8.0.2", true, NULL, false); /* all by a VPN */
	add("wg1", "10.9.0.2", false, NULL, false);
	add("eth1", "192.168.10.1", false, NULL, false);
	add("br-lan", "192.168.100.1", false, NULL, false);
	assert_int_equal(found.uplink_count, 3);
	assert_string_equal(found.uplinks[0].name, "eth0");
	assert_true(found.uplinks[0].has_v4 && found.uplinks[0].has_v6);
	assert_string_equal(found.uplinks[1].name, "wwan0");
	assert_true(found.uplinks[1].has_v4 && !found.uplinks[1].has_v6);
	assert_string_equal(found.uplinks[2].name, "usb0");
	assert_int_equal(found.lan_count, 2);
	assert_string_equal(found.lans[0].name, "br-lan"); /* the likeliest */
	assert_string_equal(found.lans[1].name, "eth1");
}

/* A second public address is no LAN. */
static void a_host_without_a_lan(void **state)
{
	add("eth0", "203.0.113.2", true, NULL, false);
	add("eth1", "203.0.113.9", false, NULL, false);
	add("eth2", NULL, false, NULL, false);
	assert_int_equal(found.uplink_count, 1);
	assert_int_equal(found.lan_count, 0);
}

static void there_are_limits(void **state)
{
	char name[16];

	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "eth%u", i);
		add(name, "192.0.2.1", true, NULL, false);
		snprintf(name, sizeof(name), "lan%u", i);
		add(name, "192.168.1.1", false, NULL, false);
	}
	assert_int_equal(found.uplink_count, CONF_UPLINKS_MAX);
	assert_int_equal(found.lan_count, FOUND_LANS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_router_at_home, begin),
		cmocka_unit_test_setup(a_host_without_a_lan, begin),
		cmocka_unit_test_setup(there_are_limits, begin),
	};

	return cmocka_run_group_tests_name("pair/found", tests, NULL, NULL);
}
