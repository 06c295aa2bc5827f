/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tun/flow_form.h"

#define START_US 5000000u

/* n packets every gap_us, each second one so much late; the other side is heard
 * or not. When it was real time first; 0: never. */
static uint64_t send(struct flow_form *f, uint64_t *now, unsigned n, uint64_t gap_us,
                     uint64_t late_us, uint32_t bytes, bool heard)
{
	uint64_t first = 0;

	for (unsigned i = 0; i < n; i++) {
		*now += gap_us;
		flow_form_note(f, bytes, *now + (i % 2 ? late_us : 0));
		if (heard)
			flow_form_heard(f, *now);
		if (f->is_realtime && !first)
			first = *now - START_US;
	}
	return first;
}

static uint64_t fresh(unsigned n, uint64_t gap_us, uint64_t late_us, uint32_t bytes,
                      bool heard)
{
	struct flow_form f = { 0 };
	uint64_t now = START_US;

	return send(&f, &now, n, gap_us, late_us, bytes, heard);
}

static void a_call_is_found_within_two_seconds(void **state)
{
	assert_in_range(fresh(500, 20000, 0, 200, true), 1000000, 2000000);
	assert_in_range(fresh(500, 20000, 6000, 172, true), 1000000, 2000000);
	assert_in_range(fresh(500, 16667, 0, 90, true), 1000000, 2000000); /* a game */
}

static void what_is_no_call_is_not_found(void **state)
{
	assert_int_equal(fresh(500, 20000, 0, 200, false), 0);  /* one way */
	assert_int_equal(fresh(5000, 1000, 0, 200, true), 0);   /* too many */
	assert_int_equal(fresh(500, 20000, 0, 1200, true), 0);  /* too large */
	assert_int_equal(fresh(500, 20000, 19000, 200, true), 0); /* uneven */
	assert_int_equal(fresh(500, 100000, 0, 200, true), 0);  /* too few */
	assert_int_equal(fresh(40, 20000, 0, 200, true), 0);    /* too short */
}

static void it_stays_one_through_a_pause_and_not_through_a_load(void **state)
{
	struct flow_form f = { 0 };
	uint64_t now = START_US;

	assert_true(send(&f, &now, 200, 20000, 0, 200, true) > 0);
	now += 5000000;
	send(&f, &now, 10, 20000, 0, 200, true);
	assert_true(f.is_realtime);
	send(&f, &now, 60, 20000, 0, 60, true); /* comfort noise */
	assert_true(f.is_realtime);
	send(&f, &now, 100, 1000, 0, 200, true);
	assert_false(f.is_realtime);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_found_within_two_seconds),
		cmocka_unit_test(what_is_no_call_is_not_found),
		cmocka_unit_test(it_stays_one_through_a_pause_and_not_through_a_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
