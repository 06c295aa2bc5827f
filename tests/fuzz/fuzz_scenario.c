/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a scenario of any bytes is refused with one printable line, or holds
 * what scenario_check() asks, and gives links that a world takes. What follows
 * the first byte 0 is the text of every file that it names.
 */
#include "scheduler/sim/scenario.h"

#include <stdlib.h>
#include <string.h>

struct text {
	const uint8_t *bytes;
	size_t size;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int read_file(void *ctx, const char *name, struct buf *out)
{
	const struct text *text = ctx;

	return text->size ? buf_put(out, text->bytes, text->size) : 0;
}

static void check_error(const struct conf_error *error)
{
	size_t n = strnlen(error->text, sizeof(error->text));

	require(n > 0 && n < sizeof(error->text));
	for (size_t i = 0; i < n; i++)
		require((unsigned char)error->text[i] >= ' ');
}

static void check_link(const struct world_link *link)
{
	const struct world_trace *trace = &link->trace;

	require(link->queue_bytes >= 2 * SCENARIO_FRAME_BYTES);
	require(link->rate_bps && link->loss_ppm <= 500000);
	for (size_t i = 0; i < trace->count; i++) {
		require(trace->rates[i].at_us < trace->period_us);
		require(!i || trace->rates[i].at_us > trace->rates[i - 1].at_us);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, 0, size) : NULL;
	size_t n = end ? (size_t)(end - data) : size;
	struct text text = { data + n + 1, end ? size - n - 1 : 0 };
	const struct scenario_files files = { read_file, &text };
	struct conf_error error;
	struct world_link link;
	struct scenario *s;

	if (scenario_parse("fuzz", (const char *)data, n, &files, &s, &error)) {
		require(!s);
		check_error(&error);
		return 0;
	}
	require(!scenario_check(s, "again", &error));
	for (unsigned i = 0; i < s->path_count; i++)
		for (int d = SCENARIO_DOWN; d <= SCENARIO_UP; d++) {
			scenario_link(&s->paths[i], d, &link);
			check_link(&link);
		}
	scenario_free(s);
	return 0;
}
