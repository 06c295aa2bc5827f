/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/role/home.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MEMORY (16u << 20)
#define LINGER_US 1000000u

/* A role that has a home. */
struct owner {
	struct loop *loop;
	struct home home;
	struct conf conf;
	unsigned over, ended;
	bool restarts;
};

static void decide(void *ctx, const struct policy_names *person,
                   struct policy_names *holds)
{
	const struct owner *o = ctx;

	policy_of_gateway(&o->conf, person, holds);
}

static void on_settings(void *ctx, const struct wire_settings *settings)
{
}

static void on_over(void *ctx, const char *why)
{
	struct owner *o = ctx;

	o->over++;
	assert_non_null(o->home.session);
}

static void on_ended(void *ctx)
{
	struct owner *o = ctx;

	o->ended++;
	assert_null(o->home.session);
	if (o->restarts)
		assert_int_equal(home_start(&o->home, MEMORY, LINGER_US), 0);
	loop_stop(o->loop);
}

static const struct home_events events = {
	.decide = decide, .on_settings = on_settings, .on_over = on_over,
	.on_ended = on_ended,
};

static void file_says(struct owner *o, const char *scheduler)
{
	snprintf(o->conf.main.scheduler, sizeof(o->conf.main.scheduler), "%s",
	         scheduler);
}

static void begin(struct owner *o, bool opens)
{
	struct home_args args = { .opens = opens, .give_up_us = 1000000,
	                          .events = &events, .ctx = o };

	*o = (struct owner){ .loop = loop_create() };
	file_says(o, "ecf");
	snprintf(o->conf.main.order, sizeof(o->conf.main.order), "auto");
	snprintf(o->conf.main.reinjection, sizeof(o->conf.main.reinjection),
	         "suspect");
	args.loop = o->loop;
	assert_int_equal(home_init(&o->home, &args), 0);
	assert_int_equal(home_start(&o->home, MEMORY, LINGER_US), 0);
}

static void finish(struct owner *o)
{
	home_finish(&o->home);
	loop_destroy(o->loop);
}

/* Who is over goes at the end of the turn, and another may follow. */
static void test_over(void **state)
{
	struct owner o;

	begin(&o, true);
	o.restarts = true;
	session_close(o.home.session, "enough");
	assert_int_equal(o.ended, 0);
	loop_run(o.loop);
	assert_int_equal(o.over, 1);
	assert_int_equal(o.ended, 1);
	assert_non_null(o.home.session);
	finish(&o);
}

/* Who ends it himself is not told of it. */
static void test_end(void **state)
{
	struct owner o;

	begin(&o, false);
	session_close(o.home.session, "enough");
	home_end(&o.home);
	loop_run(o.loop);
	assert_int_equal(o.ended, 0);
	assert_int_equal(home_streams(&o.home), 0);
	home_measure(&o.home, NULL);
	home_decide(&o.home);
	finish(&o);
}

/* Nor does another follow one that has parted, whoever asks meanwhile. */
static void test_part(void **state)
{
	struct owner o;
	struct home other = { .args = { .opens = true } };

	begin(&o, true);
	o.restarts = true;
	home_part(&o.home, "the end");
	assert_true(home_is_over(&o.home));
	assert_false(home_move(&o.home, &other));
	loop_run(o.loop);
	assert_int_equal(o.over, 1);
	assert_int_equal(o.ended, 0);
	assert_non_null(o.home.session);
	home_measure(&o.home, NULL);
	home_decide(&o.home);
	finish(&o);
}

static const char *bulk_scheduler(const struct owner *o)
{
	struct session_stats stats;

	session_stats(o->home.session, &stats);
	return stats.policy.scheduler[STREAM_BULK]->name;
}

static void reload(struct owner *o, const char *says)
{
	const struct policy_names nobody = { 0 };
	struct policy_names before;

	decide(o, &nobody, &before);
	file_says(o, says);
	home_reload(&o->home, &before);
}

/* A share of the machine, unless a person said how much. */
static void test_memory(void **state)
{
	const struct {
		uint64_t wanted, most, gets;
	} rows[] = {
		{ 0, 64ull << 20, 8u << 20 }, /* 128 MB of memory */
		{ 0, 100ull << 20, 100u << 17 },
		{ 0, 16ull << 20, SESSION_MEMORY_MIN },
		{ 0, 0, SESSION_MEMORY_MIN },
		{ 0, 256ull << 20, SESSION_MEMORY_DEFAULT },
		{ 0, 64ull << 30, SESSION_MEMORY_DEFAULT },
		{ 0, UINT64_MAX, SESSION_MEMORY_DEFAULT }, /* it is not known */
		{ 200u << 20, 64ull << 20, 200u << 20 },
		{ 5u << 20, UINT64_MAX, 5u << 20 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(home_memory(rows[i].wanted, rows[i].most),
		                 rows[i].gets);
}

/* What a person says holds until the file says something else. */
static void test_choice(void **state)
{
	const struct choice choice = { .scheduler = "lowrtt", .class = -1 };
	struct owner o;
	struct buf out;

	begin(&o, false);
	buf_init(&out, 4096);
	assert_string_equal(bulk_scheduler(&o), "ecf");
	home_choose(&o.home, &choice, "down", &o.conf, "config site 'home'", &out);
	assert_string_equal(bulk_scheduler(&o), "lowrtt");
	assert_string_equal(o.home.says.scheduler, "lowrtt");
	assert_non_null(memmem(buf_head(&out), out.len, "down: lowrtt", 12));
	reload(&o, "ecf");
	assert_string_equal(bulk_scheduler(&o), "lowrtt");
	reload(&o, "roundrobin");
	assert_string_equal(bulk_scheduler(&o), "roundrobin");
	buf_finish(&out);
	finish(&o);
}

/* A gateway says auto, and its peer may know better what it means; of a
 * concentrator it is told what that is. */
static void test_words(void **state)
{
	struct owner gateway, site;

	begin(&gateway, true);
	begin(&site, false);
	assert_string_equal(gateway.home.says.order, "auto");
	assert_string_not_equal(site.home.says.order, "auto");
	finish(&gateway);
	finish(&site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_over),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
