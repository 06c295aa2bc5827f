/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: advice: it follows what the simulation shows, says so, and costs what
 * it may.
 */
#include "scheduler/sim/advise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MBIT (1000000 / 8)

struct fixture {
	struct advise_question q;
	struct advise_result r, again;
	struct conf_error error;
};

static void add_link(struct fixture *f, const char *name, uint64_t rtt_ms,
                     uint64_t down_mbit, uint64_t up_mbit)
{
	struct advise_link *link = &f->q.links[f->q.link_count++];

	strcpy(link->name, name);
	link->min_rtt_us = rtt_ms * 1000;
	link->srtt_us = rtt_ms * 1000 + 500;
	link->rttvar_us = 400;
	link->down_bps = down_mbit * MBIT;
	link->up_bps = up_mbit * MBIT;
}

static void run_now(struct fixture *f, const char *scheduler)
{
	struct advise_policy *present = &f->q.present;

	for (int c = 0; c < STREAM_CLASS_COUNT; c++)
		present->scheduler[c] = sched_find(scheduler);
	present->order = order_find(present->scheduler[0]->order);
	present->reinjection = REINJECT_SUSPECT;
	strcpy(f->q.congestion, "bbr");
}

static void ask(struct fixture *f)
{
	f->error.text[0] = '\0';
	if (advise(&f->q, &f->r, &f->error))
		fail_msg("%s", f->error.text);
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void add_s3(struct fixture *f)
{
	add_link(f, "dsl", 20, 30, 8);
	add_link(f, "lte", 50, 60, 20);
	add_link(f, "sat", 600, 20, 4);
	f->q.links[1].srtt_us = 58000;
	f->q.links[1].rttvar_us = 3000;
	f->q.links[1].loss_ppm = 2000;
	f->q.links[2].loss_ppm = 1000;
}

static double figure(const struct fixture *f, unsigned candidate,
                     enum advise_load load)
{
	return f->r.candidates[candidate].figure[load].value;
}

static void pick_is_the_best_that_was_run(void **state)
{
	struct fixture *f = *state;

	add_s3(f);
	run_now(f, "roundrobin");
	ask(f);
	assert_true(f->r.pick > 0);
	for (unsigned i = 0; i < f->r.count; i++)
		assert_true(f->r.candidates[i].score <=
		            f->r.candidates[f->r.pick].score);
	/* A satellite in turn costs a page its round trips. */
	unsigned best = f->r.best[ADVISE_PAGE];
	assert_true(figure(f, best, ADVISE_PAGE) <
	            figure(f, 0, ADVISE_PAGE) / 2);
	for (unsigned i = 0; i < f->r.count; i++)
		assert_false(figure(f, i, ADVISE_PAGE) <
		             figure(f, best, ADVISE_PAGE));
	assert_true(figure(f, f->r.best[ADVISE_CALL], ADVISE_CALL) < 300);
}

static void who_runs_the_pick_may_keep_it(void **state)
{
	struct fixture *f = *state;

	add_link(f, "dsl", 10, 10, 5);
	add_link(f, "sat", 200, 5, 1);
	run_now(f, "roundrobin");
	ask(f);
	assert_true(f->r.pick > 0);
	f->q.present = f->r.candidates[f->r.pick].policy;
	ask(f);
	assert_int_equal(f->r.pick, 0);
	assert_true(f->r.candidates[0].score == 1);
}

static void every_scheduler_is_run_once(void **state)
{
	struct fixture *f = *state;

	add_link(f, "dsl", 10, 50, 20);
	add_link(f, "lte", 60, 20, 0);
	run_now(f, "ecf");
	ask(f);
	for (size_t i = 0; i < sched_count; i++) {
		unsigned runs = 0;
		for (unsigned c = 0; c < f->r.count; c++)
			runs += f->r.candidates[c].policy.scheduler[0] ==
			        sched_all[i];
		assert_true(runs >= 1);
	}
	for (unsigned a = 0; a < f->r.count; a++)
		for (unsigned b = 0; b < a; b++)
			assert_false(advise_policy_equal(
				&f->r.candidates[a].policy,
				&f->r.candidates[b].policy));
	assert_false(f->r.cut);
	/* 70 Mbit/s of frames come as 65 of payload, nearly. */
	assert_in_range((int)figure(f, 0, ADVISE_BULK), 50, 70);
}

static void same_question_same_advice(void **state)
{
	struct fixture *f = *state;

	add_link(f, "dsl", 10, 20, 5);
	add_link(f, "lte", 60, 10, 5);
	run_now(f, "lowrtt");
	ask(f);
	f->again = f->r;
	ask(f);
	assert_int_equal(f->again.events, f->r.events);
	assert_int_equal(f->again.pick, f->r.pick);
	for (int i = 0; i < ADVISE_LOAD_COUNT; i++) {
		assert_string_equal(f->again.why[i], f->r.why[i]);
		for (unsigned c = 0; c < f->r.count; c++)
			assert_memory_equal(&f->again.candidates[c].figure[i],
			                    &f->r.candidates[c].figure[i],
			                    sizeof(struct advise_figure));
	}
}

static void equal_links_make_no_difference_to_bulk(void **state)
{
	struct fixture *f = *state;

	add_link(f, "a", 20, 20, 20);
	add_link(f, "b", 20, 20, 20);
	run_now(f, "ecf");
	ask(f);
	assert_int_equal(f->r.best[ADVISE_BULK], 0);
	assert_int_equal(f->r.best[ADVISE_VIDEO], 0);
	assert_non_null(strstr(f->r.why[ADVISE_BULK], "no difference"));
}

static void one_link_leaves_no_choice(void **state)
{
	struct fixture *f = *state;

	add_link(f, "a", 20, 20, 20);
	run_now(f, "ecf");
	ask(f);
	assert_int_equal(f->r.best[ADVISE_BULK], 0);
	assert_non_null(strstr(f->r.why[ADVISE_BULK], "one uplink"));
}

static void fast_links_cost_no_more_than_they_may(void **state)
{
	struct fixture *f = *state;

	add_link(f, "fibre", 4, 1000, 500);
	add_link(f, "cable", 20, 1000, 50);
	run_now(f, "ecf");
	ask(f);
	/* What was begun is ended, be it over. */
	assert_in_range(f->r.events, 1, 2 * ADVISE_EVENTS_MAX);
	assert_true(figure(f, 0, ADVISE_BULK) > 1000);
}

static void two_schedulers_run_side_by_side(void **state)
{
	struct fixture *f = *state;

	add_link(f, "dsl", 10, 10, 5);
	add_link(f, "lte", 30, 5, 5);
	add_link(f, "sat", 200, 5, 1);
	run_now(f, "ecf");
	f->q.present.scheduler[STREAM_BULK] = sched_find("roundrobin");
	ask(f);
	const struct advise_policy *all = &f->r.candidates[0].policy;
	assert_string_equal(all->scheduler[STREAM_BULK]->name, "roundrobin");
	for (unsigned c = 1; c < f->r.count; c++) {
		const struct advise_candidate *one = &f->r.candidates[c];
		if (one->policy.scheduler[STREAM_BULK] == sched_find("ecf") &&
		    one->policy.order == all->order)
			assert_true(one->figure[ADVISE_BULK].share[2] !=
			            f->r.candidates[0].figure[ADVISE_BULK].share[2]);
	}
}

static void what_cannot_be_simulated_is_said(void **state)
{
	struct fixture *f = *state;

	add_link(f, "a", 20, 20, 20);
	add_link(f, "a", 20, 20, 20);
	run_now(f, "ecf");
	assert_int_not_equal(advise(&f->q, &f->r, &f->error), 0);
	assert_non_null(strstr(f->error.text, "'a' is there twice"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pick_is_the_best_that_was_run),
		TEST(who_runs_the_pick_may_keep_it),
		TEST(every_scheduler_is_run_once),
		TEST(same_question_same_advice),
		TEST(equal_links_make_no_difference_to_bulk),
		TEST(one_link_leaves_no_choice),
		TEST(fast_links_cost_no_more_than_they_may),
		TEST(two_schedulers_run_side_by_side),
		TEST(what_cannot_be_simulated_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
