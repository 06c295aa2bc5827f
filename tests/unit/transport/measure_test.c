/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: measure.c: what a session is told of an MPTCP connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/transport/measure.h"

static const struct tcpinfo fast = {
	.has = TCPINFO_HAS_RATES, .srtt_us = 15000, .rttvar_us = 2000,
	.min_rtt_us = 10000, .mss_bytes = 1448, .last_ack_ms = 4,
	.cwnd_bytes = 100000, .ssthresh_bytes = TCPINFO_UNLIMITED,
	.inflight_bytes = 60000, .notsent_bytes = 5000,
	.delivery_rate_bps = 6000000, .pacing_rate_bps = 7000000,
	.bytes_sent = 1000, .bytes_retrans = 10, .delivery_app_limited = true,
};
static const struct tcpinfo slow = {
	.has = TCPINFO_HAS_RATES, .srtt_us = 90000, .rttvar_us = 9000,
	.min_rtt_us = 60000, .mss_bytes = 1400, .last_ack_ms = 8,
	.cwnd_bytes = 50000, .ssthresh_bytes = 40000, .inflight_bytes = 30000,
	.notsent_bytes = 1000, .delivery_rate_bps = 2000000,
	.pacing_rate_bps = TCPINFO_UNLIMITED, .bytes_sent = 500,
	.bytes_retrans = 5,
};

static struct mptcpinfo two(void)
{
	return (struct mptcpinfo){
		.snd_una = UINT64_C(1) << 63, .outq_bytes = 200000,
		.unsent_bytes = 40000, .count = 2,
		.subflows = { { .tcp = fast }, { .tcp = slow } },
	};
}

static void test_sums(void **state)
{
	struct mptcpinfo info = two();
	struct subflow_info out;

	measure_mptcp(&info, &out);
	assert_int_equal(out.srtt_us, 90000);
	assert_int_equal(out.rttvar_us, 9000);
	assert_int_equal(out.min_rtt_us, 10000);
	assert_int_equal(out.mss, 1400);
	assert_int_equal(out.cwnd_bytes, 150000);
	assert_true(out.ssthresh_bytes == UINT64_MAX);
	assert_int_equal(out.inflight_bytes, 90000);
	assert_int_equal(out.rate_bps, 8000000);
	assert_int_equal(out.pacing_bps, 7000000);
	assert_int_equal(out.sent_bytes, 1500);
	assert_int_equal(out.retrans_bytes, 15);
	assert_int_equal(out.notsent_bytes, 46000);
	assert_int_equal(out.unacked_bytes, 154000);
	assert_int_equal(out.quiet_us, 4000); /* one of them heard something */
	assert_true(out.acked_bytes == UINT64_C(1) << 63);
	assert_false(out.app_limited); /* one of them was not */
	assert_false(out.stuck);
	assert_int_equal(out.spread_us, 2 * 60000 - 10000);
	assert_int_equal(out.first_rtt_us, 10000);
}

static void test_quiet_and_joining(void **state)
{
	struct mptcpinfo info = two();
	struct subflow_info out;

	info.subflows[1].tcp.last_ack_ms = MEASURE_QUIET_MS + 1;
	measure_mptcp(&info, &out);
	assert_int_equal(out.srtt_us, 15000);
	info.subflows[1].tcp = (struct tcpinfo){ .retransmits = 2,
		.last_ack_ms = 99999, .cwnd_bytes = 14480 };
	measure_mptcp(&info, &out);
	assert_int_equal(out.cwnd_bytes, 100000);
	assert_false(out.stuck);
}

static void test_stuck(void **state)
{
	struct mptcpinfo info = two();
	struct subflow_info out;

	info.subflows[0].tcp.retransmits = 1;
	measure_mptcp(&info, &out);
	assert_false(out.stuck); /* it was just sent again */
	info.subflows[0].tcp.last_ack_ms = MEASURE_STUCK_MS;
	measure_mptcp(&info, &out);
	assert_true(out.stuck);
}

/* Counters that are read one after the other may not fit each other. */
static void test_nothing(void **state)
{
	struct mptcpinfo info = { .outq_bytes = 10, .unsent_bytes = 30 };
	struct subflow_info out;

	measure_mptcp(&info, &out);
	assert_int_equal(out.notsent_bytes, 10);
	assert_int_equal(out.unacked_bytes, 0);
	assert_int_equal(out.srtt_us, 0);
	assert_int_equal(out.spread_us, 0);
}

static void test_bbr(void **state)
{
	struct tcpinfo info = fast;
	struct subflow_info out;

	measure_tcp(&info, &out);
	assert_int_equal(out.rate_bps, 6000000);
	info.has |= TCPINFO_HAS_BBR;
	info.bbr_bw_bps = 5000000;
	measure_tcp(&info, &out);
	assert_int_equal(out.rate_bps, 5000000);
}

static void test_full_size_lost(void **state)
{
	struct tcpinfo info = { .unacked_bytes = 3000 };

	assert_false(measure_full_size_lost(&info)); /* nothing came at all */
	info.sacked_packets = 1;
	assert_true(measure_full_size_lost(&info));
	info = (struct tcpinfo){ .bytes_acked = 3000, .ooo_packets = 1 };
	assert_true(measure_full_size_lost(&info)); /* the other way */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_size_lost),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_quiet_and_joining),
		cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_bbr),
	};

	return cmocka_run_group_tests_name("transport/measure", tests, NULL, NULL);
}
