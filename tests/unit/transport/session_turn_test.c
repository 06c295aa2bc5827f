/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a session does at once, and what it keeps for its turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "puppet.h"

#include <string.h>

#define WRITES 10u
#define WRITE_BYTES 10u

static struct puppet p;

static struct puppet_lane *begin(void)
{
	struct puppet_args args = { .opens = true };

	puppet_init(&p, &args);
	return puppet_attach(&p, 0);
}

static void write_some(struct stream *stream)
{
	size_t n;
	uint8_t *to = stream_reserve(stream, &n);

	assert_non_null(to);
	assert_true(n >= WRITE_BYTES);
	memset(to, 'x', WRITE_BYTES);
	stream_commit(stream, WRITE_BYTES);
}

/* One piece, one frame, one look at the clock for it all, and one to go on. */
static void what_comes_together_goes_together(void **state)
{
	struct puppet_lane *l = begin();
	struct reader *r = puppet_open(&p);
	struct wire_frame frame;

	puppet_say_credit(l, 1, 65536);
	while (puppet_hear(l, &frame))
		;
	unsigned flushes = l->flushes, looks = p.clock_reads;
	for (unsigned i = 0; i < WRITES; i++)
		write_some(r->stream);
	assert_true(p.has_work);
	assert_int_equal(l->out.len, 0);
	p.has_work = false;
	session_turn(p.session);
	assert_int_equal(l->flushes, flushes + 1);
	assert_int_equal(p.clock_reads, looks + 2);
	assert_true(puppet_hear_type(l, WIRE_DATA, &frame));
	assert_int_equal(frame.data.len, WRITES * WRITE_BYTES);
	assert_false(puppet_hear_type(l, WIRE_DATA, &frame));
	puppet_finish(&p);
}

static void an_owner_hears_its_end_in_the_turn(void **state)
{
	begin();
	struct reader *r = puppet_open(&p);

	stream_reset(r->stream, STREAM_END_RESET);
	assert_int_equal(r->closed, 0);
	puppet_turn(&p);
	assert_int_equal(r->closed, 1);
	puppet_finish(&p);
}

/* An owner that always has more has it in another turn each time. */
static void a_turn_ends(void **state)
{
	struct puppet_lane *l = begin();
	struct reader *r = puppet_open(&p);

	puppet_say_credit(l, 1, UINT64_C(1) << 40);
	l->full = true;
	puppet_write(r, UINT64_C(1) << 40, false);
	unsigned before = r->writable;
	l->full = false;
	session_writable(l->lane);
	for (unsigned i = 1; i <= 3; i++) {
		p.has_work = false;
		session_turn(p.session);
		assert_true(r->writable - before <= i);
	}
	puppet_finish(&p);
}

static void when_it_is_over_there_are_no_turns(void **state)
{
	struct puppet_lane *l = begin();

	session_close(p.session, "enough");
	assert_string_equal(l->dropped, "enough");
	assert_int_equal(p.over, 0);
	puppet_turn(&p);
	assert_int_equal(p.over, 1);
	session_set_reserve(p.session, 1);
	assert_false(p.has_work);
	assert_int_equal(p.deadline_us, UINT64_MAX);
	puppet_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_together_goes_together),
		cmocka_unit_test(an_owner_hears_its_end_in_the_turn),
		cmocka_unit_test(a_turn_ends),
		cmocka_unit_test(when_it_is_over_there_are_no_turns),
	};

	return cmocka_run_group_tests_name("transport/session_turn", tests, NULL,
	                                   NULL);
}
