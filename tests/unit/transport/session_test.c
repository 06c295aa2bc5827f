/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the session core under virtual time (virtual.h). Each seed makes a
 * network of one to four paths with rates, delays and stalls, cuts and breaks
 * paths while it runs, and lays streams on it: sizes both ways, slow readers,
 * resets half-way. Checked for every stream: each byte once, in order, right
 * by its offset; the end told once and truly; and no stream without progress
 * for longer than STALL_MAX_US while a path has been whole for that long.
 *
 * AGGD_SEEDS sets how many seeds, AGGD_SEED the first: a failure prints its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "virtual.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS_DEFAULT 10000
#define STREAMS_MAX 12
#define TROUBLES_MAX 64
#define STALL_MAX_US 9000000u
#define STALL_OFF_MAX_US 60000000u /* until a dead subflow is given up */
#define WATCH_STEP_US 500000u
#define HOPELESS_US 300000000u

struct run;

/* One end of a stream: writes `size` bytes, reads until the other's end. */
struct party {
	struct run *run;
	struct flow *flow;
	struct stream *stream;
	uint64_t size, sent, received;
	uint64_t reset_at;        /* resets after sending so much; UINT64_MAX */
	size_t gulp;              /* a slow reader: so much at once ... */
	uint64_t pause_us;        /* ... and then a pause; 0: fast */
	size_t appetite;
	bool paused, finished, closed, stream_seen;
	enum stream_end end;
	int side;
};

struct flow {
	struct party party[2];
	uint64_t start_us, progress_us;
	bool started;
};

/* An event of a run's plan; it may never come to pass. */
struct trouble { struct run *run; unsigned path; bool cut; };

struct run {
	uint64_t seed;
	struct virtual_net *net;
	struct virtual_args args;
	struct flow flows[STREAMS_MAX];
	unsigned flow_count;
	struct trouble troubles[TROUBLES_MAX];
	unsigned trouble_count;
	uint64_t whole_since_us[WIRE_PATHS_MAX]; /* UINT64_MAX: cut */
};

#define CHECK(run, cond, ...)                                           \
	do {                                                            \
		if (!(cond)) {                                          \
			print_message("seed %llu: ",                    \
			              (unsigned long long)(run)->seed); \
			print_message(__VA_ARGS__);                     \
			print_message("\n");                            \
			fail();                                         \
		}                                                       \
	} while (0)

/* The byte that belongs at an offset of a direction of a flow is the highest
 * of pattern_at() there; PATTERN_STEP leads from one to the next. */
#define PATTERN_STEP UINT64_C(0x9e3779b97f4a7c15)

static uint64_t pattern_at(const struct party *p, int side, uint64_t offset)
{
	return offset * PATTERN_STEP +
	       (uint64_t)(p->flow - p->run->flows) * 31 + (uint64_t)side;
}

static void fill(const struct party *p, uint8_t *to, size_t n)
{
	uint64_t x = pattern_at(p, p->side, p->sent);

	for (size_t i = 0; i < n; i++, x += PATTERN_STEP)
		to[i] = (uint8_t)(x >> 56);
}

/* How many of the bytes received next are right. */
static size_t count_right(const struct party *p, const uint8_t *bytes, size_t n)
{
	uint64_t x = pattern_at(p, !p->side, p->received);
	uint8_t differ = 0;
	size_t i;

	for (i = 0; i < n; i++, x += PATTERN_STEP)
		differ |= (uint8_t)(bytes[i] ^ (x >> 56));
	if (!differ)
		return n;
	x = pattern_at(p, !p->side, p->received);
	for (i = 0; bytes[i] == (uint8_t)(x >> 56); i++)
		x += PATTERN_STEP;
	return i;
}

static struct party *other(struct party *p)
{
	return &p->flow->party[!p->side];
}

static void write_more(struct party *p)
{
	while (p->stream && !p->closed && p->sent < p->size) {
		size_t n;
		uint8_t *to = stream_reserve(p->stream, &n);
		if (!to)
			return;
		if (n > p->size - p->sent)
			n = p->size - p->sent;
		fill(p, to, n);
		p->sent += n; /* on_writable may come from inside of commit */
		stream_commit(p->stream, n);
		if (!p->stream)
			return;
		if (p->sent >= p->reset_at) {
			stream_reset(p->stream, STREAM_END_RESET);
			return;
		}
	}
	if (p->stream && !p->closed && p->sent == p->size)
		stream_finish(p->stream);
}

static void on_opened(void *ctx, const struct addr *bound)
{
}

static void on_hungry(void *ctx)
{
	struct party *p = ctx;

	p->paused = false;
	p->appetite = p->gulp;
	if (p->stream && !p->closed)
		stream_pull(p->stream);
}

/* How many of the bytes it takes. */
static size_t eat(struct party *p, const uint8_t *bytes, size_t n)
{
	CHECK(p->run, !p->closed && !p->finished, "data after the end");
	if (p->pause_us) {
		n = n < p->appetite ? n : p->appetite;
		p->appetite -= n;
		if (!p->appetite && !p->paused) {
			p->paused = true;
			virtual_at(p->run->net, virtual_now(p->run->net) +
			           p->pause_us, on_hungry, p);
		}
	}
	size_t right = count_right(p, bytes, n);
	CHECK(p->run, right == n, "flow %d: wrong byte at %llu",
	      (int)(p->flow - p->run->flows),
	      (unsigned long long)(p->received + right));
	p->received += n;
	p->flow->progress_us = virtual_now(p->run->net);
	return n;
}

static size_t on_data(void *ctx, struct iovec *parts, int count)
{
	size_t all = 0;

	for (int i = 0; i < count; i++) {
		size_t n = eat(ctx, parts[i].iov_base, parts[i].iov_len);
		all += n;
		if (n < parts[i].iov_len)
			break;
	}
	return all;
}

static void on_finished(void *ctx)
{
	struct party *p = ctx;

	CHECK(p->run, !p->finished && !p->closed, "finished twice");
	CHECK(p->run, p->received == other(p)->size, "finished early");
	p->finished = true;
}

static void on_writable(void *ctx)
{
	write_more(ctx);
}

static void on_closed(void *ctx, enum stream_end end)
{
	struct party *p = ctx;

	CHECK(p->run, !p->closed, "closed twice");
	p->closed = true;
	p->end = end;
	p->stream = NULL;
	p->flow->progress_us = virtual_now(p->run->net);
}

static const struct stream_events party_events = {
	.on_opened = on_opened, .on_data = on_data, .on_finished = on_finished,
	.on_writable = on_writable, .on_closed = on_closed,
};

static void on_started(void *ctx)
{
	write_more(ctx);
}

/* The destination's port carries the number of the flow. */
static enum stream_end accept_stream(void *ctx, struct stream *stream,
                                     const struct dest *dest,
                                     const struct stream_events **events,
                                     void **stream_ctx)
{
	struct run *run = ctx;
	struct party *p = &run->flows[dest->addr.port - 1].party[V_CONCENTRATOR];

	CHECK(run, !p->stream && !p->closed, "flow accepted twice");
	p->stream = stream;
	p->stream_seen = true;
	*events = &party_events;
	*stream_ctx = p;
	virtual_at(run->net, virtual_now(run->net) +
	           rand_below(virtual_rand(run->net), 20000), on_started, p);
	return STREAM_END_FINISHED;
}

static void on_start(void *ctx)
{
	struct flow *flow = ctx;
	struct run *run = flow->party[0].run;
	struct dest dest = { .addr = { .family = AF_INET,
		.port = (uint16_t)(flow - run->flows + 1) } };
	struct addr client = { 0 };
	struct party *p = &flow->party[V_GATEWAY];

	p->stream = session_open(virtual_session(run->net, V_GATEWAY), &dest,
	                         &client, &party_events, p);
	CHECK(run, p->stream, "session_open failed");
	flow->started = true;
	flow->progress_us = virtual_now(run->net);
	p->stream_seen = true;
	write_more(p);
}

/* Trouble --------------------------------------------------------------- */

static void on_trouble(void *ctx)
{
	struct trouble *t = ctx;

	virtual_cut(t->run->net, t->path, t->cut);
	t->run->whole_since_us[t->path] = t->cut ? UINT64_MAX
	                                         : virtual_now(t->run->net);
}

static void on_break(void *ctx)
{
	struct trouble *t = ctx;

	virtual_break(t->run->net, t->path);
}

static void plan(struct run *run, uint64_t at_us, unsigned path, bool cut,
                 void (*fn)(void *))
{
	assert_true(run->trouble_count < TROUBLES_MAX);
	struct trouble *t = &run->troubles[run->trouble_count++];

	*t = (struct trouble){ run, path, cut };
	virtual_at(run->net, at_us, fn, t);
}

static void plan_trouble(struct run *run)
{
	struct rand *r = virtual_rand(run->net);
	uint64_t at = virtual_now(run->net);

	for (unsigned n = (unsigned)rand_below(r, 6); n > 0; n--) {
		unsigned path = (unsigned)rand_below(r, run->args.paths);
		at += 100000 + rand_below(r, 4000000);
		if (rand_below(r, 3) == 0) {
			plan(run, at, path, false, on_break);
			continue;
		}
		plan(run, at, path, true, on_trouble);
		if (rand_below(r, 4) == 0) /* all of them */
			for (unsigned p = 0; p < run->args.paths; p++) {
				plan(run, at, p, true, on_trouble);
				plan(run, at + 10000000, p, false, on_trouble);
			}
		at += rand_below(r, 12000000);
		plan(run, at, path, false, on_trouble);
	}
}

/* The watch ------------------------------------------------------------- */

static bool flow_over(const struct flow *flow)
{
	const struct party *c = &flow->party[V_CONCENTRATOR];

	return flow->started && flow->party[V_GATEWAY].closed &&
	       (c->closed || !c->stream);
}

/* Where streams do not take turns, one may wait while another goes on. */
static uint64_t last_progress_us(const struct run *run, const struct flow *flow)
{
	uint64_t last = flow->progress_us;

	if (run->args.policy.order->in_turn)
		return last;
	for (unsigned i = 0; i < run->flow_count; i++)
		if (run->flows[i].progress_us > last)
			last = run->flows[i].progress_us;
	return last;
}

static void check_stall(struct run *run, const struct flow *flow)
{
	uint64_t now = virtual_now(run->net), since = UINT64_MAX;

	for (unsigned p = 0; p < run->args.paths; p++)
		if (run->whole_since_us[p] < since)
			since = run->whole_since_us[p];
	if (since == UINT64_MAX || !flow->started || flow_over(flow))
		return;
	if (since < last_progress_us(run, flow))
		since = last_progress_us(run, flow);
	CHECK(run, now - since < (run->args.policy.reinjection == REINJECT_OFF ?
	                          STALL_OFF_MAX_US : STALL_MAX_US),
	      "flow %d stalls: gateway %llu/%llu of its peer's, closed %d; "
	      "concentrator %llu/%llu, closed %d", (int)(flow - run->flows),
	      (unsigned long long)flow->party[0].received,
	      (unsigned long long)flow->party[1].size, flow->party[0].closed,
	      (unsigned long long)flow->party[1].received,
	      (unsigned long long)flow->party[0].size, flow->party[1].closed);
}

static void check_end(struct run *run, const struct flow *flow)
{
	const struct party *g = &flow->party[V_GATEWAY];
	const struct party *c = &flow->party[V_CONCENTRATOR];
	bool reset = g->reset_at <= g->size || c->reset_at <= c->size;

	if (reset && (g->end == STREAM_END_RESET || c->end == STREAM_END_RESET)) {
		/* What was sent before the one reset came before it. */
		const struct party *by = g->reset_at <= g->size ? g : c;
		const struct party *to = by == g ? c : g;
		CHECK(run, to->reset_at <= to->size || !to->stream_seen ||
		      to->received == by->sent, "flow %d: a reset overtook bytes",
		      (int)(flow - run->flows));
		return;
	}
	CHECK(run, g->end == STREAM_END_FINISHED && c->end == STREAM_END_FINISHED,
	      "flow %d ended %s / %s", (int)(flow - run->flows),
	      stream_end_text(g->end), stream_end_text(c->end));
	CHECK(run, g->finished && g->received == c->size && c->finished &&
	      c->received == g->size, "bytes are missing");
}

static void run_to_the_end(struct run *run)
{
	unsigned over = 0;

	while (over < run->flow_count) {
		virtual_run(run->net, virtual_now(run->net) + WATCH_STEP_US);
		over = 0;
		for (unsigned i = 0; i < run->flow_count; i++) {
			check_stall(run, &run->flows[i]);
			over += flow_over(&run->flows[i]);
		}
		for (unsigned i = 0; i < run->flow_count; i++)
			CHECK(run, virtual_now(run->net) < HOPELESS_US ||
			      flow_over(&run->flows[i]), "flow %u never ends: "
			      "%llu of %llu, %llu of %llu, closed %d %d", i,
			      (unsigned long long)run->flows[i].party[0].received,
			      (unsigned long long)run->flows[i].party[1].size,
			      (unsigned long long)run->flows[i].party[1].received,
			      (unsigned long long)run->flows[i].party[0].size,
			      run->flows[i].party[0].closed,
			      run->flows[i].party[1].closed);
		CHECK(run, !virtual_over(run->net, 0) && !virtual_over(run->net, 1),
		      "session over: %s", virtual_over(run->net, 0) ?
		      virtual_over(run->net, 0) : virtual_over(run->net, 1));
	}
	for (unsigned i = 0; i < run->flow_count; i++)
		check_end(run, &run->flows[i]);
	/* What was reset is freed when the peer has acknowledged it. */
	virtual_run(run->net, virtual_now(run->net) + 60000000);
	for (int side = 0; side < 2; side++) {
		struct session_stats stats;
		session_stats(virtual_session(run->net, side), &stats);
		CHECK(run, stats.streams == 0 && stats.buffered_bytes == 0 &&
		      stats.retained_bytes == 0, "side %d keeps %u streams, "
		      "%zu and %zu bytes", side, stats.streams,
		      stats.buffered_bytes, stats.retained_bytes);
	}
}

/* Networks -------------------------------------------------------------- */

static uint64_t random_size(struct rand *r)
{
	switch (rand_below(r, 8)) {
	case 0: return 0;
	case 1: return 1;
	case 2: return rand_below(r, 2000000);
	default: return rand_below(r, 100000);
	}
}

static void make_party(struct run *run, struct flow *flow, int side,
                       struct rand *r)
{
	struct party *p = &flow->party[side];

	*p = (struct party){ .run = run, .flow = flow, .side = side,
	                     .size = random_size(r), .reset_at = UINT64_MAX };
	if (rand_below(r, 4) == 0) {
		p->gulp = p->appetite = 1 + rand_below(r, 100000);
		p->pause_us = 1000 + rand_below(r, 300000);
	}
	if (rand_below(r, 10) == 0)
		p->reset_at = rand_below(r, p->size + 1);
}

/* No reader needs more than half a minute. */
static void limit_slowness(struct party *p)
{
	if (p->pause_us && other(p)->size / p->gulp * p->pause_us > 30000000)
		p->pause_us = 0;
}

static void random_policy(struct rand *r, struct session_policy *policy)
{
	session_policy_init(policy,
	                    sched_all[rand_below(r, (uint32_t)sched_count)]);
	policy->scheduler[STREAM_INTERACTIVE] =
		sched_all[rand_below(r, (uint32_t)sched_count)];
	policy->order = order_all[rand_below(r, (uint32_t)order_count)];
	policy->reinjection = (enum reinject_policy)rand_below(r, REINJECT_COUNT);
	policy->bulk_after_bytes = UINT64_C(1) << rand_below(r, 24);
}

static void make_run(struct run *run, uint64_t seed)
{
	struct rand r = { seed };

	memset(run, 0, sizeof(*run));
	run->seed = seed;
	run->args = (struct virtual_args){
		.paths = 1 + (unsigned)rand_below(&r, 4),
		.bundles = 1 + (unsigned)rand_below(&r, 4),
		.seed = seed, .linger_us = 60000000,
		.memory_max = SESSION_MEMORY_MIN,
	};
	random_policy(&r, &run->args.policy);
	for (unsigned p = 0; p < run->args.paths; p++)
		run->args.path[p] = (struct virtual_path){
			.rate_bps = { 60000 + rand_below(&r, 6000000),
			              60000 + rand_below(&r, 6000000) },
			.delay_us = 1000 + rand_below(&r, 300000),
			.stall_ppm = (unsigned)rand_below(&r, 30000),
		};
	run->net = virtual_create(&run->args, accept_stream, run);
	run->flow_count = 1 + (unsigned)rand_below(&r, STREAMS_MAX);
	for (unsigned i = 0; i < run->flow_count; i++) {
		struct flow *flow = &run->flows[i];
		make_party(run, flow, V_GATEWAY, &r);
		make_party(run, flow, V_CONCENTRATOR, &r);
		limit_slowness(&flow->party[V_GATEWAY]);
		limit_slowness(&flow->party[V_CONCENTRATOR]);
		flow->start_us = virtual_now(run->net) + rand_below(&r, 4000000);
		virtual_at(run->net, flow->start_us, on_start, flow);
	}
	plan_trouble(run);
}

static uint64_t env_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void test_seeds(void **state)
{
	uint64_t first = env_number("AGGD_SEED", 1);
	uint64_t seeds = env_number("AGGD_SEEDS", SEEDS_DEFAULT);
	struct run *run = malloc(sizeof(*run));

	for (uint64_t seed = first; seed < first + seeds; seed++) {
		make_run(run, seed);
		run_to_the_end(run);
		virtual_destroy(run->net);
	}
	free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeds),
	};

	return cmocka_run_group_tests_name("transport/session", tests, NULL, NULL);
}
