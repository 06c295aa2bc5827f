/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what no scheduler can beat, in the fluid model: paths of constant rate
 * and delay, no loss, no slow start. Pure, in doubles of microseconds and
 * bytes.
 *
 * By time T all paths together bring C(T) = sum r_i * max(0, T - d_i). So
 *   one flow of S bytes      takes C^-1(S) at the least;
 *   a batch, all there at 0  the j-th to be done is at C^-1(the j smallest
 *                            together) at the least;
 *   streams at their times   have at the least the mean time of SRPT on one
 *                            server of all rates (Schrage 1968), and the
 *                            least delay, and each at the least C^-1(its own).
 */
#ifndef SCHEDULER_SIM_BOUND_H
#define SCHEDULER_SIM_BOUND_H

#include <stddef.h>
#include <stdint.h>

#define BOUND_PATHS_MAX 8

struct bound_path {
	double rate_bps; /* bytes/s of payload, > 0 */
	double delay_us; /* one way */
};

struct bound {
	struct bound_path paths[BOUND_PATHS_MAX];
	unsigned count;  /* >= 1 */
};

struct bound_job {
	double at_us, bytes;
};

/* C^-1(bytes). */
double bound_flow_us(const struct bound *b, double bytes);
double bound_least_delay_us(const struct bound *b);
double bound_rate_bps(const struct bound *b); /* of all paths together */

/* Mean times of n >= 1 jobs. Those of a batch are all there at 0; the others
 * are in the order of their times. 0, or -ENOMEM. */
int bound_batch(const struct bound *b, const struct bound_job *jobs, size_t n,
                double *mean_us);
int bound_arrivals(const struct bound *b, const struct bound_job *jobs,
                   size_t n, double *mean_us);
/* No bound, but what equal shares for all (processor sharing) give. */
int bound_batch_sharing(const struct bound *b, const struct bound_job *jobs,
                        size_t n, double *mean_us);
int bound_arrivals_sharing(const struct bound *b, const struct bound_job *jobs,
                           size_t n, double *mean_us);

#endif
