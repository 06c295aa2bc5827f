/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: roundrobin by table: what the paths look like, and whom twelve picks in
 * a row take. The turn belongs to the instance, so it goes on from unit to
 * unit and while paths come and go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/scheduler.h"

#include <string.h>

#define PATHS 3
#define PICKS 12

struct row {
	const char *about;
	struct sched_path paths[PATHS];
	uint32_t tried;
	const char *want; /* a digit a pick; '-': nothing */
};

#define UP { .room_bytes = 1 }
#define FULL { .room_bytes = 0 }
#define SUSPECT { .state = SCHED_PATH_SUSPECT, .room_bytes = 1 }
#define METERED { .path_class = SCHED_CLASS_METERED, .room_bytes = 1 }
#define BACKUP { .path_class = SCHED_CLASS_BACKUP, .room_bytes = 1 }

static const struct row rows[] = {
	{ "in turn", { UP, UP, UP }, 0, "012012012012" },
	{ "a full one is passed over", { UP, FULL, UP }, 0, "020202020202" },
	{ "so is a suspect one", { SUSPECT, UP, UP }, 0, "121212121212" },
	{ "and one that has it", { UP, UP, UP }, 4, "010101010101" },
	{ "the last one left", { FULL, SUSPECT, UP }, 0, "222222222222" },
	{ "nothing to go by", { FULL, SUSPECT, FULL }, 0, "------------" },
	{ "metered: not yet", { METERED, UP, METERED }, 0, "111111111111" },
	{ "metered: now", { METERED, FULL, METERED }, 0, "020202020202" },
	{ "backup: not yet", { FULL, BACKUP, BACKUP }, 0, "------------" },
	{ "backup: now", { SUSPECT, BACKUP, BACKUP }, 0, "121212121212" },
};

static uint64_t instance[SCHED_INSTANCE_BYTES_MAX / sizeof(uint64_t)];

static char pick(const struct sched_path *paths, unsigned count, uint32_t tried)
{
	struct sched_unit unit = { .len_bytes = 1, .tried_mask = tried };
	struct sched_view view = { 5, paths, count, &unit };
	struct sched_decision got;

	sched_find("roundrobin")->pick(instance, NULL, &view, &got);
	if (got.verdict != SCHED_SEND)
		return '-';
	return (char)('0' + __builtin_ctz(got.mask));
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char got[PICKS + 1] = { 0 };
		memset(instance, 0, sizeof(instance));
		for (int k = 0; k < PICKS; k++)
			got[k] = pick(rows[i].paths, PATHS, rows[i].tried);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s, not %s", rows[i].about, got, rows[i].want);
	}
}

/* Paths come and go between two picks; the turn is never out of range. */
static void test_count_changes(void **state)
{
	static const struct sched_path paths[SCHED_PATHS_MAX] = {
		UP, UP, UP, UP, UP, UP, UP, UP };

	memset(instance, 0, sizeof(instance));
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(pick(paths, 8, 0), '0' + (char)i);
	for (unsigned count = 8; count > 0; count--)
		assert_true(pick(paths, count, 0) < '0' + (char)count);
	assert_int_equal(pick(paths, 1, 0), '0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_count_changes),
	};

	return cmocka_run_group_tests_name("scheduler/roundrobin", tests, NULL,
	                                   NULL);
}
