/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a lane, the session's end of one subflow. It remembers every frame that
 * must arrive in a ring, in the order of the wire, until the peer's count of
 * processed bytes passes it. How it is judged is watch.c's.
 *
 * Estimates come from the kernel (subflow_info); the rate is the best seen of
 * late and decays slowly, so that a quiet path does not look like a slow one.
 * The round-trip time is the path's: that of its lane with the latest sample,
 * as they share the queue, and the least ever when all are quiet. A smoothed
 * RTT of a lane that is quiet since a download would be that download's queue.
 */
#include "agg/transport/lane.h"

#include "agg/transport/admit.h"
#include "agg/transport/reinject.h"
#include "agg/transport/send.h"
#include "agg/transport/stream_impl.h"
#include "agg/transport/watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define FLIGHT_CAP_MIN 64u
#define FLIGHT_SPARE 1024u        /* of the ring, for control frames */
#define MSS_DEFAULT 1400u
#define LOWAT_MIN_MSS 4u          /* below, the sender looks idle to BBR */
#define PIECE_MIN_MSS 2u
#define IDLE_BURST_MSS 10u        /* RFC 6928's initial window */
#define RATE_HALF_LIFE_US 10000000u     /* of a quiet lane */
#define RATE_HALF_LIFE_BUSY_US 1000000u
#define RATE_WINDOW_MIN_US 50000u

struct flight *lane_flight(const struct lane *lane, uint32_t i)
{
	return &lane->flights[(lane->flight_head + i) & (lane->flight_cap - 1)];
}

static uint64_t ring_bytes(uint32_t cap)
{
	return cap * sizeof(struct flight) + BUDGET_MALLOC_BYTES;
}

static bool grow_ring(struct lane *lane)
{
	struct budget *budget = &lane->session->sent;
	uint32_t cap = lane->flight_cap ? lane->flight_cap * 2 : FLIGHT_CAP_MIN;
	struct flight *ring;

	if (cap > FLIGHT_MAX || (lane->flight_cap &&
	                         budget_left(budget) < ring_bytes(cap)))
		return false;
	ring = malloc(cap * sizeof(*ring));
	if (!ring)
		return false;
	for (uint32_t i = 0; i < lane->flight_len; i++)
		ring[i] = *lane_flight(lane, i);
	budget_force(budget, ring_bytes(cap));
	if (lane->flights)
		budget_give(budget, ring_bytes(lane->flight_cap));
	free(lane->flights);
	lane->flights = ring;
	lane->flight_cap = cap;
	lane->flight_head = 0;
	return true;
}

/* Nobody acknowledges what was sent: it is crammed, until somebody does. */
static int flight_push(struct lane *lane, const struct flight *flight)
{
	if (lane->flight_len == lane->flight_cap && !grow_ring(lane)) {
		lane->crammed = true;
		return -ENOBUFS;
	}
	lane->flight_len++;
	*lane_flight(lane, lane->flight_len - 1) = *flight;
	return 0;
}

static struct flight flight_pop(struct lane *lane)
{
	struct flight flight = *lane_flight(lane, 0);

	lane->flight_head = (lane->flight_head + 1) & (lane->flight_cap - 1);
	lane->flight_len--;
	lane->crammed = false;
	return flight;
}

struct lane *lane_create(struct session *s, const struct wire_hello *hello,
                         const struct subflow_ops *ops, void *ctx)
{
	struct lane *lane = calloc(1, sizeof(*lane));
	if (!lane)
		return NULL;
	lane->session = s;
	lane->ops = ops;
	lane->ctx = ctx;
	lane->hello = *hello;
	lane->since_us = lane->heard_us = lane->progress_us = s->now_us;
	DL_APPEND(s->lanes, lane);
	s->lane_count++;
	budget_force(&s->memory, LANE_BYTES);
	lane_refresh(lane, 0);
	return lane;
}

static void refuse_again(struct session *s, uint32_t id)
{
	if (admit_refuse(s, id) < 0)
		session_fail(s, "more streams than allowed");
}

/* A control frame that may not have arrived is made again from what is true
 * now. */
void lane_flight_lost(struct lane *lane, const struct flight *flight)
{
	if (flight->piece)
		send_lost(flight->piece, lane->hello.path);
	else if (flight->todo == TODO_REFUSE)
		refuse_again(lane->session, flight->stream);
	else if (flight->stream)
		stream_redo(lane->session, flight->stream, flight->todo);
	else
		lane->session->settings_todo = true;
}

void lane_mark_stuck(struct lane *lane, bool stuck)
{
	for (uint32_t i = 0; i < lane->flight_len; i++)
		if (lane_flight(lane, i)->piece)
			send_stuck(lane_flight(lane, i)->piece, stuck);
}

void lane_destroy(struct lane *lane)
{
	struct session *s = lane->session;

	DL_DELETE(s->lanes, lane);
	s->lane_count--;
	if (lane->suspect)
		lane_mark_stuck(lane, false);
	while (lane->flight_len) {
		struct flight flight = flight_pop(lane);
		lane_flight_lost(lane, &flight);
	}
	if (lane->flights)
		budget_give(&s->sent, ring_bytes(lane->flight_cap));
	budget_give(&s->memory, LANE_BYTES);
	free(lane->flights);
	free(lane);
}

struct lane *lane_find(struct session *s, uint32_t id)
{
	struct lane *lane;

	DL_FOREACH(s->lanes, lane)
		if (lane->hello.subflow_id == id)
			return lane;
	return NULL;
}

enum stream_class lane_class(const struct lane *lane)
{
	return lane->hello.bundle ? STREAM_INTERACTIVE : STREAM_BULK;
}

struct lane *lane_best(struct session *s, enum stream_class class)
{
	struct lane *lane, *best = NULL;

	DL_FOREACH(s->lanes, lane) {
		if (!lane_is_good(lane) || lane->full || lane->crammed ||
		    lane_rests(lane))
			continue;
		bool ours = lane_class(lane) == class;
		bool best_ours = best && lane_class(best) == class;
		if (!best || ours > best_ours ||
		    (ours == best_ours && s->path[lane->hello.path].rtt_us <
		                            s->path[best->hello.path].rtt_us))
			best = lane;
	}
	return best;
}

static uint32_t mss_of(const struct lane *lane)
{
	return lane->info.mss ? lane->info.mss : MSS_DEFAULT;
}

/* Decays linearly, near enough to a half-life at these steps. */
static uint64_t decayed(uint64_t rate_bps, uint64_t elapsed_us, bool busy)
{
	uint64_t half_us = busy ? RATE_HALF_LIFE_BUSY_US : RATE_HALF_LIFE_US;

	if (elapsed_us > half_us)
		elapsed_us = half_us;
	return rate_bps - rate_bps / 2 * elapsed_us / half_us;
}

/* Something waits to be sent: what is delivered now is what can be. */
static bool is_busy(const struct lane *lane)
{
	return lane->info.notsent_bytes > 0 && !lane->info.app_limited;
}

static void update_rate(struct lane *lane, uint64_t elapsed_us)
{
	lane->rate_bps = decayed(lane->rate_bps, elapsed_us, is_busy(lane));
	if (lane->info.rate_bps > lane->rate_bps)
		lane->rate_bps = lane->info.rate_bps;
}

static void update_lowat(struct lane *lane)
{
	uint64_t rate = lane->info.pacing_bps > lane->rate_bps ?
		lane->info.pacing_bps : lane->rate_bps;
	uint64_t lowat = rate * (LOWAT_US / 1000) / 1000;

	if (lowat < LOWAT_MIN_MSS * mss_of(lane))
		lowat = LOWAT_MIN_MSS * mss_of(lane);
	if (lowat > LOWAT_MAX)
		lowat = LOWAT_MAX;
	/* By what is delivered: what paces may be three times as fast. */
	uint64_t spread = (lane->rate_bps + lane->rate_bps / 4) *
	                  (lane->info.spread_us / 1000) / 1000;
	lowat += spread < SPREAD_MAX ? spread : SPREAD_MAX;
	if (lowat > lane->lowat_bytes + lane->lowat_bytes / 4 ||
	    lowat < lane->lowat_bytes - lane->lowat_bytes / 4) {
		lane->lowat_bytes = lowat;
		lane->ops->set_lowat(lane->ctx, lowat);
	}
}

void lane_refresh(struct lane *lane, uint64_t age_us)
{
	uint64_t now = lane->session->now_us;
	uint64_t acked = lane->info.acked_bytes;

	if (lane->info_us && now - lane->info_us < age_us)
		return;
	lane->ops->info(lane->ctx, &lane->info);
	if (lane->info.acked_bytes > acked) {
		if (!lane->info.stuck)
			watch_progress(lane);
		lane->session->path[lane->hello.path].acked_bytes +=
			lane->info.acked_bytes - acked;
	}
	update_rate(lane, now - lane->info_us);
	update_lowat(lane);
	lane->info_us = now;
	lane->pushed_bytes = 0;
}

static uint64_t backlog(const struct lane *lane)
{
	return lane->info.notsent_bytes + lane->pushed_bytes;
}

bool lane_is_good(const struct lane *lane)
{
	return !lane->suspect && !lane->doubted;
}

bool lane_rests(const struct lane *lane)
{
	return lane->session->resting & 1u << lane->hello.path;
}

/* How much may wait below us: what leaves in LOWAT_US, or, where nothing is under
 * way, what leaves at once: the window, as far as it is for a first flight. */
static uint64_t backlog_max(const struct lane *lane)
{
	uint64_t first = IDLE_BURST_MSS * mss_of(lane);

	if (lane->info.unacked_bytes || lane->info.notsent_bytes)
		return lane->lowat_bytes;
	if (first > lane->info.cwnd_bytes)
		first = lane->info.cwnd_bytes;
	return first > lane->lowat_bytes ? first : lane->lowat_bytes;
}

bool lane_is_backlogged(const struct lane *lane)
{
	return lane_is_good(lane) && backlog(lane) >= backlog_max(lane);
}

uint64_t lane_drain_us(const struct lane *lane)
{
	const struct subflow_info *info = &lane->info;
	uint64_t pace = info->pacing_bps ? info->pacing_bps : lane->rate_bps;
	uint64_t bytes = backlog(lane) + PIECE_MIN_MSS * mss_of(lane);
	uint64_t paced_us = bytes * 1000000 / (pace ? pace : 1), window_us = 0;

	if (lane->full || lane->crammed)
		return UINT64_MAX;
	/* What exceeds the window waits for acknowledgements. */
	if (info->cwnd_bytes && info->unacked_bytes + bytes > info->cwnd_bytes)
		window_us = (info->unacked_bytes + bytes - info->cwnd_bytes) *
		            info->srtt_us / info->cwnd_bytes;
	return info->first_rtt_us + (paced_us > window_us ? paced_us : window_us);
}

uint64_t lane_room(const struct lane *lane)
{
	if (!lane_is_good(lane) || lane->full || lane->crammed ||
	    lane_is_backlogged(lane) ||
	    lane->flight_len >= FLIGHT_MAX - FLIGHT_SPARE)
		return 0;
	return backlog_max(lane) - backlog(lane);
}

uint32_t lane_piece_bytes(const struct lane *lane)
{
	uint64_t rate = lane->rate_bps ? lane->rate_bps : lane->info.pacing_bps;
	uint64_t bytes = rate * (PIECE_US / 1000) / 1000;
	uint32_t least = PIECE_MIN_MSS * mss_of(lane);

	if (bytes < least)
		bytes = least;
	return bytes < WIRE_PIECE_BYTES_MAX ? (uint32_t)bytes
	                                    : WIRE_PIECE_BYTES_MAX;
}

bool lane_waits(const struct lane *lane)
{
	return lane->info.unacked_bytes > 0 || lane->info.notsent_bytes > 0 ||
	       lane->pushed_bytes > 0;
}

/* n bytes of frame were committed. */
static void pushed(struct lane *lane, size_t n)
{
	if (!lane_waits(lane))
		lane->progress_us = lane->session->now_us;
	lane->ops->commit(lane->ctx, n);
	lane->tx_bytes += n;
	lane->session->path_tx[lane->hello.path] += n;
	lane->pushed_bytes += n;
	lane->session->path[lane->hello.path].backlog_bytes += n;
	lane->touched = true;
}

int lane_send(struct lane *lane, const struct wire_frame *frame, uint8_t todo,
              uint32_t stream)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];
	size_t n = wire_encode(bytes, frame);
	uint8_t *to = lane->ops->reserve(lane->ctx, n);
	struct flight flight = { .wire_end = lane->tx_bytes + n, .todo = todo,
	                         .sent_us = lane->session->now_us,
	                         .stream = stream };
	bool tracked = todo || frame->type == WIRE_SETTINGS;

	lane->full = !to;
	if (!to || (tracked && flight_push(lane, &flight) < 0))
		return -ENOBUFS;
	memcpy(to, bytes, n);
	pushed(lane, n);
	return 0;
}

int lane_send_piece(struct lane *lane, struct piece *piece)
{
	size_t n = WIRE_DATA_HEADER_BYTES + piece->len;
	uint8_t *to = lane->ops->reserve(lane->ctx, n);
	struct flight flight = { .wire_end = lane->tx_bytes + n, .piece = piece,
	                         .sent_us = lane->session->now_us };

	lane->full = !to;
	if (!to || flight_push(lane, &flight) < 0)
		return -ENOBUFS;
	struct stream *stream = piece->stream;
	wire_encode_data_header(to, piece->fin, stream->id, piece->offset,
	                        piece->len);
	sendq_copy(&stream->out, lane->hello.path, piece->offset,
	           to + WIRE_DATA_HEADER_BYTES, piece->len);
	stream->path_tx[lane->hello.path] += piece->len;
	reinject_sent(&lane->session->again_budget, piece->len);
	piece->copies++;
	piece->path_mask |= (uint16_t)(1u << lane->hello.path);
	pushed(lane, n);
	return 0;
}

int lane_on_ack(struct lane *lane, uint64_t bytes)
{
	struct session *s = lane->session;

	if (bytes > lane->tx_bytes || bytes < lane->tx_acked)
		return bytes > lane->tx_bytes ? -EPROTO : 0; /* late: overtaken */
	lane->tx_acked = bytes;
	while (lane->flight_len && lane_flight(lane, 0)->wire_end <= bytes) {
		struct flight flight = flight_pop(lane);
		if (flight.piece && flight.piece->copies == 1)
			reinject_sample(&s->path[lane->hello.path],
			             s->now_us - flight.sent_us);
		struct stream *stream = flight.piece ? flight.piece->stream : NULL;
		if (flight.piece)
			send_acked(flight.piece);
		if (stream)
			stream_check_done(stream);
		else if (flight.stream)
			stream_todo_acked(s, flight.stream, flight.todo);
	}
	return 0;
}

void lane_heard(struct lane *lane, size_t frame_bytes, bool tracked)
{
	lane->rx_bytes += frame_bytes;
	lane->session->path_rx[lane->hello.path] += frame_bytes;
	watch_heard(lane);
	lane->must_acknowledge |= tracked;
	if (lane->must_acknowledge && !lane->ack_due_us)
		lane->ack_due_us = lane->session->now_us + ACK_DELAY_US;
	if (lane->rx_bytes - lane->rx_acked >= ACK_BYTES)
		lane->ack_due_us = lane->session->now_us;
}

void lane_acknowledge_all(struct session *s)
{
	struct lane *lane;

	DL_FOREACH(s->lanes, lane)
		if (lane->rx_bytes && !lane->ack_due_us)
			lane->ack_due_us = s->now_us;
}

/* What the path delivered of late, by all of its lanes, once a window. */
static void estimate_rate(struct session *s, unsigned p)
{
	struct path_estimate *path = &s->path[p];
	uint64_t window = path->rtt_us == UINT64_MAX ? 0 : 2 * path->rtt_us;
	uint64_t elapsed = s->now_us - path->window_us;

	if (elapsed < RATE_WINDOW_MIN_US || elapsed < window)
		return;
	uint64_t rate = path->acked_bytes * 1000000 / elapsed;
	path->rate_bps = decayed(path->rate_bps, elapsed, path->busy);
	path->busy = false;
	if (rate > path->rate_bps)
		path->rate_bps = rate;
	path->acked_bytes = 0;
	path->window_us = s->now_us;
}

static void estimate_rtt(struct path_estimate *path, const struct lane *lane,
                         uint64_t *sampled_us)
{
	uint64_t least = lane->info.min_rtt_us ? lane->info.min_rtt_us
	                                       : lane->info.srtt_us;

	if (lane->session->now_us - lane->sampled_us < RTT_AGE_US) {
		if (lane->sampled_us <= *sampled_us)
			return;
		*sampled_us = lane->sampled_us;
		path->rtt_us = lane->info.srtt_us;
	} else if (!*sampled_us && least < path->rtt_us) {
		path->rtt_us = least;
	}
}

void lane_estimate_paths(struct session *s)
{
	uint64_t sampled_us[WIRE_PATHS_MAX] = { 0 };
	struct lane *lane;

	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		s->path[p].rtt_us = UINT64_MAX;
		s->path[p].backlog_bytes = 0;
	}
	s->resting = 0;
	DL_FOREACH(s->lanes, lane) {
		struct path_estimate *path = &s->path[lane->hello.path];
		if (lane_is_good(lane) && !(s->reserve & 1u << lane->hello.path))
			s->resting = s->reserve;
		estimate_rtt(path, lane, &sampled_us[lane->hello.path]);
		path->backlog_bytes += lane->info.unacked_bytes + backlog(lane);
		path->busy |= is_busy(lane);
		if (lane->rate_bps > path->rate_bps)
			path->rate_bps = lane->rate_bps;
	}
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++)
		estimate_rate(s, p);
}

void lane_sched_path(const struct lane *lane, struct sched_path *out)
{
	const struct subflow_info *info = &lane->info;
	const struct path_estimate *path =
		&lane->session->path[lane->hello.path];

	*out = (struct sched_path){
		.state = lane_is_good(lane) ? SCHED_PATH_UP : SCHED_PATH_SUSPECT,
		.path_class = lane->hello.path_class,
		.flags = (info->in_recovery ? SCHED_IN_RECOVERY : 0) |
		         (info->app_limited ? SCHED_APP_LIMITED : 0) |
		         (info->srtt_us ? 0 : SCHED_NO_RTT_YET),
		.mss = mss_of(lane),
		.loss_ppm = info->sent_bytes > 100000 ?
			(uint32_t)(info->retrans_bytes * 1000000 /
			           info->sent_bytes) : 0,
		.srtt_us = path->rtt_us,
		.rttvar_us = info->rttvar_us,
		.min_rtt_us = info->min_rtt_us,
		.est_age_us = lane->session->now_us - lane->sampled_us,
		.rate_bps = path->rate_bps,
		.backlog_bytes = path->backlog_bytes,
		.cwnd_bytes = info->cwnd_bytes,
		.ssthresh_bytes = info->ssthresh_bytes,
		.inflight_bytes = info->inflight_bytes,
		.queued_bytes = backlog(lane),
		.room_bytes = lane_room(lane),
		.id = lane->hello.path,
	};
}
