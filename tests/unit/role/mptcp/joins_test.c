/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: joins.c: who is joined to what, and what was moved, from made-up words
 * of the kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/role/mptcp/joins.h"

#include <string.h>

#define STALL_MS 2000u

static struct addr address[WIRE_UPLINKS_MAX];
static struct joins joins;
static struct mptcpinfo info;

static struct addr host(uint8_t last, uint16_t port)
{
	return (struct addr){ .family = AF_INET, .ip = { 10, 0, 0, last },
	                      .port = port };
}

static int setup(void **state)
{
	memset(&joins, 0, sizeof(joins));
	memset(&info, 0, sizeof(info));
	memset(address, 0, sizeof(address));
	address[0] = host(1, 0);
	address[3] = host(4, 0);
	return 0;
}

static struct tcpinfo *add(uint8_t from, uint16_t port)
{
	struct mptcpinfo_subflow *sf = &info.subflows[info.count++];

	*sf = (struct mptcpinfo_subflow){
		.local = host(from, port), .remote = host(200, 443),
		.tcp = { .srtt_us = 20000, .min_rtt_us = 10000 },
	};
	return &sf->tcp;
}

static void look(unsigned bundle)
{
	joins_bundle(&joins, bundle, &info, address, STALL_MS);
}

static void test_joined(void **state)
{
	add(1, 1000)->srtt_us = 30000;
	add(4, 1001);
	add(9, 1002); /* of no uplink */
	joins_begin(&joins);
	look(0);
	info.count = 1;
	info.subflows[0].tcp.srtt_us = 25000;
	look(9);
	assert_int_equal(joins.bundles, 1u << 0 | 1u << 9);
	assert_int_equal(joins.uplinks[0].bundles, 1u << 0 | 1u << 9);
	assert_int_equal(joins.uplinks[0].srtt_us, 25000);
	assert_int_equal(joins.uplinks[3].bundles, 1u << 0);
	assert_int_equal(joins.uplinks[1].bundles, 0);
	joins_begin(&joins);
	assert_int_equal(joins.uplinks[0].bundles, 0);
}

static void test_on_its_way_and_stalled(void **state)
{
	add(1, 1000)->srtt_us = 0; /* a SYN that has no answer */
	info.subflows[0].tcp.retransmits = 3;
	info.subflows[0].tcp.last_ack_ms = 99999;
	struct tcpinfo *tcp = add(4, 1001);
	tcp->last_ack_ms = STALL_MS; /* quiet, with nothing to say */
	joins_begin(&joins);
	look(0);
	assert_int_equal(joins.uplinks[0].bundles | joins.uplinks[0].stalled, 0);
	assert_int_equal(joins.uplinks[3].bundles, 1);
	tcp->retransmits = 1;
	joins_begin(&joins);
	look(0);
	assert_int_equal(joins.uplinks[3].bundles, 0);
	assert_int_equal(joins.uplinks[3].stalled, 1);
	tcp->last_ack_ms = STALL_MS - 1;
	joins_begin(&joins);
	look(0);
	assert_int_equal(joins.uplinks[3].bundles, 1);
}

/* Each byte once, whoever moved it. */
static void test_totals(void **state)
{
	struct tcpinfo *tcp = add(1, 1000);

	tcp->bytes_acked = 100;
	tcp->bytes_received = 1000;
	for (int i = 0; i < 3; i++) {
		joins_begin(&joins);
		look(0);
		look(1); /* the same numbers in another bundle */
	}
	assert_int_equal(joins.uplinks[0].tx_bytes, 200);
	assert_int_equal(joins.uplinks[0].rx_bytes, 2000);
	tcp->bytes_acked = 150;
	joins_begin(&joins);
	look(0);
	assert_int_equal(joins.uplinks[0].tx_bytes, 250);
	info.subflows[0].local.port = 1001; /* joined again */
	tcp->bytes_acked = 7;
	tcp->bytes_received = 0;
	joins_begin(&joins);
	look(0);
	assert_int_equal(joins.uplinks[0].tx_bytes, 257);
	assert_int_equal(joins.uplinks[0].rx_bytes, 2000);
	info.count = 0; /* and gone */
	joins_begin(&joins);
	look(0);
	assert_int_equal(joins.uplinks[0].tx_bytes, 257);
}

static void test_more_than_fit(void **state)
{
	while (info.count < MPTCPINFO_SUBFLOWS_MAX)
		add(1, (uint16_t)(1000 + info.count))->bytes_acked = 1;
	joins_begin(&joins);
	look(JOINS_BUNDLES_MAX - 1);
	assert_int_equal(joins.uplinks[0].bundles, 1u << (JOINS_BUNDLES_MAX - 1));
	assert_int_equal(joins.uplinks[0].tx_bytes, MPTCPINFO_SUBFLOWS_MAX);
}

/* The other end: known are the addresses that a NAT gave to our own subflows. */
static void look_far(uint64_t now_us)
{
	joins_begin(&joins);
	joins_far(&joins, 0, &info, address, 1u << 0 | 1u << 3 | 1u << 5);
	joins_rate(&joins, now_us);
}

static struct tcpinfo *add_far(uint8_t from)
{
	struct tcpinfo *tcp = add(200, 443);

	info.subflows[info.count - 1].remote = host(from, (uint16_t)(2000 + info.count));
	return tcp;
}

static void test_far(void **state)
{
	struct tcpinfo *one = add_far(1), *four = add_far(4), *nobody = add_far(9);

	one->bytes_acked = four->bytes_acked = nobody->bytes_acked = 5000000;
	look_far(1000000);
	assert_int_equal(joins.uplinks[0].tx_bps, 0); /* of before: unknown since when */
	one->bytes_acked += 1000;
	four->bytes_acked += 2000;
	nobody->bytes_acked += 3000;
	look_far(1500000);
	assert_int_equal(joins.uplinks[0].tx_bps, 2000);
	assert_int_equal(joins.uplinks[3].tx_bps, 4000);
	assert_int_equal(joins.uplinks[5].tx_bps, 6000); /* as no other one is of it */
	assert_false(joins.guesses);
	look_far(1500000 + JOINS_RATE_US - 1);
	assert_int_equal(joins.uplinks[0].tx_bps, 2000); /* too soon to say */
	look_far(1500000 + JOINS_RATE_US);
	assert_int_equal(joins.uplinks[0].tx_bps, 0);
	info.count = 0; /* and gone */
	look_far(3000000);
	assert_int_equal(joins.uplinks[5].tx_bps, 0);
}

/* Two have one address, or none is of this family: in equal parts, and it is told. */
static void test_far_guesses(void **state)
{
	struct tcpinfo *a = add_far(1), *b = add_far(1);

	address[5] = host(1, 0);
	look_far(1000000);
	assert_true(joins.guesses);
	a->bytes_acked += 1000;
	b->bytes_acked += 3000;
	look_far(2000000);
	assert_int_equal(joins.uplinks[0].tx_bps, 2000);
	assert_int_equal(joins.uplinks[5].tx_bps, 2000);
	assert_int_equal(joins.uplinks[3].tx_bps, 0);
	memset(address, 0, sizeof(address));
	a->bytes_acked += 3000;
	look_far(3000000);
	assert_true(joins.guesses);
	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++)
		assert_int_equal(joins.uplinks[i].tx_bps, i == 0 || i == 3 || i == 5 ? 1000 : 0);
	address[0] = host(1, 0); /* one alone has it: both are its */
	look_far(4000000);
	assert_false(joins.guesses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_joined, setup),
		cmocka_unit_test_setup(test_on_its_way_and_stalled, setup),
		cmocka_unit_test_setup(test_totals, setup),
		cmocka_unit_test_setup(test_more_than_fit, setup),
		cmocka_unit_test_setup(test_far, setup),
		cmocka_unit_test_setup(test_far_guesses, setup),
	};

	return cmocka_run_group_tests_name("role/joins", tests, NULL, NULL);
}
