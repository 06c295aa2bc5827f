/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the text of the rules that mark what bypasses the concentrator. That nft
 * and the kernel take it, and that it does what it says, is test_kernel_nft.py's.
 */
#include "agg/kernel/nft.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BIT 0x04000000u

static const char *const lan[] = { "br-lan" };

static struct intercept sample(const struct waymark_rule *rules, size_t count)
{
	struct intercept want = { .devices = lan, .devices_count = 1, .port = 1,
	                          .mark = 0x01000000 };

	want.ways = (struct waymark_plan){ .rules = rules, .count = count,
		.bit = BIT, .uplinks = 2, .led = { { 0, 1 }, { 0, 1 } },
		.direct = { WAYMARK_DIRECT, WAYMARK_DIRECT },
		.tunnel = { WAYMARK_TUNNEL, WAYMARK_DIRECT } };
	return want;
}

/* As a string that the caller frees. */
static char *text_of(const struct intercept *want)
{
	struct buf b;

	buf_init(&b, NFT_RULESET_MAX);
	assert_int_equal(waymark_ruleset(&b, &want->ways, want), 0);
	char *text = strndup((char *)buf_head(&b), b.len);
	buf_finish(&b);
	return text;
}

static void has(const char *text, const char *what)
{
	if (!text || !strstr(text, what))
		fail_msg("no '%s' in\n%s", what, text ? text : "");
}

static void without_rules_the_table_goes(void **state)
{
	struct intercept want = sample(NULL, 0);
	char *text = text_of(&want);

	assert_string_equal(text, "add table inet aggd_bypass\n"
	                    "delete table inet aggd_bypass\n");
	free(text);
}

/* Others fill the sets of names: so those are never emptied. */
static void the_sets_of_names_keep_their_elements(void **state)
{
	struct waymark_rule rule = { .name = "work", .named = true,
	                             .way = WAYMARK_UPLINK };
	struct intercept want = sample(&rule, 1);
	char *text = text_of(&want);

	has(text, "add set inet aggd_bypass bypass_work4 { type ipv4_addr;");
	has(text, "add set inet aggd_bypass bypass_work6 { type ipv6_addr;");
	has(text, "flush table inet aggd_bypass\n"); /* rules only: nft(8) */
	assert_null(strstr(text, "flush set inet aggd_bypass bypass_"));
	assert_null(strstr(text, "delete"));
	has(text, "\t\tmeta l4proto != tcp ip daddr @bypass_work4 goto say3\n");
	has(text, "\t\tmeta l4proto tcp goto say15\n");
	free(text);
	rule.way = WAYMARK_TUNNEL;
	text = text_of(&want);
	has(text, "\t\tip6 daddr @bypass_work6 goto say2\n");
	assert_null(strstr(text, "goto say15"));
	free(text);
}

static void each_condition_is_asked_for(void **state)
{
	struct selector_host hosts[3];
	struct selector_ports ports[3];
	struct prefix dests[2];
	struct waymark_rule rule = { .hosts = hosts, .host_count = 3,
		.ports = ports, .port_count = 3, .dests = dests, .dest_count = 2,
		.way = WAYMARK_DIRECT };
	struct intercept want = sample(&rule, 1);

	assert_int_equal(selector_host_parse(&hosts[0], "192.168.1.7"), 0);
	assert_int_equal(selector_host_parse(&hosts[1], "2001:db8::/64"), 0);
	assert_int_equal(selector_host_parse(&hosts[2], "00:16:3e:01:02:03"), 0);
	assert_int_equal(selector_ports_parse(&ports[0], "443"), 0);
	assert_int_equal(selector_ports_parse(&ports[1], "udp/5000-6000"), 0);
	assert_int_equal(selector_ports_parse(&ports[2], "tcp"), 0);
	assert_int_equal(prefix_parse(&dests[0], "192.0.2.0/24"), 0);
	assert_int_equal(prefix_parse(&dests[1], "192.0.2.0/25"), 0);
	char *text = text_of(&want);
	has(text, "\t\tip saddr 192.168.1.7/32 goto ports0\n"
	          "\t\tip6 saddr 2001:db8::/64 goto ports0\n"
	          "\t\tether saddr 00:16:3e:01:02:03 goto ports0\n");
	has(text, "\t\ttcp dport 443 goto dests0\n\t\tudp dport 443 goto dests0\n"
	          "\t\tudp dport 5000-6000 goto dests0\n"
	          "\t\tmeta l4proto tcp goto dests0\n");
	has(text, "dest0_4 { 192.0.2.0/24, 192.0.2.0/25 }\n");
	has(text, "\t\tip daddr @dest0_4 goto say1\n");
	assert_null(strstr(text, "ip6 daddr @dest0_6 goto"));
	free(text);
}

/* By another uplink while its own is down, each family by itself; the
 * connection's mark says who leads it. */
static void a_way_is_led_by_whom_the_plan_says(void **state)
{
	struct waymark_rule rule = { .way = WAYMARK_UPLINK + 1 };
	struct intercept want = sample(&rule, 1);

	want.ways.led[0][1] = 0;
	want.ways.direct[1] = WAYMARK_UPLINK + 1;
	char *text = text_of(&want);
	has(text, "\tchain way4 {\n"
	          "\t\tmeta nfproto ipv4 meta mark set meta mark and 0xc3ffffff or "
	          "0x0c000000 ct mark set ct mark and 0xc3ffffff or 0x0c000000 accept\n"
	          "\t\tmeta nfproto ipv6 meta mark set meta mark and 0xc3ffffff or "
	          "0x10000000 ");
	has(text, "\tchain way1 {\n\t\tmeta nfproto ipv4 meta mark set meta mark and "
	          "0xc3ffffff or 0x04000000 ");
	has(text, "\tchain way2 {\n\t\tmeta nfproto ipv4 meta mark set meta mark and "
	          "0xc3ffffff or 0x08000000 ct mark set ct mark and 0xc3ffffff or "
	          "0x08000000 accept\n\t\tmeta nfproto ipv6 meta mark set meta mark "
	          "and 0xc3ffffff or 0x04000000 ");
	has(text, "0x0c000000 : goto way3, 0x10000000 : goto way4 }\n");
	has(text, "\tchain hosts0 {\n\t\tgoto ports0\n\t}\n");
	free(text);
}

static void a_small_buffer_is_told(void **state)
{
	struct waymark_rule rule = { .way = WAYMARK_DIRECT };
	struct intercept want = sample(&rule, 1);
	struct buf b;

	buf_init(&b, 500);
	assert_int_equal(waymark_ruleset(&b, &want.ways, &want), -ENOBUFS);
	buf_finish(&b);
}

/* The listener gets what may have a name, and nothing of what has its way. */
static void the_interception_looks_at_the_mark(void **state)
{
	struct waymark_rule rule = { .way = WAYMARK_DIRECT };
	struct intercept want = sample(&rule, 1);
	struct kerr err;
	struct buf b;

	for (int blocked = 0; blocked < 2; blocked++) {
		want.v4_mode = want.v6_mode = blocked ? INTERCEPT_REJECT
		                                      : INTERCEPT_TAKE;
		buf_init(&b, NFT_RULESET_MAX);
		assert_int_equal(intercept_ruleset(&b, &want, &err), 0);
		char *text = strndup((char *)buf_head(&b), b.len);
		has(text, "meta mark and 0x3c000000 != { 0x00000000, 0x3c000000 } "
		          "return\n");
		assert_int_equal(!!strstr(text, "tcp meta mark and 0x3c000000 == "
		                          "0x3c000000 tproxy"), blocked);
		free(text);
		buf_finish(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_rules_the_table_goes),
		cmocka_unit_test(the_sets_of_names_keep_their_elements),
		cmocka_unit_test(each_condition_is_asked_for),
		cmocka_unit_test(a_way_is_led_by_whom_the_plan_says),
		cmocka_unit_test(a_small_buffer_is_told),
		cmocka_unit_test(the_interception_looks_at_the_mark),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
