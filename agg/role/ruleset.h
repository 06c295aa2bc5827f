/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: keeps our nft table as it shall be: loads it without stopping the loop,
 * tries again what failed, and puts again what others take away. What is in it,
 * intercept.c and nat.c write. (Rules and routes: upkeep.h.)
 */
#ifndef AGG_ROLE_RULESET_H
#define AGG_ROLE_RULESET_H

#include "agg/base/buf.h"
#include "agg/base/loop.h"

#include <stdbool.h>

struct ruleset;

/* whose: for the log. on_settled: the text was tried. NULL: errno. */
struct ruleset *ruleset_create(struct loop *loop, const char *whose,
                               void (*on_settled)(void *ctx), void *ctx);
/* Ends a run of nft; the table stays for nft_cleanup. NULL is fine. */
void ruleset_destroy(struct ruleset *r);

/* The table shall be made by this text of intercept_ruleset, which is copied;
 * soon it is. What says the same as the last text changes nothing. 0 or
 * -errno. */
int ruleset_want(struct ruleset *r, const struct buf *text);
/* The table shall not be there. */
void ruleset_want_none(struct ruleset *r);

/* Was the last text tried? Then ruleset_why says how that went. */
bool ruleset_is_settled(const struct ruleset *r);
/* Why the table is not as it shall be; "": it is, or is about to be for the
 * first time since the text changed. */
const char *ruleset_why(const struct ruleset *r);

#endif
