/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * TCP connections over two links, without a session. Their owners read at
 * once, and assert that no window is exceeded.
 */
#ifndef TCP_BENCH_H
#define TCP_BENCH_H

#include "scheduler/sim/tcp.h"

#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define MBIT 125000u
#define BENCH_CONNS_MAX 2

struct bench_end {
	struct tcp tcp;
	uint64_t before;     /* arrived when it was called last */
	uint64_t flight_max; /* segments */
};

struct bench {
	struct events events;
	struct link link[2]; /* from end 0 to end 1, and back */
	struct rand rand;
	struct bench_end end[BENCH_CONNS_MAX][2];
	unsigned conns;
};

void bench_start(struct bench *b, const char *cc, const struct world_link *out,
                 const struct world_link *back, unsigned conns);
void bench_run(struct bench *b, uint64_t ns);
void bench_finish(struct bench *b); /* asserts that no byte went uncounted */
struct world_link bench_line(double mbit, double delay_ms, double queue_ms);

#endif
