/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: an uplink that has a cap: what it costs now, by what was used of it in its month of
 * billing. Pure. Near the cap it is metered, at the cap a backup: it still works where no
 * other does.
 */
#ifndef AGG_ROLE_CAP_H
#define AGG_ROLE_CAP_H

#include "agg/conf/conf.h"

#define CAP_NEAR_PERCENT 90u
#define CAP_WORDS_MAX 127

/* Of a cost that is higher anyway it stays. cap_bytes 0: it has none. */
enum conf_cost cap_cost(enum conf_cost configured, uint64_t cap_bytes,
                        uint64_t used_bytes);
/* "92 % of its 100 GB are used, until 5 December (UTC)": why it costs more than is
 * configured. */
void cap_words(uint64_t cap_bytes, uint64_t used_bytes, unsigned day, uint64_t now_s,
               char out[CAP_WORDS_MAX + 1]);

#endif
