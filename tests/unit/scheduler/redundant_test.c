/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: redundant by table: up to four paths, and those that get a copy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/scheduler.h"

struct row {
	const char *about;
	struct sched_path paths[4];
	uint8_t kind;
	uint32_t tried, want; /* masks; 0: nothing */
};

#define UP(rtt) { .srtt_us = (rtt), .room_bytes = 1 }
#define FULL(rtt) { .srtt_us = (rtt) }
#define SUSPECT { .state = SCHED_PATH_SUSPECT, .room_bytes = 1 }
#define DOWN { .state = SCHED_PATH_DOWN, .room_bytes = 1 }
#define CLASS(c, rtt) { .path_class = SCHED_CLASS_##c, .srtt_us = (rtt), \
                        .room_bytes = 1 }

static const struct row rows[] = {
	{ "all", { UP(10), UP(900), UP(20), UP(30) }, SCHED_STREAM, 0, 15 },
	{ "blocks on none", { FULL(10), UP(900), FULL(20), UP(30) },
	  SCHED_STREAM, 0, 10 },
	{ "one is left", { FULL(10), DOWN, FULL(20), UP(30) }, SCHED_STREAM, 0,
	  8 },
	{ "not where nothing moves", { UP(10), SUSPECT, DOWN, UP(30) },
	  SCHED_STREAM, 0, 9 },
	{ "not twice", { UP(10), UP(20), UP(30), UP(40) }, SCHED_STREAM, 5, 10 },
	{ "a datagram too", { UP(10), UP(20), DOWN, DOWN }, SCHED_DATAGRAM, 0,
	  3 },
	{ "one of what is sent again", { UP(90), UP(10), UP(20), UP(30) },
	  SCHED_REINJECT, 2, 4 },
	{ "metered not beside normal",
	  { UP(10), CLASS(METERED, 5), UP(30), CLASS(BACKUP, 5) }, SCHED_STREAM,
	  0, 5 },
	{ "metered where normal is full",
	  { FULL(10), CLASS(METERED, 5), CLASS(METERED, 9), CLASS(BACKUP, 5) },
	  SCHED_STREAM, 0, 6 },
	{ "backup not where metered is full",
	  { FULL(10), CLASS(BACKUP, 5), CLASS(BACKUP, 5), SUSPECT }, SCHED_STREAM,
	  0, 0 },
	{ "one of the backups", { DOWN, CLASS(BACKUP, 9), CLASS(BACKUP, 5),
	                          SUSPECT }, SCHED_STREAM, 0, 4 },
	{ "none", { FULL(1), FULL(2), DOWN, SUSPECT }, SCHED_STREAM, 0, 0 },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct sched_unit unit = { .kind = row->kind, .len_bytes = 1,
		                           .tried_mask = row->tried };
		struct sched_view view = { 5, row->paths, 4, &unit };
		struct sched_decision got;
		sched_find("redundant")->pick(NULL, NULL, &view, &got);
		uint32_t mask = got.verdict == SCHED_SEND ? got.mask : 0;
		if (mask != row->want)
			fail_msg("%s: %x, not %x", row->about, mask, row->want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests_name("scheduler/redundant", tests, NULL,
	                                   NULL);
}
