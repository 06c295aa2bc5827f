/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: verbs that take long, or look at more than the daemon does: what aggctl
 * itself does, by aggctl, beside the loop. For the page, which cannot run it. Each
 * is begun by the word start, and asked for by show, as the speed test is.
 */
#ifndef AGG_ROLE_VERBS_JOB_H
#define AGG_ROLE_VERBS_JOB_H

#include "agg/base/buf.h"

struct verbs;

#define VERBS_JOBS 5

/* As a handler of ctl.h, for each of them; which one, its name says. */
int verbs_job(void *ctx, int argc, const char *const *argv, struct buf *out);
void verbs_job_finish(struct verbs *verbs); /* ends those that run */

#endif
