/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the log's last lines, for log.c alone, which keeps threads apart.
 */
#ifndef AGG_BASE_LOG_KEPT_H
#define AGG_BASE_LOG_KEPT_H

#include "agg/base/buf.h"

#define LOG_KEPT_LINE_MAX 1100

/* A line; what is longer is cut. The oldest ones go. */
void log_keep(const char *level, const char *whose, const char *text);
/* All of them, the oldest first. 0 or -ENOBUFS. */
int log_kept(struct buf *to);

#endif
