/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * Random operations beside an oracle: a plain list of packets for each flow. What
 * is taken must be what the list says; what is put must come out once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"
#include "tun/flows_impl.h"

#include <stdlib.h>
#include <string.h>

#define PACKETS_MAX 6000u
#define MODELS_MAX 128u
#define PATHS 4u

enum fate { NONE, QUEUED, TAKEN, DROPPED };

struct known {
	enum fate fate;
	struct packet *p;
	const struct flow *f;
	uint32_t seq, len;
	uint64_t put_us;
	int next; /* in its list; -1 */
};

struct model { /* of a struct flow */
	struct flow *f;
	int head;
	bool took[PATHS];
	uint32_t last[PATHS]; /* highest number that the path took */
};

struct world {
	struct rand r;
	struct packet_pool *pool;
	struct flows *fs;
	struct known known[PACKETS_MAX];
	struct model models[MODELS_MAX];
	unsigned count, putting; /* packets; which is being put, count for none */
	uint64_t now, dropped[FLOWS_DROPS], taken;
	bool age_may_drop;
};

static struct model *model_of(struct world *w, struct flow *f)
{
	struct model *unused = NULL;

	for (unsigned i = 0; i < MODELS_MAX; i++) {
		if (w->models[i].f == f)
			return &w->models[i];
		if (!w->models[i].f)
			unused = &w->models[i];
	}
	assert_non_null(unused);
	*unused = (struct model){ .f = f, .head = -1 };
	return unused;
}

static void model_put(struct world *w, struct flow *f, unsigned id)
{
	struct model *m = model_of(w, f);
	int *at = &m->head;

	while (*at >= 0)
		at = &w->known[*at].next;
	*at = (int)id;
	w->known[id].next = -1;
	w->known[id].fate = QUEUED;
	w->known[id].f = f;
	w->known[id].seq = w->known[id].p->flow_seq;
}

static void model_remove(struct world *w, struct model *m, unsigned id, enum fate fate)
{
	int *at = &m->head;

	assert_int_equal(w->known[id].fate, QUEUED);
	while (*at != (int)id) {
		assert_true(*at >= 0);
		at = &w->known[*at].next;
	}
	*at = w->known[id].next;
	w->known[id].fate = fate;
}

static void on_drop(void *ctx, struct flow *f, const struct packet *p, enum flows_drop why)
{
	struct world *w = ctx;
	struct model *m;

	if (p->mark == w->putting) { /* it fell as it came */
		model_put(w, f, p->mark);
		w->putting = w->count;
	}
	m = model_of(w, f);
	assert_int_equal(m->head, (int)p->mark); /* always from the head */
	model_remove(w, m, p->mark, DROPPED);
	w->dropped[why]++;
}

static void on_gone(void *ctx, struct flow *f)
{
	struct model *m = model_of(ctx, f);

	assert_int_equal(m->head, -1);
	m->f = NULL;
}

/* The flow whose last packet p is. */
static struct flow *flow_with(struct flows *fs, const struct packet *p)
{
	for (unsigned s = 0; s < fs->args.table / FLOW_WAYS; s++)
		for (unsigned i = 0; fs->sets[s] && i < FLOW_WAYS; i++)
			if (fs->sets[s][i].head && fs->sets[s][i].head->prev == p)
				return &fs->sets[s][i];
	return NULL;
}

static void put(struct world *w)
{
	struct made_key {
		unsigned host, flow;
	} key = { (unsigned)rand_below(&w->r, 6), (unsigned)rand_below(&w->r, 40) };
	struct inspection in = { .protocol = IPPROTO_UDP };
	unsigned id = w->count++;
	struct packet *p = packet_get(w->pool);

	assert_non_null(p);
	in.key.family = AF_INET;
	in.key.src[3] = (uint8_t)key.host;
	in.key.sport = (uint16_t)(rand_below(&w->r, 3) ? key.flow % 3 : key.flow);
	p->len = (uint16_t)(20 + rand_below(&w->r, 1400));
	p->mark = id;
	p->traffic = (uint8_t)(in.key.sport == 1 ? rand_below(&w->r, 5) : 0);
	memset(packet_data(p), 0, p->len);
	packet_data(p)[0] = 0x45;
	packet_data(p)[1] = in.key.sport & 1 ? 2 : 0; /* ECT(0) */
	w->known[id] = (struct known){ .p = p, .len = p->len, .put_us = w->now };
	w->putting = id;
	flows_put(w->fs, p, &in, w->now);
	if (w->putting == id) /* it did not fall at once */
		model_put(w, flow_with(w->fs, p), id);
	w->putting = w->count;
}

static bool above(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static bool may_have(const struct world *w, const struct model *m, unsigned path, int id)
{
	return !m->took[path] || above(w->known[id].seq, m->last[path]);
}

/* What flows_take() shall give, by going through the list; *stuck: it is behind
 * what the path took, and nobody else may have it. */
static int expected(const struct world *w, const struct model *m, unsigned path,
                    uint64_t depth, bool *stuck)
{
	uint64_t before = 0;
	bool others = false;
	int i = m->head;

	*stuck = false;
	if (i < 0)
		return -1;
	for (unsigned j = 0; j < FLOWS_PATHS_MAX; j++)
		if (j != path && m->f->tuning.paths & 1u << j)
			others |= j >= PATHS || may_have(w, m, j, i);
	if (!others) {
		*stuck = !may_have(w, m, path, i);
		if (depth || *stuck)
			return i;
	}
	for (; i >= 0; i = w->known[i].next) {
		if (may_have(w, m, path, i) && before + w->known[i].len > depth)
			return i;
		before += w->known[i].len;
	}
	return -1;
}

/* So many numbers before it were dropped, and not one more. */
static void check_skip(const struct world *w, unsigned taken, unsigned skip)
{
	unsigned n = 0;

	for (unsigned id = taken; id--;) {
		if (w->known[id].f != w->known[taken].f)
			continue;
		n++;
		if (w->known[id].seq != w->known[taken].seq - n)
			break; /* another flow had the place before */
		assert_true(n > skip || w->known[id].fate == DROPPED);
		if (n <= skip)
			continue;
		assert_true(w->known[id].fate != DROPPED || skip == UINT8_MAX);
		break;
	}
	assert_true(n >= skip);
}

static bool take(struct world *w, struct flow *f)
{
	struct model *m = model_of(w, f);
	unsigned path = (unsigned)rand_below(&w->r, PATHS);
	uint64_t depth = rand_below(&w->r, 2) ? 0 : rand_below(&w->r, 20000);
	struct packet *p = flows_take(w->fs, f, path, depth, w->now);
	bool stuck;
	int want = expected(w, m, path, depth, &stuck);
	uint32_t seq;

	if (!p) {
		assert_int_equal(want, -1);
		return false;
	}
	assert_int_equal(want, (int)p->mark);
	seq = p->flow_seq;
	assert_int_equal(seq, w->known[want].seq);
	if (p->mark == (unsigned)m->head)
		assert_true(w->now - w->known[want].put_us <=
		            (flow_traffic(f) >= TRAFFIC_REALTIME ? FLOWS_AGE_REALTIME_US
		                                                 : FLOWS_AGE_US));
	model_remove(w, m, p->mark, TAKEN);
	if (!stuck) {
		m->took[path] = true;
		m->last[path] = seq;
	}
	check_skip(w, p->mark, p->skip);
	assert_int_equal(packet_data(p)[0], 0x45);
	w->taken++;
	packet_put(p);
	return true;
}

static void turn(struct world *w)
{
	enum traffic least = rand_below(&w->r, 5) ? TRAFFIC_BULK : TRAFFIC_REALTIME;
	struct flow *f, *passed[MODELS_MAX];
	unsigned n = 0, budget = (unsigned)rand_below(&w->r, 12);

	flows_begin(w->fs);
	while (budget-- && (f = flows_next(w->fs, least, w->now))) {
		for (unsigned i = 0; i < n; i++)
			assert_ptr_not_equal(passed[i], f);
		assert_true(flow_backlog_packets(f) > 0);
		assert_true(flows_are_waiting(w->fs, least));
		if (least == TRAFFIC_REALTIME)
			assert_true(flow_traffic(f) >= TRAFFIC_REALTIME);
		if (!take(w, f) || !rand_below(&w->r, 3)) {
			flows_pass(w->fs, f);
			passed[n++] = f;
		}
	}
}

static void retune(struct world *w)
{
	struct flow *f = w->models[rand_below(&w->r, MODELS_MAX)].f;
	struct flow_tuning t = { (uint32_t)rand_below(&w->r, 1u << PATHS), 5000, 100000 };

	if (!rand_below(&w->r, 8))
		t.paths = UINT32_MAX;
	if (f)
		flow_tune(f, &t);
}

static void check(struct world *w)
{
	struct flows_stats s;
	uint64_t dropped = 0, queued = 0, bytes = 0;

	flows_stats(w->fs, &s);
	for (unsigned i = 0; i < FLOWS_DROPS; i++) {
		assert_int_equal(s.dropped[i], w->dropped[i]);
		dropped += s.dropped[i];
	}
	for (unsigned i = 0; i < w->count; i++)
		if (w->known[i].fate == QUEUED) {
			queued++;
			bytes += w->known[i].len;
		}
	assert_int_equal(s.put, w->count);
	assert_int_equal(s.taken, w->taken);
	assert_int_equal(s.queued, queued);
	assert_int_equal(s.queued_bytes, bytes);
	assert_int_equal(s.put, s.taken + dropped + s.queued);
	assert_int_equal(packet_pool_used(w->pool), queued);
	assert_true(queued * PACKET_SIZE <= w->fs->args.bytes_max);
}

static const struct flows_ops ops = { on_drop, on_gone };

static void run(struct world *w, uint64_t seed, unsigned load, struct budget *budget)
{
	struct flows_args args = { .bytes_max = 120 * PACKET_SIZE, .quantum = 1400,
	                           .table = 64, .lan_is_source = seed & 1,
	                           .budget = budget, .ops = &ops, .ctx = w };

	memset(w, 0, sizeof(*w));
	w->r.state = seed;
	w->now = 1 + rand_below(&w->r, 1000000000);
	w->pool = packet_pool_create(200, NULL);
	w->fs = flows_create(&args);
	while (w->count < PACKETS_MAX) {
		w->now += rand_below(&w->r, 2000);
		if (!rand_below(&w->r, 2000))
			w->now += rand_below(&w->r, 1500000); /* an outage */
		for (uint64_t n = rand_below(&w->r, load); n && w->count < PACKETS_MAX; n--)
			put(w);
		turn(w);
		if (!rand_below(&w->r, 20))
			retune(w);
		if (!rand_below(&w->r, 1000))
			flows_flush(w->fs);
		if (!rand_below(&w->r, 50))
			flows_rest(w->fs, w->now + FLOWS_REST_US);
		if (!rand_below(&w->r, 50))
			check(w);
	}
	check(w);
	flows_destroy(w->fs);
	for (unsigned i = 0; i < w->count; i++)
		assert_true(w->known[i].fate == TAKEN || w->known[i].fate == DROPPED);
	assert_int_equal(packet_pool_used(w->pool), 0);
	packet_pool_destroy(w->pool);
}

static void each_packet_comes_out_once_and_where_it_should(void **state)
{
	struct world *w = malloc(sizeof(*w));
	uint64_t dropped[FLOWS_DROPS] = { 0 };
	struct budget budget;

	budget_init(&budget, UINT64_MAX, NULL);
	for (uint64_t seed = 1; seed <= 40; seed++) {
		run(w, seed, seed % 2 ? 6 : 14, &budget);
		for (unsigned i = 0; i < FLOWS_DROPS; i++)
			dropped[i] += w->dropped[i];
		assert_int_equal(budget.used, 0);
	}
	for (unsigned i = 0; i < FLOWS_DROPS; i++)
		assert_true(dropped[i] > 100);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_packet_comes_out_once_and_where_it_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
