/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one datagram of the tunnel to one path.
 */
#ifndef AGG_TRANSPORT_TUNNEL_SEND_H
#define AGG_TRANSPORT_TUNNEL_SEND_H

#include "agg/transport/tunnel_impl.h"

/* An address of which nobody has answered yet gets so many times what came from it
 * (RFC 9000, 8): nobody is flooded in another's name. */
#define TUNNEL_UNPROVED_FACTOR 3u

/* There is a way to that path, whatever is known of it, for so many bytes. */
bool tunnel_may_send(const struct tunnel *t, unsigned path, size_t datagram_bytes);
/* And memory for whatever datagram: the next tunnel_send() to it is not refused for want
 * of that. */
bool tunnel_has_room(struct tunnel *t, unsigned path);
/* Of what d says and the body, and so many zeros. Fills in d's time. 0; -EAGAIN: it may
 * not, or is busy now; -EKEYEXPIRED; -EIO. Returns the counter in *counter. */
int tunnel_send(struct tunnel *t, unsigned path, struct datagram *d, const uint8_t *body,
                size_t len, size_t padding, uint64_t *counter);

#endif
