/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how it is in one sentence: what limits the speed now, and why anything is
 * degraded. A pure decision from what the report has.
 */
#ifndef AGG_REPORT_LIMIT_H
#define AGG_REPORT_LIMIT_H

#include "agg/report/report.h"

#define LIMIT_TEXT_MAX 511
#define LIMIT_BUSY_BPS 25000u      /* less is greetings and pings */
#define LIMIT_CPU_PERMILLE 900u    /* of a core's time: it is full */
#define LIMIT_WAIT_PERMILLE 300u   /* of the time: what waits, waits for that */
#define LIMIT_FULL_PERMILLE 400u   /* of the time: a link is full */

/* Its words are a part of the JSON, and aggctl's exit status follows from it. */
enum report_health {
	REPORT_HEALTH_UP,       /* "up": all that shall work does */
	REPORT_HEALTH_DEGRADED, /* "degraded": it works, and something does not */
	REPORT_HEALTH_DOWN,     /* "down": a gateway without its session */
};
const char *limit_health_text(enum report_health health);

enum report_health limit_health(const struct report *report);
/* "download at 47.1 Mbit/s, as dsl is full; lte is down (no carrier)". */
void limit_sentence(const struct report *report, char out[LIMIT_TEXT_MAX + 1]);

#endif
