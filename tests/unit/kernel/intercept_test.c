/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the text of the ruleset. That nft and the kernel take it, and that it
 * does what it says, is test_kernel_nft.py's.
 */
#include "agg/kernel/nft.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const lan[] = { "br-lan", "lan0.7" };

static struct intercept sample(void)
{
	return (struct intercept){
		.devices = lan, .devices_count = 2, .port = 1234, .mark = 0x6167,
	};
}

/* The ruleset as a string that the caller frees. */
static char *text_of(const struct intercept *want)
{
	struct kerr err;
	struct buf b;

	buf_init(&b, NFT_RULESET_MAX);
	assert_int_equal(intercept_ruleset(&b, want, &err), 0);
	char *text = strndup((char *)buf_head(&b), b.len);
	buf_finish(&b);
	return text;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void what_else_there_is_goes_into_the_tunnel(void **state)
{
	struct intercept want = sample();
	char *text = text_of(&want);

	assert_null(strstr(text, " zone "));
	free(text);
	want.tunnel = "agg-tun";
	want.tunnel_mark = 0x02000000;
	want.v6_tunnel = INTERCEPT_REJECT;
	text = text_of(&want);
	assert_non_null(strstr(text, "} meta l4proto != tcp jump others"));
	assert_non_null(strstr(text, "meta nfproto ipv4 ct original zone set 24935\n"));
	assert_non_null(strstr(text, "meta nfproto ipv6 reject"));
	assert_non_null(strstr(text, "ct original zone 24935 meta mark set mark or 0x02000000"));
	assert_int_equal(count(text, "{"), count(text, "}"));
	free(text);
	want.port = 0; /* and TCP with it */
	text = text_of(&want);
	assert_non_null(strstr(text, "} jump others"));
	assert_null(strstr(text, "tproxy"));
	free(text);
}

static void it_replaces_the_table_in_one_go(void **state)
{
	struct intercept want = sample();
	char *text = text_of(&want);
	static const char head[] = "add table inet aggd\n"
		"delete table inet aggd\ntable inet aggd {\n";

	assert_memory_equal(text, head, sizeof(head) - 1);
	assert_int_equal(count(text, "{"), count(text, "}"));
	assert_non_null(strstr(text, "iifname { \"br-lan\", \"lan0.7\" }"));
	free(text);
}

static void each_family_has_its_mode(void **state)
{
	static const enum intercept_mode modes[] = {
		INTERCEPT_TAKE, INTERCEPT_FORWARD, INTERCEPT_REJECT,
	};
	struct intercept want = sample();

	for (int i = 0; i < 9; i++) {
		want.v4_mode = modes[i / 3];
		want.v6_mode = modes[i % 3];
		char *text = text_of(&want);
		assert_int_equal(count(text, "tproxy ip to 127.0.0.1:1234 "),
		                 want.v4_mode == INTERCEPT_TAKE);
		assert_int_equal(count(text, "tproxy ip6 to [::1]:1234 "),
		                 want.v6_mode == INTERCEPT_TAKE);
		assert_int_equal(count(text, "nfproto ipv4 meta l4proto tcp reject"),
		                 want.v4_mode == INTERCEPT_REJECT);
		assert_int_equal(count(text, "nfproto ipv6 meta l4proto tcp reject"),
		                 want.v6_mode == INTERCEPT_REJECT);
		/* What was taken before stays taken, whatever the mode. */
		assert_int_equal(count(text, "socket transparent 1 "
		                       "meta mark set mark or 0x00006167 accept"), 1);
		free(text);
	}
}

static void prefixes_go_to_the_set_of_their_family(void **state)
{
	struct prefix bypass[3], connected[1];
	struct intercept want = sample();

	assert_int_equal(prefix_parse(&bypass[0], "192.0.2.0/24"), 0);
	assert_int_equal(prefix_parse(&bypass[1], "2001:db8::/32"), 0);
	assert_int_equal(prefix_parse(&bypass[2], "198.51.100.7"), 0);
	assert_int_equal(prefix_parse(&connected[0], "192.168.1.0/24"), 0);
	want.bypass = bypass;
	want.bypass_count = 3;
	want.connected = connected;
	want.connected_count = 1;
	char *text = text_of(&want);
	assert_int_equal(count(text, "elements"), 3);
	assert_non_null(strstr(text, "{ 192.0.2.0/24, 198.51.100.7/32 }"));
	assert_non_null(strstr(text, "{ 2001:db8::/32 }"));
	assert_non_null(strstr(text, "{ 192.168.1.0/24 }"));
	free(text);
}

static void names_that_nft_reads_otherwise_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "lan*", "a\"b", "a b", "a\\b", "a\nb", "a;b", "{", "$x",
		"sixteen-letters-", "\xc3\xa4",
	};
	struct intercept want = sample();
	struct kerr err;
	struct buf b;

	buf_init(&b, NFT_RULESET_MAX);
	want.devices_count = 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		want.devices = &bad[i];
		assert_int_equal(intercept_ruleset(&b, &want, &err), -EINVAL);
		assert_non_null(strstr(err.text, bad[i]));
		assert_int_equal(b.len, 0);
	}
	want.devices_count = 0;
	assert_int_equal(intercept_ruleset(&b, &want, &err), -EINVAL);
	buf_finish(&b);
}

static void the_largest_fits_and_a_small_buffer_is_told(void **state)
{
	struct prefix *many = calloc(NFT_PREFIXES_MAX, sizeof(*many));
	struct intercept want = sample();
	struct kerr err;
	struct buf b;

	for (unsigned i = 0; i < NFT_PREFIXES_MAX; i++) {
		many[i] = (struct prefix){ .family = AF_INET6, .length = 128 };
		memset(many[i].ip, 0xdd, sizeof(many[i].ip));
	}
	want.bypass = want.connected = many;
	want.bypass_count = want.connected_count = NFT_PREFIXES_MAX;
	buf_init(&b, NFT_RULESET_MAX);
	assert_int_equal(intercept_ruleset(&b, &want, &err), 0);
	buf_finish(&b);
	buf_init(&b, 2000);
	assert_int_equal(intercept_ruleset(&b, &want, &err), -ENOBUFS);
	buf_finish(&b);
	want.bypass_count++;
	buf_init(&b, NFT_RULESET_MAX);
	assert_int_equal(intercept_ruleset(&b, &want, &err), -EINVAL);
	buf_finish(&b);
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_else_there_is_goes_into_the_tunnel),
		cmocka_unit_test(it_replaces_the_table_in_one_go),
		cmocka_unit_test(each_family_has_its_mode),
		cmocka_unit_test(prefixes_go_to_the_set_of_their_family),
		cmocka_unit_test(names_that_nft_reads_otherwise_are_refused),
		cmocka_unit_test(the_largest_fits_and_a_small_buffer_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
