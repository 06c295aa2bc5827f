/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * Connections are played: what subflow.c and endpoints.c do is done here.
 */
#include "agg/role/keeper.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct subflow {
	struct subflow_args args;
	struct addr to;
	struct wire_hello hello;
	enum subflow_end kind;
	char told[64];
};

static unsigned living;      /* subflows */
static unsigned endpoints_count = 2;
static int connect_err;

struct subflow *subflow_connect(const struct subflow_args *args,
                                const struct addr *endpoint,
                                const char *device, const struct addr *source,
                                const struct wire_hello *hello)
{
	struct subflow *sf = connect_err ? NULL : calloc(1, sizeof(*sf));

	errno = connect_err;
	if (!sf)
		return NULL;
	*sf = (struct subflow){ .args = *args, .to = *endpoint,
	                        .hello = *hello };
	living++;
	return sf;
}

void subflow_destroy(struct subflow *sf)
{
	living -= sf != NULL;
	free(sf);
}

void subflow_fail(struct subflow *sf, const char *reason)
{
	snprintf(sf->told, sizeof(sf->told), "%s", reason);
}

enum subflow_end subflow_end_kind(const struct subflow *sf)
{
	return sf->kind;
}

bool subflow_end_is_verdict(enum subflow_end end)
{
	return end == SUBFLOW_END_WRONG_PIN || end == SUBFLOW_END_REFUSED;
}

/* 192.0.2.1, 192.0.2.2 ..., and the last is of IPv6. */
unsigned endpoints_of(const struct endpoints *e, unsigned uplink,
                      struct endpoint out[ENDPOINTS_MAX])
{
	for (unsigned i = 0; i < endpoints_count; i++) {
		out[i] = (struct endpoint){ .host = "" };
		out[i].addr.family = i + 1 < endpoints_count ? AF_INET : AF_INET6;
		out[i].addr.ip[3] = (uint8_t)(i + 1);
	}
	return endpoints_count;
}

/* A user of it ------------------------------------------------------------- */

struct user {
	struct loop *loop;
	struct rand rand;
	struct conf conf;
	struct keeper_session session;
	struct keeper keeper;
	unsigned welcomes, ends, retries;
	unsigned last_slot;
	bool last_joined;
	enum subflow_end last_kind;
};

static void on_welcome(void *ctx, unsigned slot, struct subflow *sf,
                       const struct wire_welcome *welcome)
{
	struct user *u = ctx;

	u->welcomes++;
	assert_int_equal(keeper_on_join(&u->keeper, sf), slot);
}

static void on_end(void *ctx, unsigned slot, bool joined, const char *why,
                   enum subflow_end kind)
{
	struct user *u = ctx;

	u->ends++;
	u->last_slot = slot;
	u->last_joined = joined;
	u->last_kind = kind;
	assert_null(u->keeper.slots[slot].sf);
	if (!joined)
		keeper_failed(&u->keeper, kind);
}

static void on_retry(void *ctx)
{
	struct user *u = ctx;

	u->retries++;
}

static const struct keeper_events events = { on_welcome, on_end, on_retry };

static uint32_t next_id(void *ctx)
{
	return 7;
}

static void begin(struct user *u)
{
	struct keeper_args args = {
		.next_id = next_id, .session = &u->session, .events = &events,
	};

	*u = (struct user){ .loop = loop_create(), .rand = { 1 },
	                    .session = { .id = { 1, 2, 3 } } };
	args.loop = u->loop;
	args.rand = &u->rand;
	args.conf = &u->conf;
	args.ctx = u;
	connect_err = 0;
	assert_int_equal(keeper_init(&u->keeper, &args), 0);
}

static void finish(struct user *u)
{
	keeper_finish(&u->keeper);
	loop_destroy(u->loop);
	assert_int_equal(living, 0);
}

static bool is_ipv4(const void *ctx, const struct addr *a)
{
	return a->family == AF_INET;
}

static bool is_any(const void *ctx, const struct addr *a)
{
	return true;
}

static unsigned chosen(struct user *u, bool ipv4_only)
{
	struct endpoint at;
	unsigned count;

	if (!keeper_choose(&u->keeper, 0, ipv4_only ? is_ipv4 : is_any, u, &at,
	                   &count))
		return 0;
	assert_int_equal(count, endpoints_count);
	return at.addr.ip[3];
}

static struct subflow *connect_slot(struct user *u, unsigned slot)
{
	struct keeper_way way = { .name = "dsl", .device = "wan1", .path = 3,
	                          .uplink = 3 };
	unsigned count;

	assert_true(keeper_choose(&u->keeper, 0, is_any, u, &way.at, &count));
	assert_int_equal(keeper_begin(&u->keeper, slot, &way), 0);
	return u->keeper.slots[slot].sf;
}

static void end(struct subflow *sf, bool joined, enum subflow_end kind)
{
	sf->kind = kind;
	sf->args.events->on_end(sf->args.ctx, sf, joined, "it broke");
	subflow_destroy(sf);
}

static void greet(struct subflow *sf)
{
	const struct wire_welcome welcome = { 0 };

	sf->args.events->on_ready(sf->args.ctx, sf, NULL, NULL, &welcome);
}

static void test_begins_and_joins(void **state)
{
	struct user u;

	begin(&u);
	assert_true(keeper_may_begin(&u.keeper, 2));
	struct subflow *sf = connect_slot(&u, 2);
	assert_false(keeper_may_begin(&u.keeper, 2));
	assert_int_equal(sf->hello.bundle, 2);
	assert_int_equal(sf->hello.path, 3);
	assert_int_equal(sf->hello.subflow_id, 7);
	assert_int_equal(sf->hello.session_id[2], 3);
	assert_string_equal(sf->hello.name, "dsl");
	assert_int_equal(keeper_joined(&u.keeper), 0);
	greet(sf);
	assert_int_equal(u.welcomes, 1);
	assert_int_equal(keeper_joined(&u.keeper), 1);
	end(sf, true, SUBFLOW_END_OTHER);
	assert_true(u.last_joined);
	assert_int_equal(u.last_slot, 2);
	assert_int_equal(keeper_joined(&u.keeper), 0);
	assert_true(keeper_may_begin(&u.keeper, 2));
	finish(&u);
}

/* While none is joined, the next failure goes to the next endpoint; what may
 * not be used is passed over. */
static void test_endpoints_take_turns(void **state)
{
	struct user u;

	begin(&u);
	endpoints_count = 3;
	assert_int_equal(chosen(&u, false), 1);
	end(connect_slot(&u, 0), false, SUBFLOW_END_NO_ANSWER);
	assert_int_equal(chosen(&u, false), 2);
	end(connect_slot(&u, 0), false, SUBFLOW_END_NO_ANSWER);
	assert_int_equal(chosen(&u, false), 3);
	assert_int_equal(chosen(&u, true), 1);
	greet(connect_slot(&u, 0));
	end(connect_slot(&u, 1), false, SUBFLOW_END_NO_ANSWER);
	assert_int_equal(chosen(&u, false), 1);
	endpoints_count = 2;
	finish(&u);
}

/* A failure holds all that is free for a while; a join ends that. */
static void test_pauses(void **state)
{
	struct user u;

	begin(&u);
	struct subflow *slow = connect_slot(&u, 1);
	end(connect_slot(&u, 0), false, SUBFLOW_END_OTHER);
	assert_int_equal(u.last_kind, SUBFLOW_END_OTHER);
	assert_false(keeper_may_begin(&u.keeper, 0));
	greet(slow);
	assert_true(keeper_may_begin(&u.keeper, 0));
	end(connect_slot(&u, 0), false, SUBFLOW_END_REFUSED);
	assert_int_equal(u.keeper.retry.refusals, 1);
	loop_run(u.loop); /* until no timer is left */
	assert_int_equal(u.retries, 1);
	assert_true(keeper_may_begin(&u.keeper, 0));
	finish(&u);
}

static void test_what_cannot_begin(void **state)
{
	struct keeper_way way = { .name = "dsl", .device = "wan1" };
	struct user u;

	begin(&u);
	connect_err = ENETUNREACH;
	assert_int_equal(keeper_begin(&u.keeper, 0, &way), -ENETUNREACH);
	assert_null(u.keeper.slots[0].sf);
	assert_true(keeper_may_begin(&u.keeper, 0));
	u.session.over = true;
	assert_false(keeper_may_begin(&u.keeper, 0));
	finish(&u);
}

static void test_fewer_slots(void **state)
{
	struct user u;

	begin(&u);
	struct subflow *stays = connect_slot(&u, 0), *goes = connect_slot(&u, 1);
	keeper_fail_from(&u.keeper, 1, "fewer bundles");
	assert_string_equal(stays->told, "");
	assert_string_equal(goes->told, "fewer bundles");
	keeper_end_all(&u.keeper);
	assert_int_equal(living, 0);
	assert_int_equal(u.ends, 0);
	finish(&u);
}

/* A subflow of somebody else's is none of these. */
static void test_strangers(void **state)
{
	struct user u;
	struct subflow other;

	begin(&u);
	end(connect_slot(&u, 0), false, SUBFLOW_END_OTHER);
	assert_int_equal(keeper_on_join(&u.keeper, &other), -1);
	assert_false(keeper_may_begin(&u.keeper, 0));
	finish(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins_and_joins),
		cmocka_unit_test(test_endpoints_take_turns),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_what_cannot_begin),
		cmocka_unit_test(test_fewer_slots),
		cmocka_unit_test(test_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
