/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In a block of its own size, so that a sanitizer sees what is read past it. */
static int inspect(struct inspection *out, const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	int rc;

	memcpy(copy, p, n);
	rc = inspect_packet(out, copy, n);
	free(copy);
	return rc;
}

static const struct made udp4 = { AF_INET, IPPROTO_UDP, 7, 9, 0xb8, 5004, 443, 100 };
static const struct made tcp6 = { AF_INET6, IPPROTO_TCP, 7, 9, 0x02, 5004, 443, 100 };

static void udp_over_ipv4(void **state)
{
	struct inspection in;
	uint8_t p[200];
	size_t n = made_write(&udp4, p);

	assert_int_equal(inspect(&in, p, n), 0);
	assert_int_equal(in.key.family, AF_INET);
	assert_int_equal(in.protocol, IPPROTO_UDP);
	assert_int_equal(in.key.sport, 5004);
	assert_int_equal(in.key.dport, 443);
	assert_int_equal(in.dscp, 46);
	assert_int_equal(in.ecn, INSPECT_NOT_ECT);
	assert_int_equal(in.len, 128);
	assert_int_equal(in.upper, 20);
	assert_int_equal(in.ttl, 64);
	assert_false(in.may_fragment);
	assert_int_equal(inspect_traffic(&in), TRAFFIC_REALTIME);
	assert_int_equal(in.key.src[3], 7);
	assert_int_equal(in.key.src[4], 0);
	assert_memory_equal(in.key.dst, in.dst, 16);
}

static void tcp_over_ipv6_behind_extensions(void **state)
{
	struct inspection in;
	uint8_t p[300], q[300];
	size_t n = made_write(&tcp6, p);

	assert_int_equal(inspect(&in, p, n), 0);
	assert_int_equal(in.key.family, AF_INET6);
	assert_int_equal(in.protocol, IPPROTO_TCP);
	assert_int_equal(in.key.dport, 443);
	assert_int_equal(in.ecn, INSPECT_ECT0);
	memcpy(q, p, 40);
	memset(q + 40, 0, 24);
	memcpy(q + 64, p + 40, n - 40);
	q[6] = IPPROTO_HOPOPTS;
	q[40] = IPPROTO_DSTOPTS;
	q[48] = IPPROTO_TCP;
	q[49] = 1; /* 16 bytes */
	q[5] = (uint8_t)(q[5] + 24);
	assert_int_equal(inspect(&in, q, n + 24), 0);
	assert_int_equal(in.protocol, IPPROTO_TCP);
	assert_int_equal(in.upper, 64);
	assert_int_equal(in.key.sport, 5004);
}

static void fragments_have_no_ports_and_are_one_flow(void **state)
{
	struct inspection first, other;
	uint8_t p[200], q[200];
	size_t n = made_write(&udp4, p);

	p[6] = 0x20;
	assert_int_equal(inspect(&first, p, n), 0);
	p[7] = 100;
	p[5] = 9; /* the identification: another datagram's */
	assert_int_equal(inspect(&other, p, n), 0);
	assert_int_equal(first.fragment, INSPECT_FRAGMENT_FIRST);
	assert_int_equal(other.fragment, INSPECT_FRAGMENT_OTHER);
	assert_memory_equal(&first.key, &other.key, sizeof(first.key));
	assert_int_equal(first.key.sport, 0);
	assert_int_equal(other.fragment_id, 9);

	n = made_write(&tcp6, p);
	memcpy(q, p, 40);
	memset(q + 40, 0, 8);
	memcpy(q + 48, p + 40, n - 40);
	q[5] = (uint8_t)(q[5] + 8);
	q[6] = IPPROTO_FRAGMENT;
	q[40] = IPPROTO_TCP;
	q[43] = 1; /* more */
	q[47] = 77;
	assert_int_equal(inspect(&first, q, n + 8), 0);
	assert_int_equal(first.fragment, INSPECT_FRAGMENT_FIRST);
	assert_int_equal(first.fragment_id, 77);
	q[42] = 1; /* at 256 */
	assert_int_equal(inspect(&other, q, n + 8), 0);
	assert_int_equal(other.fragment, INSPECT_FRAGMENT_OTHER);
	assert_memory_equal(&first.key, &other.key, sizeof(first.key));
	q[42] = q[43] = 0; /* RFC 6946: a whole one, with a fragment header */
	assert_int_equal(inspect(&other, q, n + 8), 0);
	assert_int_equal(other.fragment, INSPECT_WHOLE);
	assert_int_equal(other.key.sport, 5004);
}

/* An ICMP error about a packet goes the other way, with that way's flow. */
static size_t error_about(const struct made *m, uint8_t *p, unsigned quoted_max)
{
	struct made outer = { m->family, m->family == AF_INET ? IPPROTO_ICMP
	                      : IPPROTO_ICMPV6, 200, 201, 0, 0, 0, 0 };
	size_t header = m->family == AF_INET ? 20 : 40, n;
	uint8_t quoted[1600];

	n = made_write(m, quoted);
	n = n < quoted_max ? n : quoted_max;
	outer.payload = (uint16_t)(8 + n);
	made_write(&outer, p);
	memset(p + header, 0, 8);
	p[header] = m->family == AF_INET ? 3 : 1;
	memcpy(p + header + 8, quoted, n);
	return header + 8 + n;
}

static void an_error_is_of_the_quoted_flow_turned_round(void **state)
{
	const struct made *about[] = { &udp4, &tcp6 };
	struct inspection in, of;
	uint8_t p[1600];

	for (unsigned i = 0; i < 2; i++) {
		size_t n = made_write(about[i], p);
		assert_int_equal(inspect(&of, p, n), 0);
		n = error_about(about[i], p, 48);
		assert_int_equal(inspect(&in, p, n), 0);
		assert_true(in.is_error);
		assert_int_equal(in.key.protocol, about[i]->protocol);
		assert_int_equal(in.key.sport, 443);
		assert_int_equal(in.key.dport, 5004);
		assert_memory_equal(in.key.src, of.key.dst, 16);
		assert_memory_equal(in.key.dst, of.key.src, 16);
		assert_int_not_equal(in.src[i ? 15 : 3], in.key.src[i ? 15 : 3]);
		assert_true(in.protocol != in.key.protocol);
	}
}

static void echoes_of_an_identifier_are_a_flow_both_ways(void **state)
{
	struct made m = { AF_INET, IPPROTO_ICMP, 1, 2, 0, 0, 0, 20 };
	struct inspection in;
	struct inspect_key back;
	uint8_t p[64];
	size_t n = made_write(&m, p);

	p[20] = 8;
	p[24] = 0x12;
	p[25] = 0x34;
	assert_int_equal(inspect(&in, p, n), 0);
	assert_int_equal(in.key.sport, 0x1234);
	assert_false(in.is_error);
	inspect_turn(&back, &in.key);
	assert_int_equal(back.sport, 0x1234);
	assert_int_equal(back.dport, 0);
	assert_memory_equal(back.src, in.key.dst, 16);
}

static void lengths_that_cannot_be_are_refused(void **state)
{
	struct inspection in;
	uint8_t p[200];
	size_t n = made_write(&udp4, p);

	assert_int_equal(inspect(&in, p, 0), -EBADMSG);
	assert_int_equal(inspect(&in, p, 19), -EBADMSG);
	assert_int_equal(inspect(&in, p, n - 1), -EBADMSG);
	assert_int_equal(inspect(&in, p, n + 5), 0); /* padding of a device */
	assert_int_equal(in.len, n);
	p[0] = 0x44;
	assert_int_equal(inspect(&in, p, n), -EBADMSG);
	p[0] = 0x55;
	assert_int_equal(inspect(&in, p, n), -EBADMSG);
	n = made_write(&tcp6, p);
	assert_int_equal(inspect(&in, p, n - 1), -EBADMSG);
	assert_int_equal(inspect(&in, p, 39), -EBADMSG);
}

static void a_mark_is_made_where_it_may_be(void **state)
{
	uint8_t p[200], before[200];
	struct made m;

	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned tos = 0; tos < 256; tos++) {
			m = v6 ? tcp6 : udp4;
			m.tos = (uint8_t)tos;
			m.id = (uint16_t)(tos * 2654435761u >> 3);
			size_t n = made_write(&m, p);
			memcpy(before, p, n);
			assert_int_equal(inspect_mark(p, n), (tos & 3) != 0);
			assert_true(made_is_right(p, n));
			m.tos |= tos & 3 ? 3 : 0;
			made_write(&m, before);
			assert_memory_equal(p, before, n);
		}
	assert_false(inspect_mark(p, 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_over_ipv4),
		cmocka_unit_test(tcp_over_ipv6_behind_extensions),
		cmocka_unit_test(fragments_have_no_ports_and_are_one_flow),
		cmocka_unit_test(an_error_is_of_the_quoted_flow_turned_round),
		cmocka_unit_test(echoes_of_an_identifier_are_a_flow_both_ways),
		cmocka_unit_test(lengths_that_cannot_be_are_refused),
		cmocka_unit_test(a_mark_is_made_where_it_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
