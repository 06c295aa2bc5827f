/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see netcount.h. A line a device: its name, a colon, eight numbers of what came
 * in, eight of what went out; bytes are the first of each.
 */
#include "agg/kernel/netcount.h"

#include "agg/base/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 512

int netcount_read(struct buf *text)
{
	return file_read("/proc/net/dev", text);
}

static bool read_line(const char *line, size_t n, const char *device, uint64_t *rx_bytes,
                      uint64_t *tx_bytes)
{
	char copy[LINE_MAX_BYTES], *colon;

	snprintf(copy, sizeof(copy), "%.*s", (int)n, line);
	colon = strrchr(copy, ':'); /* an alias has another one */
	if (!colon)
		return false;
	*colon = '\0';
	if (strcmp(copy + strspn(copy, " "), device))
		return false;
	return sscanf(colon + 1, "%" SCNu64 " %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
	              rx_bytes, tx_bytes) == 2;
}

bool netcount_find(const struct buf *text, const char *device, uint64_t *rx_bytes,
                   uint64_t *tx_bytes)
{
	const char *line = (const char *)buf_head(text), *end = line + text->len;

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((stop ? stop : end) - line);
		if (read_line(line, n, device, rx_bytes, tx_bytes))
			return true;
		line += n + 1;
	}
	return false;
}
