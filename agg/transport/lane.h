/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one subflow: what is in flight on it, and its estimates.
 */
#ifndef AGG_TRANSPORT_LANE_H
#define AGG_TRANSPORT_LANE_H

#include "agg/transport/session_impl.h"

struct lane *lane_create(struct session *s, const struct wire_hello *hello,
                         const struct subflow_ops *ops, void *ctx);
void lane_destroy(struct lane *lane); /* what was in flight was taken before */
/* Asks the subflow, if it was asked longer ago. True: TCP saw something acknowledged
 * since, and nothing of it is stuck. */
bool lane_refresh(struct lane *lane, uint64_t age_us);
/* Nothing was under way on it when it was asked, nor was given to it since. */
bool lane_is_empty(const struct lane *lane);
/* Until it has sent what it has, and a piece more; full: UINT64_MAX. Where lanes
 * of one path differ in their round-trip times (MPTCP), with that. */
uint64_t lane_drain_us(const struct lane *lane);
uint64_t lane_room(const struct lane *lane);
/* Its window is closed (see lane.c), and so long does what is sent now wait for that,
 * behind all that waits; 0: it is not. */
uint64_t lane_closed_us(const struct lane *lane);
/* From sending so much now until it is acknowledged. */
uint64_t lane_would_take_us(const struct lane *lane, uint32_t len);
/* The kernel has sent (and may have lost) what is below it. */
uint64_t lane_left_bytes(const struct lane *lane);
/* May carry something new. */
bool lane_is_good(const struct lane *lane);
/* How long, when it was last asked, no acknowledgement had come though something
 * was under way; 0: that is not so, or not known. */
uint64_t lane_unheard_us(const struct lane *lane);
uint64_t lane_silence_us(const struct lane *lane); /* so long, and it is silent */
/* A part of that, and it may be that none will come. */
bool lane_is_quiet(const struct lane *lane);
/* What is in flight on it is given up for now. */
bool lane_stalls(const struct lane *lane);
/* Room will come when the subflow has sent: writability tells. */
bool lane_is_backlogged(const struct lane *lane);
uint32_t lane_piece_bytes(const struct lane *lane);
int lane_send(struct lane *lane, const struct wire_frame *frame, uint8_t todo,
              uint32_t stream);
void lane_flush(struct lane *lane); /* if there is anything to flush */
/* Sends a piece: 0, -ENOBUFS. */
int lane_send_piece(struct lane *lane, struct piece *piece);
/* Sends a DATAGRAM, which is not remembered: 0, -ENOBUFS. */
int lane_send_datagram(struct lane *lane, const uint8_t *p, size_t n);
void lane_ask(struct lane *lane); /* a PING */
/* The peer has processed so many bytes; -EPROTO: more than were sent. */
int lane_acknowledged(struct lane *lane, uint64_t bytes);
/* Takes the next flight that arrived so. False: there is none. */
bool lane_next_acked(struct lane *lane, struct flight *out);
void lane_heard(struct lane *lane, size_t frame_bytes, bool tracked);
/* Something that was sent is not known to have arrived, or is still here. */
bool lane_waits(const struct lane *lane);
void lane_estimate_paths(struct session *s); /* fills session.path, resting */
/* Its path is in reserve, and not needed. */
bool lane_rests(const struct lane *lane);
/* Its path's, enum sched_path_class: as was said last. */
uint8_t lane_path_class(const struct lane *lane);
/* What every lane has received is told (again), now. */
void lane_acknowledge_all(struct session *s);
struct lane *lane_find(struct session *s, uint32_t id);
/* The streams for which it is there: bundle 0 is for bulk. */
enum stream_class lane_class(const struct lane *lane);
/* The live lane to use for a class's control frames: least RTT. */
struct lane *lane_best(struct session *s, enum stream_class class);
/* Where there is one, of a path that is not among these. */
struct lane *lane_best_but(struct session *s, enum stream_class class,
                           unsigned paths);
void lane_sched_path(const struct lane *lane, struct sched_path *out);

#endif
