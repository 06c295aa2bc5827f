/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a player is given: JSON of the promised form, whose samples fit to
 * the run's figures.
 */
#include "scheduler/sim/trace.h"

#include "scheduler/sim/result.h"

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SCHEDULERS 2

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("there is no '%s'", key);
	return value;
}

static struct json_object *at(struct json_object *list, size_t i)
{
	assert_true(i < json_object_array_length(list));
	return json_object_array_get_idx(list, i);
}

static int64_t number(struct json_object *list, size_t i)
{
	return json_object_get_int64(at(list, i));
}

/* The trace of a scenario by two schedulers, parsed; all well: or all fail. */
static struct json_object *trace_when(const char *text, bool well)
{
	static const char *const names[SCHEDULERS] = { "lowrtt", "roundrobin" };
	struct result_set *set = calloc(1, sizeof(*set));
	const struct result_choice choice = { .reinjection = -1 };
	struct trace_shown shown[SCHEDULERS];
	struct trace_run *runs[SCHEDULERS];
	struct conf_error error;
	struct scenario *s;
	struct buf out;

	if (scenario_parse("f", text, strlen(text), NULL, &s, &error))
		fail_msg("%s", error.text);
	assert_int_equal(result_set_init(set, s), 0);
	for (int i = 0; i < SCHEDULERS; i++) {
		runs[i] = trace_create();
		assert_int_equal(result_add(set, sched_find(names[i]), &choice,
		                            runs[i]), 0);
		assert_int_equal(!*set->runs[i].error, well);
		shown[i] = (struct trace_shown){ runs[i], &set->runs[i] };
	}
	buf_init(&out, TRACE_BYTES_MAX);
	assert_int_equal(trace_write(s, set->limits, shown, SCHEDULERS, &out), 0);
	buf_put(&out, "", 1);
	struct json_object *trace = json_tokener_parse((char *)buf_head(&out));
	assert_non_null(trace);
	buf_finish(&out);
	for (int i = 0; i < SCHEDULERS; i++)
		trace_free(runs[i]);
	scenario_free(s);
	free(set);
	return trace;
}

static struct json_object *trace_of(const char *text)
{
	return trace_when(text, true);
}

/* One that was not done has no end. */
static int64_t end_of(struct json_object *stream)
{
	struct json_object *end = get(stream, "end_us");

	return end ? json_object_get_int64(end) : INT64_MAX;
}

/* What a frame says fits to the streams: those that run are in it, with less
 * and less left. */
static void check_frame(struct json_object *run, struct json_object *frame,
                        int64_t time_us, int64_t *left, size_t paths)
{
	struct json_object *streams = get(run, "streams");
	struct json_object *samples = at(frame, 0);
	size_t shown = 0, expected = 0;

	for (size_t i = 0; i < json_object_array_length(samples); i++) {
		struct json_object *sample = at(samples, i);
		size_t stream = (size_t)number(sample, 0);
		int64_t size = json_object_get_int64(get(at(streams, stream), "size"));
		assert_true(number(sample, 1) <= size);
		assert_true(number(sample, 1) <= left[stream]);
		assert_true(number(sample, 2) >= 0);
		assert_true(number(sample, 2) <= number(sample, 1));
		left[stream] = number(sample, 1);
		shown++;
	}
	for (size_t i = 0; i < json_object_array_length(streams); i++) {
		struct json_object *stream = at(streams, i);
		expected += json_object_get_int64(get(stream, "start_us")) < time_us &&
		            end_of(stream) > time_us;
	}
	assert_true(shown >= expected);
	assert_int_equal(json_object_array_length(at(frame, 1)), paths);
	for (size_t i = 0; i < paths; i++)
		for (size_t j = 0; j < 3; j++)
			assert_true(number(at(at(frame, 1), i), j) >= 0);
}

static void check_run(struct json_object *trace, struct json_object *run)
{
	struct json_object *frames = get(run, "frames"), *streams = get(run, "streams");
	size_t paths = json_object_array_length(get(trace, "paths"));
	int64_t step_us = json_object_get_int64(get(trace, "step_us"));
	int64_t end_us = json_object_get_int64(get(run, "end_us"));
	size_t count = json_object_array_length(frames);
	int64_t left[TRACE_STREAMS_MAX];

	for (size_t i = 0; i < TRACE_STREAMS_MAX; i++)
		left[i] = INT64_MAX;
	assert_in_range(count, 2, TRACE_FRAMES_MAX);
	assert_in_range(json_object_array_length(streams), 1, TRACE_STREAMS_MAX);
	for (size_t k = 0; k < count; k++)
		check_frame(run, at(frames, k), (int64_t)k * step_us, left, paths);
	assert_true((int64_t)count * step_us >= end_us);
	for (size_t i = 0; i < json_object_array_length(streams); i++) {
		struct json_object *stream = at(streams, i);
		assert_true(end_of(stream) <= end_us || !get(stream, "end_us"));
		assert_true(json_object_get_int64(get(stream, "load")) <
		            (int64_t)json_object_array_length(get(trace, "loads")));
		assert_true(json_object_get_int64(get(stream, "bound_us")) > 0);
	}
}

static void check_trace(struct json_object *trace)
{
	struct json_object *runs = get(trace, "runs");

	assert_int_equal(json_object_get_int(get(trace, "version")), 1);
	assert_int_equal(json_object_array_length(runs), SCHEDULERS);
	for (size_t i = 0; i < SCHEDULERS; i++)
		check_run(trace, at(runs, i));
}

static void a_batch_is_told(void **state)
{
	struct json_object *trace = trace_of(
		"config scenario\noption title 'a \"title\" \\'\noption seed 7\n"
		"config path near\noption rate 20\noption delay 15ms\n"
		"config path far\noption rate 10\noption delay 40ms\noption queue 50ms\n"
		"config load page\noption kind batch\noption count 3\nlist size 90000\n");
	struct json_object *run = at(get(trace, "runs"), 0);
	struct json_object *stats = at(get(run, "stats"), 0);

	check_trace(trace);
	/* The least mean: nobody is below it. */
	double bound_ms = json_object_get_double(get(at(get(trace, "loads"), 0),
	                                             "bound_ms"));
	assert_true(bound_ms > 15);
	assert_true(json_object_get_double(get(stats, "mean_ms")) >= bound_ms);
	assert_string_equal(json_object_get_string(get(trace, "title")),
	                    "a \"title\" \\");
	assert_int_equal(json_object_get_int(get(trace, "seed")), 7);
	assert_int_equal(json_object_get_int(get(trace, "step_us")),
	                 TRACE_STEP_US);
	assert_string_equal(json_object_get_string(
		get(at(get(trace, "paths"), 1), "name")), "far");
	assert_int_equal(json_object_get_int(
		get(at(get(trace, "paths"), 1), "queue_bytes")), 62500);
	assert_string_equal(json_object_get_string(get(run, "scheduler")),
	                    "lowrtt");
	assert_string_equal(json_object_get_string(
		get(at(get(run, "streams"), 2), "name")), "page 3");
	assert_true(json_object_get_double(get(stats, "mean_ms")) > 20);
	assert_true(json_object_get_double(get(stats, "slowdown")) >= 1);
	json_object_put(trace);
}

/* 300 frames of 1 ms, then of 2 ms, ...: the runs keep one step. */
static void a_long_run_has_few_frames(void **state)
{
	struct json_object *trace = trace_of(
		"config scenario\noption title t\noption direction up\n"
		"config path near\noption rate 20\noption rate_up 2\noption delay 15ms\n"
		"config load up\noption kind objects\noption direction up\n"
		"option count 12\nlist size 300000\n"
		"config load call\noption kind call\noption count 300\nlist size 160\n"
		"config load rest\noption kind bulk\n");

	struct json_object *stats = get(at(get(trace, "runs"), 1), "stats");

	check_trace(trace);
	assert_int_equal(json_object_array_length(stats), 3);
	assert_string_equal(json_object_get_string(
		get(at(get(trace, "loads"), 1), "kind")), "call");
	assert_int_equal(json_object_get_int(
		get(at(get(trace, "loads"), 1), "count")), 600);
	assert_true(json_object_get_double(get(at(stats, 1), "mean_ms")) > 0);
	assert_null(get(at(stats, 2), "mean_ms"));
	assert_true(json_object_get_double(get(at(stats, 2), "goodput_mbit")) > 0);
	assert_null(get(at(stats, 0), "stall_ms"));
	assert_true(json_object_get_int(get(trace, "step_us")) >= 16000);
	struct json_object *streams = get(at(get(trace, "runs"), 1), "streams");
	unsigned of_load[3] = { 0 };

	assert_int_equal(json_object_array_length(streams), TRACE_STREAMS_MAX);
	for (size_t i = 0; i < TRACE_STREAMS_MAX; i++)
		of_load[json_object_get_int(get(at(streams, i), "load")) % 3]++;
	assert_int_equal(of_load[0], 12);
	assert_int_equal(of_load[1], TRACE_STREAMS_MAX - 13);
	assert_int_equal(of_load[2], 1);
	assert_int_equal(json_object_get_int(
		get(at(get(trace, "paths"), 0), "rate_bps")), 250000);
	json_object_put(trace);
}

static void bulk_is_as_long_as_it_got(void **state)
{
	struct json_object *trace = trace_of(
		"config scenario\noption title t\nconfig path near\noption rate 20\n"
		"config load down\noption kind bulk\noption duration 3s\n");
	struct json_object *stream =
		at(get(at(get(trace, "runs"), 0), "streams"), 0);

	check_trace(trace);
	assert_string_equal(json_object_get_string(get(stream, "name")), "down");
	struct json_object *stats = at(get(at(get(trace, "runs"), 0), "stats"), 0);
	assert_true(json_object_get_double(get(stats, "silence_ms")) > 0);
	assert_true(json_object_get_double(get(stats, "worst_half_mbit")) > 1);
	assert_in_range(json_object_get_int64(get(stream, "size")), 5000000,
	                8000000);
	json_object_put(trace);
}

/* The path is cut for good while the second of three runs. */
static void what_was_not_done_has_no_end(void **state)
{
	struct json_object *trace = trace_when(
		"config scenario\noption title t\noption limit 4s\n"
		"config path near\noption rate 20\noption delay 15ms\n"
		"config cut\noption path near\noption at 1s\n"
		"config load page\noption kind objects\noption count 3\n"
		"list size 100000\nlist size 5000000\nlist size 6000000\n", false);
	struct json_object *run = at(get(trace, "runs"), 0);
	struct json_object *streams = get(run, "streams");
	int64_t step_us = json_object_get_int64(get(trace, "step_us"));

	struct json_object *last = at(get(run, "frames"),
		json_object_array_length(get(run, "frames")) - 1);

	assert_int_equal(number(at(at(last, 1), 0), 2), 0); /* still cut */
	assert_null(get(run, "end_us"));
	assert_in_range((int64_t)json_object_array_length(get(run, "frames")) *
	                step_us, 3000000, 4000000 + step_us);
	assert_non_null(get(at(streams, 0), "end_us"));
	for (size_t i = 1; i < 3; i++) {
		assert_null(get(at(streams, i), "end_us"));
		assert_int_equal(json_object_get_int(get(at(streams, i), "size")),
		                 4000000 + i * 1000000);
	}
	json_object_put(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_is_told),
		cmocka_unit_test(a_long_run_has_few_frames),
		cmocka_unit_test(bulk_is_as_long_as_it_got),
		cmocka_unit_test(what_was_not_done_has_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
