/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a contract test asks a scheduler with: snapshots made from a seed, a
 * scheduler with its memory, and what every answer must be like.
 */
#ifndef TESTS_CONTRACT_SCHEDULER_DRIVER_H
#define TESTS_CONTRACT_SCHEDULER_DRIVER_H

#include "agg/base/rand.h"
#include "scheduler/scheduler.h"

#define NOW_US UINT64_C(1000000000)

struct snapshot {
	struct sched_path paths[SCHED_PATHS_MAX];
	struct sched_unit unit;
	struct sched_view view; /* of these: not to be copied */
};

/* Any value of its order of magnitude; the greatest and none, too. */
uint64_t any_u64(struct rand *r);
/* 64 kbit/s to 100 Gbit/s, 100 us to 10 s. */
void ordinary_path(struct rand *r, struct sched_path *p);
void random_unit(struct rand *r, struct sched_unit *u, unsigned count, bool wild);
void random_snapshot(struct rand *r, struct snapshot *snap);
bool snapshot_any_up(const struct snapshot *snap);
/* Fails the test where the answer is not as scheduler.h wants it. */
void snapshot_check(const struct sched_ops *ops, const struct snapshot *snap,
                    const struct sched_decision *d);

/* A scheduler with its memory, guarded behind its end. */
struct subject {
	const struct sched_ops *ops;
	uint8_t *instance, *scope;
};

void subject_init(struct subject *s, const struct sched_ops *ops);
void subject_finish(struct subject *s);
void subject_pick(struct subject *s, const struct snapshot *snap,
                  struct sched_decision *out);
/* Tells what was sent, where it was sent. */
void subject_obey(struct subject *s, const struct snapshot *snap,
                  const struct sched_decision *d, uint64_t bytes);
/* Tells that a stream is blocked. */
void subject_block(struct subject *s, struct rand *r, uint64_t now_us);

#endif
