/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: weighted: what share of the bytes each path gets, by its rate, whatever
 * the pieces' sizes, and while paths come and go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"
#include "scheduler/scheduler.h"

#include <string.h>

#define PATHS 3
#define PIECE 10000u

struct subject {
	uint64_t instance[SCHED_INSTANCE_BYTES_MAX / sizeof(uint64_t)];
	struct sched_path paths[PATHS];
	uint64_t bytes[PATHS]; /* by place in paths */
	uint32_t tried;
};

static void begin(struct subject *s, uint64_t a, uint64_t b, uint64_t c)
{
	*s = (struct subject){ .paths = {
		{ .id = 5, .rate_bps = a, .room_bytes = 1 << 20 },
		{ .id = 0, .rate_bps = b, .room_bytes = 1 << 20 },
		{ .id = 7, .rate_bps = c, .room_bytes = 1 << 20 },
	} };
}

/* -1: nothing could be sent. */
static int send(struct subject *s, uint64_t bytes)
{
	const struct sched_ops *weighted = sched_find("weighted");
	struct sched_unit unit = { .len_bytes = 16384, .tried_mask = s->tried };
	struct sched_view view = { 1000, s->paths, PATHS, &unit };
	struct sched_event sent = { .type = SCHED_EV_SENT, .bytes = bytes };
	struct sched_decision got;

	weighted->pick(s->instance, NULL, &view, &got);
	if (got.verdict != SCHED_SEND)
		return -1;
	int path = __builtin_ctz(got.mask);
	sent.path = s->paths[path].id;
	weighted->event(s->instance, &sent);
	s->bytes[path] += bytes;
	return path;
}

static void send_many(struct subject *s, int pieces)
{
	memset(s->bytes, 0, sizeof(s->bytes));
	for (int i = 0; i < pieces; i++)
		assert_true(send(s, PIECE) >= 0);
}

static void assert_pieces(const struct subject *s, int a, int b, int c)
{
	const int want[PATHS] = { a, b, c };

	for (int i = 0; i < PATHS; i++)
		assert_in_range(s->bytes[i] / PIECE, want[i] ? want[i] - 1 : 0,
		                want[i] + 1);
}

static void test_rates(void **state)
{
	struct subject s;

	begin(&s, 1000000, 1000000, 1000000);
	send_many(&s, 300);
	assert_pieces(&s, 100, 100, 100);
	begin(&s, 600000, 300000, 100000);
	send_many(&s, 1000);
	assert_pieces(&s, 600, 300, 100);
	s.paths[0].rate_bps = 100000; /* from now on */
	send_many(&s, 1000);
	assert_pieces(&s, 200, 600, 200);
}

/* Smooth: of rates 3 and 1, never more than three in a row. */
static void test_smooth(void **state)
{
	struct subject s;
	int row = 0;

	begin(&s, 300000, 100000, 100000);
	s.paths[2].state = SCHED_PATH_DOWN;
	for (int i = 0; i < 200; i++) {
		row = send(&s, PIECE) == 0 ? row + 1 : 0;
		assert_true(row <= 4);
	}
}

/* Bytes are shared, not pieces: those of the fast path are larger. */
static void test_sizes(void **state)
{
	struct subject s;
	struct rand r = { 3 };

	begin(&s, 800000, 200000, 0);
	s.paths[2].state = SCHED_PATH_SUSPECT;
	for (int i = 0; i < 20000; i++)
		send(&s, 1 + rand_below(&r, 16384));
	assert_in_range(s.bytes[0] * 1000 / (s.bytes[0] + s.bytes[1]), 798, 802);
	assert_int_equal(s.bytes[2], 0);
}

static void test_unknown_rate(void **state)
{
	struct subject s;

	begin(&s, 0, 0, 0);
	s.paths[0].cwnd_bytes = 40000; /* a window a round trip: 2 MB/s */
	s.paths[0].srtt_us = 20000;
	s.paths[1].cwnd_bytes = 10000; /* 500,000 bytes/s */
	s.paths[1].srtt_us = 20000;
	send_many(&s, 210);            /* the third: 1 Mbit/s */
	assert_pieces(&s, 160, 40, 10);
}

/* Who was away has its share from then on, and no more. */
static void test_comes_back(void **state)
{
	struct subject s;

	begin(&s, 100000, 100000, 100000);
	s.paths[1].room_bytes = 0;
	send_many(&s, 100);
	assert_pieces(&s, 50, 0, 50);
	s.paths[1].room_bytes = 1 << 20;
	send_many(&s, 30);
	assert_pieces(&s, 10, 10, 10);
}

static void test_rules(void **state)
{
	struct subject s;

	begin(&s, 100000, 100000, 100000);
	s.tried = 1;
	s.paths[1].path_class = SCHED_CLASS_METERED;
	send_many(&s, 10);
	assert_pieces(&s, 0, 0, 10);
	s.paths[2].room_bytes = 0;
	send_many(&s, 10);
	assert_pieces(&s, 0, 10, 0);
	s.paths[1].path_class = SCHED_CLASS_BACKUP;
	assert_int_equal(send(&s, PIECE), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_smooth),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_unknown_rate),
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests_name("scheduler/weighted", tests, NULL, NULL);
}
