/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which carrier a session uses, our own subflows or bundles of the
 * kernel's MPTCP (RFC 8684). Pure: facts in, a decision out; who asks is the
 * gateway, whose word it is.
 *
 *   subflows  our own.
 *   mptcp     MPTCP for the uplinks that the kernel has joined. Our own hold
 *             those that it has not, and all while no bundle works.
 *   auto      our own, until MPTCP works on every usable uplink and a trial
 *             has said that it is no worse; and again as soon as it does not.
 *
 * A trial is made under the load that there is: CARRIER_PHASE_US with what is
 * in use, a change, CARRIER_SETTLE_US, and CARRIER_PHASE_US with the other.
 * Compared are the bytes of the streams that live through all of it, and the
 * session's echo. A verdict holds for CARRIER_VALID_US, for this set of uplinks
 * and their addresses. A trial whose streams end is void, and made again later;
 * one in which the rate falls to a third is broken off at once: the first time
 * the load may have ended, the second time that is the verdict.
 *
 * What is not in use is in reserve (session_set_reserve): connected, and used
 * while nothing else works.
 */
#ifndef AGG_ROLE_CARRIER_H
#define AGG_ROLE_CARRIER_H

#include "agg/conf/conf.h"

#include <stdbool.h>
#include <stdint.h>

#define CARRIER_LOAD_US 3000000u     /* of load, before a trial */
#define CARRIER_LOAD_MIN_BPS 125000u /* which is at least so many bytes/s */
#define CARRIER_PHASE_US 4000000u
#define CARRIER_SETTLE_US 2000000u   /* its windows grow */
#define CARRIER_WHOLE_US 1000000u    /* MPTCP is on all uplinks for so long */
#define CARRIER_VALID_US 21600000000u /* six hours */
#define CARRIER_VOID_US 60000000u    /* from a void trial to the next */
#define CARRIER_FALL 3u              /* to a third, and so often: */
#define CARRIER_FALLS_MAX 2u
#define CARRIER_STREAMS_MAX 64u      /* that a trial looks at */
/* No worse: MPTCP carries so many percent of what our own do, at least, and an
 * echo takes at most a quarter longer and so much more. */
#define CARRIER_BYTES_PERCENT 97u
#define CARRIER_ECHO_MORE_US 5000u

/* How things are. Uplinks are a bit each, by index. */
struct carrier_facts {
	enum conf_carrier wanted;
	const char *obstacle; /* why this host has no MPTCP; NULL: it has */
	unsigned usable;      /* uplinks that a subflow could go over */
	unsigned covered;     /* that the kernel has joined to a bundle */
	unsigned stripped;    /* on which the option does not arrive */
	bool bundle;          /* a bundle works */
	bool whole;           /* each usable uplink is joined in every bundle */
	bool metered;         /* an uplink's cost is: that one is ours in any case */
	uint64_t load_bps;    /* bytes/s of streams, both directions */
	/* Sum and number of the echoes that came, ever. */
	uint64_t echo_us, echoes;
};

enum carrier_phase {
	CARRIER_QUIET,    /* no trial */
	CARRIER_BEFORE,   /* with what was in use */
	CARRIER_SETTLING, /* with the other */
	CARRIER_AFTER,
};

enum carrier_verdict { CARRIER_UNTRIED, CARRIER_NO_WORSE, CARRIER_WORSE };

struct carrier {
	bool mptcp;           /* in use, where it can be */
	unsigned reserve;     /* paths (wire.h) that shall rest */
	char why[192];        /* in words, for the status */

	/* private state */
	enum carrier_phase phase;
	enum carrier_verdict verdict;
	uint64_t phase_us, verdict_us, void_us, load_us, whole_us;
	unsigned tried;       /* the uplinks for which the verdict holds */
	bool first_mptcp;     /* the trial began with it */
	unsigned stream_count, mark, falls;
	uint64_t before_bps;  /* load_bps, at the end of the first phase */
	struct carrier_mark {
		uint32_t id;
		unsigned marks;       /* at how many it was there */
		uint64_t bytes[4];    /* begin and end of the two phases */
	} streams[CARRIER_STREAMS_MAX];
	uint64_t echo_us[4], echoes[4];
	uint64_t bytes[2], echo_mean_us[2]; /* of the last trial: ours, MPTCP */
};

void carrier_init(struct carrier *c);

/* The facts are so now; call it when they change, and once a second. True: a
 * mark is wanted: tell all streams by carrier_mark_stream(), then
 * carrier_marked(). */
bool carrier_step(struct carrier *c, const struct carrier_facts *facts,
                  uint64_t now_us);
/* Bytes: of both directions, ever. */
void carrier_mark_stream(struct carrier *c, uint32_t id, uint64_t bytes);
void carrier_marked(struct carrier *c, const struct carrier_facts *facts,
                    uint64_t now_us);
/* Echoes are wanted now. */
bool carrier_is_trying(const struct carrier *c);
/* The network is another one: what was tried counts no more. */
void carrier_forget(struct carrier *c);

#endif
