/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see flow_form.h.
 */
#include "tun/flow_form.h"

#define MEAN_OF 16

static void mean(uint32_t *m, uint64_t sample)
{
	*m = (uint32_t)((int64_t)*m + ((int64_t)sample - (int64_t)*m) / MEAN_OF);
}

static bool is_even(const struct flow_form *f)
{
	return f->bytes <= FLOW_FORM_BYTES_MAX && f->gap_us >= FLOW_FORM_GAP_MIN_US &&
	       f->gap_us <= FLOW_FORM_GAP_MAX_US && f->gap_dev_us < f->gap_us / 2;
}

static bool is_too_much(const struct flow_form *f)
{
	return f->bytes > FLOW_FORM_BYTES_MAX * 5 / 4 ||
	       f->gap_us < FLOW_FORM_GAP_MIN_US * 4 / 5;
}

void flow_form_heard(struct flow_form *f, uint64_t now_us)
{
	f->heard_us = now_us;
}

void flow_form_note(struct flow_form *f, uint32_t bytes, uint64_t now_us)
{
	uint64_t gap = now_us - f->last_us;
	bool goes_on = f->last_us && gap < FLOW_FORM_PAUSE_US;

	f->last_us = now_us;
	if (!goes_on) {
		f->even_since_us = 0;
		return;
	}
	if (!f->gap_us) { /* the first gap */
		f->gap_us = (uint32_t)gap;
		f->bytes = bytes;
	}
	mean(&f->gap_dev_us, gap > f->gap_us ? gap - f->gap_us : f->gap_us - gap);
	mean(&f->gap_us, gap);
	mean(&f->bytes, bytes);
	if (is_too_much(f))
		f->is_realtime = false;
	if (!is_even(f))
		f->even_since_us = 0;
	else if (!f->even_since_us)
		f->even_since_us = now_us;
	else if (now_us - f->even_since_us >= FLOW_FORM_PROOF_US && f->heard_us &&
	         now_us - f->heard_us < FLOW_FORM_HEARD_US)
		f->is_realtime = true;
}
