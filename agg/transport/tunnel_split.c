/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_split.h. A half waits for the other one until another packet's takes its
 * place: few are under way at once, as both follow each other.
 */
#include "agg/transport/tunnel_split.h"

#include "agg/transport/tunnel_mtu.h"
#include "agg/transport/tunnel_send.h"

#include <errno.h>
#include <string.h>

int tunnel_split_send(struct tunnel *t, unsigned path, struct datagram *d,
                      const struct packet *packet, uint64_t *counter)
{
	const uint8_t *p = packet->bytes + packet->head;
	size_t n = DATAGRAM_SEAL_BYTES + datagram_fields_bytes(d) + packet->len;
	size_t first = (packet->len + 1u) / 2;

	if (n <= tunnel_mtu_room(t, path))
		return tunnel_send(t, path, d, p, packet->len, 0, counter);
	struct datagram half = { .type = DATAGRAM_SPLIT, .split = { .id = t->split_id++ } };
	int err = tunnel_send(t, path, &half, p, first, 0, counter);
	if (err)
		return err;
	half.split.part = 1;
	tunnel_send(t, path, &half, p + first, packet->len - first, 0, counter);
	return 0; /* without its second half it is lost, as any may be */
}

/* Whose half it is, in struct packet's mark. */
static uint32_t mark_of(const struct datagram *d)
{
	return (uint32_t)d->split.id << 1 | d->split.part;
}

static struct packet *keep(struct tunnel *t, const struct datagram *d)
{
	struct packet *half = packet_get(t->args.pool);

	if (!half) {
		t->unkept++;
		return NULL;
	}
	memcpy(packet_data(half), d->body, d->body_len);
	half->len = (uint16_t)d->body_len;
	half->mark = mark_of(d);
	return half;
}

/* The half that waits, and the one that came. */
static struct packet *join(struct packet *half, const struct datagram *d)
{
	uint8_t *p = packet_data(half);

	if (half->len + d->body_len > PACKET_LEN_MAX) {
		packet_put(half);
		return NULL;
	}
	if (d->split.part == 0)
		memmove(p + d->body_len, p, half->len);
	memcpy(p + (d->split.part ? half->len : 0), d->body, d->body_len);
	half->len = (uint16_t)(half->len + d->body_len);
	half->mark = 0;
	return half;
}

struct packet *tunnel_split_join(struct tunnel *t, unsigned path, const struct datagram *d)
{
	struct packet **place = &t->path[path].halves[d->split.id % TUNNEL_HALVES];
	struct packet *half = *place;

	if (half && half->mark == (mark_of(d) ^ 1)) {
		*place = NULL;
		return join(half, d);
	}
	packet_put(half); /* its other half never came */
	*place = keep(t, d);
	return NULL;
}

void tunnel_split_finish(struct tunnel *t)
{
	for (unsigned path = 0; path < TUNNEL_PATHS_MAX; path++)
		for (unsigned i = 0; i < TUNNEL_HALVES; i++)
			packet_put(t->path[path].halves[i]);
}
