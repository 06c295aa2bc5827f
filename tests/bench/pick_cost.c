/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a decision costs: 'NAME ns' for every scheduler, the least of a few
 * runs, on snapshots like those of a gateway with four uplinks under load. The
 * driver's own work, to fill a snapshot, is not in it; nor is event().
 *
 *     build/tests/bench/pick_cost [NAME]
 */
#include "agg/base/rand.h"
#include "scheduler/scheduler.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATHS 4
#define SNAPSHOTS 64u       /* fit into the cache, as the driver's does */
#define RUNS 9
#define RUN_NS 20000000u    /* calibrated to take so long at least */
#define STEP_US 50u         /* of the schedulers' time, from pick to pick */
#define MSS 1400u

struct snapshot {
	struct sched_path paths[PATHS];
	struct sched_unit unit;
};

struct bench {
	const struct sched_ops *ops;
	struct snapshot snapshots[SNAPSHOTS];
	uint64_t instance[SCHED_INSTANCE_BYTES_MAX / sizeof(uint64_t)];
	uint64_t scope[SCHED_SCOPE_BYTES_MAX / sizeof(uint64_t)];
	uint64_t now_us, picks;
	volatile unsigned sink; /* what is decided is not thrown away */
};

/* DSL, LTE, cable, satellite: bytes/s, and the round trip without a queue. */
static const struct {
	uint64_t rate_bps, rtt_us;
} links[PATHS] = {
	{ 6250000, 10000 }, { 2500000, 60000 }, { 12500000, 25000 },
	{ 2500000, 600000 },
};

static void fill_path(struct rand *r, unsigned i, struct sched_path *p)
{
	uint64_t bdp = links[i].rate_bps * links[i].rtt_us / 1000000;
	uint64_t lowat = links[i].rate_bps / 100;

	*p = (struct sched_path){
		.id = (uint8_t)i, .mss = MSS,
		.min_rtt_us = links[i].rtt_us,
		.srtt_us = links[i].rtt_us + rand_below(r, links[i].rtt_us),
		.rttvar_us = rand_below(r, links[i].rtt_us / 4),
		.rate_bps = links[i].rate_bps - rand_below(r, 1000000),
		.cwnd_bytes = bdp + rand_below(r, bdp),
		.ssthresh_bytes = bdp,
		.inflight_bytes = rand_below(r, 2 * bdp),
		.queued_bytes = rand_below(r, lowat),
		.room_bytes = rand_below(r, 2) ? rand_below(r, lowat) : 0,
	};
	p->backlog_bytes = p->inflight_bytes + p->queued_bytes;
}

static void fill(struct bench *b)
{
	struct rand r = { 1 };

	for (unsigned k = 0; k < SNAPSHOTS; k++) {
		struct snapshot *s = &b->snapshots[k];
		for (unsigned i = 0; i < PATHS; i++)
			fill_path(&r, i, &s->paths[i]);
		s->paths[rand_below(&r, PATHS)].room_bytes = 1 + 10 * MSS;
		s->unit = (struct sched_unit){
			.len_bytes = 16384,
			.remaining_bytes = rand_below(&r, 2) ? SCHED_UNKNOWN
				: rand_below(&r, 1000000),
			.sent_bytes = rand_below(&r, 1000000),
			.pending_bytes = rand_below(&r, 200000),
			.left_bytes = rand_below(&r, 1000000),
			.ahead_bytes = rand_below(&r, 100000),
			.queued_bytes = rand_below(&r, 500000),
			.window_bytes = rand_below(&r, 4000000),
		};
	}
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t run_ns(struct bench *b)
{
	uint64_t from = now_ns();
	unsigned sum = 0;

	for (uint64_t k = 0; k < b->picks; k++) {
		const struct snapshot *s = &b->snapshots[k % SNAPSHOTS];
		struct sched_view view = { b->now_us, s->paths, PATHS, &s->unit };
		struct sched_decision decision;
		b->ops->pick(b->instance, b->scope, &view, &decision);
		sum += decision.verdict + decision.mask;
		b->now_us += STEP_US;
	}
	b->sink += sum;
	return now_ns() - from;
}

static double cost_ns(struct bench *b, const struct sched_ops *ops)
{
	uint64_t best = UINT64_MAX;

	b->ops = ops;
	b->now_us = 1000000;
	memset(b->instance, 0, sizeof(b->instance));
	memset(b->scope, 0, sizeof(b->scope));
	for (b->picks = 1000; run_ns(b) < RUN_NS; )
		b->picks *= 2;
	for (int i = 0; i < RUNS; i++) {
		uint64_t ns = run_ns(b);
		if (ns < best)
			best = ns;
	}
	return (double)best / (double)b->picks;
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };

	if (argc > 2 || (argc == 2 && !sched_find(argv[1]))) {
		fprintf(stderr, "pick_cost [NAME]: the name of a scheduler\n");
		return 2;
	}
	fill(&b);
	for (size_t i = 0; i < sched_count; i++)
		if (argc < 2 || !strcmp(argv[1], sched_all[i]->name))
			printf("%s %.1f\n", sched_all[i]->name,
			       cost_ns(&b, sched_all[i]));
	return 0;
}
