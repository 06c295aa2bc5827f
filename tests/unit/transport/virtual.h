/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a gateway's and a concentrator's session under virtual time, joined by
 * simulated subflows: the shipped session core, no socket, no clock. A subflow
 * is what TCP makes of a path: bytes in order, late when the path lost some,
 * not at all while it is cut, and then, when it comes back, after a backoff.
 */
#ifndef TESTS_VIRTUAL_H
#define TESTS_VIRTUAL_H

#include "agg/base/rand.h"
#include "agg/transport/session.h"

enum { V_GATEWAY, V_CONCENTRATOR };

struct virtual_path {
	uint64_t rate_bps[2];    /* bytes/s, by the sender's side */
	uint64_t delay_us;
	unsigned stall_ppm;      /* chance that a chunk waits for a resend */
	bool cut;
};

struct virtual_args {
	unsigned paths, bundles;
	struct virtual_path path[WIRE_PATHS_MAX];
	struct session_policy policy;
	uint64_t seed, linger_us;
	size_t memory_max;
};

struct virtual_net;

/* The owner of accepted streams. */
typedef enum stream_end virtual_accept_fn(void *ctx, struct stream *stream,
                                          const struct dest *dest,
                                          const struct stream_events **events,
                                          void **stream_ctx);

struct virtual_net *virtual_create(const struct virtual_args *args,
                                   virtual_accept_fn *accept, void *ctx);
void virtual_destroy(struct virtual_net *net);
struct session *virtual_session(struct virtual_net *net, int side);
uint64_t virtual_now(const struct virtual_net *net);
struct rand *virtual_rand(struct virtual_net *net);
/* Calls fn(ctx) at that time. */
void virtual_at(struct virtual_net *net, uint64_t at_us, void (*fn)(void *),
                void *ctx);
/* Runs until nothing is left to do or until_us. */
void virtual_run(struct virtual_net *net, uint64_t until_us);
void virtual_cut(struct virtual_net *net, unsigned path, bool cut);
/* The subflows of a path break with a reset that both ends see. */
void virtual_break(struct virtual_net *net, unsigned path);
unsigned virtual_subflows_made(const struct virtual_net *net);
const char *virtual_over(const struct virtual_net *net, int side); /* NULL */

#endif
