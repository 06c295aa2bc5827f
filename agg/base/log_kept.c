/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see log_kept.h. Like log.c it has a state of its own, for the same reason.
 */
#include "agg/base/log_kept.h"

#include "agg/base/log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static_assert(LOG_KEPT_LINE_MAX < LOG_KEPT_BYTES / 4, "few lines are kept");

static struct {
	char bytes[LOG_KEPT_BYTES];
	size_t len;
} all;

static void drop_oldest(void)
{
	char *end = memchr(all.bytes, '\n', all.len);
	size_t first = (size_t)(end - all.bytes) + 1;

	all.len -= first;
	memmove(all.bytes, end + 1, all.len);
}

void log_keep(const char *level, const char *whose, const char *text)
{
	char line[LOG_KEPT_LINE_MAX];
	time_t now = time(NULL);
	struct tm tm;

	size_t n = strftime(line, sizeof(line), "%F %T ", gmtime_r(&now, &tm));
	n += (size_t)snprintf(line + n, sizeof(line) - n, "%s: %s%s\n", level,
	                      whose, text);
	if (n >= sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	while (all.len + n > sizeof(all.bytes))
		drop_oldest();
	memcpy(all.bytes + all.len, line, n);
	all.len += n;
}

int log_kept(struct buf *to)
{
	return buf_put(to, all.bytes, all.len);
}
