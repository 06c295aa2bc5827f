/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made.h"
#include "tun/icmp.h"

#include <string.h>

static const uint8_t router[16] = { 100, 64, 0, 1, [15] = 7 };

static const struct made large4 = { AF_INET, IPPROTO_UDP, 7, 9, 0, 5004, 443, 1472 };
static const struct made large6 = { AF_INET6, IPPROTO_TCP, 7, 9, 0, 5004, 443, 1400 };

static void inspect(struct inspection *in, const uint8_t *p, size_t n)
{
	assert_int_equal(inspect_packet(in, p, n), 0);
}

static bool is_icmp_sum_right(const uint8_t *p, size_t n)
{
	if (p[0] >> 4 == 4)
		return made_sum(p + 20, n - 20, 0) == 0xffff;
	return made_sum(p + 40, n - 40,
	                (uint32_t)made_sum(p + 8, 32, 0) + 58 + (uint32_t)(n - 40)) == 0xffff;
}

static void the_sender_learns_the_size_for_its_flow(void **state)
{
	const struct made *large[] = { &large4, &large6 };
	const size_t lengths[] = { 576, 1280 };

	for (unsigned i = 0; i < 2; i++) {
		unsigned header = i ? 40 : 20;
		uint8_t p[1600], out[ICMP_ANSWER_MAX];
		struct inspection of, in;
		size_t n = made_write(large[i], p);

		inspect(&of, p, n);
		n = icmp_too_big(out, &of, p, 1437, router);
		assert_int_equal(n, lengths[i]);
		assert_true(made_is_right(out, n));
		assert_true(is_icmp_sum_right(out, n));
		assert_memory_equal(out + header + 8, p, n - header - 8);
		assert_int_equal(out[header], i ? 2 : 3);
		assert_int_equal(out[header + 1], i ? 0 : 4);
		assert_int_equal(out[header + 6] << 8 | out[header + 7], 1437);
		assert_int_equal(out[header + 4] << 8 | out[header + 5], 0);
		inspect(&in, out, n);
		assert_true(in.is_error);
		assert_memory_equal(in.src, router, i ? 16 : 4);
		assert_memory_equal(in.dst, of.src, 16);
		inspect_turn(&of.key, &of.key);
		assert_memory_equal(&in.key, &of.key, sizeof(in.key));
		/* And such an answer is not answered. */
		assert_int_equal(icmp_too_big(p, &in, out, 1000, router), 0);
	}
}

static void a_network_that_cannot_be_reached(void **state)
{
	struct made m = large6;
	uint8_t p[1600], out[ICMP_ANSWER_MAX];
	struct inspection in;
	size_t n;

	m.payload = 10;
	inspect(&in, p, made_write(&m, p));
	n = icmp_unreachable(out, &in, p, router);
	assert_int_equal(n, 40 + 8 + in.len);
	assert_int_equal(out[40] << 8 | out[41], 1 << 8);
	assert_true(is_icmp_sum_right(out, n));
}

static void some_are_never_answered(void **state)
{
	uint8_t p[1600], out[ICMP_ANSWER_MAX];
	struct inspection in;
	size_t n = made_write(&large4, p);
	/* The byte, what it becomes, and whether there is an answer then. */
	static const struct {
		uint8_t at, value;
		bool is_answered;
	} cases[] = {
		{ 16, 224, false }, { 16, 255, false }, { 12, 224, false }, { 12, 0, false },
		{ 12, 127, false }, { 7, 1, false },    { 6, 0x20, true },  { 12, 10, true },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t before = p[cases[i].at];
		p[cases[i].at] = cases[i].value;
		inspect(&in, p, n);
		assert_int_equal(icmp_too_big(out, &in, p, 1400, router) > 0,
		                 cases[i].is_answered);
		p[cases[i].at] = before;
	}
	n = made_write(&large6, p);
	p[24] = 0xff;
	inspect(&in, p, n);
	assert_int_equal(icmp_too_big(out, &in, p, 1400, router), 0);
	n = made_write(&large6, p);
	memset(p + 8, 0, 16); /* a host that has no address yet */
	inspect(&in, p, n);
	assert_int_equal(icmp_too_big(out, &in, p, 1400, router), 0);
}

static void a_host_gets_ten_in_a_second(void **state)
{
	struct icmp_limit limit = { { 0 } };
	struct inspection in, other;
	uint64_t now = 1000000;
	unsigned n = 0, k = 0;
	struct made m = large4;
	uint8_t p[1600];

	inspect(&in, p, made_write(&m, p));
	m.host = 8;
	inspect(&other, p, made_write(&m, p));
	for (unsigned i = 0; i < 100; i++)
		n += icmp_may(&limit, &in, now);
	assert_int_equal(n, 10);
	assert_true(icmp_may(&limit, &other, now));
	for (unsigned i = 0; i < 10000; i++, now += 1000)
		k += icmp_may(&limit, &in, now);
	assert_in_range(k, 98, 102);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sender_learns_the_size_for_its_flow),
		cmocka_unit_test(a_network_that_cannot_be_reached),
		cmocka_unit_test(some_are_never_answered),
		cmocka_unit_test(a_host_gets_ten_in_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
