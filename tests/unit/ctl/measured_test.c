/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a daemon says becomes a question, or a word what is missing.
 */
#include "agg/ctl/measured.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SENDING(bulk) "{\"interactive\":\"ecf\",\"bulk\":\"" bulk "\"," \
	"\"order\":\"srpt\",\"reinjection\":\"tail\"}"
#define SESSION(site, down) "{\"site\":" site ",\"bundles\":3," \
	"\"memory_budget_bytes\":1000000,\"down\":" down "}"
#define UPLINK(name, more) "{\"site\":null,\"name\":\"" name "\"," more "}"
#define UP "\"state\":\"up\",\"min_rtt_us\":10000,\"srtt_us\":12000," \
	"\"rttvar_us\":700,\"cost\":\"metered\",\"retransmitted_ppm\":2000"
#define GATEWAY(sessions, uplinks) "{\"role\":\"gateway\",\"sessions\":[" \
	sessions "],\"uplinks\":[" uplinks "]}"
#define HERE SESSION("null", SENDING("lowrtt"))
#define RATE(which, bps) ",\"" which "_bytes_per_s\":" #bps

static struct measured *ask(const char *json, const char *site, int want)
{
	struct measured *m = malloc(sizeof(*m));
	int err = measured_read(json, site, m);

	if (!!err != want)
		fail_msg("%d: %s", err, m->why);
	return m;
}

static void says(struct measured *m, const char *part)
{
	if (!strstr(m->why, part))
		fail_msg("'%s' is not in: %s", part, m->why);
	free(m);
}

static void all_that_is_told_is_taken(void **state)
{
	struct measured *m = ask(GATEWAY(HERE, UPLINK("dsl", UP
		RATE("down_best", 1000000) RATE("up_best", 400000)
		RATE("up_capacity", 500000) ",\"up_bytes\":9000000")), NULL, 0);
	const struct advise_question *q = &m->question;
	const struct advise_link *link = q->links;

	assert_int_equal(q->link_count, 1);
	assert_string_equal(link->name, "dsl");
	assert_int_equal(link->min_rtt_us, 10000);
	assert_int_equal(link->srtt_us, 12000);
	assert_int_equal(link->rttvar_us, 700);
	assert_int_equal(link->down_bps, 1000000);
	assert_int_equal(link->up_bps, 500000);
	assert_int_equal(link->loss_ppm, 2000);
	assert_int_equal(link->cost, SCHED_CLASS_METERED);
	assert_int_equal(q->bundles, 3);
	assert_int_equal(q->memory_bytes, 1000000);
	assert_string_equal(q->present.scheduler[STREAM_INTERACTIVE]->name, "ecf");
	assert_string_equal(q->present.scheduler[STREAM_BULK]->name, "lowrtt");
	assert_string_equal(q->present.order->name, "srpt");
	assert_int_equal(q->present.reinjection, REINJECT_TAIL);
	free(m);
}

static void what_only_acknowledged_is_no_rate(void **state)
{
	struct measured *m = ask(GATEWAY(HERE, UPLINK("dsl", UP
		RATE("down_best", 1000000) RATE("up_best", 30000)
		RATE("up_capacity", 900000) ",\"up_bytes\":100000")), NULL, 0);

	assert_int_equal(m->question.links[0].up_bps, 0);
	assert_int_equal(m->question.links[0].loss_ppm, 0);
	free(m);
}

static void capacity_alone_is_no_rate(void **state)
{
	says(ask(GATEWAY(HERE, UPLINK("dsl", UP RATE("down_best", 900)
	                              RATE("down_capacity", 5000000))), NULL, 1),
	     "dsl: it carried no download");
}

static void uplinks_are_left_out_by_name(void **state)
{
	struct measured *m = ask(GATEWAY(HERE,
		UPLINK("dsl", UP RATE("down_best", 1000000)) ","
		UPLINK("lte", UP) ","
		UPLINK("sat", "\"state\":\"down\"" RATE("down_best", 1000000)) ","
		UPLINK("new", "\"state\":\"up\"" RATE("down_best", 1000000))),
		NULL, 0);

	assert_int_equal(m->question.link_count, 1);
	assert_int_equal(m->left_count, 3);
	assert_string_equal(m->left[0].name, "lte");
	assert_non_null(strstr(m->left[0].why, "rate is not known"));
	assert_string_equal(m->left[1].name, "sat");
	assert_non_null(strstr(m->left[1].why, "not up"));
	assert_string_equal(m->left[2].name, "new");
	assert_non_null(strstr(m->left[2].why, "round-trip"));
	free(m);
}

#define TWO_SITES "{\"role\":\"concentrator\",\"sessions\":[" \
	SESSION("\"home\"", SENDING("ecf")) "," \
	SESSION("\"cabin\"", SENDING("lowrtt")) "],\"uplinks\":[" \
	"{\"site\":\"home\",\"name\":\"dsl\"," UP \
	RATE("down_best", 1000000) "},{\"site\":\"cabin\",\"name\":\"lte\"," \
	UP RATE("down_best", 500000) "}]}"

static void site_is_named_on_the_concentrator(void **state)
{
	struct measured *m = ask(TWO_SITES, "cabin", 0);

	assert_string_equal(m->site, "cabin");
	assert_int_equal(m->question.link_count, 1);
	assert_string_equal(m->question.links[0].name, "lte");
	free(m);
	says(ask(TWO_SITES, NULL, 1), "allowed: home, cabin");
	says(ask(TWO_SITES, "hut", 1), "'hut'; allowed: home, cabin");
	says(ask("{\"role\":\"concentrator\"}", "hut", 1), "no gateway");
	says(ask(GATEWAY(HERE, ""), "home", 1), "the concentrator's");
}

static void what_is_missing_is_said(void **state)
{
	says(ask("", NULL, 1), "no JSON");
	says(ask("[1]", NULL, 1), "no JSON");
	says(ask("{\"role\":7}", NULL, 1), "no gateway");
	says(ask(GATEWAY("", ""), NULL, 1), "no session");
	says(ask(GATEWAY("7", ""), NULL, 1), "not up yet");
	says(ask(GATEWAY(SESSION("null", "null"), ""), NULL, 1), "not up yet");
	says(ask(GATEWAY(SESSION("null", SENDING("best")), ""), NULL, 1),
	     "scheduler 'best'");
	says(ask(GATEWAY(HERE, ""), NULL, 1), "run a large download");
	says(ask(GATEWAY(HERE, "7,null,[]"), NULL, 1), "run a large download");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_told_is_taken),
		cmocka_unit_test(what_only_acknowledged_is_no_rate),
		cmocka_unit_test(capacity_alone_is_no_rate),
		cmocka_unit_test(uplinks_are_left_out_by_name),
		cmocka_unit_test(site_is_named_on_the_concentrator),
		cmocka_unit_test(what_is_missing_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
