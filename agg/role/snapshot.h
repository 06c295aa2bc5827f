/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a session knows of itself, put into a report. Both roles use it;
 * `down` is towards the LAN on both sides.
 */
#ifndef AGG_ROLE_SNAPSHOT_H
#define AGG_ROLE_SNAPSHOT_H

#include "agg/kernel/mptcpinfo.h"
#include "agg/report/report.h"
#include "agg/role/limiting.h"
#include "agg/transport/session.h"

#define SNAPSHOT_RATE_US 1000000u /* rates are measured over this */
#define SNAPSHOT_BEST_OVER 3u     /* the best of them over so many ... */
#define SNAPSHOT_BEST_US 300000000u /* ... is kept so long, to twice as long */
#define SNAPSHOT_BESTS 2u

struct snapshot_totals {
	uint64_t at_us; /* 0: not yet */
	uint64_t tx_bytes[WIRE_PATHS_MAX], rx_bytes[WIRE_PATHS_MAX];
};

/* Bytes a second of each path. */
struct snapshot_rates {
	uint64_t tx_bps[WIRE_PATHS_MAX], rx_bps[WIRE_PATHS_MAX];
};

/* Measures rates from totals. All 0 at first. The best is taken over several
 * seconds: what a loss holds up in TCP comes in one go, faster than its path.
 * The round-trip times' deviation is the least that was: a queue varies too. */
struct snapshot_meter {
	struct snapshot_totals totals[SNAPSHOT_BEST_OVER + 1]; /* oldest first */
	struct snapshot_rates now;
	/* Since best_us; in the time before. */
	struct snapshot_rates best[SNAPSHOT_BESTS];
	uint64_t rttvar_us[SNAPSHOT_BESTS][WIRE_PATHS_MAX]; /* 0: not known */
	uint64_t best_us;
	struct limiting limiting; /* what held them up */
};

/* Call each SNAPSHOT_RATE_US. more: what the paths moved besides the session's
 * own lanes, ever; or NULL. */
void snapshot_measure(struct snapshot_meter *m, const struct session *s,
                      const struct snapshot_totals *more, uint64_t now_us);

/* More than pings was moved in the last second. */
bool snapshot_is_busy(const struct snapshot_meter *m);

/* One debug line about a lane that became suspect or recovered. */
void snapshot_log_suspect(const char *site, const struct lane *lane);

struct snapshot {
	const struct session *session;
	const struct snapshot_meter *meter;
	uint64_t now_us;
	bool gateway;                /* then what we receive is down */
	/* The place in the report of each path's uplink; or
	 * REPORT_SHARE_MPTCP; -1: none. */
	int uplink_of_path[WIRE_PATHS_MAX];
};

/* Fills what the session knows: streams, memory, bytes, how it sends. */
void snapshot_session(const struct snapshot *snap, struct report_session *out);
/* What names of a peer's settings say. */
void snapshot_sending(const struct wire_wish *names,
                      struct report_sending *out);
/* Adds the lanes of a path to its uplink: estimates, rates, bytes. */
void snapshot_path(const struct snapshot *snap, unsigned path,
                   struct report_uplink *out);
/* The i-th of the kernel's subflows of a bundle of MPTCP. */
void snapshot_mptcp(const struct snapshot *snap, const struct mptcpinfo *info,
                    unsigned i, struct report_subflow *out);
/* Adds the streams; site "" on the gateway. */
void snapshot_streams(const struct snapshot *snap, const char *site,
                      struct report *out);

#endif
