/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a session makes of what its peer says (puppet.h): the rules of
 * wire.h and session.h, each broken once. What is late or doubled is borne;
 * what can only be a mistake or malice ends the session, and both sides say
 * why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "puppet.h"

#include <errno.h>
#include <string.h>

#define FIRST_CREDIT 131072u
#define STREAMS_AT_MOST (WIRE_STREAMS_MAX + 1024) /* of the peer's, at once */

static struct puppet p; /* of one test; large */

static struct puppet_lane *begin(bool opens)
{
	/* With memory for all streams that there may be. */
	struct puppet_args args = { .opens = opens,
	                            .memory_max = SESSION_MEMORY_DEFAULT };

	puppet_init(&p, &args);
	return puppet_attach(&p, 0);
}

/* The session ended for that reason, told its peer and dropped its lanes. */
static void check_fatal(struct puppet_lane *l, ssize_t got, const char *why)
{
	struct wire_frame frame;

	assert_int_equal(got, -EPROTO);
	assert_true(puppet_hear_type(l, WIRE_CLOSE, &frame));
	assert_non_null(strstr(frame.close.reason, why));
	assert_non_null(strstr(l->dropped, why));
	puppet_pass(&p, 0);
	assert_int_equal(p.over, 1);
	assert_non_null(strstr(p.why, why));
	for (unsigned i = 0; i < p.reader_count; i++) {
		assert_int_equal(p.reader[i].closed, 1);
		assert_int_equal(p.reader[i].end, STREAM_END_SESSION_LOST);
	}
	assert_null(session_open(p.session, &p.reader[0].dest,
	                         &p.reader[0].client, NULL, NULL));
	assert_int_equal(errno, EPIPE);
	puppet_finish(&p);
}

static ssize_t say_reset(struct puppet_lane *l, uint32_t stream,
                         enum stream_end end, uint64_t offset)
{
	struct wire_frame reset = { .type = WIRE_RESET,
		.reset = { stream, (uint8_t)end, offset } };

	return puppet_say(l, &reset);
}

static ssize_t say_accept(struct puppet_lane *l, uint32_t stream)
{
	struct wire_frame accept = { .type = WIRE_ACCEPT,
		.accept = { stream, { .family = AF_INET, .port = 7 } } };

	return puppet_say(l, &accept);
}

/* Greetings and the like ------------------------------------------------- */

static void test_greeting_out_of_place(void **state)
{
	struct wire_frame hello = { .type = WIRE_HELLO };
	struct wire_frame welcome = { .type = WIRE_WELCOME };

	struct puppet_lane *l = begin(false);
	check_fatal(l, puppet_say(l, &hello), "out of place");
	l = begin(true);
	check_fatal(l, puppet_say(l, &welcome), "out of place");
}

static void test_unknown_frames(void **state)
{
	static const uint8_t ignorable[] = { 0x80, 0, 0, 3, 'a', 'b', 'c' };
	static const uint8_t unknown[] = { 0x7f, 0, 0, 0 };
	struct puppet_lane *l = begin(false);

	assert_int_equal(puppet_say_bytes(l, ignorable, 7), 7);
	assert_true(puppet_say_open(l, 1) > 0);
	assert_int_equal(p.reader_count, 1);
	check_fatal(l, puppet_say_bytes(l, unknown, 4), "unknown type");
}

/* Byte by byte: nothing is used before it is whole, and then all of it. */
static void test_frames_in_parts(void **state)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];
	struct wire_frame ping = { .type = WIRE_PING, .ping = { 42 } }, pong;
	size_t n = wire_encode(bytes, &ping);
	struct puppet_lane *l = begin(false);

	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(puppet_say_bytes(l, bytes, cut), 0);
	memcpy(bytes + n, bytes, n);
	for (size_t cut = n; cut < 2 * n; cut++)
		assert_int_equal(puppet_say_bytes(l, bytes, cut), n);
	for (size_t i = 0; i < n; i++) {
		assert_true(puppet_hear_type(l, WIRE_PONG, &pong));
		assert_int_equal(pong.ping.stamp, 42);
	}
	assert_false(puppet_hear_type(l, WIRE_PONG, &pong));
	puppet_finish(&p);
}

static void test_peer_closes(void **state)
{
	struct wire_frame close = { .type = WIRE_CLOSE,
	                            .close = { "go away" } }, frame;
	struct puppet_lane *l = begin(true);

	puppet_open(&p);
	assert_int_equal(puppet_say(l, &close), -EPROTO);
	assert_false(puppet_hear_type(l, WIRE_CLOSE, &frame)); /* no answer */
	puppet_pass(&p, 0);
	assert_int_equal(p.over, 1);
	assert_non_null(strstr(p.why, "go away"));
	assert_non_null(strstr(l->dropped, "go away"));
	assert_int_equal(p.reader[0].end, STREAM_END_SESSION_LOST);
	puppet_finish(&p);
}

static void test_we_close(void **state)
{
	struct puppet_lane *l = begin(true);
	struct wire_frame frame;

	puppet_open(&p);
	session_close(p.session, "drained");
	assert_int_equal(p.over, 0); /* not from inside of the call */
	assert_string_equal(l->dropped, "drained"); /* but this is */
	assert_true(puppet_hear_type(l, WIRE_CLOSE, &frame));
	assert_string_equal(frame.close.reason, "drained");
	assert_int_equal(p.over, 1);
	assert_int_equal(p.reader[0].closed, 1);
	puppet_finish(&p);
}

static struct wire_frame key_of_epoch(uint32_t epoch)
{
	return (struct wire_frame){ .type = WIRE_TUNNEL_KEY,
		.tunnel_key = { .epoch = epoch, .index = 7, .random = { 9 } } };
}

static void test_tunnel_frames_are_heard(void **state)
{
	struct wire_frame key = key_of_epoch(3);
	struct wire_frame net = { .type = WIRE_TUNNEL_NET,
	                          .tunnel_net = { .flags = WIRE_TUNNEL_UDP } };

	begin(false);
	assert_true(puppet_say(&p.lane[0], &key) > 0);
	assert_int_equal(p.tunnel_seen, 1);
	assert_int_equal(p.tunnel.type, WIRE_TUNNEL_KEY);
	assert_int_equal(p.tunnel.tunnel_key.epoch, 3);
	assert_true(puppet_say(&p.lane[0], &net) > 0);
	assert_int_equal(p.tunnel_seen, 2);
	assert_int_equal(p.tunnel.tunnel_net.flags, WIRE_TUNNEL_UDP);
	puppet_finish(&p);
}

/* The latest of each, until it is acknowledged. */
static void test_tunnel_frames_are_said(void **state)
{
	struct wire_frame frame, net = { .type = WIRE_TUNNEL_NET };

	begin(false);
	puppet_turn(&p);
	assert_false(puppet_hear_type(&p.lane[0], WIRE_TUNNEL_KEY, &frame));
	for (uint32_t epoch = 1; epoch <= 2; epoch++) {
		struct wire_frame key = key_of_epoch(epoch);
		session_say_tunnel(p.session, &key);
	}
	session_say_tunnel(p.session, &net);
	puppet_turn(&p);
	assert_true(puppet_hear_type(&p.lane[0], WIRE_TUNNEL_KEY, &frame));
	assert_int_equal(frame.tunnel_key.epoch, 2);
	assert_int_equal(frame.tunnel_key.random[0], 9);
	assert_true(puppet_hear_type(&p.lane[0], WIRE_TUNNEL_NET, &frame));
	puppet_attach(&p, 1);
	puppet_detach(&p.lane[0]); /* lost: said again */
	puppet_turn(&p);
	assert_true(puppet_hear_type(&p.lane[1], WIRE_TUNNEL_KEY, &frame));
	assert_int_equal(frame.tunnel_key.epoch, 2);
	puppet_say_ack(&p.lane[1], &p.lane[1]);
	puppet_attach(&p, 2);
	puppet_detach(&p.lane[1]);
	puppet_turn(&p);
	assert_false(puppet_hear_type(&p.lane[2], WIRE_TUNNEL_KEY, &frame));
	puppet_finish(&p);
}

static void test_datagrams_are_heard(void **state)
{
	uint8_t bytes[WIRE_HEADER_BYTES + 3] = { 0 };

	begin(false);
	wire_encode_datagram_header(bytes, 3);
	memcpy(bytes + WIRE_HEADER_BYTES, "abc", 3);
	assert_true(puppet_say_bytes(&p.lane[0], bytes, sizeof(bytes)) > 0);
	assert_int_equal(p.tunnel.type, WIRE_DATAGRAM);
	assert_int_equal(p.tunnel.datagram.len, 3);
	wire_encode_datagram_header(bytes, 0);
	assert_int_equal(puppet_say_bytes(&p.lane[0], bytes, WIRE_HEADER_BYTES), -EPROTO);
	puppet_finish(&p);
}

/* As long as little waits below; what is lost with its subflow is not said again. */
static void test_datagrams_are_carried(void **state)
{
	uint8_t bytes[1000] = { 7 };
	struct wire_frame frame;
	unsigned carried = 0;

	begin(false);
	puppet_turn(&p);
	assert_true(session_carry(p.session, NULL, sizeof(bytes)));
	assert_true(session_carry(p.session, bytes, sizeof(bytes)));
	puppet_turn(&p);
	assert_true(puppet_hear_type(&p.lane[0], WIRE_DATAGRAM, &frame));
	assert_int_equal(frame.datagram.len, sizeof(bytes));
	assert_int_equal(frame.datagram.bytes[0], 7);
	p.lane[0].stalled = true;
	while (carried < 1000 && session_carry(p.session, bytes, sizeof(bytes)))
		carried++;
	assert_in_range(carried, 1, 200); /* 10 ms of 10 MB/s, and a window of a start */
	assert_false(session_carry(p.session, NULL, sizeof(bytes)));
	puppet_attach(&p, 1);
	puppet_detach(&p.lane[0]);
	puppet_turn(&p);
	assert_false(puppet_hear_type(&p.lane[1], WIRE_DATAGRAM, &frame));
	puppet_detach(&p.lane[1]);
	assert_false(session_carry(p.session, bytes, sizeof(bytes)));
	puppet_finish(&p);
}

static void test_settings(void **state)
{
	struct wire_frame s = { .type = WIRE_SETTINGS,
		.settings = { 5, WIRE_HAS_IPV6, 1000, 0, { "ecf" } } }, frame;
	struct puppet_lane *l = begin(true);

	assert_true(puppet_hear_type(l, WIRE_SETTINGS, &frame)); /* at once */
	assert_true(puppet_say(l, &s) > 0);
	assert_int_equal(p.settings.serial, 5);
	s.settings.serial = 4;
	s.settings.stream_credit = 99;
	assert_true(puppet_say(l, &s) > 0); /* overtaken on its way */
	assert_int_equal(p.settings.stream_credit, 1000);
	session_set_settings(p.session, WIRE_DRAINING,
	                     &(struct wire_wish){ "blest", "eat", "srpt", "tail" });
	assert_true(puppet_hear_type(l, WIRE_SETTINGS, &frame));
	assert_int_equal(frame.settings.flags, WIRE_DRAINING);
	assert_string_equal(frame.settings.wish.scheduler, "blest");
	assert_string_equal(frame.settings.wish.interactive, "eat");
	assert_string_equal(frame.settings.wish.order, "srpt");
	assert_string_equal(frame.settings.wish.reinjection, "tail");
	puppet_finish(&p);
}

/* Stream ids -------------------------------------------------------------- */

static void test_id_even(void **state)
{
	struct puppet_lane *l = begin(false);

	check_fatal(l, puppet_say_open(l, 2), "out of range");
	l = begin(false);
	check_fatal(l, puppet_say_data(l, 0, 0, "x", 1, false), "out of range");
}

static void test_id_too_far(void **state)
{
	uint32_t last = 1 + 2 * (WIRE_STREAM_WINDOW - 1);
	struct puppet_lane *l = begin(false);

	assert_true(puppet_say_open(l, last) > 0);
	check_fatal(l, puppet_say_open(l, last + 2), "out of range");
	l = begin(false);
	check_fatal(l, puppet_say_open(l, UINT32_MAX), "out of range");
}

/* The window moves with the oldest id never seen, and any order will do. */
static void test_id_window_moves(void **state)
{
	uint32_t last = 1 + 2 * (WIRE_STREAM_WINDOW - 1);
	struct puppet_lane *l = begin(false);

	assert_true(puppet_say_open(l, 3) > 0);
	assert_true(puppet_say_open(l, last) > 0);
	assert_true(puppet_say_open(l, 1) > 0); /* now 5 is the oldest */
	assert_true(puppet_say_open(l, last + 4) > 0);
	assert_int_equal(p.reader_count, 4);
	check_fatal(l, puppet_say_open(l, last + 6), "out of range");
}

/* A hundred thousand streams, one after the other. */
static void test_id_goes_round(void **state)
{
	struct puppet_lane *l = begin(false);

	for (uint32_t id = 1; id < 200000; id += 2) {
		assert_true(puppet_say_open(l, id) > 0);
		assert_true(say_reset(l, id, STREAM_END_RESET, 0) > 0);
		puppet_pass(&p, 0);
		/* A double of the OPEN is not a stream once more. */
		assert_true(puppet_say_open(l, id) > 0);
	}
	assert_int_equal(p.reader_count, 100000);
	puppet_finish(&p);
}

static void test_id_not_opened_by_us(void **state)
{
	struct puppet_lane *l = begin(true);

	puppet_open(&p);
	assert_true(puppet_say_data(l, 1, 0, "x", 1, false) > 0);
	check_fatal(l, puppet_say_data(l, 3, 0, "x", 1, false), "out of range");
}

static void test_wrong_direction(void **state)
{
	struct puppet_lane *l = begin(true);

	puppet_open(&p);
	check_fatal(l, puppet_say_open(l, 1), "OPEN for a stream of ours");
	l = begin(false);
	assert_true(puppet_say_open(l, 1) > 0);
	check_fatal(l, say_accept(l, 1), "ACCEPT for a stream of its own");
}

/* Order, doubles, lateness ------------------------------------------------ */

static void test_data_before_open(void **state)
{
	struct puppet_lane *l = begin(false);

	assert_true(puppet_say_data(l, 1, 0, "abc", 3, true) > 0);
	assert_true(puppet_say_credit(l, 1, 100) > 0);
	assert_int_equal(p.reader_count, 0);
	assert_true(puppet_say_open(l, 1) > 0);
	assert_int_equal(p.reader_count, 1);
	assert_int_equal(p.reader[0].received, 3);
	assert_int_equal(p.reader[0].finished, 1);
	puppet_finish(&p);
}

static void test_reset_before_open(void **state)
{
	struct session_stats stats;
	struct puppet_lane *l = begin(false);

	assert_true(say_reset(l, 1, STREAM_END_RESET, 0) > 0);
	puppet_pass(&p, 0);
	assert_true(puppet_say_open(l, 1) > 0);
	assert_int_equal(p.reader_count, 0); /* nobody dials for it */
	session_stats(p.session, &stats);
	assert_int_equal(stats.streams, 0);
	puppet_finish(&p);
}

static void test_open_doubled(void **state)
{
	struct puppet_lane *l = begin(false);

	assert_true(puppet_say_open(l, 1) > 0);
	assert_true(puppet_say_open(l, 1) > 0);
	assert_int_equal(p.reader_count, 1);
	assert_int_equal(p.reader[0].dest.addr.port, 80);
	puppet_finish(&p);
}

static void test_accept_doubled(void **state)
{
	struct puppet_lane *l = begin(true);

	puppet_open(&p);
	assert_true(say_accept(l, 1) > 0);
	assert_true(say_accept(l, 1) > 0);
	assert_int_equal(p.reader[0].opened, 1);
	puppet_finish(&p);
}

/* A stream that both sides ended: frames of it that come late are nothing. */
static void test_late_frames(void **state)
{
	struct session_stats stats;
	struct puppet_lane *l = begin(false);

	assert_true(puppet_say_open(l, 1) > 0);
	assert_true(puppet_say_data(l, 1, 0, "abc", 3, true) > 0);
	puppet_write(&p.reader[0], 10, true);
	assert_true(puppet_say_ack(l, l) > 0);
	puppet_pass(&p, 0);
	assert_int_equal(p.reader[0].closed, 1);
	assert_int_equal(p.reader[0].end, STREAM_END_FINISHED);
	assert_true(puppet_say_open(l, 1) > 0);
	assert_true(puppet_say_data(l, 1, 0, "abc", 3, true) > 0);
	assert_true(puppet_say_data(l, 1, 999, "x", 1, false) > 0);
	assert_true(puppet_say_credit(l, 1, 1 << 20) > 0);
	assert_true(say_reset(l, 1, STREAM_END_RESET, 3) > 0);
	assert_int_equal(p.reader_count, 1);
	session_stats(p.session, &stats);
	assert_int_equal(stats.streams, 0);
	puppet_finish(&p);
}

/* A stream that we reset: its data is dropped, and is no mistake. */
static void test_late_data_after_our_reset(void **state)
{
	struct wire_frame frame;
	struct puppet_lane *l = begin(true);

	stream_reset(puppet_open(&p)->stream, STREAM_END_RESET);
	assert_true(puppet_say_data(l, 1, 0, "abc", 3, false) > 0);
	assert_true(puppet_say_data(l, 1, FIRST_CREDIT * 100, "x", 1, 0) > 0);
	assert_true(puppet_hear_type(l, WIRE_RESET, &frame));
	assert_int_equal(frame.reset.end, STREAM_END_RESET);
	puppet_pass(&p, 0);
	assert_int_equal(p.reader[0].closed, 1);
	assert_int_equal(p.reader[0].received, 0);
	assert_true(puppet_say_data(l, 1, 3, "def", 3, false) > 0);
	puppet_finish(&p);
}

/* Bytes that were sent before the reset are read before it. */
static void test_reset_waits_for_bytes(void **state)
{
	struct puppet_lane *l = begin(false);

	assert_true(puppet_say_open(l, 1) > 0);
	assert_true(say_reset(l, 1, STREAM_END_TIMED_OUT, 6) > 0);
	assert_true(puppet_say_data(l, 1, 3, "def", 3, false) > 0);
	puppet_pass(&p, 0);
	assert_int_equal(p.reader[0].closed, 0);
	assert_true(puppet_say_data(l, 1, 0, "abc", 3, false) > 0);
	puppet_pass(&p, 0);
	assert_int_equal(p.reader[0].received, 6);
	assert_int_equal(p.reader[0].closed, 1);
	assert_int_equal(p.reader[0].end, STREAM_END_TIMED_OUT);
	assert_int_equal(p.reader[0].finished, 0);
	puppet_finish(&p);
}

static void test_refused(void **state)
{
	struct wire_frame frame;
	struct puppet_lane *l = begin(false);

	p.accept = STREAM_END_NOT_ALLOWED;
	assert_true(puppet_say_open(l, 1) > 0);
	assert_true(puppet_hear_type(l, WIRE_RESET, &frame));
	assert_int_equal(frame.reset.stream, 1);
	assert_int_equal(frame.reset.end, STREAM_END_NOT_ALLOWED);
	assert_true(puppet_say_ack(l, l) > 0);
	puppet_pass(&p, 0);
	struct session_stats stats;
	session_stats(p.session, &stats);
	assert_int_equal(stats.streams, 0);
	puppet_finish(&p);
}

static void test_ends_arrive_as_they_are(void **state)
{
	struct puppet_lane *l = begin(true);

	for (int end = STREAM_END_RESET; end < STREAM_END_COUNT; end++) {
		struct reader *r = puppet_open(&p);
		assert_true(say_reset(l, 2 * (uint32_t)end - 1,
		                      (enum stream_end)end, 0) > 0);
		puppet_pass(&p, 0);
		assert_int_equal(r->closed, 1);
		assert_int_equal(r->end, end);
	}
	puppet_finish(&p);
}

/* Limits ------------------------------------------------------------------ */

static void test_ack_of_what_was_not_sent(void **state)
{
	struct puppet_lane *l = begin(true);
	struct wire_frame ack = { .type = WIRE_ACK,
	                          .ack = { l->id, l->sent_bytes } };

	assert_true(puppet_say(l, &ack) > 0);
	ack.ack.subflow_id = 999; /* gone, perhaps */
	ack.ack.bytes = UINT64_MAX;
	assert_true(puppet_say(l, &ack) > 0);
	ack.ack = (struct wire_ack){ l->id, 0 }; /* overtaken */
	assert_true(puppet_say(l, &ack) > 0);
	ack.ack.bytes = l->sent_bytes + 1;
	check_fatal(l, puppet_say(l, &ack), "not sent");
}

static unsigned streams_now(void)
{
	struct session_stats stats;

	session_stats(p.session, &stats);
	return stats.streams;
}

/* Streams 1, 3, ... up to count of them; the next id. */
static uint32_t open_many(struct puppet_lane *l, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_true(puppet_say_open(l, 2 * i + 1) > 0);
	return 2 * count + 1;
}

static unsigned count_refusals(struct puppet_lane *l, uint32_t from)
{
	struct wire_frame frame;
	unsigned count = 0;

	while (puppet_hear_type(l, WIRE_RESET, &frame)) {
		assert_true(frame.reset.stream >= from);
		assert_int_equal(frame.reset.end, STREAM_END_LIMIT);
		assert_int_equal(frame.reset.offset, 0);
		count++;
	}
	return count;
}

/* Some more may be under way while others end; what is over that is refused,
 * stream by stream, and nothing else suffers. */
static void test_streams_of_the_peer(void **state)
{
	struct puppet_lane *l = begin(false);
	uint32_t id = open_many(l, WIRE_STREAMS_MAX);
	unsigned taken;

	assert_int_equal(p.reader_count, WIRE_STREAMS_MAX);
	assert_int_equal(streams_now(), WIRE_STREAMS_MAX);
	for (int i = 0; i < 4000; i++, id += 2)
		assert_true(puppet_say_open(l, id) > 0);
	taken = streams_now();
	assert_true(taken > WIRE_STREAMS_MAX && taken < WIRE_STREAMS_MAX + 4000);
	assert_int_equal(count_refusals(l, 2 * WIRE_STREAMS_MAX),
	                 WIRE_STREAMS_MAX + 4000 - taken);
	/* What is late for one that was refused is nothing. */
	assert_true(puppet_say_data(l, id - 2, 0, "x", 1, true) > 0);
	assert_true(puppet_say_open(l, id - 2) > 0);
	assert_int_equal(streams_now(), taken);
	assert_int_equal(count_refusals(l, 1), 0);
	assert_true(puppet_say_data(l, 1, 0, "x", 1, false) > 0);
	assert_int_equal(p.reader[0].received, 1);
	puppet_finish(&p);
}

/* 4,000 long ones, and short ones that are refused faster than the peer's word
 * that it knows comes back. */
static void test_ended_streams_take_no_place(void **state)
{
	struct puppet_lane *l = begin(false);
	uint32_t id = open_many(l, 4000);

	p.accept = STREAM_END_REFUSED;
	for (int i = 0; i < 3000; i++, id += 2)
		assert_true(puppet_say_open(l, id) > 0);
	p.accept = STREAM_END_FINISHED;
	assert_true(puppet_say_open(l, id) > 0);
	assert_int_equal(p.reader_count, 4001);
	assert_true(puppet_say_ack(l, l) > 0);
	puppet_pass(&p, 0);
	assert_int_equal(streams_now(), 4001);
	puppet_finish(&p);
}

/* A refusal that was lost is said again, by another way; a peer that takes none
 * of them is not listened to for ever. */
static void test_refusals_arrive(void **state)
{
	struct puppet_lane *l = begin(false), *other = puppet_attach(&p, 1);
	uint32_t id = open_many(l, STREAMS_AT_MOST);

	for (int i = 0; i < 50; i++, id += 2)
		assert_true(puppet_say_open(l, id) > 0);
	unsigned heard = count_refusals(l, 1) + count_refusals(other, 1);
	assert_int_equal(heard, 50);
	puppet_detach(l);
	assert_int_equal(count_refusals(other, 1), 50);
	puppet_finish(&p);
}

static void test_refusals_have_a_limit(void **state)
{
	struct puppet_lane *l = begin(false);
	uint32_t id = open_many(l, STREAMS_AT_MOST);
	ssize_t got = 1;

	l->full = true;
	for (int i = 0; i < 20000 && got > 0; i++, id += 2)
		got = puppet_say_open(l, id);
	assert_int_equal(got, -EPROTO);
	assert_non_null(strstr(l->dropped, "more streams"));
	puppet_finish(&p);
}

static void test_streams_of_ours(void **state)
{
	struct puppet_lane *l = begin(true);

	for (unsigned i = 0; i < WIRE_STREAMS_MAX; i++)
		assert_non_null(puppet_open(&p));
	assert_null(puppet_open(&p));
	assert_int_equal(errno, ENOSPC);
	assert_true(say_reset(l, 5, STREAM_END_REFUSED, 0) > 0);
	puppet_pass(&p, 0);
	assert_non_null(puppet_open(&p));
	puppet_finish(&p);
}

static void test_subflows(void **state)
{
	begin(true);
	struct wire_hello again = { .subflow_id = 1 };
	assert_null(puppet_attach_as(&p, 1, &again));
	assert_int_equal(errno, EEXIST);
	for (unsigned i = 1; i < WIRE_SUBFLOWS_MAX; i++)
		assert_non_null(puppet_attach(&p, i));
	assert_null(puppet_attach(&p, WIRE_SUBFLOWS_MAX));
	assert_int_equal(errno, ENOSPC);
	puppet_detach(&p.lane[3]);
	assert_non_null(puppet_attach(&p, WIRE_SUBFLOWS_MAX));
	puppet_finish(&p);
}

/* Linger ------------------------------------------------------------------- */

static void test_linger_ends(void **state)
{
	struct puppet_lane *l = begin(true);
	struct reader *r = puppet_open(&p);

	puppet_detach(l);
	puppet_pass(&p, SESSION_LINGER_DEFAULT_US - 1);
	assert_int_equal(p.over, 0);
	assert_int_equal(r->closed, 0);
	puppet_pass(&p, 1);
	assert_int_equal(p.over, 1);
	assert_int_equal(r->end, STREAM_END_SESSION_LOST);
	puppet_finish(&p);
}

/* What was said before the outage, and in it, is said after it. */
static void test_linger_is_survived(void **state)
{
	struct wire_frame frame;
	struct puppet_lane *l = begin(true);
	struct reader *r = puppet_open(&p);

	puppet_write(r, 5, false);
	puppet_detach(l);
	puppet_pass(&p, SESSION_LINGER_DEFAULT_US - 1);
	puppet_write(r, 5, true);
	l = puppet_attach(&p, 1);
	puppet_pass(&p, SESSION_LINGER_DEFAULT_US / 2);
	assert_int_equal(p.over, 0);
	assert_true(puppet_hear_type(l, WIRE_OPEN, &frame));
	assert_true(puppet_hear(l, &frame));
	assert_int_equal(frame.type, WIRE_DATA);
	assert_int_equal(frame.data.offset, 0);
	assert_true(puppet_hear_type(l, WIRE_DATA_FIN, &frame));
	assert_int_equal(frame.data.offset + frame.data.len, 10);
	puppet_finish(&p);
}

/* A session that never had a subflow is its role's matter. */
static void test_no_linger_before_the_first(void **state)
{
	struct puppet_args args = { .opens = true };

	puppet_init(&p, &args);
	puppet_open(&p);
	puppet_pass(&p, 10 * (uint64_t)SESSION_LINGER_DEFAULT_US);
	assert_int_equal(p.over, 0);
	puppet_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting_out_of_place),
		cmocka_unit_test(test_unknown_frames),
		cmocka_unit_test(test_frames_in_parts),
		cmocka_unit_test(test_peer_closes),
		cmocka_unit_test(test_we_close),
		cmocka_unit_test(test_tunnel_frames_are_heard),
		cmocka_unit_test(test_tunnel_frames_are_said),
		cmocka_unit_test(test_datagrams_are_heard),
		cmocka_unit_test(test_datagrams_are_carried),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_id_even),
		cmocka_unit_test(test_id_too_far),
		cmocka_unit_test(test_id_window_moves),
		cmocka_unit_test(test_id_goes_round),
		cmocka_unit_test(test_id_not_opened_by_us),
		cmocka_unit_test(test_wrong_direction),
		cmocka_unit_test(test_data_before_open),
		cmocka_unit_test(test_reset_before_open),
		cmocka_unit_test(test_open_doubled),
		cmocka_unit_test(test_accept_doubled),
		cmocka_unit_test(test_late_frames),
		cmocka_unit_test(test_late_data_after_our_reset),
		cmocka_unit_test(test_reset_waits_for_bytes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ends_arrive_as_they_are),
		cmocka_unit_test(test_ack_of_what_was_not_sent),
		cmocka_unit_test(test_streams_of_the_peer),
		cmocka_unit_test(test_ended_streams_take_no_place),
		cmocka_unit_test(test_refusals_arrive),
		cmocka_unit_test(test_refusals_have_a_limit),
		cmocka_unit_test(test_streams_of_ours),
		cmocka_unit_test(test_subflows),
		cmocka_unit_test(test_linger_ends),
		cmocka_unit_test(test_linger_is_survived),
		cmocka_unit_test(test_no_linger_before_the_first),
	};

	return cmocka_run_group_tests_name("transport/session_protocol", tests, NULL, NULL);
}
