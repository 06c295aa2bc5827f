/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what held up a session's bytes of late, by both ends: measured here, told
 * to the peer while something is under way, and put into the report with what the
 * peer told.
 */
#ifndef AGG_ROLE_LIMITING_H
#define AGG_ROLE_LIMITING_H

#include "agg/report/report.h"
#include "agg/transport/session.h"

#define LIMITING_OVER 3u           /* of so many looks, once a second */
#define LIMITING_FRESH_US 5000000u /* the peer's word is old then */

/* All 0 at first. */
struct limiting {
	struct {
		uint64_t at_us, cpu_us; /* at_us 0: not yet */
		struct holdup limits;
	} looks[LIMITING_OVER + 1];     /* oldest first */
	struct wire_limits now;         /* what is told of them */
	bool told;                      /* the last time */
};

/* cpu_us: CPU time of the session's thread, ever. busy: bytes are under way. */
void limiting_measure(struct limiting *l, struct session *s, bool busy,
                      uint64_t cpu_us, uint64_t now_us);
/* Both directions; gateway: what we send is up. */
void limiting_report(const struct limiting *l, const struct session_stats *stats,
                     bool gateway, struct report_session *out);
/* In thousandths of the time: the path was full, in each direction. */
void limiting_report_path(const struct limiting *l,
                          const struct session_stats *stats, bool gateway,
                          unsigned path, struct report_uplink *out);

#endif
