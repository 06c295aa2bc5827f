/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a page that plays a simulated run: one file, without network or
 * libraries. What it shows is the trace in it, its format is in player/trace.js.
 */
#ifndef SCHEDULER_SIM_PAGE_H
#define SCHEDULER_SIM_PAGE_H

#include <stdio.h>

/* trace_json is a JSON text (RFC 8259); its strings may hold anything, also
 * what would end a script. Flushes out, leaves it open. 0 or -errno of out. */
int page_write(FILE *out, const char *trace_json);

#endif
