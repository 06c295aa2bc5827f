/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the packet tunnel on random pairs of simulated links: 2 to 100 Mbit/s, 5 to 150 ms
 * of round trip, half of them with up to 0.5 % of loss, each with a queue of 100 ms. One
 * QUIC download inside, with CUBIC and with BBR, beside the same over each link alone,
 * by a tunnel, too, so that the same bytes are counted; all after a load that made the
 * links known. A line for each, and the sum.
 *
 *     build/tests/bench/tunnel_links [COUNT [SEED [FIRST [CC [RUNS]]]]]
 *
 * COUNT of them, from FIRST on; CC is cubic, bbr or both. Exits with 1 where one is slower
 * than LEAST of the better link. Of 20 s with a loss a second, a tenth is luck: of RUNS with
 * other losses it is the mean.
 */
#include "agg/base/rand.h"
#include "scheduler/sim/tunnel_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_DEFAULT 42u
#define COUNT_DEFAULT 200u
#define COUNT_MAX 10000u
#define RUNS_MAX 100u
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

/* In the mean of so many runs with other losses. */
static double mean_mbit(struct tunnel_world_args *args, const struct cc_ops *cc,
                        unsigned number, unsigned runs)
{
	double sum = 0;

	for (unsigned i = 0; i < runs; i++) {
		args->seed = number + i * COUNT_MAX;
		sum += mbit(args, cc);
	}
	return sum / runs;
}

/* The better one alone. What carries less than the other one brought is not tried. */
static double best_alone(const struct tunnel_world_args *both, const struct cc_ops *cc,
                         unsigned number, unsigned runs)
{
	bool second = both->paths[1].down.rate_bps > both->paths[0].down.rate_bps;
	double best = 0;

	for (unsigned i = 0; i < 2; i++, second = !second) {
		struct tunnel_world_args alone = { .paths = { both->paths[second] },
		                                   .path_count = 1 };
		if ((double)both->paths[second].down.rate_bps / MBIT > best)
			best = fmax(best, mean_mbit(&alone, cc, number, runs));
	}
	return best;
}

static void one(struct tunnel_world_args *both, const struct cc_ops *cc, unsigned number,
                unsigned runs, struct sums *sums)
{
	double best = best_alone(both, cc, number, runs), sum = 0;
	double got = mean_mbit(both, cc, number, runs);
	double ratio = got / best;

	printf("%4u %-5s %5.1f Mbit/s, alone %5.1f (%.2f%s):", number, cc->name, got, best,
	       ratio, ratio < LEAST ? ", BELOW" : "");
	for (unsigned i = 0; i < both->path_count; i++) {
		const struct world_link *l = &both->paths[i].down;
		sum += (double)l->rate_bps / MBIT;
		printf("  %.0f Mbit/s %.0f ms %.2f %%", (double)l->rate_bps / MBIT,
		       (double)l->delay_us / 500, l->loss_ppm / 1e4);
	}
	printf("\n");
	fflush(stdout);
	sums->least = fmin(sums->least, ratio);
	sums->ratio += ratio;
	sums->share += got / sum;
	sums->below += ratio < LEAST;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : COUNT_DEFAULT;
	struct rand r = { argc > 2 ? strtoull(argv[2], NULL, 10) : SEED_DEFAULT };
	unsigned long first = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
	const struct cc_ops *const ccs[] = { &cc_cubic, &cc_bbr };
	const char *only = argc > 4 ? argv[4] : "both";
	unsigned long runs = argc > 5 ? strtoul(argv[5], NULL, 10) : 1;
	struct sums sums[2] = { { .least = INFINITY }, { .least = INFINITY } };

	if (!count || count > COUNT_MAX || !first || first > COUNT_MAX || !runs ||
	    runs > RUNS_MAX) {
		fprintf(stderr, "tunnel_links [COUNT [SEED [FIRST [CC [RUNS]]]]]: 1 to %u pairs, "
		        "1 to %u runs\n", COUNT_MAX, RUNS_MAX);
		return 2;
	}
	for (unsigned n = 1; n < first + count; n++) {
		struct tunnel_world_args both = { .path_count = 2 };
		for (unsigned i = 0; i < 2; i++)
			both.paths[i].up = both.paths[i].down = any_link(&r);
		for (unsigned i = 0; i < 2 && n >= first; i++)
			if (!strcmp(only, "both") || !strcmp(only, ccs[i]->name))
				one(&both, ccs[i], n, (unsigned)runs, &sums[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		if (sums[i].ratio > 0)
			printf("%s: %.2f of the best link, %.2f at least, %u of %lu below %.2f; "
		       "%.2f of the sum\n", ccs[i]->name, sums[i].ratio / (double)count,
		       sums[i].least, sums[i].below, count, LEAST,
		       sums[i].share / (double)count);
	return sums[0].below || sums[1].below;
}
