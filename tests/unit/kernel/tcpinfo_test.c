/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the decoder on answers of old and new kernels, and one real
 * connection over loopback, of which only what must hold is asserted.
 */
#include "agg/kernel/sockopt.h"
#include "agg/kernel/tcpinfo.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct tcp_info sample(void)
{
	return (struct tcp_info){
		.tcpi_ca_state = TCPINFO_CA_RECOVERY, .tcpi_backoff = 2,
		.tcpi_delivery_rate_app_limited = 1,
		.tcpi_rto = 204000, .tcpi_snd_mss = 1400,
		.tcpi_unacked = 20, .tcpi_sacked = 5, .tcpi_lost = 4,
		.tcpi_retrans = 3, .tcpi_total_retrans = 9,
		.tcpi_rtt = 30000, .tcpi_rttvar = 4000, .tcpi_min_rtt = 28000,
		.tcpi_snd_cwnd = 12, .tcpi_snd_ssthresh = 10,
		.tcpi_pacing_rate = 2000000, .tcpi_bytes_acked = 77,
		.tcpi_bytes_received = 66,
		.tcpi_notsent_bytes = 5000, .tcpi_delivery_rate = 1000000,
		.tcpi_busy_time = 11, .tcpi_rwnd_limited = 22,
		.tcpi_sndbuf_limited = 33, .tcpi_bytes_sent = 88,
		.tcpi_bytes_retrans = 99, .tcpi_snd_wnd = 65536,
	};
}

static void units_are_bytes_and_microseconds(void **state)
{
	struct tcp_info k = sample();
	struct tcpinfo t;

	assert_int_equal(tcpinfo_decode(&t, &k, sizeof(k), 30000), 0);
	assert_int_equal(t.srtt_us, 30000);
	assert_int_equal(t.rttvar_us, 4000);
	assert_int_equal(t.min_rtt_us, 28000);
	assert_int_equal(t.rto_us, 204000);
	assert_int_equal(t.cwnd_bytes, 12 * 1400);
	assert_int_equal(t.ssthresh_bytes, 10 * 1400);
	assert_int_equal(t.inflight_bytes, (20 - 5 - 4 + 3) * 1400);
	assert_int_equal(t.lost_bytes, 4 * 1400);
	assert_int_equal(t.notsent_bytes, 5000);
	assert_int_equal(t.unacked_bytes, 25000);
	assert_int_equal(t.delivery_rate_bps, 1000000);
	assert_true(t.delivery_app_limited);
	assert_int_equal(t.bytes_retrans, 99);
	assert_int_equal(t.bytes_received, 66);
	assert_int_equal(t.snd_wnd_bytes, 65536);
	assert_int_equal(t.ca_state, TCPINFO_CA_RECOVERY);
	assert_int_equal(t.backoff, 2);
	assert_int_equal(t.has, TCPINFO_HAS_RATES | TCPINFO_HAS_BYTES_ACKED |
	                 TCPINFO_HAS_NOTSENT | TCPINFO_HAS_LIMITS |
	                 TCPINFO_HAS_BYTES_SENT | TCPINFO_HAS_SND_WND);
}

static void what_a_kernel_lacks_is_told(void **state)
{
	static const struct { size_t len; unsigned has; } kernels[] = {
		{ offsetof(struct tcp_info, tcpi_pacing_rate), 0 },
		{ offsetof(struct tcp_info, tcpi_segs_out),
		  TCPINFO_HAS_BYTES_ACKED },
		{ offsetof(struct tcp_info, tcpi_delivery_rate),
		  TCPINFO_HAS_BYTES_ACKED | TCPINFO_HAS_NOTSENT },
		{ offsetof(struct tcp_info, tcpi_busy_time),
		  TCPINFO_HAS_BYTES_ACKED | TCPINFO_HAS_NOTSENT |
		  TCPINFO_HAS_RATES },
		{ offsetof(struct tcp_info, tcpi_dsack_dups),
		  TCPINFO_HAS_BYTES_ACKED | TCPINFO_HAS_NOTSENT |
		  TCPINFO_HAS_RATES | TCPINFO_HAS_LIMITS |
		  TCPINFO_HAS_BYTES_SENT },
	};
	struct tcp_info k = sample();
	struct tcpinfo t;

	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		assert_int_equal(tcpinfo_decode(&t, &k, kernels[i].len, 0), 0);
		assert_int_equal(t.has, kernels[i].has);
		assert_int_equal(t.srtt_us, 30000);
		assert_int_equal(t.snd_wnd_bytes, 0);
	}
	assert_int_equal(t.bytes_sent, 88);
	assert_int_equal(tcpinfo_decode(&t, &k, kernels[0].len, 0), 0);
	assert_int_equal(t.delivery_rate_bps, 0);
	assert_int_equal(t.unacked_bytes, 0);
	assert_int_equal(tcpinfo_decode(&t, &k, 40, 0), -EINVAL);
}

static void a_longer_answer_of_a_newer_kernel_is_taken(void **state)
{
	uint8_t raw[sizeof(struct tcp_info) + 64];
	struct tcp_info k = sample();
	struct tcpinfo t;

	memset(raw, 0xff, sizeof(raw));
	memcpy(raw, &k, sizeof(k));
	assert_int_equal(tcpinfo_decode(&t, raw, sizeof(raw), 0), 0);
	assert_int_equal(t.snd_wnd_bytes, 65536);
}

static void no_sample_and_no_limit_are_named(void **state)
{
	struct tcp_info k = sample();
	struct tcpinfo t;

	k.tcpi_min_rtt = UINT32_MAX;
	k.tcpi_snd_ssthresh = 0x7fffffff;
	k.tcpi_pacing_rate = UINT64_MAX;
	k.tcpi_sacked = 100; /* counted at another moment than unacked */
	assert_int_equal(tcpinfo_decode(&t, &k, sizeof(k), 4999), 0);
	assert_int_equal(t.min_rtt_us, 0);
	assert_true(t.ssthresh_bytes == TCPINFO_UNLIMITED);
	assert_true(t.pacing_rate_bps == TCPINFO_UNLIMITED);
	assert_int_equal(t.inflight_bytes, 0);
	assert_int_equal(t.unacked_bytes, 0);
}

static void bbr_is_told_from_others(void **state)
{
	struct tcp_bbr_info bbr = { .bbr_bw_lo = 5, .bbr_bw_hi = 1,
	                            .bbr_min_rtt = 7000 };
	struct tcpinfo t = { 0 };

	tcpinfo_decode_bbr(&t, &bbr, 16);
	assert_int_equal(t.has, 0);
	tcpinfo_decode_bbr(&t, &bbr, sizeof(bbr));
	assert_int_equal(t.has, TCPINFO_HAS_BBR);
	assert_true(t.bbr_bw_bps == 0x100000005u);
	assert_int_equal(t.bbr_min_rtt_us, 7000);
}

/* A connected pair over loopback: [0] to write, [1] the other end. */
static void connect_pair(int pair[2])
{
	struct addr at;

	assert_int_equal(addr_parse(&at, "127.0.0.1", 0), 0);
	int listener = sockopt_tcp_listen(&at, NULL);
	assert_true(listener >= 0);
	assert_int_equal(sockopt_local(listener, &at), 0);
	pair[0] = sockopt_tcp_open(AF_INET, NULL, NULL);
	assert_true(pair[0] >= 0);
	assert_int_equal(sockopt_connect(pair[0], &at), 0);
	struct pollfd p = { .fd = listener, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 10000), 1);
	pair[1] = sockopt_accept(listener, NULL);
	assert_true(pair[1] >= 0);
	close(listener);
}

static void a_reader_that_does_not_read_is_seen(void **state)
{
	static const char block[65536];
	struct tcpinfo t;
	uint64_t written = 0;
	int pair[2];

	connect_pair(pair);
	for (int i = 0; i < 1000; i++) {
		ssize_t n = write(pair[0], block, sizeof(block));
		if (n < 0)
			break;
		written += (uint64_t)n;
	}
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(tcpinfo_read(pair[0], false, &t), 0);
	assert_true(t.has & TCPINFO_HAS_NOTSENT);
	assert_true(t.mss_bytes > 0 && t.cwnd_bytes > 0);
	assert_true(t.notsent_bytes > 0);
	/* Every byte is acknowledged, on its way, or not sent. bytes_acked
	 * counts the SYN as one. */
	uint64_t told = t.bytes_acked + t.unacked_bytes + t.notsent_bytes;
	assert_in_range(told, written, written + 1);
	close(pair[1]);
	close(pair[0]);
}

static void bbr_tells_its_model(void **state)
{
	char in_use[SOCKOPT_CC_NAME_MAX];
	struct tcpinfo t;
	int pair[2];

	connect_pair(pair);
	if (!sockopt_set_congestion(pair[0], "bbr", in_use)) {
		assert_int_equal(tcpinfo_read(pair[0], true, &t), 0);
		assert_true(t.has & TCPINFO_HAS_BBR);
	}
	if (!sockopt_set_congestion(pair[0], "reno", in_use)) {
		assert_int_equal(tcpinfo_read(pair[0], true, &t), 0);
		assert_false(t.has & TCPINFO_HAS_BBR);
	}
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(tcpinfo_read(-1, false, &t), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_are_bytes_and_microseconds),
		cmocka_unit_test(what_a_kernel_lacks_is_told),
		cmocka_unit_test(a_longer_answer_of_a_newer_kernel_is_taken),
		cmocka_unit_test(no_sample_and_no_limit_are_named),
		cmocka_unit_test(bbr_is_told_from_others),
		cmocka_unit_test(a_reader_that_does_not_read_is_seen),
		cmocka_unit_test(bbr_tells_its_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
