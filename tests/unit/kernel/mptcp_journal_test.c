/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the journal goes into a text and back; what is not whole, or has one
 * word wrong, is no journal.
 */
#include "agg/kernel/mptcp_journal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define WHOLE \
	"aggd-mptcp 1\n" \
	"boot 1f0c5d4e-0000-4000-8000-000000000001\n" \
	"netns 4026531840 17\n" \
	"endpoint 100 10.1.0.2 3\n" \
	"endpoint 0 2001:db8::2 0\n" \
	"subflows 2 8\n" \
	"accepted 1 0\n" \
	"scheduler default burst\n" \
	"end\n"

static int parse(const char *text, struct mptcp_journal *j)
{
	return mptcp_journal_parse(j, text, strlen(text));
}

static void a_text_goes_in_and_out(void **state)
{
	char text[MPTCP_JOURNAL_BYTES_MAX];
	struct mptcp_journal j;

	assert_int_equal(parse(WHOLE, &j), 0);
	assert_int_equal(j.netns_inode, 4026531840u);
	assert_int_equal(j.netns_cookie, 17);
	assert_int_equal(j.endpoints_count, 2);
	assert_int_equal(j.endpoints[0].id, 100);
	assert_int_equal(j.endpoints[0].ifindex, 3);
	assert_int_equal(j.endpoints[1].addr.family, AF_INET6);
	assert_true(j.subflows.held && j.subflows.before == 2 &&
	            j.subflows.set == 8);
	assert_true(j.accepted.held && j.accepted.set == 0);
	assert_string_equal(j.sched_before, "default");
	assert_string_equal(j.sched_set, "burst");
	assert_false(mptcp_journal_is_empty(&j));
	int len = mptcp_journal_format(&j, text, sizeof(text));
	assert_int_equal(len, strlen(WHOLE));
	assert_string_equal(text, WHOLE);
	assert_int_equal(mptcp_journal_format(&j, text, (size_t)len), -ENOBUFS);
	assert_int_equal(mptcp_journal_format(&j, NULL, 0), -ENOBUFS);
}

static void a_cut_text_is_none(void **state)
{
	struct mptcp_journal j;

	for (size_t len = 0; len < strlen(WHOLE); len++) {
		assert_int_equal(mptcp_journal_parse(&j, WHOLE, len), -EBADMSG);
		assert_true(mptcp_journal_is_empty(&j));
	}
}

static void one_wrong_word_spoils_it(void **state)
{
#define HEAD "aggd-mptcp 1\nboot b\nnetns 1 0\n"
	static const char *const bad[] = {
		"", "\n", "end\n", "aggd-mptcp 2\nboot b\nnetns 1 0\nend\n",
		"aggd-mptcp 1\nend\n", "aggd-mptcp 1\nboot b\nend\n",
		HEAD "end", HEAD "end\nmore\n", HEAD "end\n\n", HEAD "what 1 2\nend\n",
		HEAD "boot c\nend\n", HEAD "netns 2 0\nend\n",
		HEAD "endpoint 256 10.0.0.1 1\nend\n",
		HEAD "endpoint -1 10.0.0.1 1\nend\n",
		HEAD "endpoint 1 10.0.0.1:5 1\nend\n",
		HEAD "endpoint 1 nobody 1\nend\n",
		HEAD "endpoint 1 10.0.0.1 2147483648\nend\n",
		HEAD "endpoint 1 10.0.0.1\nend\n",
		HEAD "endpoint 1 10.0.0.1 1 1\nend\n",
		HEAD "endpoint  1 10.0.0.1 1\nend\n",
		HEAD "subflows 2\nend\n", HEAD "subflows 2 4294967296\nend\n",
		HEAD "subflows 1 2\nsubflows 1 2\nend\n",
		HEAD "subflows 1 99999999999999999999999\nend\n",
		HEAD "scheduler default ../x\nend\n",
		HEAD "scheduler default averyverylongname\nend\n",
	};
	struct mptcp_journal j;

	assert_int_equal(parse(HEAD "end\n", &j), 0);
	assert_true(mptcp_journal_is_empty(&j));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], &j), -EBADMSG);
	assert_int_equal(mptcp_journal_parse(&j, WHOLE "\0", sizeof(WHOLE)),
	                 -EBADMSG);
}

static void it_has_limits(void **state)
{
	char text[2 * MPTCP_JOURNAL_BYTES_MAX] = HEAD;
	struct mptcp_journal j;

	for (int i = 0; i <= MPTCP_JOURNAL_ENDPOINTS_MAX; i++)
		strcat(text, "endpoint 1 10.0.0.1 1\n");
	strcat(text, "end\n");
	assert_int_equal(parse(text, &j), -EBADMSG);
	memset(text, 'x', sizeof(text));
	assert_int_equal(mptcp_journal_parse(&j, text, sizeof(text)), -EBADMSG);
}

static void a_full_one_fits_its_file(void **state)
{
	char text[MPTCP_JOURNAL_BYTES_MAX];
	struct mptcp_journal j = {
		.netns_inode = UINT64_MAX, .netns_cookie = UINT64_MAX,
		.endpoints_count = MPTCP_JOURNAL_ENDPOINTS_MAX,
		.subflows = { true, UINT32_MAX, UINT32_MAX },
		.accepted = { true, UINT32_MAX, UINT32_MAX }, .sched_held = true,
	}, back;

	memset(j.boot, 'b', sizeof(j.boot) - 1);
	memset(j.sched_before, 's', sizeof(j.sched_before) - 1);
	memset(j.sched_set, 's', sizeof(j.sched_set) - 1);
	for (unsigned i = 0; i < j.endpoints_count; i++) {
		j.endpoints[i] = (struct mptcp_journal_endpoint){
			255, { .family = AF_INET6 }, INT32_MAX };
		memset(j.endpoints[i].addr.ip, 0xff, 16);
	}
	int len = mptcp_journal_format(&j, text, sizeof(text));
	assert_true(len > 0);
	assert_int_equal(mptcp_journal_parse(&back, text, (size_t)len), 0);
	assert_memory_equal(&back.endpoints, &j.endpoints, sizeof(j.endpoints));
	assert_true(mptcp_journal_same_place(&back, &j));
}

static void places_differ_by_boot_and_namespace(void **state)
{
	struct mptcp_journal a, b;

	assert_int_equal(parse(WHOLE, &a), 0);
	b = a;
	assert_true(mptcp_journal_same_place(&a, &b));
	b.netns_cookie++;
	assert_false(mptcp_journal_same_place(&a, &b));
	b = a;
	b.netns_inode++;
	assert_false(mptcp_journal_same_place(&a, &b));
	b = a;
	b.boot[0] = 'x';
	assert_false(mptcp_journal_same_place(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_goes_in_and_out),
		cmocka_unit_test(a_cut_text_is_none),
		cmocka_unit_test(one_wrong_word_spoils_it),
		cmocka_unit_test(it_has_limits),
		cmocka_unit_test(a_full_one_fits_its_file),
		cmocka_unit_test(places_differ_by_boot_and_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
