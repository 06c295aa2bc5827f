/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the search for a path's MTU, against paths of every size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/transport/mtu.h"

#define RTT_US 40000u

static struct mtu m;
static uint64_t now_us;
static unsigned probes;
static uint64_t sent_bytes;

/* Lets it probe for so long; what is not longer than `real` is answered. */
static void run(uint16_t real, uint64_t us, bool busy)
{
	uint64_t end_us = now_us + us, at;

	while ((at = mtu_due_us(&m, RTT_US, busy)) <= end_us) {
		if (at > now_us)
			now_us = at;
		uint16_t bytes = mtu_probe(&m, RTT_US, busy, now_us);
		if (!bytes)
			continue;
		probes++;
		sent_bytes += bytes;
		if (bytes > real)
			continue;
		now_us += RTT_US;
		mtu_passed(&m, bytes, now_us);
	}
	now_us = end_us;
}

static void begin(void)
{
	mtu_init(&m);
	now_us = 1000000;
	probes = 0;
	sent_bytes = 0;
}

static void most_paths_take_one_probe(void **state)
{
	begin();
	assert_int_equal(mtu_bytes(&m), MTU_BASE);
	assert_false(mtu_is_settled(&m));
	run(1500, RTT_US, false);
	assert_int_equal(mtu_bytes(&m), 1500);
	assert_true(mtu_is_settled(&m));
	assert_int_equal(probes, 1);
	run(1500, 3600000000u, true); /* and nothing more is to be found */
	assert_int_equal(probes, 1);
}

/* The largest of the sizes that passes, within 3 s. */
static void any_size_is_found(void **state)
{
	static const uint16_t sizes[] = { 1200, 1280, 1320, 1360, 1400, 1420, 1440, 1460, 1472,
	                                  1480, 1492, 1500 };

	for (uint16_t real = 1200; real <= 1500; real++) {
		uint16_t want = 0;
		for (unsigned i = 0; i < 12; i++)
			want = sizes[i] <= real ? sizes[i] : want;
		begin();
		run(real, 3000000, false);
		assert_int_equal(mtu_bytes(&m), want);
		assert_true(mtu_is_settled(&m));
		assert_true(probes <= 13);
	}
}

/* Less than the base: it stays, as nothing shorter is ever announced. */
static void the_base_is_taken_to_pass(void **state)
{
	begin();
	run(1000, 10000000, false);
	assert_int_equal(mtu_bytes(&m), MTU_BASE);
	assert_true(mtu_is_settled(&m));
}

static void it_may_grow_while_it_is_used(void **state)
{
	begin();
	run(1400, 3000000, false);
	unsigned before = probes;
	run(1500, 700000000u, false);
	assert_int_equal(probes, before);
	run(1500, 700000000u, true);
	assert_int_equal(mtu_bytes(&m), 1500);
}

/* A black hole: the base holds after three probes, and then what there is. */
static void what_shrinks_is_noticed(void **state)
{
	begin();
	run(1500, 1000000, true);
	mtu_doubt(&m);
	assert_int_equal(mtu_bytes(&m), 1500);
	run(1420, 3 * 3 * RTT_US, true);
	assert_true(mtu_bytes(&m) < 1420 + 1);
	run(1420, 3000000, true);
	assert_int_equal(mtu_bytes(&m), 1420);
}

static void a_burst_of_loss_is_no_black_hole(void **state)
{
	begin();
	run(1500, 1000000, true);
	mtu_doubt(&m);
	mtu_doubt(&m);
	run(1500, RTT_US, true);
	assert_int_equal(mtu_bytes(&m), 1500);
	assert_true(mtu_is_settled(&m));
	assert_int_equal(probes, 2);
}

static void a_late_answer_to_another_probe_is_none(void **state)
{
	begin();
	assert_int_equal(mtu_probe(&m, RTT_US, false, now_us), 1500);
	assert_int_equal(mtu_probe(&m, RTT_US, false, now_us), 0); /* one at a time */
	assert_false(mtu_passed(&m, 1400, now_us));
	assert_true(mtu_passed(&m, 1500, now_us));
	assert_false(mtu_passed(&m, 1500, now_us));
	mtu_init(&m);
	mtu_doubt(&m); /* of the base */
	assert_false(m.doubted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(most_paths_take_one_probe),
		cmocka_unit_test(any_size_is_found),
		cmocka_unit_test(the_base_is_taken_to_pass),
		cmocka_unit_test(it_may_grow_while_it_is_used),
		cmocka_unit_test(what_shrinks_is_noticed),
		cmocka_unit_test(a_burst_of_loss_is_no_black_hole),
		cmocka_unit_test(a_late_answer_to_another_probe_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
