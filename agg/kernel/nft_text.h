/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside agg/kernel only: what rulesets are written with.
 */
#ifndef AGG_KERNEL_NFT_TEXT_H
#define AGG_KERNEL_NFT_TEXT_H

#include "agg/base/addr.h"
#include "agg/base/buf.h"

/* Of TCP: all but the packet that begins a connection. */
#define NFT_NOT_FIRST "tcp flags & (fin | syn | rst | ack) != syn"

/* What goes to the host itself, to a network of its own (sets connected4 and
 * connected6) or to no unicast address is left alone. */
#define NFT_SPARED \
	"\t\tfib daddr type { local, broadcast, anycast, multicast } return\n" \
	"\t\tip daddr { 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, " \
	"224.0.0.0/3 } return\n" \
	"\t\tip6 daddr { ::/127, fe80::/10, ff00::/8 } return\n" \
	"\t\tip daddr @connected4 return\n" \
	"\t\tip6 daddr @connected6 return\n"

/* A buffer that remembers the first failure. */
struct nft_text {
	struct buf *out; /* borrowed */
	int rc;
};

#define nft_put(w, ...) \
	((w)->rc = (w)->rc ? (w)->rc : buf_printf((w)->out, __VA_ARGS__))

/* An interval set of the prefixes of one family, of that name and 4 or 6;
 * auto-merge takes those that overlap or repeat. */
void nft_put_set(struct nft_text *w, const char *name, sa_family_t family,
                 const struct prefix *prefixes, size_t count);

#endif
