/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside agg/kernel only: what rulesets are written with.
 */
#ifndef AGG_KERNEL_NFT_TEXT_H
#define AGG_KERNEL_NFT_TEXT_H

#include "agg/base/addr.h"
#include "agg/base/buf.h"

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
