/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: daps: the turns of a cycle, and that nothing changes them. Windows are
 * of two pieces; delays of one unit of 4 ms and of three.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/sim/daps.h"

#include <string.h>

#define PIECE 1000u

struct subject {
	uint64_t instance[SCHED_INSTANCE_BYTES_MAX / sizeof(uint64_t)];
	struct sched_path paths[3];
	unsigned count;
	uint32_t tried;
};

static void begin(struct subject *s)
{
	*s = (struct subject){ .count = 2, .paths = {
		{ .id = 2, .srtt_us = 8000, .cwnd_bytes = 2 * PIECE,
		  .room_bytes = 1 << 20 },
		{ .id = 6, .srtt_us = 24000, .cwnd_bytes = 2 * PIECE,
		  .room_bytes = 1 << 20 },
		{ .id = 1, .srtt_us = 8000, .cwnd_bytes = 2 * PIECE,
		  .room_bytes = 1 << 20 },
	} };
}

/* The path: a digit; w and the path: waits for it. */
static void turn(struct subject *s, char *out)
{
	struct sched_unit unit = { .len_bytes = PIECE, .tried_mask = s->tried };
	struct sched_view view = { 5000, s->paths, s->count, &unit };
	struct sched_event sent = { .type = SCHED_EV_SENT, .bytes = PIECE };
	struct sched_decision got;

	sched_daps.pick(s->instance, NULL, &view, &got);
	if (got.verdict != SCHED_SEND) {
		out[0] = 'w';
		out[1] = (char)('0' + got.wait_for);
		return;
	}
	out[0] = (char)('0' + __builtin_ctz(got.mask));
	sent.path = s->paths[__builtin_ctz(got.mask)].id;
	sched_daps.event(s->instance, &sent);
}

static void assert_turns(struct subject *s, const char *want)
{
	char got[64] = { 0 };

	while (strlen(got) < strlen(want))
		turn(s, got + strlen(got));
	assert_string_equal(got, want);
}

static void test_cycle(void **state)
{
	struct subject s;

	begin(&s);
	assert_turns(&s, "000000110000001100000011");
	begin(&s);
	s.paths[0].srtt_us = 16000; /* 2 and 3 units: a cycle of 6 */
	assert_turns(&s, "00110000110011000011");
}

static void test_blind(void **state)
{
	struct subject s;

	begin(&s);
	assert_turns(&s, "00");
	s.paths[0].srtt_us = 400000; /* too late for this cycle */
	s.paths[0].cwnd_bytes = 20 * PIECE;
	s.count = 3;                 /* and so is a new path */
	assert_turns(&s, "000011");
	begin(&s);
	assert_turns(&s, "000000");
	s.paths[1].room_bytes = 0;   /* the other has room: no matter */
	assert_turns(&s, "w1w1w1");
	s.paths[1].room_bytes = 1 << 20;
	assert_turns(&s, "110");
}

static void test_new_cycle(void **state)
{
	struct subject s;

	begin(&s);
	assert_turns(&s, "0000001");
	s.paths[1].srtt_us = 8000;
	s.paths[0].cwnd_bytes = 10 * PIECE; /* 7/8 of 2 and 1/8 of 10 are 3 */
	assert_turns(&s, "1" "00011");
	s.paths[0].cwnd_bytes = 3 * PIECE;
	assert_turns(&s, "00011");
}

/* Who is not up any more loses its turns, and only those. */
static void test_down(void **state)
{
	struct subject s;

	begin(&s);
	assert_turns(&s, "00000");
	s.paths[1].state = SCHED_PATH_SUSPECT;
	assert_turns(&s, "000");
	s.paths[1].state = SCHED_PATH_UP;
	assert_turns(&s, "000000");
	begin(&s);
	s.paths[1].path_class = SCHED_CLASS_METERED;
	s.paths[0].room_bytes = 0;
	assert_turns(&s, "w0");
	s.paths[0].state = SCHED_PATH_DOWN;
	assert_turns(&s, "1111");
}

/* A piece that has gone by the path of the turn goes by another. */
static void test_tried(void **state)
{
	struct subject s;

	begin(&s);
	assert_turns(&s, "0");
	s.tried = 1;
	assert_turns(&s, "11");
	s.tried = 0;
	assert_turns(&s, "0000011");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cycle),
		cmocka_unit_test(test_blind),
		cmocka_unit_test(test_new_cycle),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_tried),
	};

	return cmocka_run_group_tests_name("sim/daps", tests, NULL, NULL);
}
