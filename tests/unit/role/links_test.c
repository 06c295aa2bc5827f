/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which uplinks share a link.
 */
#include "agg/role/links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct netdev device(const char *name, const char *network)
{
	struct netdev dev = { .present = true, .connected_count = 1 };

	snprintf(dev.name, sizeof(dev.name), "%s", name);
	assert_int_equal(prefix_parse(&dev.connected[0], network), 0);
	return dev;
}

static void those_with_a_network_in_common(void **state)
{
	struct netdev a = device("wan1", "192.168.1.0/24");
	struct netdev b = device("wan2", "10.0.0.0/24");
	struct netdev c = device("wan3", "192.168.0.0/16");
	const struct netdev *devs[] = { &a, &b, NULL, &c };
	struct links links, again;

	links_find(devs, 4, &links);
	assert_int_equal(links.count, 2);
	assert_string_equal(links.devices[0], "wan1");
	assert_string_equal(links.devices[1], "wan3");
	links_find(devs, 4, &again);
	assert_true(links_equal(&links, &again));
	links_find(devs, 3, &again); /* without the third */
	assert_int_equal(again.count, 0);
	assert_false(links_equal(&links, &again));
}

/* IPv6 has no ARP. */
static void ipv6_does_not_count(void **state)
{
	struct netdev a = device("wan1", "2001:db8::/64");
	struct netdev b = device("wan2", "2001:db8::/64");
	const struct netdev *devs[] = { &a, &b };
	struct links links;

	links_find(devs, 2, &links);
	assert_int_equal(links.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_with_a_network_in_common),
		cmocka_unit_test(ipv6_does_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
