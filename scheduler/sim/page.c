/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: writes the page of a simulated run: the text that player/embed.py made,
 * with the trace in the middle. The trace is in a script element, which ends at
 * "</script", or elsewhere after "<!--" (HTML Living Standard, 4.12.1.3); in
 * JSON a "<" stands in strings only, where it may be an escape.
 */
#include "scheduler/sim/page.h"

#include "scheduler/sim/page_text.h"

#include <errno.h>
#include <string.h>

#define ESCAPED_LESS "\\u003c"

static void put(FILE *out, const void *bytes, size_t count)
{
	fwrite(bytes, 1, count, out);
}

static void put_json(FILE *out, const char *json)
{
	for (;;) {
		size_t plain = strcspn(json, "<");

		put(out, json, plain);
		if (!json[plain])
			return;
		put(out, ESCAPED_LESS, strlen(ESCAPED_LESS));
		json += plain + 1;
	}
}

int page_write(FILE *out, const char *trace_json)
{
	errno = 0;
	put(out, page_before, page_before_size);
	put_json(out, trace_json);
	put(out, page_after, page_after_size);
	if (!fflush(out) && !ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}
