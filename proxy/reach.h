/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: whether IPv6 works from here, as connections tell. A host may have an
 * IPv6 address and a default route, and nothing behind it answers: then each
 * connection by IPv6 hangs, where without IPv6 its program would have taken IPv4
 * at once. Pure.
 *
 * REACH_NETS destinations that do not answer, each in another /48, and none
 * that does: IPv6 is doubted. The last destination that did answer is tried; if
 * it is silent too, or there was none, IPv6 is broken. From then on it is tried
 * again, with pauses that grow, and whoever answers mends it: a refusal is an
 * answer. A single host or net that is down says nothing of the rest.
 */
#ifndef PROXY_REACH_H
#define PROXY_REACH_H

#include "agg/base/addr.h"

#define REACH_NETS 4
#define REACH_SILENT_US 4000000u       /* no answer for so long: silent */
#define REACH_PROBE_US 5000000u        /* a probe's deadline */
#define REACH_PAUSE_MIN_US 30000000u   /* between probes */
#define REACH_PAUSE_MAX_US 600000000u
#define REACH_FORGET_US 120000000u     /* silence of long ago does not count */

struct reach {
	struct addr silent[REACH_NETS]; /* each of another net */
	unsigned silent_count;
	uint64_t silent_us;             /* the latest of them */
	struct addr good;               /* family 0: none */
	bool broken;
	unsigned turn;                  /* whose turn it is to be tried */
	uint64_t pause_us;
	uint64_t probe_us;              /* when to try; UINT64_MAX: not */
};

void reach_init(struct reach *r);
/* A connection to an IPv6 address was answered, or was not. Others are passed
 * over. */
void reach_note(struct reach *r, const struct addr *to, bool answered,
                uint64_t now_us);
/* A probe is due at r->probe_us: to whom. Then its result. */
void reach_probe(struct reach *r, struct addr *to);
void reach_probed(struct reach *r, bool answered, uint64_t now_us);

#endif
