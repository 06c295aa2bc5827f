/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: advice in words for a person, and as one JSON object on one line.
 */
#ifndef AGG_CTL_ADVICE_H
#define AGG_CTL_ADVICE_H

#include "agg/base/buf.h"
#include "agg/ctl/measured.h"

#define ADVICE_TEXT_MAX (1u << 20)
#define ADVICE_COMMAND_MAX 255

/* Append; line_max is how wide the terminal is, 0: any. 0, -ENOBUFS: out is
 * full, or memory is short. */
int advice_text(const struct measured *measured,
                const struct advise_result *result, unsigned line_max,
                struct buf *out);
int advice_json(const struct measured *measured,
                const struct advise_result *result, struct buf *out);

/* What is typed for a policy: "aggctl scheduler ecf order srpt ...". */
void advice_command(const struct measured *measured,
                    const struct advise_policy *policy,
                    char out[ADVICE_COMMAND_MAX + 1]);

#endif
