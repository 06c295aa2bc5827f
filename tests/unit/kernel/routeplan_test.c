/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what our rules are, and where they go when others' are in the way.
 */
#include "agg/kernel/routeplan.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BIT 0x1000000u
#define LIST(items) { items, sizeof(items) / sizeof(*items), 0 }

/* The kernel's own three, that lead nothing of ours away. */
#define LOCAL { .protocol = RTPROT_KERNEL, .action = FR_ACT_TO_TBL, \
                .table = RT_TABLE_LOCAL }
#define MAIN { .protocol = RTPROT_KERNEL, .action = FR_ACT_TO_TBL, \
               .priority = 32766, .table = RT_TABLE_MAIN }
#define FOREIGN(at) { .protocol = RTPROT_BOOT, .action = FR_ACT_TO_TBL, \
                      .priority = at, .table = 100 }

static const struct routeplan_place at_700 = { .first = 700, .step = 1 };

static struct routeplan uplink(const char *source)
{
	struct routeplan p = { .family = AF_INET, .table = ROUTE_TABLE_BASE };

	snprintf(p.uplink.device, IFNAMSIZ, "wan1");
	p.uplink.family = AF_INET;
	if (source)
		assert_int_equal(addr_parse(&p.uplink.source, source, 0), 0);
	return p;
}

static void rules_of_an_uplink(void **state)
{
	struct routeplan p = uplink("10.0.0.2");
	struct rule rules[ROUTEPLAN_RULES_MAX];

	assert_int_equal(routeplan_rules(&p, &at_700, rules), 3);
	assert_string_equal(rules[0].oif, "wan1");
	/* The main table has the LAN: only its default must not be followed. */
	assert_int_equal(rules[1].table, RT_TABLE_MAIN);
	assert_true(rules[1].but_default && rules[1].priority < rules[2].priority);
	assert_int_equal(rules[2].table, ROUTE_TABLE_BASE);
	assert_true(addr_equal_ip(&rules[1].source, &rules[2].source));
	p = uplink(NULL);
	assert_int_equal(routeplan_rules(&p, &at_700, rules), 1);
}

/* One bit, under a mask of its own, and by the LAN's devices. */
static void rules_of_tproxy(void **state)
{
	struct routeplan p = { .family = AF_INET6, .table = ROUTE_TABLE_TPROXY,
		.mark = BIT, .mask = BIT, .devices = { "lan0", "lan1" }, .device_count = 2 };
	struct rule rules[ROUTEPLAN_RULES_MAX];
	struct way ways[ROUTEPLAN_WAYS_MAX];

	assert_int_equal(routeplan_rules(&p, &at_700, rules), 2);
	assert_int_equal(rules[0].mark, BIT);
	assert_int_equal(rules[0].mask, BIT);
	assert_string_equal(rules[1].iif, "lan1");
	assert_int_equal(routeplan_ways(&p, 1, ways), 1);
	assert_true(ways[0].local);
}

/* A site's number is told by several bits; and what leads there is a device. */
static void rules_of_a_tunnel(void **state)
{
	struct routeplan p = { .family = AF_INET,
		.table = ROUTE_TABLE_TUNNEL + 5, .mark = 5u << 20,
		.mask = 0xfff80000u, .tunnel = "agg-home" };
	struct rule rules[ROUTEPLAN_RULES_MAX];
	struct way ways[ROUTEPLAN_WAYS_MAX];

	assert_int_equal(routeplan_rules(&p, &at_700, rules), 1);
	assert_int_equal(rules[0].mark, 5u << 20);
	assert_int_equal(rules[0].mask, 0xfff80000u);
	assert_string_equal(rules[0].iif, "");
	assert_string_equal(routeplan_device(&p), "agg-home");
	assert_string_equal(routeplan_whose(&p), "agg-home");
	assert_int_equal(routeplan_ways(&p, 7, ways), 1);
	assert_false(ways[0].local);
	assert_int_equal(ways[0].ifindex, 7);
	assert_int_equal(ways[0].dest.length, 0);
}

/* Four bits, that lead to the uplink whatever the main table says. */
static void rules_of_what_bypasses(void **state)
{
	struct routeplan p = uplink("10.0.0.2");
	struct rule rules[ROUTEPLAN_RULES_MAX];

	p.way = 3 * 2 * BIT;
	p.way_mask = 15 * 2 * BIT;
	p.device_count = 2;
	snprintf(p.devices[0], IFNAMSIZ, "lan0");
	snprintf(p.devices[1], IFNAMSIZ, "lan1");
	assert_int_equal(routeplan_rules(&p, &at_700, rules), 5);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rules[i].mark, p.way);
		assert_int_equal(rules[i].mask, p.way_mask);
		assert_int_equal(rules[i].table, ROUTE_TABLE_BASE);
		assert_string_equal(rules[i].iif, p.devices[i]);
		assert_true(rules[i].priority < rules[2].priority);
	}
	assert_string_equal(rules[2].oif, "wan1");
	assert_int_equal(rules[2].mask, 0);
}

static void in_place_where_nobody_is_before(void **state)
{
	struct rule items[] = { LOCAL, FOREIGN(704), FOREIGN(2001), MAIN };
	struct rules_list rules = LIST(items);
	struct routeplan_place place = routeplan_place(&rules, 700);

	assert_int_equal(place.first, 700);
	assert_null(place.avoided);
	assert_null(place.before);
}

/* What comes without a preference lands before ours. */
static void before_the_first_of_others(void **state)
{
	struct rule items[] = { LOCAL, FOREIGN(50), FOREIGN(699), MAIN };
	struct rules_list rules = LIST(items);
	struct routeplan_place place = routeplan_place(&rules, 700);

	assert_int_equal(place.first, 50 - ROUTE_PREFERENCES);
	assert_ptr_equal(place.avoided, &items[1]);
	items[1].action = FR_ACT_NOP;
	assert_int_equal(routeplan_place(&rules, 700).first,
	                 699 - ROUTE_PREFERENCES);
	items[2].protocol = ROUTE_PROTOCOL; /* ours, from an earlier place */
	assert_int_equal(routeplan_place(&rules, 700).first, 700);
}

/* Among ours is before some of ours. */
static void not_with_others_in_between(void **state)
{
	for (uint32_t at = 700; at < 700 + ROUTE_PREFERENCES; at++) {
		struct rule items[] = { FOREIGN(at) };
		struct rules_list rules = LIST(items);
		assert_int_equal(routeplan_place(&rules, 700).first,
		                 at - ROUTE_PREFERENCES);
	}
}

/* All at one preference, in the order in which they are added. */
static void little_room_is_enough(void **state)
{
	struct routeplan p = uplink("10.0.0.2");
	struct rule planned[ROUTEPLAN_RULES_MAX];

	for (uint32_t at = 1; at < ROUTE_PREFERENCES; at++) {
		struct rule items[] = { LOCAL, FOREIGN(at), MAIN };
		struct rules_list rules = LIST(items);
		struct routeplan_place place = routeplan_place(&rules, 700);
		assert_null(place.before);
		assert_int_equal(routeplan_rules(&p, &place, planned), 3);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(planned[i].priority, at - 1);
	}
}

static void what_cannot_be_passed_is_named(void **state)
{
	struct rule items[] = { LOCAL, FOREIGN(0), FOREIGN(9), MAIN };
	struct rules_list rules = LIST(items);
	struct routeplan_place place = routeplan_place(&rules, 700);

	assert_ptr_equal(place.before, &items[1]);
	assert_int_equal(place.first, 5);
}

static void found_also_elsewhere(void **state)
{
	struct routeplan p = uplink(NULL);
	struct rule planned[ROUTEPLAN_RULES_MAX], want, items[2];
	struct rules_list rules = LIST(items);

	assert_int_equal(routeplan_rules(&p, &at_700, planned), 1);
	want = items[0] = items[1] = planned[0];
	items[0].priority = 50;
	assert_ptr_equal(routeplan_find(&rules, &want), &items[1]);
	items[1].protocol = RTPROT_BOOT; /* somebody else's, though the same */
	assert_ptr_equal(routeplan_find(&rules, &want), &items[0]);
	items[0].more = true;
	assert_null(routeplan_find(&rules, &want));
}

/* The rule to main goes with the table of the uplink that has the source. */
static void owned_by_the_source(void **state)
{
	struct routeplan p = uplink("10.0.0.2"), other = uplink("10.0.0.9");
	struct rule items[3 + ROUTEPLAN_RULES_MAX];
	struct rules_list rules = { items, 6, 0 };

	other.table++;
	assert_int_equal(routeplan_rules(&p, &at_700, items), 3);
	assert_int_equal(routeplan_rules(&other, &at_700, items + 3), 3);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(routeplan_owns(&rules, &items[i],
		                                ROUTE_TABLE_BASE), i < 3);
	items[1].protocol = RTPROT_BOOT;
	assert_false(routeplan_owns(&rules, &items[1], ROUTE_TABLE_BASE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_an_uplink),
		cmocka_unit_test(rules_of_tproxy),
		cmocka_unit_test(rules_of_a_tunnel),
		cmocka_unit_test(rules_of_what_bypasses),
		cmocka_unit_test(in_place_where_nobody_is_before),
		cmocka_unit_test(before_the_first_of_others),
		cmocka_unit_test(not_with_others_in_between),
		cmocka_unit_test(little_room_is_enough),
		cmocka_unit_test(what_cannot_be_passed_is_named),
		cmocka_unit_test(found_also_elsewhere),
		cmocka_unit_test(owned_by_the_source),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
