/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a stream costs among few and among many that are open and idle: a
 * session (puppet.h) on the concentrator's side, four lanes. Bytes come and are
 * answered; a stream is opened and reset; much is sent; time passes. Under
 * callgrind, which flat.py starts, the instructions of each step are dumped apart.
 */
#include "tests/unit/transport/puppet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/callgrind.h>

#define LANES 4u
#define TIMES 40u          /* of each step */
#define PIECE 100u
#define BURST_BYTES 100000u
#define MEMORY (64u << 20)
#define PASS_US 1000u      /* so that what was sent is on its way */
#define LOOK_US 10000000u  /* in which nothing happens */

static struct puppet p;
static unsigned open_count; /* of streams, ever: ids are 1, 3, 5 ... */

static void acknowledge(void)
{
	for (unsigned i = 0; i < LANES; i++) {
		struct wire_frame f;
		while (puppet_hear(&p.lane[i], &f))
			;
		puppet_say_ack(&p.lane[0], &p.lane[i]);
	}
}

/* Bytes there and back. */
static void echo(unsigned i)
{
	static const uint8_t bytes[PIECE];
	struct reader *r = &p.reader[i];

	puppet_say_data(&p.lane[i % LANES], 2 * i + 1, r->received, bytes, PIECE,
	                false);
	puppet_write(r, PIECE, false);
	acknowledge();
}

static void open_and_reset(unsigned i)
{
	struct wire_frame reset = { .type = WIRE_RESET, .reset = {
		.stream = 2 * open_count + 1, .end = STREAM_END_RESET } };

	puppet_say_open(&p.lane[i % LANES], 2 * open_count + 1);
	open_count++;
	puppet_say(&p.lane[i % LANES], &reset);
	acknowledge();
}

static void burst(unsigned i)
{
	struct reader *r = &p.reader[i];

	puppet_say_credit(&p.lane[0], 2 * i + 1, r->written + 2 * BURST_BYTES);
	puppet_write(r, BURST_BYTES, false);
	for (unsigned turn = 0; turn < 8; turn++) {
		puppet_pass(&p, 1000);
		acknowledge();
	}
}

static void nothing(unsigned i)
{
	puppet_pass(&p, LOOK_US / TIMES);
	acknowledge();
}

static void begin(unsigned streams)
{
	struct puppet_args args = { .opens = false, .memory_max = MEMORY,
	                            .scheduler = "srpt_ecf" };

	puppet_init(&p, &args);
	for (unsigned i = 0; i < LANES; i++)
		puppet_attach(&p, i);
	for (open_count = 0; open_count < streams; open_count++)
		puppet_say_open(&p.lane[open_count % LANES], 2 * open_count + 1);
	for (unsigned i = 0; i < streams; i++) {
		puppet_feed(&p.reader[i], SIZE_MAX / 2);
		echo(i);
		puppet_pass(&p, PASS_US);
	}
}

static void measure(const char *what, unsigned streams, void (*step)(unsigned i))
{
	char name[64];
	unsigned apart = streams / TIMES; /* over all of them */

	snprintf(name, sizeof(name), "%s_%u", what, streams);
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
	for (unsigned i = 0; i < TIMES; i++)
		step(apart ? i * apart : i % streams);
	CALLGRIND_DUMP_STATS_AT(name);
	CALLGRIND_STOP_INSTRUMENTATION;
	printf("%s %u\n", name, TIMES);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		unsigned streams = (unsigned)strtoul(argv[i], NULL, 10);
		begin(streams);
		measure("ECHO", streams, echo);
		measure("OPEN", streams, open_and_reset);
		measure("BURST", streams, burst);
		measure("NOTHING", streams, nothing);
		puppet_finish(&p);
	}
	return argc > 1 ? 0 : 2;
}
