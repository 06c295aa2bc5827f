/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_carry.h.
 */
#include "agg/transport/tunnel_carry.h"

#include "agg/transport/tunnel_probe.h"

#include <string.h>

#define CARRY_PATH (FLOWS_PATHS_MAX - 1) /* of the flow queues: none of ours */
#define TEXT_MAX (DATAGRAM_PLAIN_BYTES + PACKET_LEN_MAX)

_Static_assert(CARRY_PATH >= TUNNEL_PATHS_MAX, "it is another than all paths");
_Static_assert(TEXT_MAX <= WIRE_DATAGRAM_BYTES_MAX, "a packet fits a frame");

static void carry(struct tunnel *t, const struct flow *f, struct packet *p)
{
	struct datagram d = { .type = DATAGRAM_PLAIN, .sent = datagram_time(t->now_us) };
	uint8_t text[TEXT_MAX];
	size_t n = datagram_encode(text, &d);

	memcpy(text + n, packet_data(p), p->len);
	if (t->args.ops->carry(t->args.ctx, text, n + p->len)) {
		t->carried++;
		tunnel_count(t, f, p, p->len);
	} else {
		t->dropped[TUNNEL_DROP_KEY]++;
	}
	packet_put(p);
}

bool tunnel_carry_has_path(const struct tunnel *t)
{
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++)
		if (tunnel_probe_is_usable(t, i))
			return true;
	return false;
}

static bool is_due(const struct tunnel *t)
{
	return t->pathless_us && t->now_us - t->pathless_us >= CARRY_AFTER_US;
}

/* Would the session take one now? */
static bool takes(struct tunnel *t)
{
	if (!t->args.ops->carry(t->args.ctx, NULL, TEXT_MAX))
		return false;
	t->took_us = t->now_us;
	return true;
}

static void carry_all(struct tunnel *t)
{
	struct flow *f;

	flows_begin(t->flows);
	while ((f = flows_next(t->flows, TRAFFIC_BULK, t->now_us))) {
		if (!takes(t)) {
			t->carry_us = t->now_us + CARRY_RETRY_US;
			return;
		}
		struct packet *p = flows_take(t->flows, f, CARRY_PATH, 0, t->now_us);
		if (p)
			carry(t, f, p);
		else
			flows_pass(t->flows, f);
	}
}

void tunnel_carry_turn(struct tunnel *t)
{
	if (tunnel_carry_has_path(t))
		t->pathless_us = 0;
	else if (!t->pathless_us)
		t->pathless_us = t->now_us;
	t->carry_us = 0;
	if (t->args.ops->carry && is_due(t)) {
		takes(t);
		carry_all(t);
	}
	t->carries = is_due(t) && t->took_us &&
	             t->now_us - t->took_us < CARRY_AFTER_US;
}

uint64_t tunnel_carry_deadline(const struct tunnel *t)
{
	if (!t->args.ops->carry || !t->pathless_us)
		return UINT64_MAX;
	if (!is_due(t))
		return t->pathless_us + CARRY_AFTER_US;
	return t->carry_us ? t->carry_us : UINT64_MAX;
}
