/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see feedback.h.
 */
#include "agg/transport/feedback.h"

#include <stdlib.h>

#define FEEDBACK_WIRE_BYTES 91u /* with IPv4 and UDP */
#define BACK_SHARE 50u          /* feedback takes a fiftieth of the way back, */
#define SLOWEST_US UINT64_C(100000) /* or more: the sender must not take us for dead */
#define S_US UINT64_C(1000000)
#define BEFORE_BITS 64u

/* Receiving ------------------------------------------------------------- */

static void note_counter(struct feedback *f, uint32_t epoch, uint64_t counter,
                         uint64_t now_us)
{
	int32_t newer = (int32_t)(epoch - f->epoch);

	if (f->packets && newer < 0)
		return;
	if (!f->packets || newer > 0) {
		f->epoch = epoch;
		f->largest = counter;
		f->largest_us = now_us;
		f->before = 0;
		return;
	}
	if (counter <= f->largest) {
		uint64_t back = f->largest - counter;
		if (back && back <= BEFORE_BITS)
			f->before |= UINT64_C(1) << (back - 1);
		return;
	}
	uint64_t step = counter - f->largest;
	if (step < BEFORE_BITS)
		f->before = f->before << step | UINT64_C(1) << (step - 1);
	else
		f->before = step == BEFORE_BITS ? UINT64_C(1) << (step - 1) : 0;
	f->largest = counter;
	f->largest_us = now_us;
}

/* Of many, one of two, of four ... */
static void thin_out(struct feedback *f)
{
	for (unsigned i = 0; i < FEEDBACK_SAMPLES / 2; i++)
		f->delays[i] = f->delays[2 * i];
	f->count = FEEDBACK_SAMPLES / 2;
	f->every *= 2;
}

static void note_delay(struct feedback *f, uint16_t delay)
{
	if (!f->untold_us || (int16_t)(delay - f->least) < 0)
		f->least = delay;
	if (!f->untold_us) {
		f->count = f->passed = 0;
		f->every = 1;
	}
	if (f->passed++ % f->every)
		return;
	if (f->count == FEEDBACK_SAMPLES)
		thin_out(f);
	f->delays[f->count++] = delay;
}

void feedback_note(struct feedback *f, const struct feedback_came *came,
                   uint64_t now_us)
{
	note_counter(f, came->epoch, came->counter, now_us);
	f->packets++;
	f->bytes += came->bytes;
	f->ce += came->ce;
	if (!came->asks)
		return;
	note_delay(f, (uint16_t)(now_us / DATAGRAM_TIME_US - came->sent));
	if (!f->untold_us)
		f->untold_us = now_us ? now_us : 1;
}

uint64_t feedback_due_us(const struct feedback *f, uint64_t srtt_us,
                         uint64_t back_bps)
{
	uint64_t us = tunnel_rate_feedback_us(srtt_us);

	if (!f->untold_us)
		return UINT64_MAX;
	if (back_bps && us < FEEDBACK_WIRE_BYTES * BACK_SHARE * S_US / back_bps)
		us = FEEDBACK_WIRE_BYTES * BACK_SHARE * S_US / back_bps;
	us = us < SLOWEST_US ? us : SLOWEST_US;
	if (!f->told_us || f->told_us + us < f->untold_us)
		return f->untold_us; /* the first after silence */
	return f->told_us + us;
}

static int compare(const void *a, const void *b)
{
	const uint16_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The 90th percentile, above the least. */
static uint16_t p90_above(const struct feedback *f)
{
	uint16_t sorted[FEEDBACK_SAMPLES];

	if (!f->count)
		return 0;
	for (unsigned i = 0; i < f->count; i++)
		sorted[i] = (uint16_t)(f->delays[i] - f->least);
	qsort(sorted, f->count, sizeof(*sorted), compare);
	return sorted[(f->count - 1) * 9 / 10];
}

void feedback_tell(struct feedback *f, struct datagram_feedback *out,
                   uint64_t now_us)
{
	uint64_t held_us = now_us - f->largest_us;

	out->epoch = (uint8_t)f->epoch;
	out->largest = (uint32_t)f->largest;
	out->held_us = (uint16_t)(held_us < UINT16_MAX ? held_us : UINT16_MAX);
	out->packets = f->packets;
	out->bytes = f->bytes;
	out->delay_min = f->least;
	out->delay_p90 = (uint16_t)(f->least + p90_above(f));
	out->ce = f->ce;
	out->before = f->before;
	out->now_us = (uint32_t)now_us;
	f->told_us = now_us;
	f->untold_us = 0;
}

/* Sending --------------------------------------------------------------- */

int64_t feedback_longer_us(int64_t delay_us, int64_t other_us)
{
	int64_t units = delay_us / DATAGRAM_TIME_US - other_us / DATAGRAM_TIME_US;

	return (int64_t)(int16_t)(uint16_t)units * DATAGRAM_TIME_US;
}

static void hear_first(struct feedback_heard *h, const struct datagram_feedback *f,
                       uint64_t largest)
{
	h->any = true;
	h->largest = largest;
	h->packets = f->packets;
	h->bytes = f->bytes;
	h->told_us = UINT64_C(1) << 32 | f->now_us;
	h->delay = f->delay_min;
	h->ce = f->ce;
}

bool feedback_hear(struct feedback_heard *h, const struct datagram_feedback *f,
                   uint64_t base, uint64_t sent, struct rate_news *out)
{
	uint32_t behind = (uint32_t)sent - f->largest;

	if (behind > sent)
		return false;
	uint64_t largest = base + sent - behind;
	if (!h->any)
		hear_first(h, f, largest);
	int32_t later_us = (int32_t)(f->now_us - (uint32_t)h->told_us);
	uint16_t marks = (uint16_t)(f->ce - h->ce);
	if (largest < h->largest || (later_us < 0 && largest == h->largest))
		return false;
	h->largest = largest;
	h->packets += (uint32_t)(f->packets - (uint32_t)h->packets);
	h->bytes += (uint32_t)(f->bytes - (uint32_t)h->bytes);
	h->told_us += (uint32_t)later_us; /* backwards: its clock jumped, and that is newer */
	h->delay += (int16_t)(uint16_t)(f->delay_min - (uint16_t)h->delay);
	h->ce = f->ce;
	uint16_t above = (uint16_t)(f->delay_p90 - f->delay_min);
	*out = (struct rate_news){
		.largest = largest, .hold_us = f->held_us, .told_us = h->told_us,
		.packets = h->packets, .bytes = h->bytes,
		.delay_min_us = h->delay * DATAGRAM_TIME_US,
		.delay_p90_us = (h->delay + above) * DATAGRAM_TIME_US,
		.congested = marks != 0,
	};
	return true;
}
