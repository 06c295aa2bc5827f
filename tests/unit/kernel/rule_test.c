/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a rule that is written reads as the same one; what is not ours in a rule
 * is seen; messages that are cut or wrong are refused.
 */
#include "agg/kernel/rule.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct rule mark = {
	.family = AF_INET, .protocol = 169, .action = FR_ACT_TO_TBL,
	.priority = 700, .table = 0x6167ffff, .mark = 0x1000000,
	.mask = 0x1000000, .iif = "br-lan",
};
static const struct rule device = {
	.family = AF_INET6, .protocol = 169, .action = FR_ACT_TO_TBL,
	.priority = 701, .table = 0x61670001, .oif = "fifteen-letters",
};
static const struct rule source = {
	.family = AF_INET, .protocol = 169, .action = FR_ACT_TO_TBL,
	.priority = 702, .table = RT_TABLE_MAIN, .but_default = true,
	.source = { .family = AF_INET, .ip = { 10, 1, 0, 2 } },
};
static const struct rule *const all[] = { &mark, &device, &source };

static void written_and_read(void **state)
{
	for (unsigned i = 0; i < 3; i++) {
		char buf[RULE_MESSAGE_MAX] = { 0 };
		struct nlmsghdr *msg = rule_put(buf, RTM_NEWRULE, 0, all[i]);
		struct rule read;
		assert_int_equal(rule_parse(&read, msg, msg->nlmsg_len), 0);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(rule_equal(&read, all[k]), i == k);
		assert_int_equal(read.protocol, 169);
	}
}

/* Whatever else a rule says, it is no longer one of ours. */
static void more_is_seen(void **state)
{
	static const uint16_t others[] = { FRA_DST, FRA_IP_PROTO, FRA_UID_RANGE,
		 FRA_SPORT_RANGE, FRA_GOTO };

	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++) {
		char buf[RULE_MESSAGE_MAX] = { 0 };
		struct nlmsghdr *msg = rule_put(buf, RTM_NEWRULE, 0, &mark);
		struct rule read;
		mnl_attr_put_u32(msg, others[i], 1);
		assert_int_equal(rule_parse(&read, msg, msg->nlmsg_len), 0);
		assert_true(read.more);
		assert_false(rule_equal(&read, &mark));
	}
}

static void inverted_is_more(void **state)
{
	char buf[RULE_MESSAGE_MAX] = { 0 };
	struct nlmsghdr *msg = rule_put(buf, RTM_NEWRULE, 0, &mark);
	struct fib_rule_hdr *header = mnl_nlmsg_get_payload(msg);
	struct rule read;

	header->flags = FIB_RULE_INVERT;
	assert_int_equal(rule_parse(&read, msg, msg->nlmsg_len), 0);
	assert_true(read.more);
}

static void a_network_as_source_is_more(void **state)
{
	char buf[RULE_MESSAGE_MAX] = { 0 };
	struct nlmsghdr *msg = rule_put(buf, RTM_NEWRULE, 0, &source);
	struct fib_rule_hdr *header = mnl_nlmsg_get_payload(msg);
	struct rule read;

	header->src_len = 24;
	assert_int_equal(rule_parse(&read, msg, msg->nlmsg_len), 0);
	assert_true(read.more);
}

/* Every cut is refused or read within its bounds (ASan watches). */
static void cuts(void **state)
{
	char buf[RULE_MESSAGE_MAX] = { 0 };
	struct nlmsghdr *msg = rule_put(buf, RTM_NEWRULE, 0, &source);
	struct rule read;

	for (uint32_t len = 0; len < msg->nlmsg_len; len++) {
		char *cut = malloc(len ? len : 1);
		assert_non_null(cut);
		memcpy(cut, buf, len);
		if (len >= sizeof(*msg))
			((struct nlmsghdr *)(void *)cut)->nlmsg_len = len;
		rule_parse(&read, cut, len);
		free(cut);
	}
	msg->nlmsg_len = sizeof(*msg) + 4;
	assert_int_equal(rule_parse(&read, msg, msg->nlmsg_len), -EBADMSG);
}

static void in_words(void **state)
{
	char text[RULE_TEXT_MAX];

	assert_string_equal(rule_format(&mark, text),
		"rule 700 (from all fwmark 0x1000000/0x1000000 iif br-lan "
		"lookup 1634205695)");
	assert_string_equal(rule_format(&source, text),
		"rule 702 (from 10.1.0.2 lookup 254)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read),
		cmocka_unit_test(more_is_seen),
		cmocka_unit_test(inverted_is_more),
		cmocka_unit_test(a_network_as_source_is_more),
		cmocka_unit_test(cuts),
		cmocka_unit_test(in_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
