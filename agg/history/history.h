/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what each uplink and each device of the LAN carried: second by second for ten
 * minutes, minutes for a day, hours for a month, days for a year (ring.h). Pure.
 *
 * Devices are bounded: of more than HISTORY_DEVICES_MAX the one that was used least
 * goes into "others", and so does what comes while a new one had to make room less than
 * a second ago, so that a flood of addresses costs nothing. An uplink takes 25 KB when a
 * month has gone, half of it in the first day; a device half of that, while it is used.
 */
#ifndef AGG_HISTORY_HISTORY_H
#define AGG_HISTORY_HISTORY_H

#include "agg/base/addr.h"
#include "agg/history/clock.h"
#include "agg/history/ring.h"

#define HISTORY_NAME_MAX (ADDR_TEXT_MAX - 1) /* an uplink, a card or IP address */
#define HISTORY_UPLINKS_MAX 16 /* there may be some that are not any more */
#define HISTORY_SITES_MAX 4096  /* with a quota */
#define HISTORY_DEVICES_MAX 64 /* besides the others */
#define HISTORY_OTHERS "others"

/* Of a site, the concentrator's, only its month is kept. */
enum history_kind { HISTORY_UPLINK, HISTORY_DEVICE, HISTORY_OTHERS_KIND, HISTORY_SITE };

/* One of which something is kept. */
struct history_subject {
	enum history_kind kind;
	char name[HISTORY_NAME_MAX + 1];
	char address[HISTORY_NAME_MAX + 1]; /* of a device, the last; "" */
	struct ring rings[RING_LEVELS];
	uint64_t used_bytes;   /* of late: half of it goes each day */
	uint64_t down_bytes, up_bytes; /* since it is here; not kept on the disk */
	/* An uplink's month, by its day of billing. */
	uint64_t month_s, month_bytes; /* its begin; what was counted in it, both ways */
	uint64_t cap_bytes;    /* of a month; 0: none. Whose it is sets it */
	uint64_t saved[RING_LEVELS]; /* slots from there on are not on the disk */
	struct history_subject *next;
};

struct history {
	struct clock clock;
	uint64_t steady_s;     /* of the level of seconds */
	uint64_t moved_s;      /* a device made room then */
	struct history_subject *subjects; /* in the order in which they came */
};

void history_init(struct history *h);
void history_finish(struct history *h);
/* Once a second: says_s is the clock's, steady_s one that is not set by anybody. */
void history_step(struct history *h, uint64_t says_s, uint64_t steady_s);

/* The one of that kind and name, made where there is none: it stays until
 * history_step(). NULL: no memory. */
struct history_subject *history_find(struct history *h, enum history_kind kind,
                                     const char *name);
void history_add(struct history *h, struct history_subject *s,
                 const struct ring_sample *sample);
/* By its name alone; or, of a device, by its address. NULL: there is none. */
struct history_subject *history_named(const struct history *h, const char *name);
/* Of a subject's level, what its slots are counted in: seconds of the steady clock, or
 * of the other one. */
uint64_t history_now(const struct history *h, enum ring_level level);
/* In all, beside the struct. */
size_t history_bytes(const struct history *h);

/* Into the billing month that began then; another than before begins with 0. */
void history_count_month(struct history_subject *s, uint64_t month_s, uint64_t bytes);

#endif
