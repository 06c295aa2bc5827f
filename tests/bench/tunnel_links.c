/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the packet tunnel on random pairs of simulated links: 2 to 100 Mbit/s, 5 to 150 ms
 * of round trip, half of them with up to 0.5 % of loss, each with a queue of 100 ms. One
 * QUIC download inside, with CUBIC and with BBR, beside the same over each link alone;
 * all after a load that made the links known. A line for each that is slower than
 * the best link alone, and the sum.
 *
 *     build/tests/bench/tunnel_links [COUNT [SEED [FIRST]]]     COUNT of them, from FIRST on
 *
 * Exits with 1 where one is slower than LEAST of it.
 */
#include "agg/base/rand.h"
#include "scheduler/sim/tunnel_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED_DEFAULT 42u
#define COUNT_DEFAULT 200u
#define COUNT_MAX 10000u
#define LEAST 0.97
#define S UINT64_C(1000000)
#define MBIT 125000.0
#define BEGIN_S 6u
#define FROM_S 11u
#define UNTIL_S 31u

static double any_between(struct rand *r, double low, double high)
{
	return low * exp(rand_unit(r) * log(high / low));
}

static struct world_link any_link(struct rand *r)
{
	struct world_link link = {
		.rate_bps = (uint64_t)(any_between(r, 2, 100) * MBIT),
		.delay_us = (uint64_t)any_between(r, 2500, 75000),
	};

	link.queue_bytes = link.rate_bps / 10;
	link.loss_ppm = rand_below(r, 2) ? (uint32_t)rand_below(r, 5001) : 0;
	return link;
}

static double mbit(const struct tunnel_world_args *args, const struct cc_ops *cc)
{
	struct tunnel_world *w = tunnel_world_create(args);
	double sum_bps = 0;

	if (!w)
		exit(2);
	for (unsigned i = 0; i < args->path_count; i++)
		sum_bps += (double)args->paths[i].down.rate_bps;
	tunnel_world_add(w, &(struct tunnel_world_flow_args){ .kind = TUNNEL_WORLD_RATE,
		.rate_bps = (uint64_t)(1.2 * sum_bps), .from_us = S,
		.until_us = (BEGIN_S - 2) * S });
	unsigned flow = tunnel_world_add(w, &(struct tunnel_world_flow_args){
		.kind = TUNNEL_WORLD_QUIC, .cc = cc, .from_us = BEGIN_S * S });
	tunnel_world_run(w, FROM_S * S);
	tunnel_world_measure(w);
	tunnel_world_run(w, UNTIL_S * S);
	double got = (double)tunnel_world_flow(w, flow)->bytes / (UNTIL_S - FROM_S) / MBIT;
	tunnel_world_destroy(w);
	return got;
}

struct sums { double least, ratio, share; unsigned below; };

static void one(const struct tunnel_world_args *both, const struct cc_ops *cc,
                unsigned number, struct sums *sums)
{
	double best = 0, got = mbit(both, cc), sum = 0;

	for (unsigned i = 0; i < both->path_count; i++) {
		struct tunnel_world_args alone = { .paths = { both->paths[i] },
		                                   .path_count = 1, .seed = both->seed };
		best = fmax(best, mbit(&alone, cc));
		sum += (double)both->paths[i].down.rate_bps / MBIT;
	}
	double ratio = got / best;
	sums->least = fmin(sums->least, ratio);
	sums->ratio += ratio;
	sums->share += got / sum;
	sums->below += ratio < LEAST;
	if (ratio >= 1)
		return;
	printf("%4u %-5s %5.1f Mbit/s, alone %5.1f (%.2f):", number, cc->name, got, best,
	       ratio);
	for (unsigned i = 0; i < both->path_count; i++) {
		const struct world_link *l = &both->paths[i].down;
		printf("  %.0f Mbit/s %.0f ms %.2f %%", (double)l->rate_bps / MBIT,
		       (double)l->delay_us / 500, l->loss_ppm / 1e4);
	}
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : COUNT_DEFAULT;
	struct rand r = { argc > 2 ? strtoull(argv[2], NULL, 10) : SEED_DEFAULT };
	unsigned long first = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
	const struct cc_ops *const ccs[] = { &cc_cubic, &cc_bbr };
	struct sums sums[2] = { { .least = INFINITY }, { .least = INFINITY } };

	if (!count || count > COUNT_MAX || !first || first > COUNT_MAX) {
		fprintf(stderr, "tunnel_links [COUNT [SEED [FIRST]]]: 1 to %u pairs\n", COUNT_MAX);
		return 2;
	}
	for (unsigned n = 1; n < first + count; n++) {
		struct tunnel_world_args both = { .path_count = 2, .seed = n };
		for (unsigned i = 0; i < 2; i++)
			both.paths[i].up = both.paths[i].down = any_link(&r);
		for (unsigned i = 0; i < 2 && n >= first; i++)
			one(&both, ccs[i], n, &sums[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		printf("%s: %.2f of the best link, %.2f at least, %u of %lu below %.2f; "
		       "%.2f of the sum\n", ccs[i]->name, sums[i].ratio / (double)count,
		       sums[i].least, sums[i].below, count, LEAST,
		       sums[i].share / (double)count);
	return sums[0].below || sums[1].below;
}
