/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see kerr.h. Owns nothing.
 */
#include "agg/kernel/kerr.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int kerr_set(struct kerr *e, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
	size_t len = strlen(e->text);
	if (err)
		snprintf(e->text + len, sizeof(e->text) - len, ": %s", strerror(-err));
	return err;
}
