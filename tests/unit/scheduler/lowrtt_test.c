/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: lowrtt by table: up to three paths, and the one that is to be taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/scheduler.h"

#define PATHS_MAX 3
#define NONE (-1)

struct row {
	const char *about;
	struct sched_path paths[PATHS_MAX];
	unsigned count;
	uint32_t tried;
	int want;
};

#define UP(rtt, room) { .srtt_us = (rtt), .room_bytes = (room) }
#define SUSPECT(rtt) { .state = SCHED_PATH_SUSPECT, .srtt_us = (rtt), \
                       .room_bytes = 1 }
#define DOWN(rtt) { .state = SCHED_PATH_DOWN, .srtt_us = (rtt), \
                    .room_bytes = 1 }
#define CLASS(c, rtt, room) { .path_class = SCHED_CLASS_##c, \
                              .srtt_us = (rtt), .room_bytes = (room) }

static const struct row rows[] = {
	{ "one", { UP(10, 1) }, 1, 0, 0 },
	{ "the faster, first", { UP(10, 1), UP(20, 1) }, 2, 0, 0 },
	{ "the faster, last", { UP(30, 1), UP(20, 1), UP(10, 1) }, 3, 0, 2 },
	{ "a tie: the order", { UP(10, 1), UP(10, 9), UP(10, 9) }, 3, 0, 0 },
	{ "the faster is full", { UP(10, 0), UP(20, 1) }, 2, 0, 1 },
	{ "never waits", { UP(1, 0), UP(9000000, 1) }, 2, 0, 1 },
	{ "the faster is suspect", { SUSPECT(10), UP(20, 1) }, 2, 0, 1 },
	{ "the faster is down", { DOWN(10), UP(20, 1) }, 2, 0, 1 },
	{ "the faster has it already", { UP(10, 1), UP(20, 1) }, 2, 1, 1 },
	{ "all have it", { UP(10, 1), UP(20, 1) }, 2, 3, NONE },
	{ "all are full", { UP(10, 0), UP(20, 0) }, 2, 0, NONE },
	{ "none is up", { SUSPECT(10), DOWN(20) }, 2, 0, NONE },
	{ "not measured yet: worth a try", { UP(10, 1), UP(0, 1) }, 2, 0, 1 },
	{ "normal before a faster metered",
	  { CLASS(METERED, 1, 1), CLASS(NORMAL, 99, 1) }, 2, 0, 1 },
	{ "metered when normal is full",
	  { CLASS(METERED, 1, 1), CLASS(NORMAL, 99, 0) }, 2, 0, 0 },
	{ "backup not when normal is full",
	  { CLASS(BACKUP, 1, 1), CLASS(NORMAL, 99, 0) }, 2, 0, NONE },
	{ "backup not when metered is full",
	  { CLASS(BACKUP, 1, 1), CLASS(METERED, 99, 0) }, 2, 0, NONE },
	{ "backup when the others are suspect",
	  { CLASS(BACKUP, 9, 1), SUSPECT(1), DOWN(1) }, 3, 0, 0 },
	{ "the faster of two backups",
	  { CLASS(BACKUP, 9, 1), CLASS(BACKUP, 8, 1), DOWN(1) }, 3, 0, 1 },
};

static void test_rows(void **state)
{
	const struct sched_ops *lowrtt = sched_find("lowrtt");

	assert_non_null(lowrtt);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct sched_unit unit = { .len_bytes = 1,
		                           .tried_mask = row->tried };
		struct sched_view view = { 5, row->paths, row->count, &unit };
		struct sched_decision got;
		lowrtt->pick(NULL, NULL, &view, &got);
		int chosen = got.verdict != SCHED_SEND ? NONE
		                                       : __builtin_ctz(got.mask);
		if (chosen != row->want)
			fail_msg("%s: path %d, not %d", row->about, chosen, row->want);
	}
}

static void test_finds_itself(void **state)
{
	assert_null(sched_find("lowest"));
	assert_null(sched_find(""));
	for (size_t i = 0; i < sched_count; i++)
		assert_ptr_equal(sched_find(sched_all[i]->name), sched_all[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_finds_itself),
	};

	return cmocka_run_group_tests_name("scheduler/lowrtt", tests, NULL, NULL);
}
