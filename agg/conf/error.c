/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: writes the one line of an error. What it quotes comes from a file that
 * anybody may have written: what is not printable becomes '?'.
 */
#include "agg/conf/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* UTF-8 passes, control characters do not: the line goes to terminals. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < ' ' || c == 0x7f)
			*text = '?';
	}
}

int conf_error_set(struct conf_error *error, const char *file, unsigned line,
                   const char *fmt, ...)
{
	size_t size = sizeof(error->text);
	va_list args;
	int n = line ? snprintf(error->text, size, "%s:%u: ", file, line)
	             : snprintf(error->text, size, "%s: ", file);

	if (n >= 0 && (size_t)n < size) {
		va_start(args, fmt);
		vsnprintf(error->text + n, size - (size_t)n, fmt, args);
		va_end(args);
	}
	make_printable(error->text);
	return -EINVAL;
}
