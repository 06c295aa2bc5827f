/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/history/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define T0 UINT64_C(1790000000)
#define DAY 86400u

struct fixture {
	char dir[64], path[96];
	struct history h, again;
	char why[STORE_WHY_MAX + 1];
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	snprintf(f.dir, sizeof(f.dir), "/tmp/aggd-store-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.path, sizeof(f.path), "%s/" STORE_FILE, f.dir);
	history_init(&f.h);
	history_init(&f.again);
	history_step(&f.h, T0, 1);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	history_finish(&f->h);
	history_finish(&f->again);
	snprintf(path, sizeof(path), "%s" STORE_DAMAGED, f->path);
	unlink(path);
	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	return 0;
}

static void use(struct history *h, enum history_kind kind, const char *name, uint64_t bytes)
{
	const struct ring_sample s = { .down_bytes = bytes, .up_bytes = 1, .rtt_us = 12000 };

	history_add(h, history_find(h, kind, name), &s);
}

static void save(struct fixture *f)
{
	struct store_batch *batch = store_gather(&f->h);

	assert_non_null(batch);
	assert_int_equal(store_write(f->path, batch, f->why), 0);
	store_free(batch);
}

static void load(struct fixture *f)
{
	history_finish(&f->again);
	history_init(&f->again);
	assert_int_equal(store_load(f->path, &f->again, f->why), 0);
}

static void assert_alike(const struct fixture *f, const char *name)
{
	const struct history_subject *a = history_named(&f->h, name);
	const struct history_subject *b = history_named(&f->again, name);
	struct ring_value va, vb;

	assert_true(a && b && a->kind == b->kind);
	assert_string_equal(a->address, b->address);
	assert_int_equal(a->month_bytes, b->month_bytes);
	assert_int_equal(a->month_s, b->month_s);
	for (int i = RING_MINUTES; i < RING_LEVELS; i++)
		for (uint64_t k = ring_first(&a->rings[i]); k <= a->rings[i].slot; k++) {
			assert_true(ring_get(&a->rings[i], k, &va));
			if (!ring_get(&b->rings[i], k, &vb)) {
				assert_true(ring_is_nothing(&va));
				continue;
			}
			assert_int_equal(va.down_bytes, vb.down_bytes);
			assert_int_equal(va.up_bytes, vb.up_bytes);
			assert_int_equal(va.rtt_us, vb.rtt_us);
		}
}

static void test_comes_back(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 1; i < 400; i++) {
		use(&f->h, HISTORY_UPLINK, "dsl", 777 * i);
		if (i % 3)
			use(&f->h, HISTORY_DEVICE, "02:00:00:00:00:01", i);
		snprintf(history_find(&f->h, HISTORY_DEVICE, "02:00:00:00:00:01")->address,
		         64, "192.168.1.5");
		history_count_month(history_find(&f->h, HISTORY_UPLINK, "dsl"), T0, i);
		if (i % 50 == 0)
			save(f);
		history_step(&f->h, T0 + i * 300, i + 1);
	}
	save(f);
	load(f);
	assert_alike(f, "dsl");
	assert_alike(f, "02:00:00:00:00:01");
	/* And it goes on from there. */
	history_step(&f->again, f->h.clock.now_s + 1, 1);
	use(&f->again, HISTORY_UPLINK, "dsl", 1);
}

/* What is over, is later than a clock that went back, or was let go, is not in it. */
static void test_forgets(void **state)
{
	struct fixture *f = *state;
	struct stat before, after;
	char name[32];

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "10.0.%u.%u", i / 256, i % 256);
		use(&f->h, HISTORY_UPLINK, "dsl", 1000);
		use(&f->h, HISTORY_DEVICE, name, 1000);
		history_step(&f->h, T0 + i * 600, i + 1);
		if (i % 100 == 99)
			save(f);
		if (i == 1500)
			stat(f->path, &before);
	}
	stat(f->path, &after);
	assert_in_range(after.st_size, 4096, before.st_size * 3 / 2);
	history_step(&f->h, T0, 4000);
	history_step(&f->h, T0, 4000 + CLOCK_DOUBT_S);
	assert_int_equal(f->h.clock.now_s, T0);
	save(f);
	load(f);
	assert_int_equal(f->again.clock.now_s, T0 / 60 * 60);
	assert_alike(f, "dsl");
	assert_alike(f, HISTORY_OTHERS);
	assert_null(history_named(&f->again, "10.0.0.1"));
}

static void spoil(const struct fixture *f, long at, int byte)
{
	FILE *file = fopen(f->path, "r+");

	assert_non_null(file);
	fseek(file, at, SEEK_SET);
	for (int i = 0; i < 3000; i++)
		fputc(byte, file);
	fclose(file);
}

static void test_damaged(void **state)
{
	static const long places[] = { 0, 60, 4096 };
	struct fixture *f = *state;
	char aside[128];

	snprintf(aside, sizeof(aside), "%s" STORE_DAMAGED, f->path);
	for (unsigned i = 0; i < 3; i++) {
		use(&f->h, HISTORY_UPLINK, "dsl", 1000);
		store_unsave(&f->h);
		save(f);
		spoil(f, places[i], 0x5a);
		assert_int_equal(store_load(f->path, &f->again, f->why), -EBADMSG);
		assert_true(*f->why);
		assert_null(f->again.subjects);
		assert_int_equal(access(f->path, F_OK), -1);
		assert_int_equal(access(aside, F_OK), 0);
	}
	store_unsave(&f->h);
	save(f); /* a new one */
	load(f);
	assert_alike(f, "dsl");
}

static void test_cannot(void **state)
{
	struct fixture *f = *state;
	struct store_batch *batch;

	use(&f->h, HISTORY_UPLINK, "dsl", 1000);
	batch = store_gather(&f->h);
	assert_true(store_write("/proc/nothere/history.db", batch, f->why) < 0);
	assert_true(*f->why);
	store_free(batch);
	store_unsave(&f->h);
	save(f);
	load(f);
	assert_alike(f, "dsl");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cannot, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
