/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: netstat's lines of old and new kernels, and what is no such file.
 */
#include "agg/kernel/mptcpinfo.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool parse(struct mptcpinfo_counters *c, const char *text)
{
	return mptcpinfo_counters_parse(c, text, strlen(text));
}

static void names_are_found_wherever_they_stand(void **state)
{
	struct mptcpinfo_counters c;

	assert_true(parse(&c, "TcpExt: Blackhole MPRstRx\nTcpExt: 8 9\n"
	                  "MPTcpExt: MPCapableSYNTX New MPRstRx Blackhole\n"
	                  "MPTcpExt: 5 6 7 18446744073709551615\n"));
	assert_int_equal(c.capable_syn_tx, 5);
	assert_int_equal(c.reset_rx, 7);
	assert_true(c.blackhole == UINT64_MAX);
	assert_int_equal(c.join_syn_tx, 0);
}

static void what_is_cut_or_strange_is_zero(void **state)
{
	struct mptcpinfo_counters c;

	assert_false(parse(&c, ""));
	assert_false(parse(&c, "MPTcpExt: MPRstRx\n"));
	assert_false(parse(&c, "MPTcpExtra: MPRstRx\nMPTcpExtra: 1\n"));
	assert_true(parse(&c, "MPTcpExt: MPRstRx MPRstTx\nMPTcpExt: 1"));
	assert_int_equal(c.reset_rx, 1);
	assert_int_equal(c.reset_tx, 0);
	assert_true(parse(&c, "MPTcpExt: MPRstRx MPRstTx\nMPTcpExt: -1 x\n"));
	assert_int_equal(c.reset_rx, 0);
	assert_true(parse(&c, "MPTcpExt: MPRstRx\nMPTcpExt: "
	                  "100000000000000000000000\n"));
	assert_int_equal(c.reset_rx, 0);
}

static void the_real_file_is_read_where_there_is_one(void **state)
{
	struct mptcpinfo_counters c;
	int rc = mptcpinfo_counters(NULL, &c);

	assert_true(rc == 0 || rc == -ENOENT);
	assert_int_equal(mptcpinfo_counters("/nonexistent", &c), -ENOENT);
	assert_int_equal(mptcpinfo_counters("/", &c), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_wherever_they_stand),
		cmocka_unit_test(what_is_cut_or_strange_is_zero),
		cmocka_unit_test(the_real_file_is_read_where_there_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
