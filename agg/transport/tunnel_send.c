/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_send.h.
 */
#include "agg/transport/tunnel_send.h"

#include "agg/transport/tunnel_control.h"

#include <errno.h>
#include <string.h>

bool tunnel_may_send(const struct tunnel *t, unsigned path, size_t datagram_bytes)
{
	const struct tunnel_path *p = &t->path[path];

	if (p->state == TUNNEL_PATH_DOWN || p->busy || !t->out)
		return false;
	if (t->args.is_gateway || p->validated)
		return true;
	return p->has_ends && p->unproved_out + datagram_bytes <=
	                      TUNNEL_UNPROVED_FACTOR * p->unproved_in;
}

bool tunnel_has_room(struct tunnel *t, unsigned path)
{
	if (!tunnel_may_send(t, path, DATAGRAM_BYTES_MAX))
		return false;
	t->path[path].busy = !t->args.ops->reserve(t->args.ctx, path, DATAGRAM_BYTES_MAX);
	return !t->path[path].busy;
}

static void sent(struct tunnel *t, struct tunnel_path *p, size_t n)
{
	p->tx_packets++;
	p->tx_bytes += n;
	p->unproved_out += n;
	p->spoke_us = t->now_us;
	if (!p->awaits_us)
		p->awaits_us = t->now_us;
}

/* It carries something of ours, and we want to hear of it. */
static bool asks(const struct datagram *d)
{
	return d->type == DATAGRAM_PLAIN || d->type == DATAGRAM_ORDERED ||
	       d->type == DATAGRAM_SPLIT;
}

int tunnel_send(struct tunnel *t, unsigned path, struct datagram *d, const uint8_t *body,
                size_t len, size_t padding, uint64_t *counter)
{
	size_t n = DATAGRAM_SEAL_BYTES + datagram_fields_bytes(d) + len + padding;

	assert(n <= DATAGRAM_BYTES_MAX);
	if (!tunnel_may_send(t, path, n + DATAGRAM_FEEDBACK_BYTES))
		return -EAGAIN;
	if (asks(d) && n + DATAGRAM_FEEDBACK_BYTES <= tunnel_fit_room(&t->path[path].fit) &&
	    tunnel_control_adds(t, path, d))
		n += DATAGRAM_FEEDBACK_BYTES;
	uint8_t *p = t->args.ops->reserve(t->args.ctx, path, n);
	t->path[path].busy = !p;
	if (!p)
		return -EAGAIN;
	d->sent = datagram_time(t->now_us);
	uint8_t *at = p + DATAGRAM_HEADER_BYTES;
	at += datagram_encode(at, d);
	if (len)
		memcpy(at, body, len);
	memset(at + len, 0, padding);
	int err = datagram_key_seal(t->out, (uint8_t)path, p, n, counter);
	if (err)
		return err;
	t->args.ops->commit(t->args.ctx, path, n);
	sent(t, &t->path[path], n);
	tunnel_fit_sent(&t->path[path].fit, *counter, n, t->now_us);
	tunnel_control_sent(t, path, *counter, n, asks(d));
	return 0;
}
