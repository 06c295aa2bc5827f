/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the decoder on answers of old and new kernels, and a real connection
 * over loopback where this kernel has MPTCP.
 */
#include "agg/kernel/mptcpinfo.h"
#include "agg/kernel/sockopt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define INFO_BYTES 96
#define ADDR_BYTES 128

/* MPTCP_INFO's bytes by their offsets in the kernel. */
static void sample(uint8_t raw[INFO_BYTES])
{
	const struct { size_t at; uint64_t value; size_t size; } parts[] = {
		{ 0, 2, 1 }, { 3, 8, 1 }, { 8, 2, 4 }, { 12, 0xabcdef01, 4 },
		{ 16, 1000, 8 }, { 24, 900, 8 }, { 32, 800, 8 }, { 42, 1, 1 },
		{ 44, 3, 4 }, { 48, 11, 8 }, { 56, 22, 8 }, { 64, 33, 8 },
		{ 72, 44, 8 }, { 80, 3, 1 }, { 84, 5, 4 }, { 88, 6, 4 },
		{ 92, 7, 4 },
	};

	memset(raw, 0, INFO_BYTES);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint8_t one = (uint8_t)parts[i].value;
		uint32_t four = (uint32_t)parts[i].value;
		memcpy(raw + parts[i].at, parts[i].size == 1 ? (void *)&one :
		       parts[i].size == 4 ? (void *)&four :
		       (const void *)&parts[i].value, parts[i].size);
	}
}

static void everything_has_its_place(void **state)
{
	uint8_t raw[INFO_BYTES];
	struct mptcpinfo m;

	sample(raw);
	assert_int_equal(mptcpinfo_decode(&m, raw, sizeof(raw)), 0);
	assert_int_equal(m.has, MPTCPINFO_HAS_CHECKSUM | MPTCPINFO_HAS_BYTES |
	                 MPTCPINFO_HAS_TOTAL | MPTCPINFO_HAS_LAST);
	assert_int_equal(m.joined, 2);
	assert_int_equal(m.joined_max, 8);
	assert_int_equal(m.subflows_total, 3);
	assert_true(m.remote_key && !m.fallback && m.checksum);
	assert_int_equal(m.token, 0xabcdef01);
	assert_int_equal(m.write_seq, 1000);
	assert_int_equal(m.snd_una, 900);
	assert_int_equal(m.rcv_nxt, 800);
	assert_int_equal(m.retransmits, 3);
	assert_int_equal(m.bytes_retrans, 11);
	assert_int_equal(m.bytes_sent, 22);
	assert_int_equal(m.bytes_received, 33);
	assert_int_equal(m.bytes_acked, 44);
	assert_int_equal(m.last_sent_ms, 5);
	assert_int_equal(m.last_received_ms, 6);
	assert_int_equal(m.last_ack_ms, 7);
}

static void what_a_kernel_lacks_is_told(void **state)
{
	static const struct { size_t len; unsigned has; } kernels[] = {
		{ 40, 0 }, { 48, MPTCPINFO_HAS_CHECKSUM },
		{ 80, MPTCPINFO_HAS_CHECKSUM | MPTCPINFO_HAS_BYTES },
		{ 88, MPTCPINFO_HAS_CHECKSUM | MPTCPINFO_HAS_BYTES |
		      MPTCPINFO_HAS_TOTAL },
	};
	uint8_t raw[INFO_BYTES + 32];
	struct mptcpinfo m;

	memset(raw, 0xff, sizeof(raw));
	sample(raw);
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		assert_int_equal(mptcpinfo_decode(&m, raw, kernels[i].len), 0);
		assert_int_equal(m.has, kernels[i].has);
		assert_int_equal(m.rcv_nxt, 800);
		assert_int_equal(m.last_ack_ms, 0);
	}
	for (size_t len = 0; len < 40; len++)
		assert_int_equal(mptcpinfo_decode(&m, raw, len), -EINVAL);
	assert_int_equal(m.token, 0);
	assert_int_equal(mptcpinfo_decode(&m, raw, sizeof(raw)), 0);
	assert_int_equal(m.last_ack_ms, 7);
}

/* Addresses as the kernel puts them. */
static void put_end(uint8_t *at, const char *ip, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET, ip, &sin.sin_addr), 1);
	memset(at, 0, ADDR_BYTES);
	memcpy(at, &sin, sizeof(sin));
}

static void subflows_are_decoded(void **state)
{
	struct tcp_info tcp[2] = {
		{ .tcpi_rtt = 30000, .tcpi_bytes_sent = 100,
		  .tcpi_bytes_retrans = 10, .tcpi_bytes_acked = 60,
		  .tcpi_notsent_bytes = 7 },
		{ .tcpi_rtt = 50000, .tcpi_bytes_sent = 5, .tcpi_bytes_acked = 6 },
	};
	uint8_t addrs[2][2 * ADDR_BYTES];
	const uint32_t ids[2] = { 1, 4 };
	struct mptcpinfo_raw raw = { .count = 2, .tcp = tcp, .addrs = addrs,
	                             .tcp_size = sizeof(tcp[0]),
	                             .addrs_size = sizeof(addrs[0]), .ids = ids };
	struct mptcpinfo m = { 0 };
	char text[ADDR_TEXT_MAX];

	for (int i = 0; i < 2; i++) {
		put_end(addrs[i], i ? "10.2.0.2" : "10.1.0.2", 4000);
		put_end(addrs[i] + ADDR_BYTES, "198.51.100.10", 443);
	}
	assert_int_equal(mptcpinfo_decode_subflows(&m, &raw), 0);
	assert_int_equal(m.has, MPTCPINFO_HAS_SUBFLOWS | MPTCPINFO_HAS_IDS);
	assert_int_equal(m.count, 2);
	assert_int_equal(m.subflows[1].id, 4);
	assert_string_equal(addr_format(&m.subflows[1].local, text),
	                    "10.2.0.2:4000");
	assert_string_equal(addr_format(&m.subflows[0].remote, text),
	                    "198.51.100.10:443");
	assert_int_equal(m.subflows[1].tcp.srtt_us, 50000);
	assert_int_equal(m.subflows[0].tcp.unacked_bytes, 30);
	assert_int_equal(m.subflows[0].tcp.notsent_bytes, 7);
	assert_int_equal(m.subflows[1].tcp.unacked_bytes, 0);
}

static void too_many_are_cut_and_too_small_refused(void **state)
{
	static const uint8_t zeros[MPTCPINFO_SUBFLOWS_MAX * 512];
	struct mptcpinfo_raw raw = { .count = UINT32_MAX, .tcp = zeros,
	                             .addrs = zeros, .tcp_size = 200,
	                             .addrs_size = 2 * ADDR_BYTES };
	struct mptcpinfo m = { 0 };

	assert_int_equal(mptcpinfo_decode_subflows(&m, &raw), 0);
	assert_int_equal(m.count, MPTCPINFO_SUBFLOWS_MAX);
	assert_int_equal(m.has, MPTCPINFO_HAS_SUBFLOWS);
	assert_int_equal(m.subflows[0].local.family, AF_UNSPEC);
	raw.addrs_size--;
	assert_int_equal(mptcpinfo_decode_subflows(&m, &raw), -EINVAL);
	assert_int_equal(m.count, 0);
	raw.addrs_size++;
	raw.tcp_size = 40;
	assert_int_equal(mptcpinfo_decode_subflows(&m, &raw), -EINVAL);
}

/* A pair over loopback, [0] MPTCP if it may be; false: no MPTCP here. */
static bool connect_pair(int pair[2], bool mptcp)
{
	struct addr at;

	assert_int_equal(addr_parse(&at, "127.0.0.1", 0), 0);
	int listener = sockopt_mptcp_listen(&at, NULL);
	if (listener == -EPROTONOSUPPORT || listener == -EINVAL ||
	    listener == -ENOPROTOOPT)
		return false;
	assert_true(listener >= 0);
	assert_int_equal(sockopt_local(listener, &at), 0);
	pair[0] = mptcp ? sockopt_mptcp_open(AF_INET, NULL, NULL) :
	          sockopt_tcp_open(AF_INET, NULL, NULL);
	assert_true(pair[0] >= 0);
	assert_int_equal(sockopt_connect(pair[0], &at), 0);
	struct pollfd p = { .fd = listener, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 10000), 1);
	pair[1] = sockopt_accept(listener, NULL);
	assert_true(pair[1] >= 0);
	close(listener);
	return true;
}

static void a_real_connection_tells_itself(void **state)
{
	static const char block[1000];
	struct mptcpinfo m, peer;
	int pair[2];

	if (!connect_pair(pair, true))
		skip();
	assert_true(sockopt_is_mptcp(pair[0]) && sockopt_is_mptcp(pair[1]));
	int rc = mptcpinfo_read(pair[0], false, &m);
	if (rc == -EOPNOTSUPP) /* Linux before 5.16 */
		skip();
	assert_int_equal(rc, 0);
	assert_true(m.remote_key && !m.fallback && m.token);
	assert_int_equal(m.joined, 0);
	assert_int_equal(write(pair[0], block, sizeof(block)), sizeof(block));
	struct pollfd p = { .fd = pair[1], .events = POLLIN };
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(mptcpinfo_read(pair[0], false, &m), 0);
	assert_int_equal(mptcpinfo_read(pair[1], false, &peer), 0);
	assert_int_equal(m.write_seq, peer.rcv_nxt);
	assert_true(m.has & MPTCPINFO_HAS_SUBFLOWS);
	assert_int_equal(m.count, 1);
	assert_true(addr_equal(&m.subflows[0].local, &peer.subflows[0].remote));
	assert_int_equal(peer.subflows[0].tcp.bytes_received, sizeof(block));
	close(pair[0]);
	close(pair[1]);
}

static void plain_tcp_is_told_from_it(void **state)
{
	struct mptcpinfo m;
	int pair[2];

	if (!connect_pair(pair, false))
		skip();
	for (int i = 0; i < 2; i++) {
		int rc = mptcpinfo_read(pair[i], false, &m);
		assert_true(rc == -EOPNOTSUPP || rc == -ENOPROTOOPT);
		assert_false(sockopt_is_mptcp(pair[i]));
		close(pair[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_has_its_place),
		cmocka_unit_test(what_a_kernel_lacks_is_told),
		cmocka_unit_test(subflows_are_decoded),
		cmocka_unit_test(too_many_are_cut_and_too_small_refused),
		cmocka_unit_test(a_real_connection_tells_itself),
		cmocka_unit_test(plain_tcp_is_told_from_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
