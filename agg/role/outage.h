/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: is it an outage, and what happens to the LAN's new connections then.
 * Pure: takes facts and a time, gives decisions.
 *
 * It is one from the start until the first path works, and again when none has
 * worked for OUTAGE_US: a path that comes back sooner is none of the LAN's
 * business. One that works ends it at once.
 */
#ifndef AGG_ROLE_OUTAGE_H
#define AGG_ROLE_OUTAGE_H

#include "agg/conf/conf.h"
#include "agg/kernel/nft.h"
#include "agg/report/report.h"

#define OUTAGE_US 2000000u /* without a path */

struct outage {
	bool is_on;
	uint64_t pathless_us; /* since when no path works; 0: one does */
	uint64_t since_us;    /* it is on, or is not, since then */
};

/* now_us is not 0, here and below. */
void outage_init(struct outage *o, uint64_t now_us);
/* True: it began or ended. */
bool outage_step(struct outage *o, bool path_works, uint64_t now_us);

/* What a new connection of the LAN meets. */
struct outage_facts {
	bool draining;             /* the daemon is ending */
	bool remote_ipv6;          /* the concentrator has a way out for it */
	enum conf_outage on_outage;
};
enum intercept_mode outage_mode(const struct outage *o,
                                const struct outage_facts *facts,
                                sa_family_t family);

/* And what goes by the packet tunnel, which has an outage of its own; was_up: it did
 * work once, so that there is one at the other end. */
enum intercept_mode outage_tunnel_mode(const struct outage *tunnel, bool was_up,
                                       const struct outage_facts *facts,
                                       sa_family_t family);

/* And one that a way in has accepted, as SOCKS5 goes on listening. */
enum outage_way { OUTAGE_STREAM, OUTAGE_DIRECT, OUTAGE_REFUSE };
enum outage_way outage_way(const struct outage *o,
                           const struct outage_facts *facts);

/* What happens to one on purpose that is not the proxy: "new connections ...";
 * "": it is taken. */
const char *outage_passes(const struct outage *o,
                          const struct outage_facts *facts);

/* The session's state in words: was_up says that one path ever worked. */
enum report_session_state outage_state(const struct outage *o, bool was_up);
/* What happens to new connections while it is on: "new connections ...". */
const char *outage_follows(enum conf_outage on_outage);
/* What became of it, for the log. */
const char *outage_text(const struct outage *o, enum conf_outage on_outage);

#endif
