/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the history for a person and for programs: a table of all, or a chart of one, of
 * 80 columns at most; as JSON what docs/history.schema.json says.
 */
#ifndef AGG_HISTORY_HISTORY_SHOW_H
#define AGG_HISTORY_HISTORY_SHOW_H

#include "agg/base/buf.h"
#include "agg/history/history.h"

#define HISTORY_SCHEMA_VERSION 1
#define HISTORY_CHART_WIDTH 80u
#define HISTORY_ARGS "[NAME] [--seconds|--minutes|--hours|--days] [--json]"

/* Words of aggctl, as a handler of ctl.h. unsaved: why nothing is on the disk; "". */
int history_show(const struct history *h, const char *unsaved, int argc,
                 const char *const *argv, struct buf *out);

#endif
