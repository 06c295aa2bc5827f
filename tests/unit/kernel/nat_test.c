/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the text of the concentrator's ruleset. That nft and the kernel take it, and
 * that it does what it says, is test_kernel_nat.py's.
 */
#include "agg/kernel/nat.h"
#include "agg/kernel/nft.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct nat_site sites[] = {
	{ .device = "agg-home", .number = 1 },
	{ .device = "agg-office", .number = 4095 },
};

/* The ruleset as a string that the caller frees. */
static char *text_of(const struct nat *want)
{
	struct kerr err;
	struct buf b;

	buf_init(&b, NFT_RULESET_MAX);
	assert_int_equal(nat_ruleset(&b, want, &err), 0);
	char *text = strndup((char *)buf_head(&b), b.len);
	buf_finish(&b);
	return text;
}

static void each_site_has_its_zone_and_mark(void **state)
{
	const struct nat want = { .sites = sites, .count = 2 };
	char *text = text_of(&want);

	assert_non_null(strstr(text, "{ \"agg-home\" : 24577, "
	                             "\"agg-office\" : 28671 }"));
	assert_non_null(strstr(text, "{ \"agg-home\" : 0x00180000, "
	                             "\"agg-office\" : 0xfff80000 }"));
	assert_non_null(strstr(text, "iifname @sites oifname @sites drop"));
	assert_null(strstr(text, "patient"));
	free(text);
}

static void sites_that_reach_each_other(void **state)
{
	struct prefix home[2], office;
	struct nat_site three[] = {
		{ .device = "agg-home", .number = 1, .reach = home, .reach_count = 2 },
		{ .device = "agg-office", .number = 4095, .reach = &office,
		  .reach_count = 1 },
		{ .device = "agg-other", .number = 7 },
	};
	const struct nat want = { .sites = three, .count = 3 };

	assert_int_equal(prefix_parse(&home[0], "192.168.1.0/24"), 0);
	assert_int_equal(prefix_parse(&home[1], "fd00:1::/64"), 0);
	assert_int_equal(prefix_parse(&office, "192.168.2.0/24"), 0);
	char *text = text_of(&want);
	assert_non_null(strstr(text, "{ 192.168.1.0/24 : 0x00100000, "
	                             "192.168.2.0/24 : 0xfff00000 }"));
	assert_non_null(strstr(text, "{ fd00:1::/64 : 0x00100000 }"));
	assert_non_null(strstr(text, "elements = { \"agg-home\", \"agg-office\" }"));
	/* Whoever has none is not reached, and reaches nobody. */
	assert_non_null(strstr(text, "iifname @sites oifname @sites "
	                             "iifname != @reachers drop"));
	assert_non_null(strstr(text, "iifname @sites oifname @sites "
	                             "oifname != @reachers drop"));
	free(text);
}

static void own_prefix_is_exempt(void **state)
{
	const struct nat want = { .sites = sites, .count = 2, .patient = true };
	char *text;

	assert_int_equal(prefix_parse(&sites[1].prefix, "2001:db8:7::/56"), 0);
	text = text_of(&want);
	assert_non_null(strstr(text, "{ 2001:db8:7::/56 : 0xfff00000 }"));
	/* Of nobody else's: who says it is his is translated. */
	assert_non_null(strstr(text, "meta mark 0xfff80000 ip6 saddr "
	                             "2001:db8:7::/56 accept"));
	assert_non_null(strstr(text, "ct timeout set \"patient\""));
	free(text);
	sites[1].prefix.family = AF_UNSPEC;
}

static void forwards_go_to_their_site(void **state)
{
	struct nat_forward forwards[2] = {
		{ .number = 1 }, { .number = 4095, .protocol = IPPROTO_UDP },
	};
	const struct nat want = { .sites = sites, .count = 2, .forwards = forwards,
	                          .forward_count = 2 };

	assert_int_equal(addr_parse(&forwards[0].listen, "[::]:8080", -1), 0);
	assert_int_equal(addr_parse(&forwards[0].to, "192.168.1.10:80", -1), 0);
	assert_int_equal(addr_parse(&forwards[1].listen, "[2001:db8::1]:53", -1), 0);
	assert_int_equal(addr_parse(&forwards[1].to, "[fd00::2]:5353", -1), 0);
	char *text = text_of(&want);
	assert_non_null(strstr(text, "meta nfproto ipv4 fib daddr type local tcp dport "
	                       "8080 meta mark set 0x00100000 ct mark set 0x00100000 "
	                       "dnat ip to 192.168.1.10:80\n"));
	assert_non_null(strstr(text, "local udp dport 8080 "));
	assert_non_null(strstr(text, "ip6 daddr 2001:db8::1 udp dport 53 meta mark set "
	                       "0xfff00000 ct mark set 0xfff00000 "
	                       "dnat ip6 to [fd00::2]:5353\n"));
	assert_null(strstr(text, "tcp dport 53 "));
	free(text);
}

static void leads(const struct nat *want, uint8_t protocol, const char *to,
                  const char *where)
{
	struct addr at, out;
	char text[ADDR_TEXT_MAX];

	assert_int_equal(addr_parse(&at, to, -1), 0);
	assert_int_equal(nat_leads(want, protocol, &at, &out), where != NULL);
	if (where)
		assert_string_equal(addr_format(&out, text), where);
}

/* As the rules say it. */
static void where_a_flow_goes_is_known(void **state)
{
	struct nat_forward forwards[2] = {
		{ .number = 1, .protocol = IPPROTO_UDP }, { .number = 2 },
	};
	struct nat_address address = { .number = 1 };
	const uint16_t kept[] = { 443 };
	const struct nat want = { .sites = sites, .count = 2, .forwards = forwards,
	                          .forward_count = 2, .addresses = &address,
	                          .address_count = 1, .kept = kept, .kept_count = 1 };

	assert_int_equal(addr_parse(&forwards[0].listen, "[::]:53", -1), 0);
	assert_int_equal(addr_parse(&forwards[0].to, "192.168.1.10:5353", -1), 0);
	assert_int_equal(addr_parse(&forwards[1].listen, "203.0.113.1:80", -1), 0);
	assert_int_equal(addr_parse(&forwards[1].to, "192.168.2.10:80", -1), 0);
	assert_int_equal(addr_parse(&address.address, "203.0.113.77", 0), 0);
	assert_int_equal(addr_parse(&address.to, "192.168.1.20", 0), 0);
	leads(&want, IPPROTO_UDP, "203.0.113.1:53", "192.168.1.10:5353");
	leads(&want, IPPROTO_UDP, "[2001:db8::1]:53", NULL);
	leads(&want, IPPROTO_TCP, "203.0.113.1:53", NULL);
	leads(&want, IPPROTO_TCP, "203.0.113.1:80", "192.168.2.10:80");
	leads(&want, IPPROTO_UDP, "203.0.113.2:80", NULL);
	leads(&want, IPPROTO_UDP, "203.0.113.77:53", "192.168.1.10:5353");
	leads(&want, IPPROTO_UDP, "203.0.113.77:80", "192.168.1.20:80");
	leads(&want, IPPROTO_UDP, "203.0.113.77:443", NULL);
}

static void a_whole_address_goes_to_its_host(void **state)
{
	struct nat_address address = { .number = 1 };
	const uint16_t kept[] = { 443 };
	const struct nat want = { .sites = sites, .count = 2, .addresses = &address,
	                          .address_count = 1, .kept = kept, .kept_count = 1 };

	assert_int_equal(addr_parse(&address.address, "203.0.113.77", 0), 0);
	assert_int_equal(addr_parse(&address.to, "192.168.1.10", 0), 0);
	char *text = text_of(&want);
	assert_non_null(strstr(text, "ip daddr 203.0.113.77 meta l4proto { tcp, udp } "
	                       "th dport 443 accept\n"
	                       "\t\tip daddr 203.0.113.77 meta mark set 0x00100000 "
	                       "ct mark set 0x00100000 dnat ip to 192.168.1.10\n"));
	assert_non_null(strstr(text, "meta mark 0x00180000 ip saddr 192.168.1.10 "
	                       "snat ip to 203.0.113.77\n"));
	free(text);
}

static void what_nft_would_misread_is_refused(void **state)
{
	const struct nat_site bad = { .device = "agg\" ; flush", .number = 1 };
	const struct nat want = { .sites = &bad, .count = 1 };
	struct kerr err;
	struct buf b;

	buf_init(&b, NFT_RULESET_MAX);
	assert_int_equal(nat_ruleset(&b, &want, &err), -EINVAL);
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_site_has_its_zone_and_mark),
		cmocka_unit_test(own_prefix_is_exempt),
		cmocka_unit_test(sites_that_reach_each_other),
		cmocka_unit_test(forwards_go_to_their_site),
		cmocka_unit_test(where_a_flow_goes_is_known),
		cmocka_unit_test(a_whole_address_goes_to_its_host),
		cmocka_unit_test(what_nft_would_misread_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
