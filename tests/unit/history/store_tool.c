/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a history that is written by an accelerated clock, to be killed (store.py).
 *
 *     store_tool write FILE   goes on from what is in it, RATE bytes a second, and says
 *                             "written TIME" after each ten minutes; never ends
 *     store_tool read FILE    "TIME BYTES": the newest minute, and all bytes by hours
 */
#include "agg/history/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BEGIN_S UINT64_C(1790000000)
#define RATE 1000u
#define EVERY_S 600u
#define STEP_S 20u
#define DEVICES 20u

static uint64_t bytes_of(const struct history *h)
{
	const struct history_subject *s = history_named(h, "dsl");
	struct ring_value v = { 0 };

	if (s)
		ring_total(&s->rings[RING_HOURS], &v);
	return v.down_bytes;
}

static int say(const struct history *h)
{
	const struct history_subject *s = history_named(h, "dsl");

	printf("%" PRIu64 " %" PRIu64 "\n", s ? s->rings[RING_MINUTES].slot * 60 : BEGIN_S,
	       bytes_of(h));
	return 0;
}

static void pass(struct history *h, uint64_t now_s)
{
	const struct ring_sample sample = { .down_bytes = RATE * STEP_S, .rtt_us = 9000 };
	char name[32];

	history_step(h, now_s, now_s - BEGIN_S + 1);
	history_add(h, history_find(h, HISTORY_UPLINK, "dsl"), &sample);
	for (unsigned i = 0; i < DEVICES; i++) {
		snprintf(name, sizeof(name), "192.168.1.%u", i);
		history_add(h, history_find(h, HISTORY_DEVICE, name), &sample);
	}
}

/* What was counted after the last write is missing, and said so by the time. */
static int write_on(struct history *h, const char *path)
{
	uint64_t now_s = h->clock.now_s ? h->clock.now_s + 60 : BEGIN_S;
	char why[STORE_WHY_MAX + 1];

	for (unsigned i = 1;; i++) {
		pass(h, now_s += STEP_S);
		if (i % (EVERY_S / STEP_S))
			continue;
		struct store_batch *batch = store_gather(h);
		if (!batch || store_write(path, batch, why) < 0)
			return 1;
		store_free(batch);
		printf("written %" PRIu64 " %" PRIu64 "\n", now_s, bytes_of(h));
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	char why[STORE_WHY_MAX + 1] = "";
	struct history h;

	if (argc != 3)
		return 2;
	history_init(&h);
	int err = store_load(argv[2], &h, why);
	if (err) {
		printf("%d %s\n", err, why);
		return 1;
	}
	int rc = strcmp(argv[1], "read") ? write_on(&h, argv[2]) : say(&h);
	history_finish(&h);
	return rc;
}
