/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: where the door listens before and after a reload, and who comes in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OTHER_PIN "sha256:58DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
#define LISTEN(at) "list listen " at "\n"

static struct stage stage;

static int begin(void **state)
{
	stage_begin(&stage, STAGE_MAIN LISTEN("192.0.2.1:443") STAGE_SITE);
	return 0;
}

static int end(void **state)
{
	stage_end(&stage);
	return 0;
}

/* "192.0.2.1:443 192.0.2.2:443", in the order in which they were opened. */
static void assert_listens(const char *want)
{
	char all[512] = "", one[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < stage.door.listener_count; i++) {
		size_t len = strlen(all);
		snprintf(all + len, sizeof(all) - len, "%s%s", i ? " " : "",
		         addr_format(&stage.door.listeners[i].at, one));
	}
	assert_string_equal(all, want);
}

static void everywhere_is_two(void **state)
{
	struct addr culprit;

	assert_int_equal(stage_reload(&stage, STAGE_MAIN LISTEN("'[::]:443'"),
	                              &culprit), 0);
	assert_listens("[::]:443 0.0.0.0:443");
}

/* What stays is not opened again: who waits in it is not sent away. */
static void a_reload_opens_what_is_new(void **state)
{
	struct listener *kept = stage.door.listeners[0].listener;
	struct addr culprit;

	assert_int_equal(stage_reload(&stage, STAGE_MAIN LISTEN("192.0.2.1:443")
	                              LISTEN("192.0.2.2:443"), &culprit), 0);
	assert_listens("192.0.2.1:443 192.0.2.2:443");
	assert_ptr_equal(stage.door.listeners[0].listener, kept);
}

/* It says where, and the door is where it was. */
static void a_reload_that_cannot_listen_changes_nothing(void **state)
{
	struct addr culprit;
	char text[ADDR_TEXT_MAX];

	assert_int_equal(addr_parse(&stage.busy, "192.0.2.9:443", 1), 0);
	assert_int_equal(stage_reload(&stage, STAGE_MAIN LISTEN("192.0.2.2:443")
	                              LISTEN("192.0.2.9:443"), &culprit),
	                 -EADDRINUSE);
	assert_string_equal(addr_format(&culprit, text), "192.0.2.9:443");
	assert_listens("192.0.2.1:443");
	assert_non_null(stage.sites.all); /* it was left out of that file */
	struct subflow *sf = stage_come(&stage, "192.0.2.77:1");
	stage_greet(sf, STAGE_PIN, 1, 0, 0);
	assert_non_null(sf->lane);
}

static void another_carrier_is_another_listener(void **state)
{
	struct addr culprit;

	assert_true(door_takes_mptcp(&stage.door));
	assert_int_equal(stage_reload(&stage, STAGE_MAIN "option carrier subflows\n"
	                              LISTEN("192.0.2.1:443") STAGE_SITE, &culprit),
	                 0);
	assert_false(door_takes_mptcp(&stage.door));
	assert_false(stage.door.listeners[0].asked_mptcp);
	stage.no_mptcp = true;
	assert_int_equal(stage_reload(&stage, STAGE_MAIN LISTEN("192.0.2.1:443")
	                              STAGE_SITE, &culprit), 0);
	assert_listens("192.0.2.1:443");
	assert_false(door_takes_mptcp(&stage.door));
	struct listener *kept = stage.door.listeners[0].listener;
	assert_int_equal(stage_reload(&stage, STAGE_MAIN LISTEN("192.0.2.1:443")
	                              STAGE_SITE, &culprit), 0);
	assert_ptr_equal(stage.door.listeners[0].listener, kept);
	assert_false(door_takes_mptcp(&stage.door)); /* nor by that */
}

static bool is_local(void *ctx, const struct addr *a)
{
	return a->family == AF_INET && a->ip[3] == 1;
}

static void an_address_that_may_come(void **state)
{
	struct addr at, culprit;
	char text[ADDR_TEXT_MAX];

	assert_false(door_lacks(&stage.door, is_local, NULL, &at));
	stage_reload(&stage, STAGE_MAIN LISTEN("192.0.2.1:443")
	             LISTEN("192.0.2.2:443"), &culprit);
	assert_true(door_lacks(&stage.door, is_local, NULL, &at));
	assert_string_equal(addr_format(&at, text), "192.0.2.2:443");
	stage_reload(&stage, STAGE_MAIN LISTEN("'[::]:443'"), &culprit);
	assert_false(door_lacks(&stage.door, is_local, NULL, &at));
}

static void a_stranger_is_told_and_leaves(void **state)
{
	struct subflow *sf = stage_come(&stage, "192.0.2.77:1");

	stage_greet(sf, OTHER_PIN, 1, 0, 0);
	assert_string_equal(sf->told, "unknown pin; it was revoked, or never joined");
	stage_break(sf, sf->told);
	assert_null(stage.door.strangers);
	assert_int_equal(stage.door.guard.under_way, 0);
}

/* His answer is his last word, and he comes as a site's the next time. */
static void an_invited_one_is_no_failure(void **state)
{
	struct subflow *sf = stage_come(&stage, "192.0.2.77:1");

	stage.redeem_says = WIRE_REDEEM_JOINED;
	stage_invite(sf, OTHER_PIN, 1);
	assert_int_equal(stage.redeems, 1);
	assert_int_equal(sf->answer.version, WIRE_VERSION);
	assert_true(addr_equal(&sf->answer.seen, &sf->peer));
	stage_break(sf, "it was answered");
	assert_null(stage.door.strangers);
	assert_int_equal(stage.door.guard.under_way, 0);
	assert_true(stage.door.guard.sources[0].familiar_us > 0);
}

/* Who guesses fails as a stranger does, and soon waits for it. */
static void a_wrong_secret_is_a_strangers_failure(void **state)
{
	struct subflow *sf;
	unsigned tries = 0;

	stage.redeem_says = WIRE_REDEEM_UNKNOWN;
	while (tries < 100 && (sf = stage_come(&stage, "192.0.2.77:1"))) {
		stage_invite(sf, OTHER_PIN, (uint8_t)tries++);
		assert_int_equal(sf->answer.result, WIRE_REDEEM_UNKNOWN);
		stage_break(sf, "it was answered");
	}
	assert_in_range(tries, GUARD_SOURCE_BURST, GUARD_SOURCE_BURST + 1);
	assert_int_equal(stage.redeems, tries);
	assert_int_equal(stage.door.guard.sources[0].familiar_us, 0);
}

/* All places are taken, by strangers of many addresses: one of those who have
 * most goes for a newcomer, and it is no failure of his. */
static void a_newcomer_finds_a_place(void **state)
{
	char from[32];
	unsigned i = 0, gone = 0;

	for (; i < GUARD_HANDSHAKES_MAX - GUARD_FAMILIAR_PLACES; i++) {
		snprintf(from, sizeof(from), "198.51.100.%u:1", i / 4);
		assert_non_null(stage_come(&stage, from));
	}
	struct subflow *sf = stage_come(&stage, "192.0.2.77:1");
	assert_non_null(sf);
	for (i = 0; i < stage.subflow_count; i++)
		gone += stage.subflows[i].destroyed;
	assert_int_equal(gone, 1);
	assert_int_equal(stage.door.guard.sources[0].full_us, 0);
	stage_greet(sf, STAGE_PIN, 1, 0, 0);
	assert_non_null(sf->lane);
}

/* A client's first words stand in the socket, of a process by that number; 0: of none. */
static struct subflow *come_for(uint32_t process)
{
	char name[WIRE_OFFER_MAX + 1], words[64];
	int ends[2];

	wire_offer(process, name);
	int n = snprintf(words, sizeof(words), "hello%c%s", 15, process ? name : "");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[1], words, (size_t)n), n);
	struct subflow *sf = stage_come_by(&stage, "192.0.2.77:1", ends[0]);
	assert_int_equal(read(ends[0], words, sizeof(words)), n); /* nothing was taken */
	close(ends[0]);
	close(ends[1]);
	return sf;
}

/* Only while it is there, and only what says so. */
static void who_is_for_a_process_before_is_passed(void **state)
{
	assert_non_null(come_for(9));
	assert_int_equal(stage.passed, 0);
	door_set_passes(&stage.door, true);
	assert_true(stage.awaits_words);
	assert_null(come_for(9));
	assert_int_equal(stage.passed, 9);
	assert_int_equal(stage.door.guard.under_way, 1); /* the first */
	stage.passed = 0;
	assert_non_null(come_for(0));
	assert_non_null(come_for(STAGE_PROCESS));
	assert_int_equal(stage.passed, 0);
	stage.is_alone = true; /* and is heard here, where that one is gone */
	assert_non_null(come_for(9));
	assert_int_equal(stage.passed, 9);
	door_set_passes(&stage.door, false);
	assert_false(stage.awaits_words);
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
	const struct CMUnitTest tests[] = {
		ROW(everywhere_is_two),
		ROW(a_reload_opens_what_is_new),
		ROW(a_reload_that_cannot_listen_changes_nothing),
		ROW(another_carrier_is_another_listener),
		ROW(an_address_that_may_come),
		ROW(a_stranger_is_told_and_leaves),
		ROW(an_invited_one_is_no_failure),
		ROW(a_wrong_secret_is_a_strangers_failure),
		ROW(a_newcomer_finds_a_place),
		ROW(who_is_for_a_process_before_is_passed),
	};
#undef ROW

	return cmocka_run_group_tests_name("role/door", tests, NULL, NULL);
}
