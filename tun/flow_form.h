/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: whether a flow looks like a call or a game: small packets, evenly, both ways.
 * Pure.
 */
#ifndef TUN_FLOW_FORM_H
#define TUN_FLOW_FORM_H

#include <stdbool.h>
#include <stdint.h>

#define FLOW_FORM_BYTES_MAX 400u      /* in the mean */
#define FLOW_FORM_GAP_MIN_US 5000u    /* 200 packets a second */
#define FLOW_FORM_GAP_MAX_US 66667u   /* 15 */
#define FLOW_FORM_PROOF_US 1000000u   /* so long it must have been so */
#define FLOW_FORM_HEARD_US 1000000u   /* and the other side heard within that */
#define FLOW_FORM_PAUSE_US 500000u    /* a longer gap is silence, and no gap */

/* All 0 at first. */
struct flow_form {
	uint64_t last_us, even_since_us, heard_us; /* 0: never */
	uint32_t gap_us, gap_dev_us, bytes;        /* means of the last 16 or so */
	bool is_realtime;
};

void flow_form_heard(struct flow_form *f, uint64_t now_us);
/* A UDP packet of so many bytes. What once was real time stays that, through pauses,
 * until it sends a quarter more than one may. */
void flow_form_note(struct flow_form *f, uint32_t bytes, uint64_t now_us);

#endif
