/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/role/verbs.h"
#include "stage.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define QUESTIONS 200
#define DAY_S 86400u
#define WARM_S 100u /* until what is made once is there */

static struct stage stage;
static struct role role;
static struct verbs verbs;
static unsigned snapshots, reloads;

static void report(struct role *r, struct report *out)
{
	snapshots++;
	sites_report(&stage.sites, out);
}

static int choose(struct role *r, const struct choice *choice, struct buf *out)
{
	return sites_choose(&stage.sites, choice_site(choice, stage.conf, out),
	                    choice, out);
}

static const struct role_ops ops = {
	.name = "concentrator", .report = report, .choose = choose,
};

static int reload(void *ctx, struct buf *out)
{
	reloads++;
	return buf_printf(out, "reloaded\n");
}

static void on_change(void *ctx)
{
	role_changed(&role);
}

static int begin(void **state)
{
	struct verbs_args args = { .role = &role, .version = "1",
	                           .own_pin = "sha256:x", .reload = reload };

	stage_begin(&stage, STAGE_MAIN STAGE_SITE);
	stage.sites.on_change = on_change;
	role = (struct role){ .ops = &ops, .loop = stage.loop,
	                      .conf = stage.conf };
	snapshots = 0;
	verbs_init(&verbs, &args);
	return 0;
}

static int finish(void **state)
{
	verbs_finish(&verbs);
	stage_end(&stage);
	return 0;
}

/* The answer holds that text. */
static bool says(const char *verb, const char *word, const char *text)
{
	const char *argv[] = { verb, word, NULL };
	const struct ctl_verb *v = verbs_table;
	struct buf out;

	while (strcmp(v->name, verb))
		v++;
	buf_init(&out, CTL_ANSWER_MAX);
	assert_int_equal(v->handler(&verbs, word ? 2 : 1, argv, &out), 0);
	bool found = memmem(buf_head(&out), out.len, text, strlen(text));
	buf_finish(&out);
	return found;
}

static struct subflow *join(uint8_t path)
{
	struct subflow *sf = stage_come(&stage, "192.0.2.1:1");

	stage_greet(sf, STAGE_PIN, 1, path, 0);
	stage_turn(&stage);
	return sf;
}

/* Whoever asks however often has it from one snapshot, and nobody asks the
 * kernel for him. */
static void questions_cost_nothing(void **state)
{
	join(0);
	join(1);
	assert_true(says("sites", NULL, "home"));
	unsigned calls = stage.kernel_calls, infos = stage.infos;
	uint64_t since = loop_now_us(stage.loop);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		says("status", NULL, "");
		says("uplinks", "--json", "");
		says("streams", NULL, "");
		says("sites", "--metrics", "");
	}
	uint64_t seconds = (loop_now_us(stage.loop) - since) / VERBS_SNAPSHOT_US;
	assert_true(snapshots <= 2 + seconds);
	assert_int_equal(stage.infos, infos);
	assert_true(stage.kernel_calls - calls <=
	            2 * stage.subflow_count * (1 + seconds));
}

/* A snapshot itself asks the kernel nothing of a connection's progress: that
 * was asked where it was needed. */
static void snapshots_take_what_is_known(void **state)
{
	join(0);
	assert_true(says("sites", NULL, "home"));
	unsigned infos = stage.infos;
	for (unsigned i = 0; i < QUESTIONS; i++) {
		role_changed(&role);
		assert_true(says("status", NULL, "home"));
	}
	assert_true(snapshots > QUESTIONS);
	assert_int_equal(stage.infos, infos);
}

/* What changed is told at once. */
static void states_are_fresh(void **state)
{
	assert_true(says("sites", "--json", "\"connected\":false"));
	struct subflow *sf = join(0);
	assert_true(says("sites", "--json", "\"connected\":true"));
	stage_break(sf, "reset by peer");
	assert_true(says("sites", "--json", "\"connected\":false"));
}

static void a_choice_is_told_at_once(void **state)
{
	join(0);
	assert_false(says("status", NULL, "roundrobin"));
	assert_true(says("scheduler", "roundrobin", "roundrobin"));
	assert_true(says("status", NULL, "roundrobin"));
}

/* A snapshot and its metrics each second: what is allocated after a minute is what is
 * allocated after a day. (Where a sanitizer counts memory, it sees what leaks.) */
static void a_day_of_metrics_leaves_nothing(void **state)
{
	size_t before = 0;

	join(0);
	join(1);
	for (unsigned second = 0; second < DAY_S; second++) {
		role_changed(&role);
		assert_true(says("status", "--metrics", "aggd_site_connected"));
		if (second == WARM_S)
			before = mallinfo2().uordblks;
	}
	assert_true(snapshots >= DAY_S);
	assert_int_equal(mallinfo2().uordblks, before);
}

static void reload_is_handed_on(void **state)
{
	assert_true(says("reload", NULL, "reloaded"));
	assert_int_equal(reloads, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(questions_cost_nothing, begin,
		                                finish),
		cmocka_unit_test_setup_teardown(snapshots_take_what_is_known,
		                                begin, finish),
		cmocka_unit_test_setup_teardown(states_are_fresh, begin, finish),
		cmocka_unit_test_setup_teardown(a_choice_is_told_at_once, begin,
		                                finish),
		cmocka_unit_test_setup_teardown(a_day_of_metrics_leaves_nothing,
		                                begin, finish),
		cmocka_unit_test_setup_teardown(reload_is_handed_on, begin,
		                                finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
