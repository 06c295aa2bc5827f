/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: two sessions under virtual time (virtual.h), and how streams fare among
 * each other: shares of a bundle, a reader that does not read, a path that is
 * cut and comes back, as many streams as there may be, the linger time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "virtual.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MBYTE 1000000u
#define SECOND 1000000u
#define FLOWS_MAX (WIRE_STREAMS_MAX + 1)

/* One stream: the gateway writes `size` bytes, the concentrator reads. */
struct flow {
	struct stream *from, *to;
	uint64_t size, sent, received;
	bool deaf;     /* takes nothing */
	bool from_closed, to_closed;
	enum stream_end end;
};

struct scene {
	struct virtual_net *net;
	struct flow flows[FLOWS_MAX];
	unsigned flow_count, accepted;
};

static void write_more(struct flow *f)
{
	while (f->from && f->sent < f->size) {
		size_t n;
		uint8_t *to = stream_reserve(f->from, &n);
		if (!to)
			return;
		if (n > f->size - f->sent)
			n = f->size - f->sent;
		memset(to, 'x', n);
		f->sent += n;
		stream_commit(f->from, n);
	}
	if (f->from)
		stream_finish(f->from);
}

static void on_opened(void *ctx, const struct addr *bound)
{
}

static size_t on_data(void *ctx, struct iovec *parts, int count)
{
	struct flow *f = ctx;
	size_t n = f->deaf ? 0 : stream_parts_bytes(parts, count);

	f->received += n;
	return n;
}

static void on_finished(void *ctx)
{
	struct flow *f = ctx;

	stream_finish(f->to);
}

static void on_sender_finished(void *ctx)
{
}

static void on_writable(void *ctx)
{
	write_more(ctx);
}

static void on_reader_writable(void *ctx)
{
}

static void on_from_closed(void *ctx, enum stream_end end)
{
	struct flow *f = ctx;

	f->from = NULL;
	f->from_closed = true;
	f->end = end;
}

static void on_to_closed(void *ctx, enum stream_end end)
{
	struct flow *f = ctx;

	f->to = NULL;
	f->to_closed = true;
}

static const struct stream_events from_events = {
	.on_opened = on_opened, .on_data = on_data,
	.on_finished = on_sender_finished, .on_writable = on_writable,
	.on_closed = on_from_closed,
};
static const struct stream_events to_events = {
	.on_opened = on_opened, .on_data = on_data, .on_finished = on_finished,
	.on_writable = on_reader_writable, .on_closed = on_to_closed,
};

/* The destination's port carries the number of the flow. */
static enum stream_end on_accept(void *ctx, struct stream *stream,
                                 const struct dest *dest,
                                 const struct stream_events **events,
                                 void **stream_ctx)
{
	struct scene *scene = ctx;
	struct flow *f = &scene->flows[dest->addr.port];

	scene->accepted++;
	f->to = stream;
	*events = &to_events;
	*stream_ctx = f;
	return STREAM_END_FINISHED;
}

static struct scene *begin_with(unsigned paths, uint64_t rate_bps,
                                unsigned bundles, size_t memory_max)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct virtual_args args = {
		.paths = paths, .bundles = bundles, .seed = 1,
		.linger_us = SESSION_LINGER_DEFAULT_US,
		.memory_max = memory_max,
	};

	assert_non_null(scene);
	session_policy_init(&args.policy, sched_find("lowrtt"));
	for (unsigned i = 0; i < paths; i++)
		args.path[i] = (struct virtual_path){
			.rate_bps = { rate_bps, rate_bps },
			.delay_us = 10000 + 5000 * i,
		};
	scene->net = virtual_create(&args, on_accept, scene);
	virtual_run(scene->net, virtual_now(scene->net) + 2 * SECOND);
	return scene;
}

static struct scene *begin(unsigned paths, uint64_t rate_bps, unsigned bundles)
{
	return begin_with(paths, rate_bps, bundles, SESSION_MEMORY_DEFAULT);
}

static void finish(struct scene *scene)
{
	virtual_destroy(scene->net);
	free(scene);
}

static struct flow *start(struct scene *scene, uint64_t size)
{
	struct flow *f = &scene->flows[scene->flow_count];
	struct dest dest = { .addr = { .family = AF_INET,
		.port = (uint16_t)scene->flow_count } };
	struct addr client = { 0 };

	f->size = size;
	f->from = session_open(virtual_session(scene->net, V_GATEWAY), &dest,
	                       &client, &from_events, f);
	if (!f->from)
		return NULL;
	scene->flow_count++;
	write_more(f);
	return f;
}

static void pass(struct scene *scene, uint64_t us)
{
	virtual_run(scene->net, virtual_now(scene->net) + us);
}

static void path_tx(struct scene *scene, uint64_t out[WIRE_PATHS_MAX])
{
	struct session_stats stats;

	session_stats(virtual_session(scene->net, V_GATEWAY), &stats);
	memcpy(out, stats.path_tx_bytes, sizeof(stats.path_tx_bytes));
}

/* Equal streams get equal shares, over one path and over three. */
static void test_fair_shares(void **state)
{
	for (unsigned paths = 1; paths <= 3; paths += 2)
		for (unsigned n = 2; n <= 32; n *= 2) {
			struct scene *scene = begin(paths, 2 * MBYTE, 1);
			uint64_t least = UINT64_MAX, most = 0;
			for (unsigned i = 0; i < n; i++)
				start(scene, UINT64_MAX / 2);
			pass(scene, 10 * SECOND);
			for (unsigned i = 0; i < n; i++) {
				uint64_t got = scene->flows[i].received;
				least = got < least ? got : least;
				most = got > most ? got : most;
			}
			assert_true(least > 0 && most * 2 <= least * 3);
			finish(scene);
		}
}

/* All paths together carry nearly what they can. */
static void test_sum_of_paths(void **state)
{
	struct scene *scene = begin(3, 2 * MBYTE, 1);
	struct flow *f = start(scene, UINT64_MAX / 2);

	pass(scene, 10 * SECOND);
	assert_true(f->received > 50u * MBYTE);
	finish(scene);
}

static void test_slow_reader_stops_only_itself(void **state)
{
	struct scene *scene = begin(2, 2 * MBYTE, 2);
	struct session_stats stats;

	for (int i = 0; i < 8; i++)
		start(scene, 100 * MBYTE)->deaf = true;
	struct flow *f = start(scene, 10 * MBYTE);
	pass(scene, 10 * SECOND);
	assert_int_equal(f->received, 10 * MBYTE);
	assert_true(f->from_closed && f->to_closed);
	session_stats(virtual_session(scene->net, V_CONCENTRATOR), &stats);
	assert_true(stats.buffered_bytes >= 8 * 65536);
	assert_true(stats.memory_bytes <= stats.memory_max);

	scene->flows[0].deaf = false; /* and may start at any time */
	stream_pull(scene->flows[0].to);
	pass(scene, 5 * SECOND);
	assert_true(scene->flows[0].received > 5 * MBYTE);
	finish(scene);
}

/* However many there are, and however little memory: who reads goes on. */
static void test_slow_readers_leave_memory(void **state)
{
	static const struct { unsigned readers; size_t memory; } cases[] = {
		{ 20, SESSION_MEMORY_MIN }, { 60, SESSION_MEMORY_MIN },
		{ 60, SESSION_MEMORY_DEFAULT }, { 300, SESSION_MEMORY_DEFAULT },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene *scene = begin_with(2, 4 * MBYTE, 2, cases[i].memory);
		for (unsigned n = 0; n < cases[i].readers; n++) {
			start(scene, 100 * MBYTE)->deaf = true;
			pass(scene, SECOND / 10);
		}
		pass(scene, 5 * SECOND);
		struct flow *f = start(scene, UINT64_MAX / 2);
		pass(scene, 10 * SECOND);
		assert_true(f->received > 40u * MBYTE);
		for (unsigned n = 0; n < cases[i].readers; n++)
			assert_false(scene->flows[n].to_closed);
		finish(scene);
	}
}

static void test_cut_path_comes_back(void **state)
{
	struct scene *scene = begin(2, 2 * MBYTE, 1);
	struct flow *f = start(scene, UINT64_MAX / 2);
	uint64_t before[WIRE_PATHS_MAX], after[WIRE_PATHS_MAX], had;

	pass(scene, 3 * SECOND);
	path_tx(scene, before);
	assert_true(before[0] > MBYTE && before[1] > MBYTE);

	virtual_cut(scene->net, 0, true);
	pass(scene, SECOND);
	path_tx(scene, before);
	had = f->received;
	pass(scene, 2 * SECOND);
	path_tx(scene, after);
	assert_true(after[0] - before[0] < 20000); /* probes at most */
	assert_true(f->received - had > 3 * MBYTE);

	virtual_cut(scene->net, 0, false);
	pass(scene, 2 * SECOND);
	path_tx(scene, before);
	pass(scene, 2 * SECOND);
	path_tx(scene, after);
	assert_true(after[0] - before[0] > 3 * MBYTE);
	finish(scene);
}

/* All that may be open at once, over a thin path: each complete. */
static void test_as_many_as_there_may_be(void **state)
{
	struct scene *scene = begin(2, 1 * MBYTE, 4);

	for (unsigned i = 0; i < WIRE_STREAMS_MAX; i++)
		assert_non_null(start(scene, 1 + i % 3000));
	assert_null(start(scene, 1));
	assert_int_equal(errno, ENOSPC);
	pass(scene, 60 * SECOND);
	for (unsigned i = 0; i < WIRE_STREAMS_MAX; i++) {
		assert_true(scene->flows[i].from_closed);
		assert_int_equal(scene->flows[i].end, STREAM_END_FINISHED);
		assert_int_equal(scene->flows[i].received, 1 + i % 3000);
	}
	assert_int_equal(scene->accepted, WIRE_STREAMS_MAX);
	finish(scene);
}

static void test_linger(void **state)
{
	struct scene *scene = begin(2, MBYTE, 1);
	struct flow *f = start(scene, 20 * MBYTE);

	pass(scene, 2 * SECOND);
	virtual_cut(scene->net, 0, true);
	virtual_cut(scene->net, 1, true);
	pass(scene, 50 * (uint64_t)SECOND);
	assert_false(f->from_closed);
	virtual_cut(scene->net, 1, false);
	pass(scene, 40 * (uint64_t)SECOND);
	assert_int_equal(f->received, 20 * MBYTE);
	assert_int_equal(f->end, STREAM_END_FINISHED);

	f = start(scene, 20 * MBYTE);
	pass(scene, 2 * SECOND);
	virtual_cut(scene->net, 1, true);
	pass(scene, 120 * (uint64_t)SECOND);
	assert_true(f->from_closed);
	assert_int_equal(f->end, STREAM_END_SESSION_LOST);
	assert_non_null(virtual_over(scene->net, V_GATEWAY));
	assert_non_null(virtual_over(scene->net, V_CONCENTRATOR));
	finish(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fair_shares),
		cmocka_unit_test(test_sum_of_paths),
		cmocka_unit_test(test_slow_reader_stops_only_itself),
		cmocka_unit_test(test_slow_readers_leave_memory),
		cmocka_unit_test(test_cut_path_comes_back),
		cmocka_unit_test(test_as_many_as_there_may_be),
		cmocka_unit_test(test_linger),
	};

	return cmocka_run_group_tests_name("transport/session_flow", tests, NULL,
	                                   NULL);
}
