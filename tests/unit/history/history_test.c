/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/history/history.h"
#include "agg/history/history_show.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <json-c/json.h>

#define T0 UINT64_C(1790000000)
#define DAY 86400u

struct fixture {
	struct history h;
	uint64_t steady_s;
	struct buf out;
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	history_init(&f.h);
	f.steady_s = 1000;
	history_step(&f.h, T0, f.steady_s);
	buf_init(&f.out, 1 << 20);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	history_finish(&f->h);
	buf_finish(&f->out);
	return 0;
}

static void step(struct fixture *f, unsigned seconds)
{
	f->steady_s += seconds;
	history_step(&f->h, f->h.clock.now_s + seconds, f->steady_s);
}

static void use(struct fixture *f, enum history_kind kind, const char *name,
                uint64_t bytes)
{
	const struct ring_sample s = { .down_bytes = bytes, .up_bytes = bytes / 10 };
	struct history_subject *subject = history_find(&f->h, kind, name);
	uint64_t before = subject->down_bytes + subject->up_bytes;

	history_add(&f->h, subject, &s);
	assert_int_equal(subject->down_bytes + subject->up_bytes - before,
	                 bytes + bytes / 10);
}

static uint64_t total(const struct fixture *f, const char *name, enum ring_level level)
{
	struct ring_value v;

	ring_total(&history_named(&f->h, name)->rings[level], &v);
	return v.down_bytes;
}

static unsigned count(const struct fixture *f)
{
	unsigned n = 0;

	for (const struct history_subject *s = f->h.subjects; s; s = s->next)
		n++;
	return n;
}

static void test_levels(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3 * DAY / 60; i++) {
		use(f, HISTORY_UPLINK, "dsl", 1000);
		step(f, 60);
	}
	assert_int_equal(total(f, "dsl", RING_SECONDS), 9000);
	assert_int_equal(total(f, "dsl", RING_MINUTES), 1439000);
	assert_in_range(total(f, "dsl", RING_DAYS), 4315000, 4325000);
	/* What it says of its memory is so. */
	assert_in_range(history_bytes(&f->h), 25000, 26500);
}

/* The least used go into the others, and nothing is lost. */
static void test_many_devices(void **state)
{
	struct fixture *f = *state;
	char name[32];

	for (unsigned i = 0; i < 3 * HISTORY_DEVICES_MAX; i++) {
		snprintf(name, sizeof(name), "10.0.0.%u", i);
		use(f, HISTORY_DEVICE, "10.9.9.9", 100000);
		use(f, HISTORY_DEVICE, name, 1000);
		step(f, 1);
	}
	assert_int_equal(count(f), HISTORY_DEVICES_MAX + 1);
	assert_int_equal(total(f, "10.9.9.9", RING_HOURS),
	                 3 * HISTORY_DEVICES_MAX * 100000);
	uint64_t left = 0, minutes = 0;
	for (const struct history_subject *s = f->h.subjects; s; s = s->next) {
		left += total(f, s->name, RING_HOURS);
		minutes += total(f, s->name, RING_MINUTES);
	}
	assert_int_equal(left, 3 * HISTORY_DEVICES_MAX * 101000);
	assert_in_range(minutes, left * 999 / 1000, left * 1001 / 1000);
}

/* In one second one has to make room at most. */
static void test_flood(void **state)
{
	struct fixture *f = *state;
	char name[32];

	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "fe80::%x", i);
		use(f, HISTORY_DEVICE, name, 1000);
	}
	assert_int_equal(count(f), HISTORY_DEVICES_MAX + 1);
	assert_true(total(f, HISTORY_OTHERS, RING_HOURS) >=
	            (10000 - HISTORY_DEVICES_MAX - 1) * 1000);
	step(f, DAY);
	assert_true(history_bytes(&f->h) < (HISTORY_DEVICES_MAX + 1) * 20000);
}

static void test_clock_back(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 100; i++) {
		use(f, HISTORY_UPLINK, "dsl", 1000);
		step(f, 60);
	}
	uint64_t right_s = f->h.clock.now_s - 3600;
	for (unsigned i = 0; i <= CLOCK_DOUBT_S + 1; i++) {
		use(f, HISTORY_UPLINK, "dsl", 10);
		history_step(&f->h, right_s + i, ++f->steady_s);
	}
	assert_int_equal(f->h.clock.now_s, right_s + CLOCK_DOUBT_S + 1);
	assert_in_range(total(f, "dsl", RING_MINUTES), 105900, 106130);
	assert_in_range(total(f, "dsl", RING_SECONDS), 5900, 7000); /* steady */
}

static void test_month(void **state)
{
	struct history_subject s = { HISTORY_UPLINK };

	history_count_month(&s, T0, 10);
	history_count_month(&s, T0, 5);
	assert_int_equal(s.month_bytes, 15);
	history_count_month(&s, T0 + 30 * DAY, 5);
	assert_int_equal(s.month_bytes, 5);
	history_count_month(&s, T0, 5); /* the clock went back: what was counted stays */
	assert_int_equal(s.month_bytes, 10);
}

static const char *ask(struct fixture *f, int argc, const char *const *argv, int rc)
{
	buf_take(&f->out, f->out.len);
	assert_int_equal(history_show(&f->h, "", argc, argv, &f->out), rc);
	assert_int_equal(buf_put(&f->out, "", 1), 0);
	return (const char *)buf_head(&f->out);
}
#define ASK(f, rc, ...) ask(f, (int)(sizeof((const char *[]){ __VA_ARGS__ }) / \
	sizeof(char *)), (const char *const []){ __VA_ARGS__ }, rc)

static void test_words(void **state)
{
	struct fixture *f = *state;

	use(f, HISTORY_UPLINK, "dsl", 1000);
	use(f, HISTORY_DEVICE, "02:00:00:00:00:01", 70);
	assert_non_null(strstr(ASK(f, -ENOENT, "history", "lte"),
	                       "there is no 'lte'; there are: dsl, 02:00"));
	assert_non_null(strstr(ASK(f, -EINVAL, "history", "--weeks"), "--hours"));
	ASK(f, -EINVAL, "history", "dsl", "--days", "--hours");
	ASK(f, -EINVAL, "history", "--days");
	ASK(f, -EINVAL, "history", "dsl", "lte");
	assert_non_null(strstr(ASK(f, 0, "history"), "dsl"));
}

static void test_json(void **state)
{
	struct fixture *f = *state;

	use(f, HISTORY_UPLINK, "dsl", 5000);
	step(f, 3);
	use(f, HISTORY_UPLINK, "dsl", 1000);
	struct json_object *all = json_tokener_parse(ASK(f, 0, "history", "--json"));
	struct json_object *list = json_object_object_get(all, "subjects");
	assert_int_equal(json_object_array_length(list), 1);
	struct json_object *now = json_object_object_get(
		json_object_array_get_idx(list, 0), "now");
	/* Of the last three seconds; the one that is not over is not one of them. */
	assert_int_equal(json_object_get_int64(json_object_object_get(
		now, "down_bytes_per_s")), 5000 / 3);
	json_object_put(all);
	struct json_object *one = json_tokener_parse(
		ASK(f, 0, "history", "dsl", "--seconds", "--json"));
	struct json_object *down = json_object_object_get(one, "down_bytes");
	assert_int_equal(json_object_get_int64(json_object_object_get(one, "from_s")), T0);
	assert_int_equal(json_object_array_length(down), 4);
	assert_int_equal(json_object_get_int64(json_object_array_get_idx(down, 3)), 1000);
	assert_null(json_object_array_get_idx(json_object_object_get(one, "rtt_us"), 0));
	json_object_put(one);
}

/* No line is wider than a terminal, whatever was carried. */
static void test_chart(void **state)
{
	struct fixture *f = *state;
	static const char *const levels[] = { "--seconds", "--minutes", "--hours", "--days" };

	for (unsigned i = 0; i < 400; i++) {
		use(f, HISTORY_UPLINK, "dsl", UINT64_C(1000000000) * (i % 50));
		step(f, i < 200 ? 7200 : 1);
	}
	for (unsigned i = 0; i < 4; i++) {
		const char *text = ASK(f, 0, "history", "dsl", levels[i]);
		assert_non_null(strstr(text, "#"));
		assert_non_null(strstr(text, "dsl down, Mbit/s"));
		for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
			assert_true(strcspn(line, "\n") <= HISTORY_CHART_WIDTH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_back, setup, teardown),
		cmocka_unit_test(test_month),
		cmocka_unit_test_setup_teardown(test_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_chart, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
