/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a lane, the session's end of one subflow. It remembers every frame that
 * must arrive (flights.h) until the peer's count of processed bytes passes it. How
 * it is judged is watch.c's.
 *
 * BBR closes its window to four segments for 200 ms, every ten seconds, to see the
 * least round-trip time (so does any congestion control after a timeout). What was
 * given to the kernel then waits as long, though the path's rate and times, as seen
 * of late, tell nothing of it; so that is added to what a lane would take.
 *
 * Estimates come from the kernel (subflow_info), and go on to those of its path
 * (path.h).
 */
#include "agg/transport/lane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define FLIGHT_SPARE 1024u        /* of the ring, for control frames */
#define MSS_DEFAULT 1400u
#define LOWAT_MIN_MSS 4u          /* below, the sender looks idle to BBR */
#define PIECE_MIN_MSS 2u
#define SILENT_MIN_US 100000u     /* under load ACKs come every few ms */
#define QUIET_PART 8u
#define CLOSED_MSS 4u     /* a window is closed to that, */
#define CLOSED_PART 4u    /* which is no more than a part of what was under way, */
#define CLOSED_US 200000u /* for so long, and a round trip */
#define DELAYED_ACK_US 40000u     /* Linux' least */
#define PACE_STEP 32u             /* less than a part of it is no other pace */
#define RATE_OLD_US 1000000u      /* not busy for so long: it may be more by now */
#define IDLE_BURST_MSS 10u        /* RFC 6928's initial window */

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
	flights_init(&lane->flights, &s->sent);
	DL_APPEND(s->lanes, lane);
	s->lane_count++;
	budget_force(&s->memory, LANE_BYTES);
	lane_refresh(lane, 0);
	return lane;
}

void lane_destroy(struct lane *lane)
{
	struct session *s = lane->session;

	DL_DELETE(s->lanes, lane);
	s->lane_count--;
	flights_finish(&lane->flights);
	budget_give(&s->memory, LANE_BYTES);
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

/* What counts more stands higher. */
static unsigned merit(const struct lane *lane, enum stream_class class, unsigned paths)
{
	return (paths & 1u << lane->hello.path ? 0 : 2) + (lane_class(lane) == class);
}

struct lane *lane_best_but(struct session *s, enum stream_class class, unsigned paths)
{
	struct lane *lane, *best = NULL;

	DL_FOREACH(s->lanes, lane) {
		if (!lane_is_good(lane) || lane->full || lane->crammed ||
		    lane_rests(lane))
			continue;
		unsigned ours = merit(lane, class, paths);
		unsigned bests = best ? merit(best, class, paths) : 0;
		if (!best || ours > bests ||
		    (ours == bests && s->path[lane->hello.path].rtt_us <
		                      s->path[best->hello.path].rtt_us))
			best = lane;
	}
	return best;
}

struct lane *lane_best(struct session *s, enum stream_class class)
{
	return lane_best_but(s, class, 0);
}

static struct path *path_of(const struct lane *lane)
{
	return &lane->session->path[lane->hello.path];
}

static uint32_t mss_of(const struct lane *lane)
{
	return lane->info.mss ? lane->info.mss : MSS_DEFAULT;
}

/* Something waits to be sent: what is delivered now is what can be. */
static bool is_busy(const struct lane *lane)
{
	return lane->info.notsent_bytes > 0 && !lane->info.app_limited;
}

static void update_rate(struct lane *lane, uint64_t elapsed_us)
{
	lane->rate_bps = path_rate_decayed(lane->rate_bps, elapsed_us, is_busy(lane));
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

bool lane_refresh(struct lane *lane, uint64_t age_us)
{
	uint64_t now = lane->session->now_us;
	uint64_t acked = lane->info.acked_bytes;
	bool progress;

	if (lane->info_us && now - lane->info_us < age_us)
		return false;
	lane->ops->info(lane->ctx, &lane->info);
	if (lane->info.notsent_bytes)
		lane->busy_us = now;
	progress = lane->info.acked_bytes > acked && !lane->info.stuck;
	if (progress)
		lane->progress_us = lane->sampled_us = now;
	if (lane->info.acked_bytes > acked)
		path_acked(path_of(lane), lane->info.acked_bytes - acked);
	update_rate(lane, now - lane->info_us);
	update_lowat(lane);
	lane->info_us = now;
	lane->pushed_bytes = 0;
	return progress;
}

bool lane_is_empty(const struct lane *lane)
{
	return !lane->info.unacked_bytes && !lane->info.notsent_bytes &&
	       !lane->pushed_bytes;
}

static uint64_t backlog(const struct lane *lane)
{
	return lane->info.notsent_bytes + lane->pushed_bytes;
}

bool lane_is_good(const struct lane *lane)
{
	return lane->state == LANE_GOOD;
}

uint64_t lane_unheard_us(const struct lane *lane)
{
	uint64_t us = lane->info_us > lane->progress_us ?
		lane->info_us - lane->progress_us : 0;

	if (!lane->info.unacked_bytes)
		return 0;
	return us < lane->info.quiet_us ? us : lane->info.quiet_us;
}

/* A round trip behind the queue that its path has now, the peer's delay and what
 * is usual besides. */
uint64_t lane_silence_us(const struct lane *lane)
{
	uint64_t path_us = path_of(lane)->rtt_us, rtt_us = lane->info.srtt_us;

	if (path_us > rtt_us && path_us < UINT32_MAX)
		rtt_us = path_us;
	uint64_t us = rtt_us + 4 * lane->info.rttvar_us + DELAYED_ACK_US;
	return us > SILENT_MIN_US ? us : SILENT_MIN_US;
}

bool lane_is_quiet(const struct lane *lane)
{
	return lane_unheard_us(lane) >= lane_silence_us(lane) / QUIET_PART;
}

bool lane_stalls(const struct lane *lane)
{
	return lane->state == LANE_SUSPECT || lane->state == LANE_MUTE;
}

uint8_t lane_path_class(const struct lane *lane)
{
	unsigned said = lane->session->classes >> 2 * lane->hello.path & 3;

	return said ? (uint8_t)(said - 1) : lane->hello.path_class;
}

bool lane_rests(const struct lane *lane)
{
	return lane->session->resting & 1u << lane->hello.path;
}

/* Schedulers as they were published know of none. */
static bool is_closed(const struct lane *lane)
{
	uint64_t window = lane->info.cwnd_bytes;

	return lane->session->args.policy.deep && window && window <= CLOSED_MSS * mss_of(lane) &&
	       lane->rate_bps * lane->info.srtt_us / 1000000 >= CLOSED_PART * window;
}

/* How much may wait below us: what leaves in LOWAT_US (through a closed window: the
 * least), or, where nothing is under way, what leaves at once: the window, as far as it
 * is for a first flight. */
static uint64_t backlog_max(const struct lane *lane)
{
	uint64_t first = IDLE_BURST_MSS * mss_of(lane);

	if (is_closed(lane))
		return LOWAT_MIN_MSS * mss_of(lane);
	if (lane->info.unacked_bytes || lane->info.notsent_bytes)
		return lane->lowat_bytes;
	if (first > lane->info.cwnd_bytes)
		first = lane->info.cwnd_bytes;
	return first > lane->lowat_bytes ? first : lane->lowat_bytes;
}

bool lane_is_backlogged(const struct lane *lane)
{
	return lane_is_good(lane) && backlog(lane) >= backlog_max(lane) &&
	       backlog(lane) >= lane->lowat_bytes;
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

uint64_t lane_closed_us(const struct lane *lane)
{
	uint64_t most = CLOSED_US + lane->info.srtt_us;

	if (!is_closed(lane))
		return 0;
	uint64_t us = backlog(lane) * lane->info.srtt_us / lane->info.cwnd_bytes;
	return us < most ? us : most;
}

uint64_t lane_would_take_us(const struct lane *lane, uint32_t len)
{
	return path_would_take_us(path_of(lane), len) + lane_closed_us(lane);
}

uint64_t lane_left_bytes(const struct lane *lane)
{
	return lane->tx_bytes > backlog(lane) ? lane->tx_bytes - backlog(lane) : 0;
}

uint64_t lane_room(const struct lane *lane)
{
	if (!lane_is_good(lane) || lane->full || lane->crammed ||
	    backlog(lane) >= backlog_max(lane) ||
	    lane->flights.len >= FLIGHTS_MAX - FLIGHT_SPARE)
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
	path_sent(path_of(lane), n);
	lane->unflushed_bytes += n;
}

void lane_flush(struct lane *lane)
{
	if (lane->unflushed_bytes)
		lane->ops->flush(lane->ctx);
	lane->unflushed_bytes = 0;
}

/* Nobody acknowledges what was sent: it is crammed, until somebody does. */
static int remember(struct lane *lane, const struct flight *flight)
{
	lane->crammed = flights_push(&lane->flights, flight) < 0;
	return lane->crammed ? -ENOBUFS : 0;
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
	bool tracked = todo || frame->type == WIRE_SETTINGS ||
	               frame->type == WIRE_TUNNEL_KEY || frame->type == WIRE_TUNNEL_NET;

	lane->full = !to;
	if (!to || (tracked && remember(lane, &flight) < 0))
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
	                         .sent_us = lane->session->now_us,
	                         .first = !piece->copies };

	lane->full = !to;
	if (!to || remember(lane, &flight) < 0)
		return -ENOBUFS;
	struct stream *stream = piece->stream;
	wire_encode_data_header(to, piece->fin, stream->id, piece->offset,
	                        piece->len);
	sendq_copy(&stream->out, lane->hello.path, piece->offset,
	           to + WIRE_DATA_HEADER_BYTES, piece->len);
	stream->path_tx[lane->hello.path] += piece->len;
	reinject_sent(&lane->session->again_budget, piece->len);
	if (!piece->copies++)
		piece->sent_us = lane->session->now_us;
	piece->path_mask |= (uint16_t)(1u << lane->hello.path);
	pushed(lane, n);
	return 0;
}

int lane_send_datagram(struct lane *lane, const uint8_t *p, size_t n)
{
	uint8_t *to = lane->ops->reserve(lane->ctx, WIRE_HEADER_BYTES + n);

	lane->full = !to;
	if (!to)
		return -ENOBUFS;
	wire_encode_datagram_header(to, (uint32_t)n);
	memcpy(to + WIRE_HEADER_BYTES, p, n);
	pushed(lane, WIRE_HEADER_BYTES + n);
	return 0;
}

void lane_ask(struct lane *lane)
{
	struct wire_frame ping = { .type = WIRE_PING,
	                           .ping.stamp = lane->session->now_us };

	lane->pinged_us = lane->session->now_us;
	lane_send(lane, &ping, 0, 0);
}

int lane_acknowledged(struct lane *lane, uint64_t bytes)
{
	if (bytes > lane->tx_bytes)
		return -EPROTO;
	if (bytes > lane->tx_acked) /* else it is late: overtaken */
		lane->tx_acked = bytes;
	return 0;
}

bool lane_next_acked(struct lane *lane, struct flight *out)
{
	if (!lane->flights.len ||
	    flights_at(&lane->flights, 0)->wire_end > lane->tx_acked)
		return false;
	*out = flights_pop(&lane->flights);
	lane->crammed = false;
	if (out->piece && out->first)
		path_took(path_of(lane), lane->session->now_us - out->sent_us);
	return true;
}

void lane_heard(struct lane *lane, size_t frame_bytes, bool tracked)
{
	lane->rx_bytes += frame_bytes;
	lane->session->path_rx[lane->hello.path] += frame_bytes;
	lane->session->unasked_bytes += frame_bytes;
	lane->heard_us = lane->session->heard_us = lane->session->now_us;
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

static void set_pace(struct lane *lane, uint64_t bps)
{
	uint64_t off = bps > lane->pace_bps ? bps - lane->pace_bps : lane->pace_bps - bps;

	if (off <= lane->pace_bps / PACE_STEP && !bps == !lane->pace_bps)
		return;
	lane->pace_bps = bps;
	lane->ops->set_pace(lane->ctx, bps);
}

static void tell_path(struct lane *lane)
{
	struct path_user user = {
		.srtt_us = lane->info.srtt_us,
		.min_rtt_us = lane->info.min_rtt_us,
		.sampled_us = lane->sampled_us,
		.rate_bps = lane->rate_bps,
		.backlog_bytes = lane->info.unacked_bytes + backlog(lane),
		.under_way_bytes = lane->info.inflight_bytes + backlog(lane),
		.sent_bytes = lane->info.sent_bytes,
		.retrans_bytes = lane->info.retrans_bytes,
		.busy = is_busy(lane),
	};

	path_add(path_of(lane), &user, lane->session->now_us);
}

void lane_estimate_paths(struct session *s)
{
	struct lane *lane;
	unsigned good = 0;

	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++)
		path_begin(&s->path[p]);
	s->resting = 0;
	s->longest_rtt_us = 0;
	DL_FOREACH(s->lanes, lane) {
		if (lane_is_good(lane) && lane->info.srtt_us > s->longest_rtt_us)
			s->longest_rtt_us = lane->info.srtt_us;
		if (lane_is_good(lane) && !(s->reserve & 1u << lane->hello.path))
			s->resting = s->reserve;
		good |= lane_is_good(lane) ? 1u << lane->hello.path : 0;
		tell_path(lane);
	}
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		path_end(&s->path[p], s->now_us);
		path_judge(&s->path[p], s->laid_bytes, s->now_us);
	}
	path_compare(s->path, WIRE_PATHS_MAX, good & ~s->resting);
	DL_FOREACH(s->lanes, lane)
		set_pace(lane, s->args.policy.deep ? path_of(lane)->pace_bps : 0);
}

/* What is known of its rate is what it was given: less than it could carry, or what
 * it could when it was full last. Who took that for its rate would never give it
 * what would prove better. The kernel tells it, but not of MPTCP. */
static bool is_app_limited(const struct lane *lane)
{
	return lane->info.app_limited ||
	       lane->session->now_us - lane->busy_us >= RATE_OLD_US;
}

void lane_sched_path(const struct lane *lane, struct sched_path *out)
{
	const struct subflow_info *info = &lane->info;
	const struct path *path = path_of(lane);

	*out = (struct sched_path){
		.state = lane_is_good(lane) ? SCHED_PATH_UP : SCHED_PATH_SUSPECT,
		.path_class = lane_path_class(lane),
		.flags = (info->in_recovery ? SCHED_IN_RECOVERY : 0) |
		         (is_app_limited(lane) ? SCHED_APP_LIMITED : 0) |
		         (info->srtt_us ? 0 : SCHED_NO_RTT_YET),
		.mss = mss_of(lane),
		.loss_ppm = path->loss_ppm,
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
