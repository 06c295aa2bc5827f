/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which streams of the peer's are taken. The gateway opens odd ids, in order;
 * even ones are kept for streams that the concentrator will open. The accepting
 * side remembers which ids it has seen in a window, so that a late double of a
 * closed stream is not taken for a new one.
 *
 * A stream more than there may be is refused alone: nothing is kept of it but
 * the RESET that is to be said, until the peer has it.
 */
#include "agg/transport/admit.h"

#include "agg/transport/credit.h"
#include "agg/transport/stream_impl.h"

#include <stdlib.h>

#define REFUSED_MIN 64u
#define REFUSED_MAX 16384u /* to be said; more: the peer takes no answer */

static bool seen(const struct session *s, uint32_t id)
{
	uint32_t bit = (id >> 1) % WIRE_STREAM_WINDOW;

	return id < s->seen_floor || (s->seen[bit / 8] & 1u << bit % 8);
}

static void mark_seen(struct session *s, uint32_t id)
{
	uint32_t bit = (id >> 1) % WIRE_STREAM_WINDOW;

	s->seen[bit / 8] |= (uint8_t)(1u << bit % 8);
	while (seen(s, s->seen_floor)) {
		bit = (s->seen_floor >> 1) % WIRE_STREAM_WINDOW;
		s->seen[bit / 8] &= (uint8_t)~(1u << bit % 8);
		s->seen_floor += 2;
	}
}

static bool is_in_range(const struct session *s, uint32_t id)
{
	if (s->args.opens)
		return id & 1 && id < s->next_id;
	return id & 1 && (id < s->seen_floor ||
	                  id - s->seen_floor < 2 * WIRE_STREAM_WINDOW);
}

int admit_refuse(struct session *s, uint32_t id)
{
	struct refused *r = &s->refused;

	if (r->len == r->cap) {
		uint32_t cap = r->cap ? r->cap * 2 : REFUSED_MIN;
		uint32_t *ids = cap <= REFUSED_MAX ?
			realloc(r->ids, cap * sizeof(*ids)) : NULL;
		if (!ids)
			return -1;
		r->ids = ids;
		r->cap = cap;
	}
	r->ids[r->len++] = id;
	return 0;
}

void admit_finish(struct session *s)
{
	free(s->refused.ids);
}

/* NULL: there is no place, or no memory, for one more. */
static struct stream *make_stream(struct session *s, uint32_t id)
{
	struct stream *stream;

	if (s->open_count >= WIRE_STREAMS_MAX + STREAMS_SPARE ||
	    s->stream_count >= STREAMS_MAX)
		return NULL;
	stream = stream_create(s, id);
	if (!stream)
		return NULL;
	stream->acked = TODO_OPEN; /* it is the peer's to say */
	stream->announced = s->announced;
	if (credit_init(stream, s->settings.stream_credit))
		return stream;
	stream_free(stream);
	return NULL;
}

struct stream *admit_stream(struct session *s, uint32_t id, const char **why)
{
	struct stream *stream = stream_find(s, id);

	if (stream)
		return stream;
	if (!is_in_range(s, id)) {
		*why = "stream id out of range";
		return NULL;
	}
	if (s->args.opens || seen(s, id))
		return NULL;
	stream = make_stream(s, id);
	if (!stream && admit_refuse(s, id) < 0) {
		*why = "more streams than allowed";
		return NULL;
	}
	mark_seen(s, id);
	return stream;
}
