/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what is concluded of IPv6, from whom connections reached.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/reach.h"

#define SECOND UINT64_C(1000000)

static struct addr to(unsigned net, unsigned host)
{
	struct addr a = { .family = AF_INET6, .port = 443,
		.ip = { 0x20, 0x01, 0x0d, 0xb8 } };

	a.ip[5] = (uint8_t)net;
	a.ip[15] = (uint8_t)host;
	return a;
}

static void silent(struct reach *r, unsigned net, uint64_t now)
{
	struct addr a = to(net, 1);

	reach_note(r, &a, false, now);
}

static void answered(struct reach *r, unsigned net, uint64_t now)
{
	struct addr a = to(net, 1);

	reach_note(r, &a, true, now);
}

static void many_nets_and_no_answer(void **state)
{
	struct reach r;

	reach_init(&r);
	for (unsigned net = 1; net < REACH_NETS; net++)
		silent(&r, net, net * SECOND);
	assert_false(r.broken);
	silent(&r, REACH_NETS, 9 * SECOND);
	assert_true(r.broken);
	assert_int_equal(r.probe_us, 9 * SECOND + REACH_PAUSE_MIN_US);
}

/* A net that is down, whichever of its hosts are asked, and how often. */
static void one_net_says_nothing(void **state)
{
	struct reach r;

	reach_init(&r);
	for (unsigned host = 1; host < 200; host++) {
		struct addr a = to(1, host);
		reach_note(&r, &a, false, host * SECOND);
	}
	assert_false(r.broken);
	assert_int_equal(r.silent_count, 1);
}

static void ipv4_says_nothing_of_it(void **state)
{
	struct addr a = { .family = AF_INET };
	struct reach r;

	reach_init(&r);
	for (uint8_t i = 1; i < 100; i++) {
		a.ip[0] = i;
		reach_note(&r, &a, false, SECOND);
	}
	assert_int_equal(r.silent_count, 0);
}

/* Dead peers among living ones, as a file-sharing program knows them. */
static void one_that_answers_is_enough(void **state)
{
	struct reach r;

	reach_init(&r);
	for (unsigned net = 1; net < 200; net++) {
		silent(&r, net, net * SECOND);
		if (net % (REACH_NETS - 1) == 0)
			answered(&r, 250, net * SECOND);
		assert_false(r.broken);
	}
}

static void silence_of_long_ago_does_not_count(void **state)
{
	struct reach r;

	reach_init(&r);
	for (unsigned net = 1; net < 20; net++)
		silent(&r, net, net * (REACH_FORGET_US + 1));
	assert_false(r.broken);
}

/* Only dead peers: who answered before is asked before it is believed. */
static void who_answered_before_has_a_say(void **state)
{
	struct addr a, good = to(77, 1);
	struct reach r;

	reach_init(&r);
	answered(&r, 77, SECOND);
	for (unsigned net = 1; net <= REACH_NETS; net++)
		silent(&r, net, 2 * SECOND);
	assert_false(r.broken);
	assert_int_equal(r.probe_us, 2 * SECOND);
	reach_probe(&r, &a);
	assert_true(addr_equal(&a, &good));
	assert_int_equal(r.probe_us, UINT64_MAX); /* one at a time */
	reach_probed(&r, true, 3 * SECOND);
	assert_false(r.broken);
	assert_int_equal(r.silent_count, 0);

	for (unsigned net = 1; net <= REACH_NETS; net++)
		silent(&r, net, 4 * SECOND);
	reach_probe(&r, &a);
	reach_probed(&r, false, 5 * SECOND);
	assert_true(r.broken);
}

/* With pauses that grow; all take turns, who answered before among them. */
static void it_is_tried_again(void **state)
{
	struct addr a, good = to(77, 1);
	uint64_t pause = REACH_PAUSE_MIN_US, now = SECOND;
	unsigned of_good = 0, of_first = 0;
	struct addr first = to(1, 1);
	struct reach r;

	reach_init(&r);
	answered(&r, 77, SECOND);
	for (unsigned net = 1; net <= REACH_NETS; net++)
		silent(&r, net, now);
	reach_probe(&r, &a);
	reach_probed(&r, false, now);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(r.probe_us, now + pause);
		now = r.probe_us;
		reach_probe(&r, &a);
		of_good += addr_equal(&a, &good);
		of_first += addr_equal(&a, &first);
		reach_probed(&r, false, now);
		pause = pause * 2 < REACH_PAUSE_MAX_US ? pause * 2
		                                       : REACH_PAUSE_MAX_US;
	}
	assert_int_equal(of_good, 4);
	assert_int_equal(of_first, 4);
	assert_true(r.broken);
	reach_probe(&r, &a);
	reach_probed(&r, true, now);
	assert_false(r.broken);
	assert_int_equal(r.pause_us, REACH_PAUSE_MIN_US);
	assert_int_equal(r.probe_us, UINT64_MAX);
}

/* A name's connection, which tries IPv6 all the same. */
static void an_answer_mends_it_at_once(void **state)
{
	struct reach r;

	reach_init(&r);
	for (unsigned net = 1; net <= REACH_NETS; net++)
		silent(&r, net, SECOND);
	assert_true(r.broken);
	answered(&r, 5, 2 * SECOND);
	assert_false(r.broken);
	reach_probed(&r, false, 3 * SECOND); /* of a probe that was on its way */
	assert_false(r.broken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_nets_and_no_answer),
		cmocka_unit_test(one_net_says_nothing),
		cmocka_unit_test(ipv4_says_nothing_of_it),
		cmocka_unit_test(one_that_answers_is_enough),
		cmocka_unit_test(silence_of_long_ago_does_not_count),
		cmocka_unit_test(who_answered_before_has_a_say),
		cmocka_unit_test(it_is_tried_again),
		cmocka_unit_test(an_answer_mends_it_at_once),
	};

	return cmocka_run_group_tests_name("proxy/reach", tests, NULL, NULL);
}
