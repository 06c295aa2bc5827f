/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what is wrong with a configuration, as one line for a person:
 * "FILE:LINE: what is wrong; what is allowed". The first error wins: nothing
 * after it is looked at, and nothing of the file takes effect.
 */
#ifndef AGG_CONF_ERROR_H
#define AGG_CONF_ERROR_H

#define CONF_ERROR_MAX 1024 /* longer lines are cut */

struct conf_error {
	char text[CONF_ERROR_MAX];
};

/* Fills error; line 0 is the file as a whole. Always -EINVAL. */
int conf_error_set(struct conf_error *error, const char *file, unsigned line,
                   const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
