/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the receive window as Linux tunes it: half of a buffer of 128 KB at
 * first, two segments more for each that comes, and room for what the owner
 * will read in the next round trips, from what he read in the last (Dynamic
 * Right-Sizing, Fisk and Feng, 2001). The owner reads at once; what waits
 * behind a hole is room that was given before.
 */
#include "scheduler/sim/tcp_impl.h"

#define BUFFER_FIRST 131072u      /* tcp_rmem */
#define BUFFER_MAX 33554432u
#define PAYLOAD_FIRST 128u        /* of 256: the share that is thought of, */
#define PAYLOAD_SEEN 168u         /* and that of a frame of 1500 bytes */
#define WINDOW_FIRST 64088u
#define WINDOW_UNIT 1024u         /* of the header's field, scaled */
#define SPACE_FIRST (TCP_CWND_FIRST * TCP_MSS)

static uint64_t window_of(const struct tcp *t, uint64_t buffer_bytes)
{
	return buffer_bytes * t->payload_256 / 256;
}

void tcp_window_init(struct tcp *t)
{
	t->buffer_bytes = BUFFER_FIRST;
	t->payload_256 = PAYLOAD_FIRST;
	t->ssthresh_bytes = WINDOW_FIRST;
	t->space_bytes = SPACE_FIRST;
	t->epoch_ns = now_ns(t);
	t->window_end = t->edge_bytes = WINDOW_FIRST / WINDOW_UNIT * WINDOW_UNIT;
}

static void grow_buffer(struct tcp *t, uint64_t space_bytes)
{
	uint64_t old = t->space_bytes;
	uint64_t window = 2 * space_bytes;

	t->space_bytes = space_bytes;
	window += 2 * (window * (space_bytes - old) / old);
	if (t->ofo)
		window += t->highest_bytes - t->arrived_bytes;
	uint64_t buffer = window * 256 / t->payload_256;
	if (buffer > BUFFER_MAX)
		buffer = BUFFER_MAX;
	if (buffer > t->buffer_bytes)
		t->buffer_bytes = buffer;
}

/* The round trip as a receiver sees it: since what the sender echoes. */
static void measure(struct tcp *t, const struct tcp_segment *seg,
                    uint32_t echo_ms)
{
	uint64_t us = (now_ms(t) - echo_ms) * UINT64_C(1000);

	if (!echo_ms || echo_ms == t->rcv_echo_ms || seg->len < TCP_MSS)
		return;
	t->rcv_echo_ms = echo_ms;
	us = us ? us : 1000;
	if (!t->rcv_rtt8_us || 8 * us < t->rcv_rtt8_us)
		t->rcv_rtt8_us = 8 * us;
	else
		t->rcv_rtt8_us += us - t->rcv_rtt8_us / 8;
}

void tcp_window_arrived(struct tcp *t, const struct tcp_segment *seg,
                        const struct link_frame *frame)
{
	if (seg->end > t->highest_bytes)
		t->highest_bytes = seg->end;
	if (seg->len >= TCP_MSS)
		t->payload_256 = PAYLOAD_SEEN;
	measure(t, seg, frame->echo_ms);
	if (frame->segment != t->arrived) {
		grow_buffer(t, t->space_bytes);
		return;
	}
	uint64_t most = window_of(t, t->buffer_bytes);
	t->ssthresh_bytes += 2 * TCP_MSS;
	if (t->ssthresh_bytes > most)
		t->ssthresh_bytes = most;
}

void tcp_window_read(struct tcp *t)
{
	uint64_t read = t->arrived_bytes - t->epoch_bytes;

	if (!t->rcv_rtt8_us || since_us(t, t->epoch_ns) < t->rcv_rtt8_us / 8)
		return;
	if (read > t->space_bytes)
		grow_buffer(t, read);
	t->epoch_bytes = t->arrived_bytes;
	t->epoch_ns = now_ns(t);
}

uint32_t tcp_window_now(struct tcp *t)
{
	uint64_t waiting = (uint64_t)t->ofo * TCP_MSS * 256 / PAYLOAD_SEEN;
	uint64_t room = waiting < t->buffer_bytes ?
		window_of(t, t->buffer_bytes - waiting) : 0;

	if (room > t->ssthresh_bytes)
		room = t->ssthresh_bytes;
	uint64_t edge = t->arrived_bytes + room / WINDOW_UNIT * WINDOW_UNIT;
	if (edge > t->edge_bytes)
		t->edge_bytes = edge;
	return (uint32_t)(t->edge_bytes - t->arrived_bytes);
}
