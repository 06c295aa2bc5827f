/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a hostile peer's frames cost: a session (puppet.h) is fed with each
 * kind in the worst order, some 64 KiB at a time as the shell does, and says how
 * many bytes it was given and by how much its heap grew. Under callgrind, which
 * cost.py starts, the instructions of each kind are dumped apart.
 */
#include "tests/unit/transport/puppet.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/callgrind.h>

#define INPUT_BYTES 65536u
#define STREAMS 400u     /* are open, with lanes to all paths */
#define HOLES 6000u
#define LANES 8u

static struct puppet p;
static uint8_t input[INPUT_BYTES + WIRE_CONTROL_BYTES_MAX];
static size_t input_len;
static uint32_t serial = 1; /* of what must grow from frame to frame */

static void add(const struct wire_frame *frame)
{
	input_len += wire_encode(input + input_len, frame);
}

static void add_data(uint32_t stream, uint64_t offset, uint32_t len)
{
	wire_encode_data_header(input + input_len, false, stream, offset, len);
	input_len += WIRE_DATA_HEADER_BYTES + len;
}

/* Each adds one frame. */

static void ping(uint32_t i)
{
	add(&(struct wire_frame){ .type = WIRE_PING, .ping.stamp = i });
}

static void settings(uint32_t i)
{
	add(&(struct wire_frame){ .type = WIRE_SETTINGS,
		.settings = { .serial = ++serial, .stream_credit = 65536 + i } });
}

static void ack(uint32_t i)
{
	add(&(struct wire_frame){ .type = WIRE_ACK, .ack = { 1 + i % LANES, 0 } });
}

static void open_one(uint32_t i)
{
	add(&(struct wire_frame){ .type = WIRE_OPEN, .open = {
		2 * (STREAMS + i) + 1, 65536,
		{ { .family = AF_INET, .port = 80, .ip = { 192, 0, 2, 1 } }, "" } } });
}

static void open_again(uint32_t i)
{
	add(&(struct wire_frame){ .type = WIRE_OPEN, .open = {
		1, 65536, { { .family = AF_INET, .port = 80 }, "" } } });
}

static void credit(uint32_t i)
{
	add(&(struct wire_frame){ .type = WIRE_CREDIT,
		.credit = { 2 * (i % STREAMS) + 1, 70000 + ++serial } });
}

static void class(uint32_t i)
{
	add(&(struct wire_frame){ .type = WIRE_CLASS,
		.class = { 2 * (i % STREAMS) + 1, i / STREAMS % 2 } });
}

static void reset_unknown(uint32_t i)
{
	add(&(struct wire_frame){ .type = WIRE_RESET,
		.reset = { 2 * (STREAMS + i) + 1, STREAM_END_RESET, 0 } });
}

/* A byte, and a hole after it. */
static void bytes_apart(uint32_t i)
{
	add_data(1, 1 + 2 * i, 1);
}

/* The last byte of a window, when what is below is full of holes. */
static void doubles(uint32_t i)
{
	add_data(3, HOLES - 1 - 2 * (i % 1000), 1);
}

static void bytes_in_order(uint32_t i)
{
	add_data(5, i, 1);
}

static void ends(uint32_t i)
{
	add_data(7, 1, 0);
	input[input_len - WIRE_DATA_HEADER_BYTES] = WIRE_DATA_FIN;
}

static void pad(uint32_t i)
{
	wire_encode_pad(input + input_len, WIRE_HEADER_BYTES);
	input_len += WIRE_HEADER_BYTES;
}

static const struct kind {
	const char *name;
	void (*add)(uint32_t i);
} kinds[] = {
	{ "PING", ping },
	{ "SETTINGS", settings },
	{ "ACK", ack },
	{ "OPEN", open_one },
	{ "OPEN_AGAIN", open_again },
	{ "CREDIT", credit },
	{ "CLASS", class },
	{ "RESET_UNKNOWN", reset_unknown },
	{ "DATA_APART", bytes_apart },
	{ "DATA_DOUBLES", doubles },
	{ "DATA_IN_ORDER", bytes_in_order },
	{ "DATA_FIN", ends },
	{ "PAD", pad },
};

/* As the shell hands it over. */
static ssize_t feed(void)
{
	ssize_t used = session_input(p.lane[0].lane, input, input_len);

	if (used >= 0)
		session_deliver(p.lane[0].lane);
	return used;
}

static void begin(void)
{
	struct puppet_args args = { .opens = false,
	                            .memory_max = SESSION_MEMORY_DEFAULT };

	puppet_init(&p, &args);
	for (unsigned i = 0; i < LANES; i++)
		puppet_attach(&p, i);
	input_len = 0;
	for (uint32_t i = 0; i < STREAMS; i++)
		add(&(struct wire_frame){ .type = WIRE_OPEN, .open = {
			2 * i + 1, 65536,
			{ { .family = AF_INET, .port = 80 }, "" }, { 0 } } });
	feed();
	for (unsigned i = 0; i < STREAMS; i += 10)
		puppet_write(&p.reader[i], 100, false);
	input_len = 0;
	for (uint32_t i = 0; input_len < INPUT_BYTES - WIRE_CONTROL_BYTES_MAX; i++)
		add_data(3, 1 + 2 * i, 1); /* holes for the doubles */
	feed();
	puppet_feed(&p.reader[2], 0);
	puppet_pass(&p, 1000);
}

static void measure(const struct kind *kind)
{
	begin();
	input_len = 0;
	for (uint32_t i = 0; input_len < INPUT_BYTES - WIRE_CONTROL_BYTES_MAX; i++)
		kind->add(i);
	size_t before = mallinfo2().uordblks;
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
	ssize_t used = feed();
	CALLGRIND_DUMP_STATS_AT(kind->name);
	CALLGRIND_STOP_INSTRUMENTATION;
	size_t after = mallinfo2().uordblks;
	if (used != (ssize_t)input_len) {
		fprintf(stderr, "%s: %zd of %zu bytes taken\n", kind->name, used,
		        input_len);
		exit(1);
	}
	printf("%s %zu %zu\n", kind->name, input_len,
	       after > before ? after - before : 0);
	puppet_finish(&p);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		measure(&kinds[i]);
	return 0;
}
