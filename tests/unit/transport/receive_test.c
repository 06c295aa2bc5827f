/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's receiving half, seen through the session's door: reassembly
 * against a bit per byte, and credit. The sender is played by hand (puppet.h)
 * and lays its bytes in any order, doubled and overlapping.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "puppet.h"

#include "agg/base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_BYTES (300u << 10)
#define SEEDS 150
#define FIRST_CREDIT 131072u /* what a session grants to the peer's streams */
#define NO_FIN UINT32_MAX

static uint8_t zeroes[WIRE_PIECE_BYTES_MAX];

/* The reference: what was sent, by the byte. */
struct sender {
	struct puppet puppet;
	struct puppet_lane *lane;
	struct reader *reader;
	struct rand rand;
	uint32_t size, fin_at; /* NO_FIN: not told yet */
	uint64_t credit;
	uint8_t have[SIZE_MAX_BYTES];
	uint8_t bytes[SIZE_MAX_BYTES], got[SIZE_MAX_BYTES];
	uint32_t whole;        /* all below was sent */
};

static void sender_init(struct sender *s, uint64_t seed)
{
	struct puppet_args args = { .opens = false };

	memset(s, 0, sizeof(*s));
	s->rand.state = seed;
	puppet_init(&s->puppet, &args);
	s->puppet.keep = s->got;
	s->lane = puppet_attach(&s->puppet, 0);
	assert_true(puppet_say_open(s->lane, 1) > 0);
	s->reader = &s->puppet.reader[0];
	assert_non_null(s->reader->stream);
	s->credit = FIRST_CREDIT;
	s->fin_at = NO_FIN;
	s->size = (uint32_t)rand_below(&s->rand, SIZE_MAX_BYTES);
	for (uint32_t i = 0; i < s->size; i++)
		s->bytes[i] = puppet_pattern(i);
}

static void read_credits(struct sender *s)
{
	struct wire_frame frame;

	while (puppet_hear_type(s->lane, WIRE_CREDIT, &frame)) {
		assert_int_equal(frame.credit.stream, 1);
		assert_true(frame.credit.offset_max >= s->credit);
		s->credit = frame.credit.offset_max;
	}
}

static void send_piece(struct sender *s, uint32_t offset, uint32_t len)
{
	bool fin = offset + len == s->size && (!len || rand_below(&s->rand, 2));

	if (!len && !fin)
		return;
	assert_true(puppet_say_data(s->lane, 1, offset, s->bytes + offset, len,
	                            fin) > 0);
	memset(s->have + offset, 1, len);
	if (fin)
		s->fin_at = s->size;
	while (s->whole < s->size && s->have[s->whole])
		s->whole++;
}

/* Anything inside of the credit: new, old, both. */
static void send_random(struct sender *s)
{
	uint32_t limit = s->credit < s->size ? (uint32_t)s->credit : s->size;
	uint32_t offset = rand_below(&s->rand, 2) ? s->whole :
		(uint32_t)rand_below(&s->rand, limit + 1);
	uint32_t most = limit - offset < 16000 ? limit - offset : 16000;

	send_piece(s, offset, (uint32_t)rand_below(&s->rand, most + 1));
}

static size_t buffered(const struct puppet *p)
{
	struct session_stats stats;

	session_stats(p->session, &stats);
	return stats.buffered_bytes;
}

static void check_state(struct sender *s)
{
	size_t beyond = 0;

	assert_true(s->reader->received <= s->whole);
	for (size_t i = s->reader->received; i < s->size; i++)
		beyond += s->have[i];
	assert_int_equal(buffered(&s->puppet), beyond);
	assert_true(!s->reader->finished || s->reader->received == s->fin_at);
}

static void read_some(struct sender *s)
{
	uint64_t before = s->reader->received;
	size_t appetite = rand_below(&s->rand, 60000);

	puppet_feed(s->reader, appetite);
	uint64_t want = s->whole - before < appetite ? s->whole - before
	                                             : appetite;
	assert_int_equal(s->reader->received, before + want);
}

static void finish_all(struct sender *s)
{
	puppet_feed(s->reader, SIZE_MAX);
	while (s->whole < s->size) {
		uint32_t len = s->size - s->whole < 9000 ? s->size - s->whole : 9000;
		read_credits(s);
		assert_true(s->whole + len <= s->credit); /* never stuck */
		send_piece(s, s->whole, len);
	}
	while (s->fin_at == NO_FIN)
		send_piece(s, s->size, 0);
	assert_int_equal(s->reader->received, s->size);
	assert_memory_equal(s->got, s->bytes, s->size);
	assert_int_equal(s->reader->finished, 1);
	assert_int_equal(buffered(&s->puppet), 0);
}

static void test_reassembly(void **state)
{
	struct sender *s = malloc(sizeof(*s));

	assert_non_null(s);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		sender_init(s, seed);
		for (int i = 0; i < 60 && !s->reader->finished; i++) {
			if (rand_below(&s->rand, 3))
				send_random(s);
			else
				read_some(s);
			read_credits(s);
			check_state(s);
		}
		finish_all(s);
		puppet_finish(&s->puppet);
	}
	free(s);
}

/* Single cases ---------------------------------------------------------- */

static struct puppet_lane *begin(struct puppet *p)
{
	struct puppet_args args = { .opens = false };

	puppet_init(p, &args);
	struct puppet_lane *l = puppet_attach(p, 0);
	assert_true(puppet_say_open(l, 1) > 0);
	return l;
}

/* Says n zero bytes in pieces; the answer to the last. */
static ssize_t say_zeroes(struct puppet_lane *l, uint32_t stream, uint64_t from,
                          uint64_t n)
{
	ssize_t got = 1;

	while (n && got > 0) {
		uint32_t len = n < 16000 ? (uint32_t)n : 16000;
		got = puppet_say_data(l, stream, from, zeroes, len, false);
		from += len;
		n -= len;
	}
	return got;
}

static size_t put_data(uint8_t *to, uint32_t stream, uint64_t offset,
                       const char *bytes)
{
	uint32_t n = (uint32_t)strlen(bytes);

	wire_encode_data_header(to, false, stream, offset, n);
	memcpy(to + WIRE_DATA_HEADER_BYTES, bytes, n);
	return WIRE_DATA_HEADER_BYTES + n;
}

/* What fills a hole, what was kept behind it and what came with it, in any order
 * and doubled: the owner hears of it once. So does each of two that came mixed. */
static void test_offered_once(void **state)
{
	uint8_t input[256], got[32];
	struct session_stats stats;
	struct puppet p;
	struct puppet_lane *l = begin(&p);
	size_t n = 0;

	p.reader[0].keep = got;
	assert_true(puppet_say_data(l, 1, 3, "defg", 4, false) > 0);
	assert_true(puppet_say_data(l, 1, 9, "jk", 2, false) > 0);
	assert_true(puppet_say_open(l, 3) > 0);
	n += put_data(input + n, 1, 6, "ghijklm");
	n += put_data(input + n, 3, 0, "xy");
	n += put_data(input + n, 1, 0, "abcde");
	n += put_data(input + n, 3, 2, "z");
	n += put_data(input + n, 1, 14, "op");
	assert_true(puppet_say_bytes(l, input, n) > 0);
	assert_int_equal(p.reader[0].received, 13);
	assert_memory_equal(got, "abcdefghijklm", 13);
	assert_int_equal(p.reader[0].offers, 1);
	assert_int_equal(p.reader[1].received, 3);
	assert_int_equal(p.reader[1].offers, 1);
	session_stats(p.session, &stats);
	assert_int_equal(stats.doubles_bytes, 5); /* de, g, jk */
	assert_int_equal(stats.buffered_bytes, 2); /* op */
	puppet_finish(&p);
}

/* A reader that was full is offered all that waits for it at once. */
/* Who did not take all is asked again when it pulls, not with every piece that
 * comes. */
static void test_full_owner_is_left_alone(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	p.reader[0].appetite = 10;
	for (uint64_t at = 0; at < 100 * 100; at += 100)
		assert_true(puppet_say_data(l, 1, at, zeroes, 100, false) > 0);
	assert_int_equal(p.reader[0].offers, 1);
	assert_int_equal(p.reader[0].received, 10);
	puppet_feed(&p.reader[0], 20000);
	assert_int_equal(p.reader[0].received, 10000);
	assert_true(puppet_say_data(l, 1, 10000, zeroes, 100, false) > 0);
	assert_int_equal(p.reader[0].received, 10100);
	puppet_finish(&p);
}

static struct session_stats stats_of(const struct puppet *p);

/* A pause of the peer is none, nor what the owner makes wait; a hole is, and its
 * path is who brought the missing bytes last. */
static void test_silence(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p), *late = puppet_attach(&p, 1);

	p.reader[0].appetite = 1000000;
	assert_true(puppet_say_data(l, 1, 0, zeroes, 100, false) > 0);
	puppet_pass(&p, 2000000);
	assert_true(puppet_say_data(l, 1, 100, zeroes, 100, false) > 0);
	assert_int_equal(stats_of(&p).silent_us, 0);
	puppet_pass(&p, 2000000);
	assert_true(puppet_say_data(l, 1, 300, zeroes, 100, false) > 0);
	puppet_pass(&p, 250000);
	assert_true(puppet_say_data(l, 1, 200, zeroes, 100, false) > 0);
	assert_in_range(stats_of(&p).silent_us, 250000, 251000);
	assert_int_equal(stats_of(&p).silent_path, 0);
	puppet_pass(&p, 10000);
	assert_true(puppet_say_data(late, 1, 200, zeroes, 100, false) > 0);
	assert_in_range(stats_of(&p).silent_us, 250000, 251000);
	assert_int_equal(stats_of(&p).silent_path, 1);
	puppet_finish(&p);
}

/* It falls silent, and what it had comes by another: it is to blame. A path that is
 * heard is not, nor is one that was quiet long before. */
static void test_silence_of_a_dead_path(void **state)
{
	struct wire_frame pong = { .type = WIRE_PONG };
	struct puppet p;
	struct puppet_lane *l = begin(&p), *dead = puppet_attach(&p, 1);

	p.reader[0].appetite = 1000000;
	puppet_pass(&p, 2000000);
	assert_true(puppet_say_data(l, 1, 0, zeroes, 100, false) > 0);
	assert_true(puppet_say_data(l, 1, 200, zeroes, 100, false) > 0);
	puppet_pass(&p, 200000);
	assert_true(puppet_say_data(l, 1, 100, zeroes, 100, false) > 0);
	assert_int_equal(stats_of(&p).silent_path, 0);
	assert_true(puppet_say(dead, &pong) > 0);
	assert_true(puppet_say_data(l, 1, 400, zeroes, 100, false) > 0);
	puppet_pass(&p, 300000);
	assert_true(puppet_say_data(l, 1, 300, zeroes, 100, false) > 0);
	assert_in_range(stats_of(&p).silent_us, 300000, 301000);
	assert_int_equal(stats_of(&p).silent_path, 1);
	puppet_finish(&p);
}

static void test_pulled_at_once(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	puppet_feed(&p.reader[0], 0);
	for (uint64_t at = 0; at < 40000; at += 1000)
		assert_true(puppet_say_data(l, 1, at, zeroes, 1000, false) > 0);
	p.reader[0].offers = 0;
	puppet_feed(&p.reader[0], SIZE_MAX);
	assert_int_equal(p.reader[0].received, 40000);
	assert_int_equal(p.reader[0].offers, 1);
	puppet_finish(&p);
}

static void test_fin_before_data(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	assert_true(puppet_say_data(l, 1, 6, NULL, 0, true) > 0);
	assert_true(puppet_say_data(l, 1, 3, "def", 3, false) > 0);
	assert_int_equal(p.reader[0].finished, 0);
	assert_true(puppet_say_data(l, 1, 0, "abc", 3, false) > 0);
	assert_int_equal(p.reader[0].finished, 1);
	assert_int_equal(p.reader[0].received, 6);
	assert_true(puppet_say_data(l, 1, 6, NULL, 0, true) > 0); /* a double */
	assert_int_equal(p.reader[0].finished, 1);
	puppet_finish(&p);
}

/* FIN waits for a reader that has not taken all. */
static void test_fin_is_the_last(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	puppet_feed(&p.reader[0], 2);
	assert_true(puppet_say_data(l, 1, 0, "abc", 3, true) > 0);
	assert_int_equal(p.reader[0].received, 2);
	assert_int_equal(p.reader[0].finished, 0);
	puppet_feed(&p.reader[0], 1);
	assert_int_equal(p.reader[0].finished, 1);
	puppet_finish(&p);
}

static void test_empty_stream(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	assert_true(puppet_say_data(l, 1, 0, NULL, 0, true) > 0);
	assert_int_equal(p.reader[0].finished, 1);
	assert_int_equal(p.reader[0].received, 0);
	puppet_finish(&p);
}

static void check_fatal(struct puppet *p, ssize_t got, const char *why)
{
	assert_int_equal(got, -EPROTO);
	puppet_pass(p, 0);
	assert_int_equal(p->over, 1);
	assert_non_null(strstr(p->why, why));
	puppet_finish(p);
}

static void test_data_behind_fin(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	assert_true(puppet_say_data(l, 1, 3, NULL, 0, true) > 0);
	check_fatal(&p, puppet_say_data(l, 1, 3, "x", 1, false), "end of its");
}

static void test_second_fin(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	assert_true(puppet_say_data(l, 1, 3, NULL, 0, true) > 0);
	check_fatal(&p, puppet_say_data(l, 1, 2, NULL, 0, true), "end of its");
}

static void test_fin_before_what_came(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	assert_true(puppet_say_data(l, 1, 0, "abcd", 4, false) > 0);
	check_fatal(&p, puppet_say_data(l, 1, 3, NULL, 0, true), "end of its");
	l = begin(&p);
	assert_true(puppet_say_data(l, 1, 9, "x", 1, false) > 0);
	check_fatal(&p, puppet_say_data(l, 1, 0, "abc", 3, true), "end of its");
}

/* Credit ---------------------------------------------------------------- */

static void test_credit_to_the_byte(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	puppet_feed(&p.reader[0], 0);
	assert_true(say_zeroes(l, 1, 0, FIRST_CREDIT) > 0);
	assert_int_equal(buffered(&p), FIRST_CREDIT);
	assert_true(puppet_say_data(l, 1, FIRST_CREDIT, NULL, 0, true) > 0);
	puppet_finish(&p);
	l = begin(&p);
	puppet_feed(&p.reader[0], 0);
	check_fatal(&p, puppet_say_data(l, 1, FIRST_CREDIT, "x", 1, false),
	            "credit");
}

/* The last CREDIT for a stream; 0: none. */
static uint64_t last_credit(struct puppet_lane *l, uint32_t stream)
{
	struct wire_frame frame;
	uint64_t max = 0;

	while (puppet_hear_type(l, WIRE_CREDIT, &frame))
		if (frame.credit.stream == stream)
			max = frame.credit.offset_max;
	return max;
}

/* Fills the credit again and again, while the owner takes all; the window at
 * the end. pause_us: between two fillings. */
static uint64_t window_after(struct puppet *p, struct puppet_lane *l,
                             uint32_t stream, uint64_t from, int rounds,
                             uint64_t pause_us)
{
	uint64_t sent = from, credit = from ? last_credit(l, stream) : FIRST_CREDIT;

	for (int i = 0; i < rounds; i++) {
		assert_true(say_zeroes(l, stream, sent, credit - sent) > 0);
		sent = credit;
		credit = last_credit(l, stream);
		assert_true(credit > sent); /* or the peer would wait for ever */
		puppet_pass(p, pause_us);
	}
	return credit - sent;
}

static void test_fast_reader_grows(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);
	uint64_t window = window_after(&p, l, 1, 0, 16, 10000);

	assert_true(window >= 8 * FIRST_CREDIT);
	assert_true(window <= FIRST_CREDIT + SESSION_MEMORY_MIN);
	puppet_finish(&p);
}

/* An eighth of the first window in a millisecond says enough; the very first piece
 * says nothing, as it came alone. */
static void test_fast_beginning_grows_at_once(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	assert_true(say_zeroes(l, 1, 0, FIRST_CREDIT / 6) > 0);
	assert_true(last_credit(l, 1) < 2 * FIRST_CREDIT);
	puppet_pass(&p, 1000);
	assert_true(say_zeroes(l, 1, FIRST_CREDIT / 6, FIRST_CREDIT / 6) > 0);
	assert_true(last_credit(l, 1) >= 4 * FIRST_CREDIT);
	puppet_finish(&p);
}

/* A sixteenth of a large window is told when it was taken: a slow path takes what
 * is at its far end. */
static void test_large_window_is_told_soon(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);
	uint64_t window = window_after(&p, l, 1, 0, 16, 10000);
	uint64_t sent = p.reader[0].received;
	unsigned told = 0;

	assert_true(window >= 8 * FIRST_CREDIT);
	for (unsigned i = 0; i < 32; i++, sent += window / 32) {
		assert_true(say_zeroes(l, 1, sent, window / 32) > 0);
		told += last_credit(l, 1) > 0;
	}
	assert_in_range(told, 12, 20);
	puppet_finish(&p);
}

/* A piece now and then, over round trips of 20 ms: it is not the window that
 * limits. */
static void test_unhurried_stream_does_not_grow(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);
	uint64_t sent = 0;

	for (; sent < 8 * FIRST_CREDIT; sent += 16000) {
		assert_true(say_zeroes(l, 1, sent, 16000) > 0);
		puppet_pass(&p, 200000);
	}
	assert_true(last_credit(l, 1) <= sent + FIRST_CREDIT);
	puppet_finish(&p);
}

/* Many fast streams share memory_max. */
static void test_growth_within_memory(void **state)
{
	enum { STREAMS = 16 };
	struct puppet p;
	struct puppet_lane *l = begin(&p);
	uint64_t all = 0;

	for (uint32_t i = 1; i < STREAMS; i++)
		assert_true(puppet_say_open(l, 2 * i + 1) > 0);
	for (uint32_t i = 0; i < STREAMS; i++)
		all += window_after(&p, l, 2 * i + 1, 0, 12, 1000);
	assert_true(all <= SESSION_MEMORY_MIN);
	assert_true(all > SESSION_MEMORY_MIN / 4);
	puppet_finish(&p);
}

/* What a stream had grown by is there for the next, once it has ended. */
static void test_memory_comes_back(void **state)
{
	struct wire_frame reset = { .type = WIRE_RESET,
	                            .reset = { 1, STREAM_END_RESET, 0 } };
	struct puppet p;
	struct puppet_lane *l = begin(&p);
	uint64_t first = window_after(&p, l, 1, 0, 16, 1000);

	for (uint32_t id = 3; id < 20; id += 2) {
		assert_true(puppet_say(l, &reset) > 0);
		puppet_pass(&p, 1000);
		assert_int_equal(p.reader[(id - 2) / 2].closed, 1);
		assert_true(puppet_say_open(l, id) > 0);
		assert_int_equal(window_after(&p, l, id, 0, 16, 1000), first);
		reset.reset.stream = id;
	}
	puppet_finish(&p);
}

/* And once its last byte was taken, though its other half goes on. */
static void test_memory_comes_back_at_the_end(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);
	uint64_t first = window_after(&p, l, 1, 0, 16, 1000);

	for (uint32_t id = 3; id < 20; id += 2) {
		struct reader *r = &p.reader[(id - 2) / 2];
		assert_true(puppet_say_data(l, id - 2, r->received, NULL, 0, true) > 0);
		assert_int_equal(r->finished, 1);
		assert_int_equal(r->closed, 0);
		assert_true(puppet_say_open(l, id) > 0);
		/* less what of it is not worth telling yet */
		assert_in_range(window_after(&p, l, id, 0, 16, 1000),
		                first - first / 16, first);
	}
	puppet_finish(&p);
}

/* A slow path's hole in front of a full window: more is granted, or the fast
 * path would stand still. */
static void test_grows_by_a_hole(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	assert_true(say_zeroes(l, 1, 1000, FIRST_CREDIT - 1000) > 0);
	assert_true(last_credit(l, 1) > FIRST_CREDIT);
	assert_int_equal(p.reader[0].received, 0);
	puppet_finish(&p);
}

/* A reader that takes nothing gets no more than it was granted at first. */
static void test_slow_reader_gets_no_more(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	puppet_feed(&p.reader[0], 0);
	assert_true(say_zeroes(l, 1, 0, FIRST_CREDIT) > 0);
	assert_true(puppet_say_ack(l, l) > 0);
	puppet_pass(&p, 5000000);
	assert_true(last_credit(l, 1) <= FIRST_CREDIT);
	puppet_feed(&p.reader[0], FIRST_CREDIT / 2);
	assert_int_equal(last_credit(l, 1), FIRST_CREDIT + FIRST_CREDIT / 2);
	puppet_finish(&p);
}

/* After FIN there is nothing to grant. */
static void test_no_credit_after_fin(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);

	assert_true(puppet_say_data(l, 1, FIRST_CREDIT, NULL, 0, true) > 0);
	assert_true(say_zeroes(l, 1, 0, FIRST_CREDIT) > 0);
	assert_int_equal(p.reader[0].finished, 1);
	assert_int_equal(last_credit(l, 1), 0);
	puppet_finish(&p);
}

/* Memory ------------------------------------------------------------------- */

static struct session_stats stats_of(const struct puppet *p)
{
	struct session_stats stats;

	session_stats(p->session, &stats);
	return stats;
}

/* A peer that keeps to its credit is never cut, though nobody reads and memory is
 * short; what it cannot have is refused before it begins. */
static void test_slow_readers_are_never_cut(void **state)
{
	static struct puppet p;
	struct puppet_args args = { .opens = false };
	struct puppet_lane *l;
	unsigned taken;

	puppet_init(&p, &args);
	l = puppet_attach(&p, 0);
	for (uint32_t i = 0; i < WIRE_STREAMS_MAX; i++)
		assert_true(puppet_say_open(l, 2 * i + 1) > 0);
	taken = p.reader_count;
	assert_true(taken > 256 && taken < WIRE_STREAMS_MAX);
	for (uint32_t i = 0; i < taken; i++) {
		puppet_feed(&p.reader[i], 0);
		assert_true(say_zeroes(l, 2 * i + 1, 0,
		                       wire_first_credit(FIRST_CREDIT, i)) > 0);
		uint64_t more = last_credit(l, 2 * i + 1);
		uint64_t had = wire_first_credit(FIRST_CREDIT, i);
		if (more > had)
			assert_true(say_zeroes(l, 2 * i + 1, had, more - had) > 0);
	}
	puppet_pass(&p, 1000000);
	assert_true(stats_of(&p).memory_bytes <= SESSION_MEMORY_MIN);
	for (uint32_t i = 0; i < taken; i++) {
		assert_int_equal(p.reader[i].closed, 0);
		puppet_feed(&p.reader[i], SIZE_MAX);
		assert_true(p.reader[i].received >=
		            wire_first_credit(FIRST_CREDIT, i));
	}
	assert_int_equal(buffered(&p), 0);
	puppet_finish(&p);
}

/* What we grant where we open comes out of memory_max, too. */
static void test_first_credits_have_memory(void **state)
{
	static struct puppet p;
	struct puppet_args args = { .opens = true };
	struct wire_frame open;
	uint64_t all = 0, least = UINT64_MAX;
	unsigned count = 0;

	puppet_init(&p, &args);
	struct puppet_lane *l = puppet_attach(&p, 0);
	while (puppet_open(&p)) {
		assert_true(puppet_hear_type(l, WIRE_OPEN, &open));
		assert_true(puppet_say_ack(l, l) > 0);
		all += open.open.credit;
		least = open.open.credit < least ? open.open.credit : least;
		assert_true(count++ || open.open.credit >= SESSION_MEMORY_MIN / 16);
	}
	assert_int_equal(errno, ENOSPC);
	assert_true(count > 256);
	assert_true(least >= WIRE_CREDIT_LEAST);
	assert_true(all <= SESSION_MEMORY_MIN);
	assert_true(stats_of(&p).memory_bytes <= SESSION_MEMORY_MIN);
	puppet_finish(&p);
}

/* Much to who is there by itself, less to the next, little to those that follow. */
static void test_who_is_alone_begins_with_more(void **state)
{
	static const uint32_t credits[] = { SESSION_MEMORY_DEFAULT / 8,
		SESSION_MEMORY_DEFAULT / 16, SESSION_MEMORY_DEFAULT / 256 };
	struct puppet p;
	struct puppet_args args = { .opens = true,
	                            .memory_max = SESSION_MEMORY_DEFAULT };
	struct wire_frame open;

	puppet_init(&p, &args);
	struct puppet_lane *l = puppet_attach(&p, 0);
	for (size_t i = 0; i < sizeof(credits) / sizeof(credits[0]); i++) {
		assert_non_null(puppet_open(&p));
		assert_true(puppet_hear_type(l, WIRE_OPEN, &open));
		assert_true(open.open.credit <= credits[i] + credits[i] / 8);
		assert_true(open.open.credit >= credits[i]);
	}
	puppet_finish(&p);
}

/* What a peer without end of credit does not acknowledge is kept within memory_max;
 * who writes little still may. */
static void test_unacknowledged_has_memory(void **state)
{
	static struct puppet p;
	struct puppet_args args = { .opens = true };
	struct puppet_lane *l;

	puppet_init(&p, &args);
	l = puppet_attach(&p, 0);
	struct reader *r = puppet_open(&p);
	assert_true(puppet_say_credit(l, 1, 1 << 30) > 0);
	puppet_write(r, 64 << 20, false);
	for (int i = 0; i < 1000; i++) {
		puppet_pass(&p, 10000);
		session_writable(l->lane);
		puppet_turn(&p);
		buf_take(&l->out, l->out.len);
	}
	assert_true(stats_of(&p).memory_bytes <= SESSION_MEMORY_MIN);
	assert_true(r->written >= 1 << 20 && r->written < SESSION_MEMORY_MIN);
	struct reader *small = puppet_open(&p);
	puppet_write(small, 100, false);
	assert_int_equal(small->written, 100);
	uint64_t before = r->written;
	assert_true(puppet_say_ack(l, l) > 0);
	puppet_pass(&p, 10000);
	assert_true(r->written > before);
	puppet_finish(&p);
}

/* Single bytes that nobody acknowledges: what is remembered of each counts, too, and
 * all go on when somebody does. */
/* What a download holds whose peer acknowledges nothing, at that rate. */
static uint64_t retained_at(uint64_t rate_bps)
{
	static struct puppet p;
	struct puppet_args args = { .opens = true, .memory_max = 64 << 20 };

	puppet_init(&p, &args);
	struct puppet_lane *l = puppet_attach(&p, 0);
	l->rate_bps = rate_bps;
	struct reader *r = puppet_open(&p);
	assert_true(puppet_say_credit(l, 1, 1 << 30) > 0);
	puppet_write(r, 128 << 20, false);
	for (int i = 0; i < 1000; i++) {
		puppet_pass(&p, 10000);
		session_writable(l->lane);
		puppet_turn(&p);
		buf_take(&l->out, l->out.len);
	}
	uint64_t held = stats_of(&p).retained_bytes;
	struct reader *small = puppet_open(&p);
	puppet_write(small, 100, false);
	assert_int_equal(small->written, 100);
	puppet_finish(&p);
	return held;
}

/* A budget is no reason to hold what no path is worth. */
static void test_retained_follows_the_paths(void **state)
{
	uint64_t slow = retained_at(10000000), fast = retained_at(400000000);

	assert_true(slow >= 6 << 20 && slow <= 8 << 20);
	assert_true(fast >= 12 << 20 && fast <= 24 << 20);
}

/* Nor is it one to queue what no lane takes yet: of many a little each. */
static void test_many_queue_little(void **state)
{
	static struct puppet p;
	struct puppet_args args = { .opens = true, .memory_max = 256 << 20 };
	struct reader *r[100];
	uint64_t all = 0;

	puppet_init(&p, &args);
	struct puppet_lane *l = puppet_attach(&p, 0);
	for (unsigned i = 0; i < 100; i++) {
		r[i] = puppet_open(&p);
		assert_true(puppet_say_credit(l, 2 * i + 1, 1 << 30) > 0);
	}
	l->full = true;
	for (unsigned i = 0; i < 100; i++) {
		puppet_write(r[i], 1 << 20, false);
		assert_true(r[i]->written >= 30000);
		all += r[i]->written;
	}
	assert_true(all <= 6 << 20);
	puppet_finish(&p);
}

static void test_small_pieces_have_memory(void **state)
{
	static struct puppet p;
	struct puppet_args args = { .opens = true };
	struct wire_frame f, pong = { .type = WIRE_PONG };
	uint64_t heard = 0;

	puppet_init(&p, &args);
	struct puppet_lane *l = puppet_attach(&p, 0);
	struct reader *r = puppet_open(&p);
	assert_true(puppet_say_credit(l, 1, 1 << 30) > 0);
	for (int i = 0; i < 60000; i++) {
		puppet_write(r, 1, false);
		puppet_pass(&p, 100);
		if (i % 1000 == 0) /* it lives */
			assert_true(puppet_say(l, &pong) > 0);
		while (puppet_hear(l, &f))
			heard += f.type == WIRE_DATA ? f.data.len : 0;
	}
	assert_true(stats_of(&p).memory_bytes <= SESSION_MEMORY_MIN);
	assert_true(heard > 1000 && heard < 60000);
	for (int i = 0; i < 100 && heard < 60000; i++) {
		assert_true(puppet_say_ack(l, l) > 0);
		puppet_pass(&p, 10000);
		while (puppet_hear_type(l, WIRE_DATA, &f))
			heard += f.data.len;
	}
	assert_int_equal(heard, 60000);
	puppet_finish(&p);
}

/* One answer is owed to PINGs on a lane that takes none, not one each. */
static void test_pings_cost_nothing(void **state)
{
	struct puppet p;
	struct puppet_lane *l = begin(&p);
	struct wire_frame ping = { .type = WIRE_PING }, pong;
	uint64_t before = stats_of(&p).memory_bytes;

	l->full = true;
	for (ping.ping.stamp = 1; ping.ping.stamp <= 10000; ping.ping.stamp++)
		assert_true(puppet_say(l, &ping) > 0);
	assert_int_equal(stats_of(&p).memory_bytes, before);
	l->full = false;
	session_writable(l->lane);
	assert_true(puppet_hear_type(l, WIRE_PONG, &pong));
	assert_int_equal(pong.ping.stamp, 10000);
	assert_false(puppet_hear_type(l, WIRE_PONG, &pong));
	puppet_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reassembly),
		cmocka_unit_test(test_offered_once),
		cmocka_unit_test(test_full_owner_is_left_alone),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_silence_of_a_dead_path),
		cmocka_unit_test(test_pulled_at_once),
		cmocka_unit_test(test_fin_before_data),
		cmocka_unit_test(test_fin_is_the_last),
		cmocka_unit_test(test_empty_stream),
		cmocka_unit_test(test_data_behind_fin),
		cmocka_unit_test(test_second_fin),
		cmocka_unit_test(test_fin_before_what_came),
		cmocka_unit_test(test_credit_to_the_byte),
		cmocka_unit_test(test_fast_reader_grows),
		cmocka_unit_test(test_fast_beginning_grows_at_once),
		cmocka_unit_test(test_large_window_is_told_soon),
		cmocka_unit_test(test_unhurried_stream_does_not_grow),
		cmocka_unit_test(test_growth_within_memory),
		cmocka_unit_test(test_memory_comes_back),
		cmocka_unit_test(test_memory_comes_back_at_the_end),
		cmocka_unit_test(test_grows_by_a_hole),
		cmocka_unit_test(test_slow_reader_gets_no_more),
		cmocka_unit_test(test_no_credit_after_fin),
		cmocka_unit_test(test_slow_readers_are_never_cut),
		cmocka_unit_test(test_first_credits_have_memory),
		cmocka_unit_test(test_who_is_alone_begins_with_more),
		cmocka_unit_test(test_unacknowledged_has_memory),
		cmocka_unit_test(test_retained_follows_the_paths),
		cmocka_unit_test(test_many_queue_little),
		cmocka_unit_test(test_small_pieces_have_memory),
		cmocka_unit_test(test_pings_cost_nothing),
	};

	return cmocka_run_group_tests_name("transport/receive", tests, NULL, NULL);
}
