/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a session shows of itself, its lanes and its streams. Reads only.
 */
#include "agg/transport/session_impl.h"

#include "agg/transport/lane.h"
#include "agg/transport/send.h"

#include <stdio.h>
#include <string.h>

#include <utlist.h>

#define MEMORY_SHORT_PART 8u /* with less of it left large windows do not grow */

void session_stats(const struct session *s, struct session_stats *out)
{
	const struct lane *lane;

	struct silence_one silence = silence_longest(&s->silence, s->now_us);

	*out = (struct session_stats){
		.silent_us = silence.us, .silent_path = silence.path,
		.streams = s->stream_count,
		.lanes = s->lane_count,
		.streams_opened = s->streams_opened,
		.buffered_bytes = s->buffered,
		.memory_bytes = s->memory.used,
		.retained_bytes = s->retained,
		.memory_max = s->args.memory_max,
		.doubles_bytes = s->doubles_bytes,
		.echo_us = s->echo_us, .echoes = s->echoes,
		.policy = s->args.policy,
		.limits = s->limits, .peer_limits = s->peer_limits,
		.peer_limits_age_us = s->peer_limits_us ?
			s->now_us - s->peer_limits_us : UINT64_MAX,
		.picks = s->picks,
	};
	DL_FOREACH(s->lanes, lane) {
		out->lanes_suspect += !lane_is_good(lane);
		out->lanes_mute += lane->state == LANE_MUTE;
	}
	memcpy(out->ends, s->ends, sizeof(s->ends));
	memcpy(out->again_bytes, s->again_bytes, sizeof(s->again_bytes));
	memcpy(out->path_tx_bytes, s->path_tx, sizeof(s->path_tx));
	memcpy(out->path_rx_bytes, s->path_rx, sizeof(s->path_rx));
}

uint8_t session_readers(const struct session *s)
{
	const struct stream *stream, *tmp;
	uint8_t flags = 0;

	HASH_ITER(hh, s->streams, stream, tmp) {
		if (stream->sated)
			flags |= WIRE_READER_FULL;
		else if (stream->segments.bytes)
			flags |= WIRE_HOLE;
	}
	if (budget_left(&s->received) < s->received.max / MEMORY_SHORT_PART)
		flags |= WIRE_MEMORY_SHORT;
	return flags;
}

void session_lane(const struct lane *lane, struct lane_stats *out)
{
	*out = (struct lane_stats){
		.id = lane->hello.subflow_id,
		.path = lane->hello.path,
		.bundle = lane->hello.bundle,
		.path_class = lane_path_class(lane),
		.suspect = lane_stalls(lane),
		.mute = lane->state == LANE_MUTE,
		.rests = lane_rests(lane),
		.info = lane->info,
		.rx_bytes = lane->rx_bytes,
		.tx_bytes = lane->tx_bytes,
		.flight_bytes = lane->tx_bytes - lane->tx_acked,
		.up_since_us = lane->since_us,
		.silent_us = lane->session->now_us - lane->progress_us,
	};
	snprintf(out->name, sizeof(out->name), "%s", lane->hello.name);
}

void session_each_lane(const struct session *s,
                       void (*fn)(void *ctx, const struct lane_stats *),
                       void *ctx)
{
	struct lane *lane;

	DL_FOREACH(s->lanes, lane) {
		struct lane_stats out;
		session_lane(lane, &out);
		fn(ctx, &out);
	}
}

void session_each_stream(const struct session *s,
                         void (*fn)(void *ctx, const struct stream_stats *),
                         void *ctx)
{
	const struct stream *stream, *tmp;

	HASH_ITER(hh, s->streams, stream, tmp) {
		struct stream_stats out = {
			.id = stream->id,
			.dest = stream->dest,
			.client = stream->client,
			.class = stream->bulk ? STREAM_BULK : STREAM_INTERACTIVE,
			.accepted = stream->accepted,
			.finished_out = stream->fin_sent,
			.finished_in = stream->fin_delivered,
			.since_us = stream->since_us,
			.tx_bytes = send_sent(stream),
			.rx_bytes = stream->in_offset,
			.unsent_bytes = send_unsent(stream),
			.buffered_bytes = stream->segments.bytes,
		};
		memcpy(out.path_tx_bytes, stream->path_tx, sizeof(stream->path_tx));
		memcpy(out.path_rx_bytes, stream->path_rx, sizeof(stream->path_rx));
		fn(ctx, &out);
	}
}
