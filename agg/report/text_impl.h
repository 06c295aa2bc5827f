/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside of the renderer for terminals only (text.c).
 */
#ifndef AGG_REPORT_TEXT_IMPL_H
#define AGG_REPORT_TEXT_IMPL_H

#include "agg/report/report.h"

#define TEXT_LINE_BYTES 2048
/* A status is for a screen of 24 lines: of more sessions only what is wrong is
 * told, and of more uplinks those that are. */
#define TEXT_SESSIONS_WHOLE 1u
#define TEXT_SESSIONS_SHOWN 2u
#define TEXT_UPLINKS_SHOWN 8u

#define PRINT(r, ...) ((r)->failed |= buf_printf((r)->out, __VA_ARGS__) < 0)

/* A line, indented by two, in as many as the terminal needs. */
void text_say(struct render *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void text_session(struct render *r, const struct report_session *s);

#endif
