/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * Seeded networks: one to four paths of any rate, delay, jitter and loss, which are cut
 * and come back, under calls, rates and QUIC in both directions. Whatever happens: no
 * packet arrives twice, and none that is older than it may be. Where no path is cut,
 * loses or jitters, packets are in order but for a few, when a flow changes its path: each
 * flow's, and the acknowledgements that go against it.
 *
 *     tunnel_networks_test [COUNT [FIRST]]      500 from 1 on, and those that were hard
 */
#include "scheduler/sim/tunnel_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define S UINT64_C(1000000)
#define MS UINT64_C(1000)
#define MBIT 125000u
#define COUNT_DEFAULT 500u
#define STEPS 8u
#define STEP_US (250 * MS)
#define AGE_US S             /* in the queue, at most (tun/flows.h) */
#define AGE_CALL_US (200 * MS)
#define HOLD_US (100 * MS)   /* in the other end's (merge.h) */
#define DISORDER 4u          /* of a flow: less than one in so many, */
#define DISORDER_ALL 50u     /* and of all */
#define THIN_SHARE 5u        /* a network of such ones for so many others */
#define THIN_SEED 1000000u   /* from there on */
#define SLACK_US (60 * MS)   /* two turns of bulk beside it, feedback on the way */

static uint64_t count = COUNT_DEFAULT, first = 1;

/* Several flows that left a path together for another, and came back together; much that
 * calls itself real time, before flows whose heads it held up. */
static const uint64_t hard[] = { 2506, 2573, 5311, 7508, 8073 };

struct total { uint64_t received, disordered; };

struct network {
	struct total *total; /* of calm ones */
	struct rand rand;
	struct tunnel_world_args args;
	struct tunnel_world *world;
	uint64_t way_us;     /* the longest of a link */
	bool calm;           /* no cut, no jitter, no loss */
	bool thin;           /* all flows are of small packets */
	unsigned flows;
	unsigned calls;      /* a bit each: which are */
};

static uint64_t between(struct network *n, uint64_t low, uint64_t high)
{
	return low + rand_below(&n->rand, high - low + 1);
}

static void any_link(struct network *n, struct world_link *link)
{
	uint64_t queue_us = between(n, 20, 200) * MS;

	*link = (struct world_link){
		.rate_bps = between(n, 4, 80) * MBIT / 10,
		.delay_us = between(n, 1, 120) * MS,
	};
	link->queue_bytes = link->rate_bps * queue_us / S;
	if (!n->calm && rand_below(&n->rand, 2))
		link->jitter_us = between(n, 1, 15) * MS;
	if (!n->calm && rand_below(&n->rand, 2))
		link->loss_ppm = (uint32_t)between(n, 100, 50000);
	/* Two full packets are always taken. */
	uint64_t least_us = 3100 * S / link->rate_bps;
	uint64_t way_us = link->delay_us + link->jitter_us +
	                  (queue_us > least_us ? queue_us : least_us);
	n->way_us = way_us > n->way_us ? way_us : n->way_us;
}

static void any_flow(struct network *n)
{
	struct tunnel_world_flow_args args = {
		.kind = (enum tunnel_world_kind)rand_below(&n->rand, 3),
		.up = rand_below(&n->rand, 2),
		.cc = rand_below(&n->rand, 2) ? &cc_cubic : &cc_bbr,
		.rate_bps = between(n, 1, 40) * MBIT / 10,
		.packet = (uint32_t)between(n, 200, 1400),
		.dscp = rand_below(&n->rand, 2) ? 46 : 0,
		.from_us = TUNNEL_WORLD_UP_US + between(n, 0, 300) * MS,
	};

	if (n->thin) {
		args.kind = TUNNEL_WORLD_RATE;
		args.packet = (uint32_t)between(n, 60, 290);
		args.rate_bps = between(n, 1, 30) * MBIT / 20;
	}
	if (args.kind == TUNNEL_WORLD_RATE)
		args.dscp = 0;
	unsigned flow = tunnel_world_add(n->world, &args);
	if (args.dscp)
		n->calls |= 1u << flow;
	n->flows++;
}

static void begin(struct network *n, uint64_t seed, bool thin, struct total *total)
{
	*n = (struct network){ .rand = { seed }, .thin = thin, .total = total };
	n->calm = rand_below(&n->rand, 4) == 0 || thin;
	n->args.seed = seed;
	n->args.path_count = (unsigned)between(n, 1, 4);
	for (unsigned i = 0; i < n->args.path_count; i++) {
		any_link(n, &n->args.paths[i].down);
		any_link(n, &n->args.paths[i].up);
	}
	n->world = tunnel_world_create(&n->args);
	assert_non_null(n->world);
	for (uint64_t flows = between(n, 1, 4); flows; flows--)
		any_flow(n);
}

/* Some go away, some come back. */
static void any_cut(struct network *n)
{
	unsigned path = (unsigned)rand_below(&n->rand, n->args.path_count);

	if (n->calm || rand_below(&n->rand, 3))
		return;
	tunnel_world_cut(n->world, path, rand_below(&n->rand, 2), rand_below(&n->rand, 2),
	                 rand_below(&n->rand, 2));
}

static bool is_disordered(uint64_t disordered, uint64_t received)
{
	return disordered * DISORDER > received;
}

/* How many flows fared worse than they may. */
static unsigned check(const struct network *n, uint64_t seed)
{
	unsigned bads = 0;

	for (unsigned i = 0; i < n->flows; i++) {
		const struct tunnel_world_flow *flow = tunnel_world_flow(n->world, i);
		uint64_t age_us = n->calls >> i & 1 ? AGE_CALL_US : AGE_US;
		uint64_t most_us = age_us + n->way_us + HOLD_US + SLACK_US;
		bool bad = flow->twice || flow->oldest_us > most_us || (n->calm &&
			(is_disordered(flow->disordered, flow->received) ||
			 is_disordered(flow->back_disordered, flow->back)));
		n->total->received += n->calm ? flow->received + flow->back : 0;
		n->total->disordered += n->calm ? flow->disordered + flow->back_disordered : 0;
		if (bad)
			print_message("seed %llu, flow %u: %llu twice, oldest %llu ms, %llu of "
			              "%llu out of order, %llu of %llu against it\n",
			              (unsigned long long)seed, i, (unsigned long long)flow->twice,
			              (unsigned long long)(flow->oldest_us / MS),
			              (unsigned long long)flow->disordered,
			              (unsigned long long)flow->received,
			              (unsigned long long)flow->back_disordered,
			              (unsigned long long)flow->back);
		bads += bad;
	}
	return bads;
}

static unsigned run(uint64_t seed, bool thin, struct total *total)
{
	struct network n;

	begin(&n, seed, thin, total);
	for (unsigned i = 1; i <= STEPS; i++) {
		tunnel_world_run(n.world, TUNNEL_WORLD_UP_US + i * STEP_US);
		any_cut(&n);
	}
	unsigned bad = check(&n, seed);
	tunnel_world_destroy(n.world);
	return bad;
}

static void expect(const struct total *total)
{
	print_message("%llu of %llu out of order\n", (unsigned long long)total->disordered,
	              (unsigned long long)total->received);
	assert_true(total->disordered * DISORDER_ALL <= total->received);
}

static void test_seeded(void **state)
{
	struct total total = { 0 };
	unsigned bad = 0;

	for (uint64_t seed = first; seed < first + count; seed++)
		bad += run(seed, false, &total);
	assert_int_equal(bad, 0);
	expect(&total);
}

static void test_hard(void **state)
{
	struct total total = { 0 };
	unsigned bad = 0;

	for (unsigned i = 0; i < sizeof(hard) / sizeof(hard[0]); i++)
		bad += run(hard[i], false, &total);
	assert_int_equal(bad, 0);
}

static void test_thin(void **state)
{
	struct total total = { 0 };
	unsigned bad = 0;

	for (uint64_t seed = first; seed <= first + count / THIN_SHARE; seed++)
		bad += run(THIN_SEED + seed, true, &total);
	assert_int_equal(bad, 0);
	expect(&total);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeded),
		cmocka_unit_test(test_hard),
		cmocka_unit_test(test_thin),
	};

	if (argc > 1)
		count = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		first = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
