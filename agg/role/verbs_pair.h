/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: handlers of verbs.h's table for those of a concentrator that are about who
 * is a site (agg/pair/pairing.h); a gateway says that they are not for it.
 */
#ifndef AGG_ROLE_VERBS_PAIR_H
#define AGG_ROLE_VERBS_PAIR_H

#include "agg/base/buf.h"

/* ctx is a struct verbs. */
int verbs_invite(void *ctx, int argc, const char *const *argv, struct buf *out);
int verbs_revoke(void *ctx, int argc, const char *const *argv, struct buf *out);
int verbs_rename(void *ctx, int argc, const char *const *argv, struct buf *out);
/* An invitation as the page draws it (qr.h). */
int verbs_qr(void *ctx, int argc, const char *const *argv, struct buf *out);

#endif
