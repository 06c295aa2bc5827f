/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which of the kernel's notifications are about our table. That they
 * come is shown in tests/lab/test_lan_side.py.
 */
#include "agg/kernel/nftmon.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char bytes[512] __attribute__((aligned(8)));

static struct nlmsghdr *message(unsigned type, unsigned family,
                                const char *table)
{
	memset(bytes, 0, sizeof(bytes));
	struct nlmsghdr *msg = mnl_nlmsg_put_header(bytes);
	msg->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));
	head->nfgen_family = (uint8_t)family;
	if (table)
		mnl_attr_put_strz(msg, NFTA_TABLE_NAME, table);
	return msg;
}

static bool touches(const struct nlmsghdr *msg)
{
	return nftmon_touches(msg, msg->nlmsg_len, "aggd", true);
}

static void what_is_done_to_our_table_touches_it(void **state)
{
	static const unsigned types[] = {
		NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN,
		NFT_MSG_DELCHAIN, NFT_MSG_NEWRULE, NFT_MSG_DELRULE,
		NFT_MSG_NEWSET, NFT_MSG_DELSET, NFT_MSG_NEWSETELEM,
		NFT_MSG_DELSETELEM, NFT_MSG_NEWOBJ, NFT_MSG_DELFLOWTABLE,
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_true(touches(message(types[i], NFPROTO_INET, "aggd")));
}

/* Where others fill the sets. */
static void elements_need_not_count(void **state)
{
	static const unsigned types[] = { NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM,
	                                  NFT_MSG_DELSET, NFT_MSG_DELTABLE };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct nlmsghdr *msg = message(types[i], NFPROTO_INET, "aggd");
		assert_int_equal(nftmon_touches(msg, msg->nlmsg_len, "aggd", false),
		                 i >= 2);
	}
}

static void what_is_done_to_others_does_not(void **state)
{
	static const char *const names[] = { "aggd2", "agg", "", "filter" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_false(touches(message(NFT_MSG_DELTABLE, NFPROTO_INET,
		                             names[i])));
	assert_false(touches(message(NFT_MSG_DELTABLE, NFPROTO_IPV4, "aggd")));
	assert_false(touches(message(NFT_MSG_DELTABLE, NFPROTO_INET, NULL)));
	/* A generation's number, not a name. */
	assert_false(touches(message(NFT_MSG_NEWGEN, NFPROTO_INET, "aggd")));
	struct nlmsghdr *msg = message(NFT_MSG_DELTABLE, NFPROTO_INET, "aggd");
	msg->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | NFT_MSG_DELTABLE;
	assert_false(touches(msg));
}

static void what_is_cut_is_nothing(void **state)
{
	struct nlmsghdr *msg = message(NFT_MSG_DELTABLE, NFPROTO_INET, "aggd");
	size_t whole = msg->nlmsg_len;

	for (size_t size = 0; size < whole; size++)
		assert_false(nftmon_touches(msg, size, "aggd", true));
	msg->nlmsg_len = NLMSG_HDRLEN; /* no nfgenmsg */
	assert_false(touches(msg));
	msg = message(NFT_MSG_DELTABLE, NFPROTO_INET, NULL);
	mnl_attr_put(msg, NFTA_TABLE_NAME, 4, "aggd"); /* no NUL */
	assert_false(touches(msg));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_done_to_our_table_touches_it),
		cmocka_unit_test(elements_need_not_count),
		cmocka_unit_test(what_is_done_to_others_does_not),
		cmocka_unit_test(what_is_cut_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
