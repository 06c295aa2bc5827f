/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/pair/invitations.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1000000
#define UNTIL (NOW + 3600)

static struct invitations all;
static const struct tls_pin one = { { 1 } }, other = { { 2 } };

static int begin(void **state)
{
	all.count = 0;
	return 0;
}

static const uint8_t *hash(unsigned n)
{
	static uint8_t bytes[INVITATION_HASH_BYTES];

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &n, sizeof(n));
	return bytes;
}

static void each_is_good_once(void **state)
{
	assert_int_equal(invitations_add(&all, hash(1), "home", UNTIL, NOW), 0);
	struct invitation *it = invitations_find(&all, hash(1));
	assert_non_null(it);
	assert_null(invitations_find(&all, hash(2)));
	assert_int_equal(invitation_judge(it, &one, NOW), WIRE_REDEEM_JOINED);
	it->state = INVITATION_USED;
	it->by = one;
	assert_int_equal(invitation_judge(it, &other, NOW), WIRE_REDEEM_USED);
	/* His answer may have been lost. */
	assert_int_equal(invitation_judge(it, &one, NOW), WIRE_REDEEM_JOINED);
	assert_int_equal(invitation_judge(NULL, &one, NOW),
	                 WIRE_REDEEM_UNKNOWN);
}

static void its_time_runs_out(void **state)
{
	invitations_add(&all, hash(1), "home", UNTIL, NOW);
	const struct invitation *it = invitations_find(&all, hash(1));
	assert_int_equal(invitation_judge(it, &one, UNTIL - 1),
	                 WIRE_REDEEM_JOINED);
	assert_int_equal(invitation_judge(it, &one, UNTIL), WIRE_REDEEM_EXPIRED);
	assert_int_equal(invitations_revoke(&all, "home", UNTIL), 0);
}

static void a_site_has_one_that_is_open(void **state)
{
	invitations_add(&all, hash(1), "home", UNTIL, NOW);
	invitations_add(&all, hash(2), "office", UNTIL, NOW);
	invitations_add(&all, hash(3), "home", UNTIL, NOW);
	assert_int_equal(invitation_judge(invitations_find(&all, hash(1)), &one,
	                                  NOW), WIRE_REDEEM_REVOKED);
	assert_true(invitation_is_open(invitations_find(&all, hash(2)), NOW));
	assert_true(invitation_is_open(invitations_find(&all, hash(3)), NOW));
	invitations_rename(&all, "office", "work");
	assert_int_equal(invitations_revoke(&all, "office", NOW), 0);
	assert_int_equal(invitations_revoke(&all, "work", NOW), 1);
}

/* What is only told of makes room; what is open does not. */
static void there_is_a_limit(void **state)
{
	char site[16];

	for (unsigned i = 0; i < 2 * INVITATIONS_MAX; i++)
		assert_int_equal(invitations_add(&all, hash(i), "home", UNTIL + i,
		                                 NOW), 0);
	assert_in_range(all.count, 2, INVITATIONS_MAX);
	assert_true(invitation_is_open(invitations_find(&all,
		hash(2 * INVITATIONS_MAX - 1)), NOW));
	all.count = 0;
	for (unsigned i = 0; i < INVITATIONS_MAX; i++) {
		snprintf(site, sizeof(site), "s%u", i);
		assert_int_equal(invitations_add(&all, hash(i), site, UNTIL, NOW),
		                 0);
	}
	assert_int_equal(invitations_add(&all, hash(999), "x", UNTIL, NOW),
	                 -ENOSPC);
	/* A week after they ran out they are forgotten. */
	assert_int_equal(invitations_add(&all, hash(999), "x", UNTIL,
	                                 UNTIL + INVITATION_KEEP_S + 1), 0);
	assert_int_equal(all.count, 1);
}

static void they_outlive_a_restart(void **state)
{
	char dir[] = "/tmp/invitations_test.XXXXXX", path[64];
	struct invitations *again = calloc(1, sizeof(*again));
	struct stat st;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/invitations", dir);
	assert_int_equal(invitations_load(again, dir), 0);
	assert_int_equal(again->count, 0);
	invitations_add(&all, hash(1), "home", UNTIL, NOW);
	all.list[0].state = INVITATION_USED;
	all.list[0].by = other;
	invitations_add(&all, hash(2), "home", UNTIL, NOW);
	invitations_add(&all, hash(3), "home", UNTIL, NOW);
	assert_int_equal(invitations_store(&all, dir), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(invitations_load(again, dir), 0);
	assert_int_equal(again->count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_memory_equal(&again->list[i], &all.list[i],
		                    sizeof(all.list[i]));
	unlink(path);
	assert_int_equal(rmdir(dir), 0); /* nothing else was left */
	free(again);
}

static void what_is_broken_is_no_list(void **state)
{
	static const char *const bad[] = {
		"", "aggd invitations 1", "aggd invitations 2\n",
		"aggd invitations 1\nx\n",
		"aggd invitations 1\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA open "
		"5 home\n",
		"aggd invitations 1\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA open "
		"-5 home -\n",
		"aggd invitations 1\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA shut "
		"5 home -\n",
		"aggd invitations 1\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA used "
		"5 home -\n",
		"aggd invitations 1\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA open "
		"5 home - x\n",
		"aggd invitations 1\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA open "
		"5 home -",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(invitations_parse(&all, bad[i], strlen(bad[i])),
		                 -EBADMSG);
		assert_int_equal(all.count, 0);
	}
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup(fn, begin)
	const struct CMUnitTest tests[] = {
		ROW(each_is_good_once),
		ROW(its_time_runs_out),
		ROW(a_site_has_one_that_is_open),
		ROW(there_is_a_limit),
		ROW(they_outlive_a_restart),
		ROW(what_is_broken_is_no_list),
	};
#undef ROW

	return cmocka_run_group_tests_name("pair/invitations", tests, NULL, NULL);
}
