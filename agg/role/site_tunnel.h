/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a site's packet tunnel (site.h), where its gateway wishes one: from its first
 * frame until the session ends there is a device of the site's own. Addresses, routes and
 * NAT are the host's (tunnels.h), which hears of the device from the kernel.
 */
#ifndef AGG_ROLE_SITE_TUNNEL_H
#define AGG_ROLE_SITE_TUNNEL_H

#include "agg/transport/wire.h"

struct site;

/* As session_events.on_tunnel. */
void site_tunnel_frame(struct site *site, const struct wire_frame *frame);
/* Its configuration, or what all go by, is another. */
void site_tunnel_change(struct site *site);
/* A lane is suspect, or is not any more. */
void site_tunnel_note_paths(struct site *site);
void site_tunnel_measure(struct site *site); /* once a second */
/* Beside the kernel's MPTCP packets have a share of each uplink that is guessed, as the
 * kernel does not tell by which one that goes (joins_far()). */
bool site_tunnel_guesses(const struct site *site);
struct report_tunnel;
void site_tunnel_report(const struct site *site, struct report_tunnel *out);
/* There is none any more; where there was none, nothing. */
void site_tunnel_end(struct site *site);

#endif
