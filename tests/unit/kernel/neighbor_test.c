/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one entry of the kernel's table, right and wrong; and a question.
 */
#include "agg/kernel/neighbor.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t card[] = { 0, 0x16, 0x3e, 1, 2, 3 };

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 0), 0);
	return a;
}

static struct nlmsghdr *entry(char buf[256], const char *at, unsigned state,
                              size_t card_len)
{
	struct addr a = ip(at);
	memset(buf, 0, 256);
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct ndmsg *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));

	msg->nlmsg_type = RTM_NEWNEIGH;
	head->ndm_family = (uint8_t)a.family;
	head->ndm_state = (uint16_t)state;
	mnl_attr_put(msg, NDA_DST, addr_ip_len(&a), a.ip);
	mnl_attr_put(msg, NDA_LLADDR, card_len, card);
	return msg;
}

static bool reads(const struct nlmsghdr *msg, const char *at)
{
	uint8_t mac[NEIGHBOR_MAC_BYTES] = { 0 };
	struct addr a, want = ip(at);
	bool found = neighbor_read(msg, msg->nlmsg_len, &a, mac);

	if (found)
		assert_memory_equal(mac, card, sizeof(mac));
	return found && addr_equal_ip(&a, &want);
}

static void an_entry_has_an_address_and_a_card(void **state)
{
	char buf[256] __attribute__((aligned(4)));

	assert_true(reads(entry(buf, "192.168.1.7", NUD_STALE, 6), "192.168.1.7"));
	assert_true(reads(entry(buf, "2001:db8::7", NUD_REACHABLE, 6),
	                  "2001:db8::7"));
	assert_false(reads(entry(buf, "192.168.1.7", NUD_STALE, 6), "192.168.1.8"));
	assert_false(reads(entry(buf, "192.168.1.7", NUD_STALE, 6), "2001:db8::7"));
	assert_false(reads(entry(buf, "192.168.1.7", NUD_FAILED, 6), "192.168.1.7"));
	assert_false(reads(entry(buf, "192.168.1.7", NUD_STALE, 4), "192.168.1.7"));
}

static void what_is_cut_off_is_none(void **state)
{
	char buf[256] __attribute__((aligned(4)));
	uint8_t mac[NEIGHBOR_MAC_BYTES];
	struct addr a;
	struct nlmsghdr *msg = entry(buf, "192.168.1.7", NUD_STALE, 6);

	for (unsigned n = 0; n < msg->nlmsg_len; n++)
		assert_false(neighbor_read(msg, n, &a, mac));
}

static void is_of_a_family(void *ctx, const struct addr *at, const uint8_t *mac)
{
	assert_true(addr_ip_len(at) > 0);
}

static void the_kernel_answers(void **state)
{
	uint8_t mac[NEIGHBOR_MAC_BYTES];
	struct addr a = ip("192.0.2.253"); /* RFC 5737: nobody's */

	assert_int_equal(neighbor_mac(&a, mac), -ENOENT);
	assert_int_equal(neighbor_each(is_of_a_family, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_has_an_address_and_a_card),
		cmocka_unit_test(what_is_cut_off_is_none),
		cmocka_unit_test(the_kernel_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
