/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a session's wire, recorded, and played again: what one processor said another
 * understands, whatever its byte order and the size of its words, and what an
 * earlier build said a later one does.
 *
 * The recording is of two sessions of the shipped core that talk over three lanes,
 * one of which dies with what is on it: streams of both directions, the packet tunnel's
 * keys and a datagram, a reset, doubles. Each frame must be decoded, and encoded to the
 * bytes that it was; and a concentrator that hears all that its gateway said must come
 * to the same streams. How it answers is not compared: that may change, the wire not.
 *
 *   wire_recorded_test             recorded/session.wire, and what is recorded now
 *   wire_recorded_test record FILE writes a recording
 *   wire_recorded_test FILE        plays it
 *
 * GOLDEN_WRITE=1 makes session.wire anew.
 */
#include "puppet.h"
#include "tests/unit/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* An entry: what, who said it, on which lane, how many ms after the one before, and
 * its bytes; numbers of 16 bits, big-endian. */
enum entry { ENTRY_ATTACH = 'A', ENTRY_BYTES = 'B', ENTRY_DETACH = 'D' };
#define ENTRY_HEADER 7
#define RECORDING_MAX (1u << 20)
#define FRAME_MAX (WIRE_HEADER_BYTES + WIRE_PAYLOAD_BYTES_MAX)
#define KEEP 65536u

#define LANES 3u
#define DYING 1u        /* the lane that does ... */
#define DEATH_STEP 25u  /* ... then; and comes again so much later */
#define REBIRTH_STEP 40u
#define STEPS_MIN 200u  /* by then all was answered */
#define STEPS_MAX 5000u
#define RATE_BPS 600000u /* of a lane: its pieces are of 3 KB */

enum { GATEWAY, CONCENTRATOR };

/* Bytes of each stream to the concentrator, by which it is known there, and back. */
static const struct {
	uint32_t up, down;
} streams[] = {
	{ 1, 0 }, { 20000, 12 }, { 0, 30000 }, { 777, 5000 }, { 16000, 1 },
};
#define STREAMS (sizeof(streams) / sizeof(*streams))
#define RESET_UP 3333u /* and one more is reset after so many */

/* Recording --------------------------------------------------------------- */

struct room {
	struct puppet side[2];
	struct reader *ours[STREAMS]; /* of the gateway */
	unsigned answered;            /* of the concentrator's readers */
	struct buf *out;
	unsigned last_step, step;
};

static void note(struct room *r, enum entry what, int side, unsigned lane,
                 const void *bytes, size_t n)
{
	unsigned ms = r->step - r->last_step;
	uint8_t head[ENTRY_HEADER] = {
		(uint8_t)what, (uint8_t)side, (uint8_t)lane, (uint8_t)(ms >> 8),
		(uint8_t)ms, (uint8_t)(n >> 8), (uint8_t)n,
	};

	assert_true(n <= UINT16_MAX && ms <= UINT16_MAX);
	assert_int_equal(buf_put(r->out, head, sizeof(head)), 0);
	assert_int_equal(buf_put(r->out, bytes, n), 0);
	r->last_step = r->step;
}

static void join(struct room *r, unsigned lane, uint32_t id)
{
	struct wire_frame hello = { .type = WIRE_HELLO, .hello = {
		.version = WIRE_VERSION, .subflow_id = id, .path = (uint8_t)lane,
		.bundle = (uint8_t)(lane == 2), .name = "lane" } };
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];

	note(r, ENTRY_ATTACH, GATEWAY, lane, bytes, wire_encode(bytes, &hello));
	for (int side = 0; side < 2; side++) {
		r->side[side].lane[lane].rate_bps = RATE_BPS;
		assert_non_null(puppet_attach_as(&r->side[side], lane, &hello.hello));
	}
}

static void die(struct room *r, unsigned lane)
{
	note(r, ENTRY_DETACH, GATEWAY, lane, NULL, 0);
	for (int side = 0; side < 2; side++)
		puppet_detach(&r->side[side].lane[lane]);
}

/* The next frame of what is said there, if there is one. */
static void carry(struct room *r, int side, unsigned lane)
{
	struct puppet_lane *from = &r->side[side].lane[lane];
	struct puppet_lane *to = &r->side[!side].lane[lane];
	struct wire_frame frame;
	const char *why;

	puppet_turn(&r->side[side]);
	if (!from->lane || !from->out.len)
		return;
	ssize_t n = wire_decode(&frame, buf_head(&from->out), from->out.len, &why);
	assert_true(n > 0);
	note(r, ENTRY_BYTES, side, lane, buf_head(&from->out), (size_t)n);
	assert_int_equal(puppet_say_bytes(to, buf_head(&from->out), (size_t)n), n);
	buf_take(&from->out, (size_t)n);
}

/* The packet tunnel's, whose core is not here. */
static void say_tunnel(struct puppet *p)
{
	const struct wire_frame key = { .type = WIRE_TUNNEL_KEY, .tunnel_key = {
		.epoch = 1, .index = 0x01020304, .suite = 1, .random = { 1, 2, 3 } } };
	const struct wire_frame net = { .type = WIRE_TUNNEL_NET, .tunnel_net = {
		.flags = WIRE_TUNNEL_ON | WIRE_TUNNEL_UDP,
		.inner4 = { .family = AF_INET, .ip = { 100, 64, 0, 2 } },
		.traffic = { .redundant = 1, .realtime_dscps = UINT64_C(1) << 46 } } };
	const struct wire_limits limits = { 250, 0, 31, { 1000, 2 }, WIRE_HOLE };

	session_say_tunnel(p->session, &key);
	session_say_tunnel(p->session, &net);
	session_tell_limits(p->session, &limits);
}

static void begin(struct room *r)
{
	struct puppet *gateway = &r->side[GATEWAY];
	const struct wire_wish wish = { .scheduler = "ecf", .order = "srpt" };

	session_set_settings(gateway->session, WIRE_HAS_MPTCP, &wish);
	for (unsigned lane = 0; lane < LANES; lane++)
		join(r, lane, lane + 1);
	for (int side = 0; side < 2; side++)
		say_tunnel(&r->side[side]);
	assert_true(session_carry(gateway->session, (const uint8_t *)"packet", 6));
	session_probe(gateway->session);
	for (unsigned i = 0; i < STREAMS; i++) {
		r->ours[i] = puppet_open(gateway);
		puppet_write(r->ours[i], streams[i].up, true);
	}
	stream_set_class(r->ours[1]->stream, STREAM_BULK);
	puppet_write(puppet_open(gateway), RESET_UP, false);
	stream_reset(gateway->reader[STREAMS].stream, STREAM_END_RESET);
}

/* The concentrator's readers have their sizes from the order in which they came, as
 * ids have. */
static void answer(struct room *r)
{
	struct puppet *p = &r->side[CONCENTRATOR];

	for (; r->answered < p->reader_count; r->answered++) {
		struct reader *reader = &p->reader[r->answered];
		if (!reader->stream)
			continue;
		stream_accept(reader->stream, &reader->dest.addr);
		puppet_write(reader, r->answered < STREAMS ?
		             streams[r->answered].down : 0, true);
	}
}

static bool is_over(const struct room *r)
{
	for (unsigned i = 0; i < STREAMS; i++)
		if (!r->ours[i]->closed)
			return false;
	return true;
}

static void step(struct room *r)
{
	r->step++;
	for (int side = 0; side < 2; side++)
		puppet_pass(&r->side[side], 1000);
	if (r->step == DEATH_STEP)
		die(r, DYING);
	if (r->step == DEATH_STEP + REBIRTH_STEP)
		join(r, DYING, LANES + 1);
	/* Lane 0 is the fastest. */
	for (unsigned lane = 0; lane < LANES; lane++)
		for (int side = 0; side < 2; side++)
			if (r->step % (3 * lane + 1) == 0)
				carry(r, side, lane);
	answer(r);
}

static void record(struct buf *out)
{
	struct room *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->out = out;
	buf_init(out, RECORDING_MAX);
	for (int side = 0; side < 2; side++) {
		const struct puppet_args args = { .opens = side == GATEWAY };
		puppet_init(&r->side[side], &args);
	}
	begin(r);
	while (!is_over(r) || r->step < STEPS_MIN) {
		assert_true(r->step < STEPS_MAX);
		step(r);
	}
	for (unsigned i = 0; i < STREAMS; i++)
		assert_int_equal(r->ours[i]->received, streams[i].down);
	for (int side = 0; side < 2; side++)
		puppet_finish(&r->side[side]);
	free(r);
}

/* Playing ----------------------------------------------------------------- */

struct play {
	struct puppet concentrator;
	uint8_t kept[STREAMS + 2][KEEP]; /* of its readers, and of none */
	bool seen[256];                  /* frames, by type */
};

/* Written again it is what it was; a build that says more at a frame's end says
 * that behind it. */
static void check_encoding(const struct wire_frame *frame, const uint8_t *p, size_t n)
{
	uint8_t again[FRAME_MAX];
	size_t len = WIRE_DATA_HEADER_BYTES;

	switch (frame->type) {
	case 0: return;
	case WIRE_DATA:
	case WIRE_DATA_FIN:
		wire_encode_data_header(again, frame->type == WIRE_DATA_FIN,
		                        frame->data.stream, frame->data.offset,
		                        frame->data.len);
		assert_memory_equal(again, p, len);
		assert_int_equal(n, len + frame->data.len);
		return;
	case WIRE_DATAGRAM:
		wire_encode_datagram_header(again, frame->datagram.len);
		assert_memory_equal(again, p, WIRE_HEADER_BYTES);
		return;
	}
	len = wire_encode(again, frame);
	assert_true(len >= n);
	assert_int_equal(again[0], p[0]);
	assert_memory_equal(again + WIRE_HEADER_BYTES, p + WIRE_HEADER_BYTES,
	                    n - WIRE_HEADER_BYTES);
}

/* What speaks of what this concentrator said before: it has said something else. */
static bool is_an_answer(const struct wire_frame *frame)
{
	return frame->type == WIRE_ACK || frame->type == WIRE_PONG;
}

static void play_frame(struct play *play, int side, unsigned lane, const uint8_t *p,
                       size_t n)
{
	struct puppet_lane *l = &play->concentrator.lane[lane];
	struct wire_frame frame;
	const char *why = "";

	if (wire_decode(&frame, p, n, &why) != (ssize_t)n)
		fail_msg("a frame of type %u: %s", p[0], why);
	check_encoding(&frame, p, n);
	play->seen[p[0]] = true;
	if (side == GATEWAY && !is_an_answer(&frame))
		assert_int_equal(puppet_say_bytes(l, p, n), n);
	assert_true(play->concentrator.reader_count <= STREAMS + 1);
	play->concentrator.keep = play->kept[play->concentrator.reader_count];
}

static void play_attach(struct play *play, unsigned lane, const uint8_t *p, size_t n)
{
	struct wire_frame frame;
	const char *why = "";

	assert_int_equal(wire_decode(&frame, p, n, &why), n);
	assert_int_equal(frame.type, WIRE_HELLO);
	check_encoding(&frame, p, n);
	assert_string_equal(frame.hello.name, "lane");
	assert_non_null(puppet_attach_as(&play->concentrator, lane, &frame.hello));
}

/* Returns its length. */
static size_t play_entry(struct play *play, const uint8_t *p, size_t n)
{
	assert_true(n >= ENTRY_HEADER);
	unsigned lane = p[2];
	size_t len = (size_t)p[5] << 8 | p[6];
	assert_true(p[1] < 2 && lane < LANES && n - ENTRY_HEADER >= len);
	puppet_pass(&play->concentrator, 1000 * ((uint64_t)p[3] << 8 | p[4]));
	/* In memory of its very size, where a sanitizer sees a read past its end. */
	uint8_t *bytes = malloc(len + !len);
	assert_non_null(bytes);
	memcpy(bytes, p + ENTRY_HEADER, len);
	switch ((enum entry)p[0]) {
	case ENTRY_ATTACH: play_attach(play, lane, bytes, len); break;
	case ENTRY_BYTES: play_frame(play, p[1], lane, bytes, len); break;
	case ENTRY_DETACH: puppet_detach(&play->concentrator.lane[lane]); break;
	}
	free(bytes);
	return ENTRY_HEADER + len;
}

/* Of the streams that were sent the one of this length, which none was before. */
static void check_stream(const struct reader *r, bool came[STREAMS + 1])
{
	unsigned i = 0;

	while (i < STREAMS && streams[i].up != r->received)
		i++;
	assert_int_equal(r->received, i < STREAMS ? streams[i].up : RESET_UP);
	assert_false(came[i]);
	came[i] = true;
	assert_int_equal(r->finished, i < STREAMS);
	assert_int_equal(r->closed, i == STREAMS);
	for (uint64_t at = 0; at < r->received; at++)
		assert_int_equal(r->keep[at], puppet_pattern(at));
}

static void play(const struct buf *recording)
{
	static const uint8_t said[] = {
		WIRE_SETTINGS, WIRE_PING, WIRE_PONG, WIRE_ACK, WIRE_OPEN, WIRE_ACCEPT,
		WIRE_DATA, WIRE_DATA_FIN, WIRE_RESET, WIRE_CLASS, WIRE_TUNNEL_KEY,
		WIRE_TUNNEL_NET, WIRE_DATAGRAM, WIRE_LIMITS,
	};
	struct play *p = calloc(1, sizeof(*p));
	bool came[STREAMS + 1] = { false };
	const struct puppet_args args = { .opens = false };

	assert_non_null(p);
	puppet_init(&p->concentrator, &args);
	p->concentrator.keep = p->kept[0];
	for (size_t at = 0; at < recording->len;)
		at += play_entry(p, buf_head(recording) + at, recording->len - at);
	assert_int_equal(p->concentrator.over, 0);
	assert_int_equal(p->concentrator.tunnel_seen, 3);
	assert_string_equal(p->concentrator.settings.wish.scheduler, "ecf");
	for (size_t i = 0; i < sizeof(said); i++)
		if (!p->seen[said[i]])
			fail_msg("no frame of type %u", said[i]);
	assert_int_equal(p->concentrator.reader_count, STREAMS + 1);
	for (unsigned i = 0; i <= STREAMS; i++)
		check_stream(&p->concentrator.reader[i], came);
	puppet_finish(&p->concentrator);
	free(p);
}

static void what_was_recorded_once(void **state)
{
	struct buf recording;

	if (getenv("GOLDEN_WRITE")) {
		record(&recording);
		golden_check(RECORDED, &recording);
	} else {
		golden_read(RECORDED, &recording);
	}
	play(&recording);
	buf_finish(&recording);
}

static void what_is_recorded_now(void **state)
{
	struct buf recording;

	record(&recording);
	play(&recording);
	buf_finish(&recording);
}

static const char *file; /* of the command line */

static void write_it(void **state)
{
	struct buf recording;

	record(&recording);
	FILE *out = fopen(file, "we");
	assert_non_null(out);
	assert_int_equal(fwrite(buf_head(&recording), 1, recording.len, out),
	                 recording.len);
	assert_int_equal(fclose(out), 0);
	buf_finish(&recording);
}

static void play_it(void **state)
{
	struct buf recording;

	golden_read(file, &recording);
	play(&recording);
	buf_finish(&recording);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_recorded_once),
		cmocka_unit_test(what_is_recorded_now),
	};
	const struct CMUnitTest writes[] = { cmocka_unit_test(write_it) };
	const struct CMUnitTest plays[] = { cmocka_unit_test(play_it) };

	file = argv[argc - 1];
	if (argc == 3 && !strcmp(argv[1], "record"))
		return cmocka_run_group_tests(writes, NULL, NULL);
	if (argc == 2)
		return cmocka_run_group_tests(plays, NULL, NULL);
	return cmocka_run_group_tests_name("transport/recorded", tests, NULL, NULL);
}
