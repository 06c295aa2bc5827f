/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see datagram.h. Lengths are checked before fields are read: each type's are of
 * one length.
 */
#include "agg/transport/datagram.h"

#include <assert.h>
#include <errno.h>

#define TIME_BYTES 2

struct reader {
	const uint8_t *p;
	size_t left;
};

static uint64_t take(struct reader *r, unsigned bytes)
{
	uint64_t value = 0;

	assert(bytes <= r->left);
	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | r->p[i];
	r->p += bytes;
	r->left -= bytes;
	return value;
}

static uint8_t *put(uint8_t *p, uint64_t value, unsigned bytes)
{
	for (unsigned i = bytes; i > 0; i--, value >>= 8)
		p[i - 1] = (uint8_t)value;
	return p + bytes;
}

int datagram_read_header(struct datagram_header *out, const uint8_t *p, size_t n)
{
	struct reader r = { p, n };

	if (n < DATAGRAM_BYTES_MIN || n > DATAGRAM_BYTES_MAX ||
	    take(&r, 1) != DATAGRAM_FIRST_BYTE)
		return -EBADMSG;
	out->path = (uint8_t)take(&r, 1);
	out->index = (uint32_t)take(&r, 4);
	out->counter = (uint32_t)take(&r, 4);
	return out->path < DATAGRAM_PATHS_MAX ? 0 : -EBADMSG;
}

void datagram_write_header(uint8_t p[DATAGRAM_HEADER_BYTES],
                           const struct datagram_header *header)
{
	p = put(p, DATAGRAM_FIRST_BYTE, 1);
	p = put(p, header->path, 1);
	p = put(p, header->index, 4);
	put(p, header->counter, 4);
}

/* Bytes of a type's fields; -1: there is no such type. */
static int fields_of(uint8_t type)
{
	switch ((enum datagram_type)type) {
	case DATAGRAM_PLAIN: return 0;
	case DATAGRAM_ORDERED: return DATAGRAM_ORDERED_BYTES - DATAGRAM_PLAIN_BYTES;
	case DATAGRAM_SPLIT: return DATAGRAM_SPLIT_BYTES - DATAGRAM_PLAIN_BYTES;
	case DATAGRAM_FEEDBACK: return DATAGRAM_FEEDBACK_FIELDS;
	case DATAGRAM_PROBE:
	case DATAGRAM_PROBE_ECHO: return DATAGRAM_PROBE_BYTES - DATAGRAM_PLAIN_BYTES;
	}
	return -1;
}

static void take_feedback(struct datagram_feedback *f, struct reader *r)
{
	f->path = (uint8_t)take(r, 1);
	f->epoch = (uint8_t)take(r, 1);
	f->largest = (uint32_t)take(r, 4);
	f->held_us = (uint16_t)take(r, 2);
	f->packets = (uint32_t)take(r, 4);
	f->bytes = (uint32_t)take(r, 4);
	f->delay_min = (uint16_t)take(r, 2);
	f->delay_p90 = (uint16_t)take(r, 2);
	f->ce = (uint16_t)take(r, 2);
	f->before = take(r, 8);
	f->now_us = (uint32_t)take(r, 4);
}

static uint8_t *put_feedback(uint8_t *p, const struct datagram_feedback *f)
{
	p = put(p, f->path, 1);
	p = put(p, f->epoch, 1);
	p = put(p, f->largest, 4);
	p = put(p, f->held_us, 2);
	p = put(p, f->packets, 4);
	p = put(p, f->bytes, 4);
	p = put(p, f->delay_min, 2);
	p = put(p, f->delay_p90, 2);
	p = put(p, f->ce, 2);
	p = put(p, f->before, 8);
	return put(p, f->now_us, 4);
}

static int take_fields(struct datagram *d, struct reader *r)
{
	switch ((enum datagram_type)d->type) {
	case DATAGRAM_ORDERED:
		d->ordered.slot = (uint16_t)take(r, 2);
		d->ordered.sequence = (uint16_t)take(r, 2);
		d->ordered.skip = (uint8_t)take(r, 1);
		d->ordered.paths = (uint8_t)take(r, 1);
		break;
	case DATAGRAM_SPLIT:
		d->split.part = (uint8_t)take(r, 1);
		d->split.id = (uint16_t)take(r, 2);
		return d->split.part <= 1 ? 0 : -EBADMSG;
	case DATAGRAM_PROBE:
	case DATAGRAM_PROBE_ECHO:
		d->probe.nonce = take(r, 8);
		break;
	case DATAGRAM_FEEDBACK: /* a second one */
		return -EBADMSG;
	case DATAGRAM_PLAIN:
		break;
	}
	return 0;
}

static int decode_feedback(struct datagram *d, struct reader *r)
{
	d->has_feedback = true;
	take_feedback(&d->feedback, r);
	return d->feedback.path < DATAGRAM_PATHS_MAX ? 0 : -EBADMSG;
}

/* The type and its fields, then the body. */
static int decode_rest(struct datagram *d, struct reader *r)
{
	int fields = fields_of(d->type);

	if (fields < 0 || (size_t)fields > r->left || take_fields(d, r) < 0)
		return -EBADMSG;
	d->body = r->p;
	d->body_len = r->left;
	return 0;
}

int datagram_decode(struct datagram *d, const uint8_t *p, size_t n)
{
	struct reader r = { p, n };

	d->has_feedback = false;
	if (n < DATAGRAM_PLAIN_BYTES)
		return -EBADMSG;
	d->type = (uint8_t)take(&r, 1);
	d->sent = (uint16_t)take(&r, TIME_BYTES);
	if (d->type != DATAGRAM_FEEDBACK)
		return decode_rest(d, &r);
	if (r.left < DATAGRAM_FEEDBACK_FIELDS || decode_feedback(d, &r) < 0)
		return -EBADMSG;
	d->body = r.p;
	d->body_len = 0;
	if (!r.left)
		return 0;
	d->type = (uint8_t)take(&r, 1);
	return decode_rest(d, &r);
}

size_t datagram_fields_bytes(const struct datagram *d)
{
	int fields = fields_of(d->type);

	assert(fields >= 0 && (d->has_feedback || d->type != DATAGRAM_FEEDBACK));
	if (d->type == DATAGRAM_FEEDBACK)
		return DATAGRAM_PLAIN_BYTES + (size_t)fields;
	return DATAGRAM_PLAIN_BYTES + (size_t)fields +
	       (d->has_feedback ? DATAGRAM_FEEDBACK_BYTES : 0);
}

static uint8_t *put_fields(uint8_t *p, const struct datagram *d)
{
	switch ((enum datagram_type)d->type) {
	case DATAGRAM_ORDERED:
		p = put(p, d->ordered.slot, 2);
		p = put(p, d->ordered.sequence, 2);
		p = put(p, d->ordered.skip, 1);
		return put(p, d->ordered.paths, 1);
	case DATAGRAM_SPLIT:
		p = put(p, d->split.part, 1);
		return put(p, d->split.id, 2);
	case DATAGRAM_PROBE:
	case DATAGRAM_PROBE_ECHO:
		return put(p, d->probe.nonce, 8);
	case DATAGRAM_PLAIN:
	case DATAGRAM_FEEDBACK: /* written already */
		break;
	}
	return p;
}

size_t datagram_encode(uint8_t *p, const struct datagram *d)
{
	uint8_t *at = put(p, d->has_feedback ? DATAGRAM_FEEDBACK : d->type, 1);

	at = put(at, d->sent, TIME_BYTES);
	if (d->has_feedback)
		at = put_feedback(at, &d->feedback);
	if (d->has_feedback && d->type != DATAGRAM_FEEDBACK)
		at = put(at, d->type, 1);
	at = put_fields(at, d);
	assert((size_t)(at - p) == datagram_fields_bytes(d));
	return (size_t)(at - p);
}

uint16_t datagram_time(uint64_t now_us)
{
	return (uint16_t)(now_us / DATAGRAM_TIME_US);
}
