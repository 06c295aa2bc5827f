/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_lab.h.
 */
#include "tunnel_lab.h"

#define PACKET_WIRE (TUNNEL_WORLD_PACKET + 35 + 46.0) /* a datagram, as the link has it */

static struct world_link line(double mbit, double delay_ms, double queue_ms)
{
	return (struct world_link){
		.rate_bps = (uint64_t)(mbit * MBIT), .delay_us = (uint64_t)(delay_ms * 1000),
		.queue_bytes = (uint64_t)(mbit * MBIT * queue_ms / 1000),
	};
}

void lab_add(struct tunnel_world_args *args, double down, double up, double delay_ms,
             double queue_ms)
{
	unsigned i = args->path_count++;

	args->paths[i].down = line(down, delay_ms, queue_ms);
	args->paths[i].up = line(up, delay_ms, queue_ms);
}

struct tunnel_world_args lab_s2(void)
{
	struct tunnel_world_args args = { .seed = 1 };

	lab_add(&args, 50, 20, 5, 100);
	lab_add(&args, 20, 10, 30, 100);
	return args;
}

/* A line, a mobile network, a satellite. */
struct tunnel_world_args lab_s3(void)
{
	struct tunnel_world_args args = { .seed = 1 };

	lab_add(&args, 30, 8, 10, 100);
	lab_add(&args, 60, 20, 25, 300);
	lab_add(&args, 20, 4, 300, 300);
	args.paths[1].down.jitter_us = args.paths[1].up.jitter_us = 8000;
	args.paths[1].down.loss_ppm = args.paths[1].up.loss_ppm = 2000;
	args.paths[2].down.loss_ppm = args.paths[2].up.loss_ppm = 1000;
	return args;
}

double lab_limit(const struct tunnel_world_args *args)
{
	double bps = 0;

	for (unsigned i = 0; i < args->path_count; i++)
		bps += (double)args->paths[i].down.rate_bps;
	return bps / MBIT * TUNNEL_WORLD_PACKET / PACKET_WIRE;
}
