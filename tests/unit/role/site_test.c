/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: whom a site admits, what becomes of its streams, and what a reload does
 * to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/role/role.h"
#include "stage.h"

#include <string.h>

#define OTHER_PIN "sha256:58DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

static struct stage stage;

static int begin(void **state)
{
	stage_begin(&stage, STAGE_MAIN STAGE_SITE);
	return 0;
}

static int end(void **state)
{
	stage_end(&stage);
	return 0;
}

static struct subflow *join(const char *from, uint8_t session, uint8_t path)
{
	struct subflow *sf = stage_come(&stage, from);

	assert_non_null(sf);
	stage_greet(sf, STAGE_PIN, session, path, 0);
	return sf;
}

static void open_stream(struct subflow *sf, uint32_t id)
{
	struct wire_frame open = { .type = WIRE_OPEN, .open = {
		.stream = id, .credit = 65536,
		.dest.addr = { .family = AF_INET, .port = 80,
		               .ip = { 192, 0, 2, 1 } },
	} };

	stage_say(sf, &open);
}

static void ask_test(struct subflow *sf, uint32_t id, const char *name)
{
	struct wire_frame open = { .type = WIRE_OPEN, .open = {
		.stream = id, .credit = 65536, .dest.addr.port = 1 } };

	strcpy(open.open.dest.name, name);
	stage_say(sf, &open);
}

/* Zeros come, one test at a time, and nobody is dialled. */
static void a_test_is_no_dial(void **state)
{
	struct subflow *sf = join("192.0.2.1:1", 1, 0);
	struct wire_frame f;

	ask_test(sf, 1, "down.speedtest.invalid");
	assert_true(stage_hear(sf, WIRE_ACCEPT, &f));
	assert_true(stage_hear(sf, WIRE_DATA, &f));
	for (uint32_t i = 0; i < f.data.len; i++)
		assert_int_equal(f.data.bytes[i], 0);
	ask_test(sf, 3, "up.speedtest.invalid");
	assert_true(stage_hear(sf, WIRE_RESET, &f));
	assert_int_equal(f.reset.stream, 3);
	assert_int_equal(f.reset.end, STREAM_END_LIMIT);
	assert_int_equal(stage.dials, 0);
}

/* Of what a site may have in ten minutes nothing is left. */
static void tests_are_limited(void **state)
{
	struct subflow *sf = join("192.0.2.1:1", 1, 0);
	struct site *site = stage.sites.all;
	struct wire_frame f;

	site->test.window_us = loop_now_us(stage.loop);
	site->test.used_us = TESTBYTES_ALL_US_MAX;
	ask_test(sf, 1, "up.speedtest.invalid");
	assert_true(stage_hear(sf, WIRE_RESET, &f));
	assert_int_equal(f.reset.end, STREAM_END_LIMIT);
	site->test.window_us -= TESTBYTES_WINDOW_US;
	ask_test(sf, 3, "up.speedtest.invalid");
	assert_true(stage_hear(sf, WIRE_ACCEPT, &f));
}

static void members_share_a_session(void **state)
{
	struct subflow *a = join("192.0.2.1:1", 1, 0);
	struct subflow *b = join("192.0.2.2:1", 1, 1);

	assert_non_null(a->lane);
	assert_non_null(b->lane);
	assert_null(stage.sites.all->next);
	assert_non_null(stage.sites.all->home.session);
	stage_break(a, "gone");
	assert_ptr_equal(stage.sites.all->members->sf, b);
}

/* The gateway gave the old one up. */
static void of_a_path_and_bundle_the_latest_counts(void **state)
{
	struct subflow *a = join("192.0.2.1:1", 1, 0);
	struct subflow *b = join("192.0.2.1:2", 1, 0);

	assert_true(a->destroyed);
	assert_non_null(b->lane);
	assert_ptr_equal(stage.sites.all->members->sf, b);
	assert_null(stage.sites.all->members->next);
}

static void a_gateway_that_begins_anew(void **state)
{
	struct subflow *a = join("192.0.2.1:1", 1, 0);
	uint64_t incarnation = stage.sites.all->incarnation;

	open_stream(a, 1);
	struct subflow *b = join("192.0.2.1:2", 2, 0);
	assert_string_not_equal(a->dropped, "");
	assert_non_null(b->lane);
	assert_true(stage.sites.all->incarnation != incarnation);
	assert_non_null(stage.sites.all->home.session);
}

/* Who comes for one session gets that one, or none: it begins nothing, and ends nothing. */
static void who_comes_for_a_session_that_is_over(void **state)
{
	stage.incarnation = 3;
	struct subflow *lost = join("192.0.2.1:1", 2, 0);
	assert_string_equal(lost->told, "that session is over");
	assert_null(stage.sites.all->home.session);
	stage.incarnation = 0;
	struct subflow *a = join("192.0.2.1:1", 1, 0);
	stage.incarnation = stage.sites.all->incarnation + 2;
	lost = join("192.0.2.1:2", 2, 1);
	assert_string_equal(lost->told, "that session is over");
	assert_string_equal(a->dropped, "");
	stage.incarnation = stage.sites.all->incarnation;
	assert_non_null(join("192.0.2.1:3", 1, 1)->lane);
}

/* A WELCOME says which process has the session. */
static void a_session_bears_its_process(void **state)
{
	stage.sites.process = 0x89abcdef;
	join("192.0.2.1:1", 1, 0);
	assert_int_equal((uint32_t)stage.sites.all->incarnation, 0x89abcdef);
}

/* With a copied key there are two, and the first comes back. */
static void who_was_replaced_is_told_so(void **state)
{
	struct subflow *a = join("192.0.2.1:1", 1, 0);
	struct subflow *b = join("192.0.2.2:1", 2, 0);
	struct subflow *again = stage_come(&stage, "192.0.2.1:2");

	assert_string_not_equal(a->dropped, "");
	stage_greet(again, STAGE_PIN, 1, 0, 0);
	assert_null(again->lane);
	assert_string_equal(again->told, "this gateway has begun anew since");
	assert_non_null(b->lane);
	stage_break(again, again->told);
}

/* A crowd of a site's own that is refused keeps nobody's place, and not more of
 * this host than a few. */
static void a_crowd_that_is_refused_is_bounded(void **state)
{
	struct subflow *crowd = NULL;

	join("192.0.2.1:1", 1, 0);
	struct subflow *now = join("192.0.2.1:2", 2, 0);
	for (unsigned i = 0; i < 2 * SITES_REFUSED_MAX; i++) {
		struct subflow *sf = join("192.0.2.1:3", 1, 0);
		assert_string_not_equal(sf->told, "");
		crowd = crowd ? crowd : sf;
	}
	assert_int_equal(stage.door.guard.under_way, 0);
	assert_int_equal(stage.sites.refused_count, SITES_REFUSED_MAX);
	assert_true(crowd->destroyed);
	assert_non_null(now->lane);
	stage_break(stage.sites.refused->sf, "told");
	assert_int_equal(stage.sites.refused_count, SITES_REFUSED_MAX - 1);
}

/* What the outlet refuses is told to the gateway: else nobody owns the stream,
 * and its client waits for ever. */
static void a_stream_that_is_refused_is_reset(void **state)
{
	struct subflow *sf = join("192.0.2.1:1", 1, 0);
	struct wire_frame frame;

	stage.outlet_says = STREAM_END_LIMIT;
	open_stream(sf, 1);
	assert_true(stage_hear(sf, WIRE_RESET, &frame));
	assert_int_equal(frame.reset.stream, 1);
	assert_int_equal(frame.reset.end, STREAM_END_LIMIT);
	stage.outlet_says = STREAM_END_FINISHED;
	open_stream(sf, 3);
	assert_int_equal(stage.dials, 1);
	assert_false(stage_hear(sf, WIRE_RESET, &frame));
}

static void while_it_drains_nothing_begins(void **state)
{
	struct subflow *sf = join("192.0.2.1:1", 1, 0);
	struct wire_frame frame;

	sites_set_flags(&stage.sites, WIRE_DRAINING);
	assert_true(stage_hear(sf, WIRE_SETTINGS, &frame));
	while (frame.settings.flags != WIRE_DRAINING)
		assert_true(stage_hear(sf, WIRE_SETTINGS, &frame));
	open_stream(sf, 1);
	assert_true(stage_hear(sf, WIRE_RESET, &frame));
	assert_int_equal(frame.reset.end, STREAM_END_NET_UNREACH);
	struct subflow *late = join("192.0.2.1:2", 1, 1);
	assert_null(late->lane);
	assert_string_equal(late->told, "the concentrator is going down");
}

static void reload(const char *text)
{
	struct addr culprit;

	assert_int_equal(stage_reload(&stage, text, &culprit), 0);
}

static void say_leaves(struct subflow *sf)
{
	struct wire_frame settings = { .type = WIRE_SETTINGS, .settings = {
		.serial = 1, .flags = WIRE_KEEPS | WIRE_LEAVES,
		.stream_credit = 65536 } };

	stage_say(sf, &settings);
}

/* Its gateway hands over to a newer process: the streams that there are go on, and
 * those that were on their way begin. */
static void who_leaves_goes_on_beside_another(void **state)
{
	struct subflow *a = join("192.0.2.1:1", 1, 0);
	struct site *site = stage.sites.all;
	struct wire_frame frame = { .type = 0 };

	open_stream(a, 1);
	say_leaves(a);
	assert_null(site->home.session);
	while (!(frame.type == WIRE_SETTINGS && frame.settings.flags & WIRE_LEAVES))
		assert_true(stage_hear(a, WIRE_SETTINGS, &frame)); /* said back */
	struct subflow *b = join("192.0.2.1:2", 2, 0);
	assert_non_null(b->lane);
	assert_string_equal(a->dropped, "");
	open_stream(b, 1);
	open_stream(a, 3);
	assert_int_equal(stage.dials, 3);
	assert_int_equal(sites_streams(&stage.sites), 3);
	char note[REPORT_WORDS_MAX + 1];
	site_note(site, note);
	assert_string_equal(note, "2 streams of before an update go on");
	/* A subflow of it that comes later finds it. */
	struct subflow *c = join("192.0.2.1:3", 1, 1);
	assert_non_null(c->lane);
	stage_break(a, "gone");
	assert_int_equal(sites_streams(&stage.sites), 3);
	struct subflow *d = join("192.0.2.1:4", 1, 1);
	assert_true(c->destroyed);
	assert_non_null(d->lane);
	assert_non_null(b->lane);
}

/* What it had comes to its end: it is forgotten, and its id is anybody's. */
static void who_has_left_is_forgotten(void **state)
{
	struct subflow *a = join("192.0.2.1:1", 1, 0);
	struct site *site = stage.sites.all;
	const struct wire_frame close = { .type = WIRE_CLOSE };

	say_leaves(a);
	assert_int_equal(site->lefts.count, 1);
	stage_say(a, &close);
	stage_turn(&stage);
	stage_turn(&stage);
	assert_int_equal(site->lefts.count, 0);
	a = join("192.0.2.1:1", 2, 0);
	say_leaves(a);
	stage_break(a, "gone");
	site_step_left(site); /* nobody would end it */
	stage_turn(&stage);
	stage_turn(&stage);
	assert_int_equal(site->lefts.count, 0);
}

static void of_those_who_leave_the_latest_count(void **state)
{
	struct subflow *sf[LEFT_MAX + 1];

	for (uint8_t i = 0; i <= LEFT_MAX; i++) {
		sf[i] = join("192.0.2.1:1", 1 + i, 0);
		open_stream(sf[i], 1);
		say_leaves(sf[i]);
	}
	assert_string_equal(sf[0]->dropped, "too many updates at once");
	stage_turn(&stage);
	stage_turn(&stage);
	assert_int_equal(stage.sites.all->lefts.count, LEFT_MAX);
	assert_string_equal(sf[1]->dropped, "");
	reload(STAGE_MAIN);
	assert_string_equal(sf[1]->dropped, "the site was revoked");
}

/* The concentrator hands over: streams that are on their way begin, until the gateway
 * has ended the session; one that knows nothing of that is drained. */
static void while_we_leave_streams_begin(void **state)
{
	struct subflow *sf = join("192.0.2.1:1", 1, 0);
	struct site *site = stage.sites.all;

	sites_set_flags(&stage.sites, WIRE_KEEPS | WIRE_LEAVES);
	open_stream(sf, 1);
	assert_int_equal(stage.dials, 1);
	assert_int_equal(sites_streams(&stage.sites), 1);
	site_step_left(site);
	assert_string_equal(sf->dropped, "");
	stage.sites.leaves_us -= DRAIN_US;
	site_step_left(site);
	assert_string_equal(sf->dropped, "the concentrator starts anew");
}

static void who_keeps_a_session_that_leaves_ends_it(void **state)
{
	struct subflow *sf = join("192.0.2.1:1", 1, 0);
	struct site *site = stage.sites.all;
	struct wire_frame frame = { .type = WIRE_SETTINGS, .settings = {
		.serial = 1, .flags = WIRE_KEEPS, .stream_credit = 65536 } };

	stage_say(sf, &frame);
	sites_set_flags(&stage.sites, WIRE_KEEPS | WIRE_LEAVES);
	stage.sites.leaves_us -= DRAIN_US;
	site_step_left(site);
	assert_string_equal(sf->dropped, "");
	assert_int_equal(sites_streams(&stage.sites), 1); /* something may be on its way */
	/* The next process did not begin: the gateway has another session by now. */
	sites_leave(&stage.sites);
	sites_set_flags(&stage.sites, WIRE_KEEPS);
	struct subflow *other = join("192.0.2.1:2", 2, 0);
	assert_non_null(other->lane);
	assert_string_equal(sf->dropped, "");
	stage_break(sf, "gone");
	assert_int_equal(sites_streams(&stage.sites), 0);
}

static void a_reload_keeps_who_is_still_there(void **state)
{
	struct subflow *sf = join("192.0.2.1:1", 1, 0);
	struct site *site = stage.sites.all;

	reload(STAGE_MAIN STAGE_SITE "option scheduler lowrtt\n"
	       "config site away\noption pin " OTHER_PIN "\n");
	assert_ptr_equal(stage.sites.all, site);
	assert_non_null(sf->lane);
	assert_string_equal(site->home.says.scheduler, "lowrtt");
	assert_string_equal(site->next->conf.name, "away");
}

static void a_reload_ends_who_is_not(void **state)
{
	struct subflow *sf = join("192.0.2.1:1", 1, 0);
	struct wire_frame frame;

	assert_true(stage_hear(sf, WIRE_SETTINGS, &frame));
	reload(STAGE_MAIN);
	assert_null(stage.sites.all);
	assert_string_equal(sf->dropped, "the site was revoked");
	assert_true(sf->destroyed);
}

/* All are told, and who has heard is gone; no session follows. */
static void the_end_is_told(void **state)
{
	struct subflow *sf = join("192.0.2.1:1", 1, 0);

	assert_false(sites_part(&stage.sites, "the end"));
	assert_string_equal(sf->dropped, "the end");
	stage_turn(&stage);
	assert_true(home_is_over(&stage.sites.all->home));
	assert_false(sites_part(&stage.sites, "the end"));
	stage_break(sf, "closed by the peer");
	assert_true(sites_part(&stage.sites, "the end"));
}

/* Another pin is another gateway, whatever its name. */
static void a_reload_with_another_pin(void **state)
{
	struct subflow *sf = join("192.0.2.1:1", 1, 0);

	reload(STAGE_MAIN "config site home\noption pin " OTHER_PIN "\n");
	assert_true(sf->destroyed);
	assert_null(stage.sites.all->next);
	sf = stage_come(&stage, "192.0.2.1:1");
	stage_greet(sf, STAGE_PIN, 1, 0, 0);
	assert_string_equal(sf->told, "unknown pin; it was revoked, or never joined");
	sf = stage_come(&stage, "192.0.2.1:2");
	stage_greet(sf, OTHER_PIN, 1, 0, 0);
	assert_non_null(sf->lane);
}

#define MORE(name, letters) \
	"config site " name "\noption pin sha256:" letters "\n"
#define A20 "AAAAAAAAAAAAAAAAAAAA"
#define THREE STAGE_MAIN "option memory 32MiB\n" STAGE_SITE \
	MORE("b", "B" A20 A20 "AA") MORE("c", "C" A20 A20 "AA")
#define MACHINE (64u << 20) /* so that each has less than it may */

/* Of those whom it does not name, nobody has anything to do. */
static void a_reload_touches_nobody_else(void **state)
{
	struct budget memory;

	budget_init(&memory, MACHINE, NULL);
	stage_end(&stage);
	stage_begin(&stage, STAGE_MAIN);
	stage.sites.memory = &memory;
	reload(THREE);
	struct subflow *sf = join("192.0.2.1:1", 1, 0);
	stage_turn(&stage);
	size_t said = sf->out.len;
	reload(THREE MORE("d", "D" A20 A20 "AA"));
	assert_false(stage.sites.all->home.turn.turn);
	reload(THREE MORE("d", "E" A20 A20 "AA") "option order srpt\n");
	assert_false(stage.sites.all->home.turn.turn);
	reload(THREE);
	assert_false(stage.sites.all->home.turn.turn);
	stage_turn(&stage);
	assert_int_equal(sf->out.len, said);
	stage_end(&stage);
	stage_begin(&stage, STAGE_MAIN);
}

/* An eighth of what all may hold, whoever has parted that among how many workers;
 * many sites have less. */
static void a_site_has_a_share_of_the_machine(void **state)
{
	struct budget memory;

	stage_end(&stage);
	stage_begin(&stage, STAGE_MAIN STAGE_SITE);
	budget_init(&memory, MACHINE, NULL);
	stage.sites.memory = &memory;
	assert_int_equal(site_memory(&stage.sites, stage.conf), MACHINE / 8);
	budget_init(&memory, MACHINE / 4, NULL);
	stage.sites.workers = 4;
	assert_int_equal(site_memory(&stage.sites, stage.conf), MACHINE / 8);
	stage.sites.workers = 0;
	stage.sites.memory = NULL;
	assert_int_equal(site_memory(&stage.sites, stage.conf), SESSION_MEMORY_DEFAULT);
	stage.sites.memory = &memory;
	reload(STAGE_MAIN "option memory 5MiB\n" STAGE_SITE);
	assert_int_equal(site_memory(&stage.sites, stage.conf), 5u << 20);
	stage_end(&stage);
	stage_begin(&stage, STAGE_MAIN);
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
	const struct CMUnitTest tests[] = {
		ROW(a_test_is_no_dial),
		ROW(tests_are_limited),
		ROW(members_share_a_session),
		ROW(of_a_path_and_bundle_the_latest_counts),
		ROW(a_gateway_that_begins_anew),
		ROW(who_comes_for_a_session_that_is_over),
		ROW(a_session_bears_its_process),
		ROW(who_was_replaced_is_told_so),
		ROW(a_crowd_that_is_refused_is_bounded),
		ROW(a_stream_that_is_refused_is_reset),
		ROW(while_it_drains_nothing_begins),
		ROW(who_leaves_goes_on_beside_another),
		ROW(who_has_left_is_forgotten),
		ROW(of_those_who_leave_the_latest_count),
		ROW(while_we_leave_streams_begin),
		ROW(who_keeps_a_session_that_leaves_ends_it),
		ROW(a_reload_keeps_who_is_still_there),
		ROW(a_reload_ends_who_is_not),
		ROW(the_end_is_told),
		ROW(a_reload_touches_nobody_else),
		ROW(a_reload_with_another_pin),
		ROW(a_site_has_a_share_of_the_machine),
	};
#undef ROW

	return cmocka_run_group_tests_name("role/site", tests, NULL, NULL);
}
