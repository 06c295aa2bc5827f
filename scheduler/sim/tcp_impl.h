/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the files of tcp.h share with each other and nobody else.
 */
#ifndef SCHEDULER_SIM_TCP_IMPL_H
#define SCHEDULER_SIM_TCP_IMPL_H

#include "scheduler/sim/tcp.h"

#define NS_PER_US 1000u
#define NS_PER_MS 1000000u
#define NS_PER_S UINT64_C(1000000000)
#define SEGMENT_NONE UINT32_MAX
#define DUP_THRESH 3u

static inline struct tcp_segment *segment_at(const struct tcp *t, uint32_t n)
{
	return &t->segments[n & (t->segments_cap - 1)];
}

static inline uint64_t now_ns(const struct tcp *t) { return t->events->now_ns; }

/* The clock of timestamps. */
static inline uint32_t now_ms(const struct tcp *t)
{
	return (uint32_t)(t->events->now_ns / NS_PER_MS);
}

static inline uint64_t since_us(const struct tcp *t, uint64_t at_ns)
{
	return (t->events->now_ns - at_ns) / NS_PER_US;
}

/* t1 is later than t2; sent together, the higher number is. */
static inline bool sent_after(uint64_t t1, uint32_t n1, uint64_t t2, uint32_t n2)
{
	return t1 > t2 || (t1 == t2 && n1 > n2);
}

/* tcp.c */
void tcp_push(struct tcp *t);          /* what may leave, leaves */
void tcp_resend(struct tcp *t);        /* of it, what is lost */
void tcp_send_again(struct tcp *t, uint32_t n);
void tcp_fill_ack(struct tcp *t, struct link_frame *frame);
void tcp_unlist(struct tcp *t, uint32_t n); /* from the order of sending */
void tcp_set_timer(struct tcp *t, enum tcp_timer kind, uint64_t us);
void tcp_rearm_rto(struct tcp *t);
bool tcp_schedule_probe(struct tcp *t);
void tcp_set_delack(struct tcp *t, uint64_t at_ns);

/* tcp_ack.c */
void tcp_ack(struct tcp *t, const struct link_frame *frame);

/* tcp_loss.c */
void tcp_rack_advance(struct tcp *t, const struct tcp_segment *seg, uint32_t n);
/* After an acknowledgement: marks, and the state. True: the timer waits for
 * what may be lost. */
bool tcp_recover(struct tcp *t);
void tcp_reduce_cwnd(struct tcp *t, uint32_t acked, uint32_t lost, bool advanced);
void tcp_probe_acked(struct tcp *t, const struct link_frame *frame);
void tcp_on_rto(struct tcp *t);
void tcp_on_probe(struct tcp *t);
void tcp_on_reorder(struct tcp *t);

/* tcp_receive.c */
void tcp_receive(struct tcp *t, const struct link_frame *frame);
void tcp_data_sent(struct tcp *t);
void tcp_on_delack(struct tcp *t);

/* tcp_window.c */
void tcp_window_init(struct tcp *t);
void tcp_window_arrived(struct tcp *t, const struct tcp_segment *seg,
                        const struct link_frame *frame);
void tcp_window_read(struct tcp *t);
uint32_t tcp_window_now(struct tcp *t); /* bytes behind those in order */

#endif
