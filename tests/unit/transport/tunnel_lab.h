/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the lab's links (tests/lab/scenarios), for tunnels under virtual time.
 */
#ifndef TESTS_TUNNEL_LAB_H
#define TESTS_TUNNEL_LAB_H

#include "scheduler/sim/tunnel_world.h"

#define MBIT 125000.0

/* One more path, of so many Mbit/s each way. */
void lab_add(struct tunnel_world_args *args, double down, double up, double delay_ms,
             double queue_ms);
struct tunnel_world_args lab_s2(void);
struct tunnel_world_args lab_s3(void);
/* Mbit/s of IP packets that all paths together have room for, down. */
double lab_limit(const struct tunnel_world_args *args);

#endif
