/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the emulator's core under virtual time: its rate is exact whoever
 * wakes up late, its queue has its length, losses have their mean, order is
 * kept, a cut loses everything; and the commands say what they do not take.
 */
#include "tests/lab/linkem_ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAME_LEN 1514
#define FRAME_BITS (1518 * 8)
#define MS 1000000u
#define SECOND (1000 * MS)
#define SEED 7

static const uint8_t frame[FRAME_LEN];

static const struct shaper_config dsl = {
	.rate_bits = 50000000, .delay_ns = 5 * MS, .queue_ns = 100 * MS,
};

static unsigned take_due(struct shaper *s, uint64_t now_ns)
{
	struct shaper_packet *p;
	unsigned n = 0;

	for (; (p = shaper_pop(s, now_ns)); n++)
		free(p);
	return n;
}

/* Offers a frame each interval, and looks only every wake_ns. */
static unsigned carried(struct shaper *s, uint64_t interval_ns, uint64_t wake_ns)
{
	unsigned n = 0;

	for (uint64_t t = 0, wake = 0; t < 2 * SECOND; t += interval_ns) {
		shaper_push(s, frame, FRAME_LEN, t);
		if (t >= wake) {
			n += take_due(s, t);
			wake += wake_ns;
		}
	}
	return n;
}

static void test_rate_is_exact_for_late_wakers(void **state)
{
	static const uint64_t wakes_ns[] = { 1000, MS, 17 * MS };
	double expected = 2.0 * 50000000 / FRAME_BITS;

	for (size_t i = 0; i < sizeof(wakes_ns) / sizeof(wakes_ns[0]); i++) {
		struct shaper s;
		double n;

		shaper_init(&s, &dsl, SEED);
		n = carried(&s, 100000, wakes_ns[i]);
		assert_true(n > expected * 0.985 && n <= expected);
		assert_true(s.counters.dropped_queue > 0);
		shaper_finish(&s);
	}
}

static void test_lone_frame_takes_line_and_delay(void **state)
{
	uint64_t due = MS + FRAME_BITS * 1000ull / 50 + 5 * MS;
	struct shaper s;

	shaper_init(&s, &dsl, SEED);
	assert_true(shaper_next_ns(&s) == UINT64_MAX);
	shaper_push(&s, frame, FRAME_LEN, MS);
	assert_true(shaper_next_ns(&s) == due);
	assert_int_equal(take_due(&s, due - 1), 0);
	assert_int_equal(take_due(&s, due), 1);
	shaper_finish(&s);
}

static void test_queue_has_its_length(void **state)
{
	unsigned fit = (unsigned)(50000000 / 8 / 10 / 1518);
	struct shaper s;

	shaper_init(&s, &dsl, SEED);
	for (unsigned i = 0; i < 2 * fit; i++)
		shaper_push(&s, frame, FRAME_LEN, 0);
	assert_int_equal(s.counters.dropped_queue, fit);
	assert_int_equal(take_due(&s, SECOND), fit);
	shaper_finish(&s);
}

static void test_small_frames_are_padded_on_the_line(void **state)
{
	struct shaper s;

	shaper_init(&s, &dsl, SEED);
	shaper_push(&s, frame, 42, 0);
	assert_int_equal(s.queued_bytes, SHAPER_FRAME_MIN);
	shaper_finish(&s);
}

static void assert_loss(uint32_t burst, double runs_per_loss_min,
                        double runs_per_loss_max)
{
	struct shaper_config c = { .loss_ppm = 20000, .burst = burst };
	unsigned lost_before = 0, runs = 0, n = 200000;
	bool losing = false;
	struct shaper s;
	double lost;

	shaper_init(&s, &c, SEED);
	for (unsigned i = 1; i <= n; i++) {
		shaper_push(&s, frame, 60, i);
		take_due(&s, i);
		runs += s.counters.dropped_loss > lost_before && !losing;
		losing = s.counters.dropped_loss > lost_before;
		lost_before = (unsigned)s.counters.dropped_loss;
	}
	lost = (double)s.counters.dropped_loss;
	assert_true(lost > 0.017 * n && lost < 0.023 * n);
	assert_true(runs / lost > runs_per_loss_min && runs / lost < runs_per_loss_max);
	shaper_finish(&s);
}

static void test_loss_at_random(void **state)
{
	assert_loss(1, 0.95, 1.0);
}

static void test_loss_in_bursts(void **state)
{
	assert_loss(8, 0.1, 0.15);
}

static void test_jitter_keeps_order(void **state)
{
	struct shaper_config c = dsl;
	struct shaper_packet *p;
	uint64_t before = 0, longest = 0;
	struct shaper s;

	c.jitter_ns = 8 * MS;
	shaper_init(&s, &c, SEED);
	for (uint64_t t = 0; t < SECOND; t += 2 * MS) {
		shaper_push(&s, &t, sizeof(t), t);
		while ((p = shaper_pop(&s, t))) {
			uint64_t sent;

			memcpy(&sent, p->frame, sizeof(sent));
			assert_true(sent == 0 || sent == before + 2 * MS);
			assert_true(p->due_ns >= sent + 5 * MS);
			assert_true(p->due_ns <= sent + 14 * MS);
			longest = p->due_ns - sent > longest ? p->due_ns - sent : longest;
			before = sent;
			free(p);
		}
	}
	assert_true(longest > 10 * MS);
	shaper_finish(&s);
}

static void test_cut_loses_all_and_restores(void **state)
{
	struct shaper_config c = dsl;
	struct shaper s;

	shaper_init(&s, &c, SEED);
	for (unsigned i = 0; i < 10; i++)
		shaper_push(&s, frame, FRAME_LEN, 0);
	c.cut = true;
	shaper_configure(&s, &c, MS);
	shaper_push(&s, frame, FRAME_LEN, 2 * MS);
	assert_int_equal(take_due(&s, SECOND), 0);
	assert_int_equal(s.counters.dropped_cut, 11);
	c.cut = false;
	shaper_configure(&s, &c, SECOND);
	shaper_push(&s, frame, FRAME_LEN, SECOND);
	assert_int_equal(take_due(&s, 2ull * SECOND), 1);
	shaper_finish(&s);
}

static void test_rate_changes_under_load(void **state)
{
	struct shaper_config c = dsl;
	double expected = 25000000.0 / FRAME_BITS;
	struct shaper s;
	double n;

	shaper_init(&s, &c, SEED);
	for (uint64_t t = 0; t < SECOND; t += 200000) {
		shaper_push(&s, frame, FRAME_LEN, t);
		take_due(&s, t);
	}
	c.rate_bits /= 2;
	shaper_configure(&s, &c, SECOND);
	n = 0;
	for (uint64_t t = SECOND; t < 2ull * SECOND; t += 200000) {
		shaper_push(&s, frame, FRAME_LEN, t);
		n += take_due(&s, t);
	}
	assert_true(n > 0.97 * expected && n < 1.03 * expected);
	shaper_finish(&s);
}

static int note_carrier(void *ctx, unsigned link, bool up)
{
	*(int *)ctx = up ? 1 : 0;
	return 0;
}

static void run(const struct linkem_ctl *ctl, const char *command, char *answer)
{
	char text[LINKEM_COMMAND_MAX];

	strcpy(text, command);
	linkem_ctl_run(ctl, text, 0, answer);
}

static void test_commands(void **state)
{
	static const struct {
		const char *command, *answer; /* how it starts */
	} rows[] = {
		{ "", "error: '' is no command" },
		{ "boil dsl", "error: 'boil' is no command; there are:\n  show" },
		{ "set", "error: no link ''; there are: dsl lte" },
		{ "cut cable", "error: no link 'cable'; there are: dsl lte" },
		{ "set dsl", "error: set LINK [down|up] KEY=VALUE ...; keys: rate" },
		{ "set dsl down", "error: set LINK" },
		{ "set dsl speed=3", "error: 'speed=3' is not KEY=VALUE; keys: rate" },
		{ "set dsl rate=-1", "error: rate: 0 to 10000 Mbit/s" },
		{ "set dsl rate=nan", "error: rate: 0 to 10000" },
		{ "set dsl rate=5x", "error: rate: 0 to 10000" },
		{ "set dsl delay=3 loss=101", "error: loss: 0 to 100 percent" },
		{ "carrier dsl", "error: carrier LINK up|down" },
		{ "set dsl down rate=30 loss=0.1 queue=50", "ok\n" },
		{ "set lte delay=7.5", "ok\n" },
		{ "cut lte", "ok\n" },
		{ "carrier dsl down", "ok\n" },
	};
	struct link links[2] = { { .name = "dsl" }, { .name = "lte" } };
	int carrier = -1;
	struct linkem_ctl ctl = { links, 2, note_carrier, &carrier };
	char answer[LINKEM_ANSWER_MAX];

	for (unsigned i = 0; i < 4; i++)
		shaper_init(&links[i / 2].dir[i % 2], &dsl, SEED);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run(&ctl, rows[i].command, answer);
		assert_memory_equal(answer, rows[i].answer, strlen(rows[i].answer));
	}
	assert_int_equal(links[0].dir[LINK_DOWN].config.rate_bits, 30000000);
	assert_int_equal(links[0].dir[LINK_DOWN].config.loss_ppm, 1000);
	assert_int_equal(links[0].dir[LINK_DOWN].config.delay_ns, 5 * MS);
	assert_int_equal(links[0].dir[LINK_UP].config.rate_bits, 50000000);
	assert_int_equal(links[1].dir[LINK_UP].config.delay_ns, 7500000);
	assert_true(links[1].dir[LINK_UP].config.cut);
	assert_int_equal(carrier, 0);
	run(&ctl, "show", answer);
	assert_non_null(strstr(answer, "dsl down rate=30 delay=5 jitter=0 loss=0.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_is_exact_for_late_wakers),
		cmocka_unit_test(test_lone_frame_takes_line_and_delay),
		cmocka_unit_test(test_queue_has_its_length),
		cmocka_unit_test(test_small_frames_are_padded_on_the_line),
		cmocka_unit_test(test_loss_at_random),
		cmocka_unit_test(test_loss_in_bursts),
		cmocka_unit_test(test_jitter_keeps_order),
		cmocka_unit_test(test_cut_loses_all_and_restores),
		cmocka_unit_test(test_rate_changes_under_load),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
