/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_oversize.h.
 */
#include "agg/transport/tunnel_oversize.h"

#include "tun/fragment.h"

_Static_assert(ICMP_ANSWER_MAX <= PACKET_LEN_MAX, "an answer is a packet");

/* Without memory for a piece the packet is lost, as pieces alone are worth nothing. */
static void cut(struct tunnel *t, struct packet *p, const struct inspection *in)
{
	struct fragment f;
	struct packet *piece;

	fragment_begin(&f, in, packet_data(p), t->mtu);
	while ((piece = packet_get(t->args.pool))) {
		struct inspection of_piece;
		piece->len = (uint16_t)fragment_next(&f, packet_data(piece));
		if (!piece->len || inspect_packet(&of_piece, packet_data(piece), piece->len) < 0)
			break;
		flows_put(t->flows, piece, &of_piece, t->now_us);
	}
	packet_put(piece);
	packet_put(p);
}

static void refuse(struct tunnel *t, struct packet *p, const struct inspection *in)
{
	struct packet *answer = NULL;

	t->dropped[TUNNEL_DROP_TOO_LONG]++;
	if (t->args.ops->answer && icmp_may(&t->icmp, in, t->now_us))
		answer = packet_get(t->args.pool);
	if (answer)
		answer->len = (uint16_t)icmp_too_big(packet_data(answer), in, packet_data(p),
		                                     t->mtu, in->dst);
	packet_put(p);
	if (answer && answer->len)
		t->args.ops->answer(t->args.ctx, answer);
	else
		packet_put(answer);
}

void tunnel_oversize(struct tunnel *t, struct packet *p, const struct inspection *in)
{
	if (in->may_fragment)
		cut(t, p, in);
	else
		refuse(t, p, in);
}
