/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the gateway's end of a speed test: each uplink alone and all together, down
 * and up, with an echo's time before and meanwhile; by a stream to the concentrator
 * itself (testbytes.h). Alone means that all other paths are in reserve, for the
 * LAN's bytes too. It ends by itself when nobody asks for it any more.
 */
#ifndef AGG_ROLE_SPEEDTEST_H
#define AGG_ROLE_SPEEDTEST_H

#include "agg/base/buf.h"
#include "agg/report/report.h"
#include "agg/role/home.h"

#define SPEEDTEST_QUIET_US 600000u  /* before a load: the idle echo */
#define SPEEDTEST_LOAD_US 4000000u  /* of which the first ... */
#define SPEEDTEST_RISE_US 1500000u  /* ... is not counted */
#define SPEEDTEST_ECHO_US 100000u   /* between two echoes */
#define SPEEDTEST_ALONE_US 5000000u /* without a question, it ends */
#define SPEEDTEST_PARTS_MAX (WIRE_UPLINKS_MAX + 1)

struct speedtest_part {
	char name[REPORT_NAME_MAX + 1];  /* of an uplink; "all together" */
	unsigned reserve;                /* paths, a bit each */
	uint64_t down_bps, up_bps;       /* bytes a second */
	uint64_t idle_us, down_us, up_us; /* an echo; 0: none came back */
};

struct speedtest {
	struct home *home;               /* borrowed */
	void (*on_reserve)(void *ctx);   /* speedtest_reserve() is another */
	void *ctx;
	struct loop_timer *tick;
	struct speedtest_part parts[SPEEDTEST_PARTS_MAX];
	unsigned count, at;              /* the one that is measured */
	bool up, load;                   /* and how far it is */
	uint64_t phase_us, asked_us;
	struct stream *stream;           /* borrowed; NULL: none */
	uint64_t got_bytes;              /* of it */
	uint64_t from_bytes, from_us;    /* since when it is counted; 0: not yet */
	uint64_t echo_us, echoes;        /* before the phase */
	bool runs, done;
	char why[REPORT_WORDS_MAX + 1];  /* it failed */
};

/* 0 or -ENOMEM. */
int speedtest_init(struct speedtest *t, struct home *home,
                   void (*on_reserve)(void *ctx), void *ctx);
void speedtest_finish(struct speedtest *t); /* all 0 is fine */

/* Uplinks to be measured, by their paths, with their names; then begin. */
void speedtest_clear(struct speedtest *t);
void speedtest_add(struct speedtest *t, unsigned path, const char *name);
void speedtest_begin(struct speedtest *t);

bool speedtest_runs(const struct speedtest *t);
/* While it runs: in place of what else is in reserve. */
unsigned speedtest_reserve(const struct speedtest *t);
/* A table, or JSON; while it runs, where it is. 1: it runs; 0: the result; -errno:
 * it failed, or there was none. */
int speedtest_tell(struct speedtest *t, bool json, unsigned line_max,
                   struct buf *out);

#endif
