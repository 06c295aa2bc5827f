/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a session does with its subflows, seen by a peer that is played
 * by hand (puppet.h): acknowledgements, loss, suspicion, fullness, credit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "puppet.h"

#include <string.h>

#define FIRST_CREDIT 131072u /* that a session counts on before SETTINGS */
#define PIECES_MAX 4096

static struct puppet p; /* of one test; large */
static uint8_t got[1 << 20];

static void begin(bool opens, unsigned lanes)
{
	struct puppet_args args = { .opens = opens };

	puppet_init(&p, &args);
	memset(got, 0, sizeof(got));
	for (unsigned i = 0; i < lanes; i++)
		assert_non_null(puppet_attach(&p, i));
}

/* Hears all that the lane sent; keeps DATA of stream 1, each byte right. */
static uint64_t hear_data(struct puppet_lane *l)
{
	struct wire_frame f;
	uint64_t bytes = 0;

	while (puppet_hear(l, &f)) {
		if (f.type != WIRE_DATA && f.type != WIRE_DATA_FIN)
			continue;
		assert_true(f.data.offset + f.data.len <= sizeof(got));
		for (uint32_t i = 0; i < f.data.len; i++)
			assert_int_equal(f.data.bytes[i],
			                 puppet_pattern(f.data.offset + i));
		memset(got + f.data.offset, 1, f.data.len);
		bytes += f.data.len;
	}
	return bytes;
}

static bool has_all(uint64_t n)
{
	return !n || (got[0] == 1 && !memcmp(got, got + 1, n - 1));
}

static uint64_t flight_of(const struct puppet_lane *l)
{
	struct lane_stats stats;

	session_lane(l->lane, &stats);
	return stats.flight_bytes;
}

/* Acknowledgements --------------------------------------------------------- */

static void test_acknowledges_whole_frames(void **state)
{
	struct wire_frame ack;

	begin(false, 1);
	struct puppet_lane *l = &p.lane[0];
	uint64_t said = (uint64_t)puppet_say_open(l, 1);
	said += (uint64_t)puppet_say_data(l, 1, 0, "abc", 3, false);
	puppet_pass(&p, 1000);
	assert_false(puppet_hear_type(l, WIRE_ACK, &ack)); /* more may come */
	puppet_pass(&p, 100000);
	assert_true(puppet_hear_type(l, WIRE_ACK, &ack));
	assert_int_equal(ack.ack.subflow_id, l->id);
	assert_int_equal(ack.ack.bytes, said);
	puppet_pass(&p, 1000000);
	assert_false(puppet_hear_type(l, WIRE_ACK, &ack)); /* once is enough */
	puppet_finish(&p);
}

/* An ACK is not answered with an ACK, for ever. */
static void test_ack_of_acks(void **state)
{
	struct wire_frame f;

	begin(true, 1);
	assert_true(puppet_say_ack(&p.lane[0], &p.lane[0]) > 0);
	puppet_pass(&p, 1000000);
	assert_false(puppet_hear_type(&p.lane[0], WIRE_ACK, &f));
	puppet_finish(&p);
}

static void test_acknowledged_is_forgotten(void **state)
{
	struct session_stats stats;

	begin(true, 2);
	puppet_write(puppet_open(&p), 10000, false);
	puppet_pass(&p, 10000);
	session_stats(p.session, &stats);
	assert_int_equal(stats.retained_bytes, 10000);
	hear_data(&p.lane[0]);
	hear_data(&p.lane[1]);
	/* By whichever lane the word comes. */
	assert_true(puppet_say_ack(&p.lane[1], &p.lane[0]) > 0);
	assert_true(puppet_say_ack(&p.lane[1], &p.lane[1]) > 0);
	session_stats(p.session, &stats);
	assert_int_equal(stats.retained_bytes, 0);
	assert_int_equal(flight_of(&p.lane[0]), 0);
	puppet_detach(&p.lane[0]);
	puppet_pass(&p, 1000000);
	assert_int_equal(hear_data(&p.lane[1]), 0); /* nothing goes again */
	puppet_finish(&p);
}

/* Loss ---------------------------------------------------------------------- */

static void test_lost_subflow(void **state)
{
	begin(true, 1);
	struct puppet_lane *l = &p.lane[0];
	puppet_write(puppet_open(&p), 20000, true);
	puppet_pass(&p, 50000);
	assert_int_equal(hear_data(l), 20000);
	memset(got, 0, sizeof(got)); /* it never arrived */
	puppet_detach(l);
	l = puppet_attach(&p, 1);
	struct wire_frame open;
	assert_true(puppet_hear_type(l, WIRE_OPEN, &open));
	assert_int_equal(open.open.stream, 1);
	puppet_pass(&p, 50000);
	assert_int_equal(hear_data(l), 20000);
	assert_true(has_all(20000));
	puppet_finish(&p);
}

/* CREDIT is not repeated but said anew, with what is true then. */
static void test_lost_credit(void **state)
{
	static uint8_t zeroes[16000];
	struct wire_frame credit;
	uint64_t told = 0;

	begin(false, 1);
	struct puppet_lane *l = &p.lane[0];
	assert_true(puppet_say_open(l, 1) > 0);
	for (uint64_t at = 0; at + 16000 <= FIRST_CREDIT; at += 16000)
		puppet_say_data(l, 1, at, zeroes, 16000, false);
	while (puppet_hear_type(l, WIRE_CREDIT, &credit))
		told = credit.credit.offset_max;
	assert_true(told > FIRST_CREDIT);
	puppet_detach(l);
	l = puppet_attach(&p, 1);
	assert_true(puppet_hear_type(l, WIRE_CREDIT, &credit));
	assert_int_equal(credit.credit.offset_max, told);
	assert_false(puppet_hear_type(l, WIRE_CREDIT, &credit));
	puppet_finish(&p);
}

static void test_lost_reset(void **state)
{
	struct wire_frame reset;
	struct session_stats stats;

	begin(true, 1);
	struct puppet_lane *l = &p.lane[0];
	stream_reset(puppet_open(&p)->stream, STREAM_END_RESET);
	assert_true(puppet_hear_type(l, WIRE_RESET, &reset));
	puppet_pass(&p, 0);
	assert_int_equal(p.reader[0].closed, 1);
	puppet_detach(l);
	l = puppet_attach(&p, 1);
	assert_true(puppet_hear_type(l, WIRE_RESET, &reset));
	puppet_say_ack(l, l);
	puppet_pass(&p, 0);
	session_stats(p.session, &stats);
	assert_int_equal(stats.streams, 0);
	puppet_finish(&p);
}

/* Suspicion ------------------------------------------------------------------ */

/* Time passes, and the peer says something on a lane now and then. */
static void pass_heard(struct puppet_lane *l, uint64_t us)
{
	struct wire_frame pong = { .type = WIRE_PONG };

	for (uint64_t step; us; us -= step) {
		step = us < 200000 ? us : 200000;
		puppet_pass(&p, step);
		if (l->lane)
			assert_true(puppet_say(l, &pong) > 0);
	}
}

/* Writes on a stream whose first lane's kernel hears nothing any more. */
static void stall_first_lane(void)
{
	begin(true, 2);
	struct reader *r = puppet_open(&p);
	pass_heard(&p.lane[1], 1000000);
	hear_data(&p.lane[0]);
	p.lane[0].stalled = true;
	puppet_write(r, 60000, false);
	puppet_pass(&p, SUSPECT_MIN_US / 2);
	assert_int_equal(p.suspects, 0);
	assert_true(hear_data(&p.lane[0]) > 0); /* the faster is preferred */
	memset(got, 0, sizeof(got));            /* but this was lost */
	pass_heard(&p.lane[1], 1000000);
	assert_int_equal(p.suspects, 1);
}

static void test_suspect(void **state)
{
	stall_first_lane();
	hear_data(&p.lane[1]);
	assert_true(has_all(60000)); /* all of it came over the other */
	puppet_write(&p.reader[0], 30000, false);
	puppet_pass(&p, 300000);
	assert_int_equal(hear_data(&p.lane[0]), 0);
	assert_true(hear_data(&p.lane[1]) >= 30000);
	assert_true(has_all(90000));
	puppet_finish(&p);
}

static void test_suspect_recovers(void **state)
{
	stall_first_lane();
	puppet_say_ack(&p.lane[1], &p.lane[1]);
	p.lane[0].stalled = false;
	puppet_pass(&p, 300000);
	assert_int_equal(p.recoveries, 1);
	puppet_write(&p.reader[0], 30000, false);
	puppet_pass(&p, 100000);
	assert_true(hear_data(&p.lane[0]) > 0);
	puppet_finish(&p);
}

/* In time also while its estimates are asked again and again, as they are when
 * much goes out. */
static void test_suspect_while_busy(void **state)
{
	begin(true, 2);
	struct reader *r = puppet_open(&p);
	p.lane[0].stalled = true;
	puppet_write(r, 60000, false);
	for (unsigned ms = 0; ms < SUSPECT_MIN_US * 3 / 2000; ms++) {
		session_writable(p.lane[0].lane);
		puppet_pass(&p, 1000);
	}
	assert_int_equal(p.suspects, 1);
	puppet_finish(&p);
}

/* A socket that died under it shows zeroes, which are no progress. */
static void test_suspect_though_it_dies(void **state)
{
	stall_first_lane();
	assert_int_equal(p.suspects, 1);
	p.lane[0].dying = true;
	puppet_pass(&p, 500000);
	assert_int_equal(p.recoveries, 0);
	puppet_finish(&p);
}

/* That the session's peer has something says nothing of the path that it
 * was sent on. */
static void test_suspect_despite_ack(void **state)
{
	stall_first_lane();
	puppet_say_ack(&p.lane[1], &p.lane[0]);
	puppet_pass(&p, 300000);
	assert_int_equal(p.recoveries, 0);
	puppet_finish(&p);
}

static void test_suspect_is_given_up(void **state)
{
	stall_first_lane();
	pass_heard(&p.lane[1], 14000000);
	assert_non_null(p.lane[0].lane);
	pass_heard(&p.lane[1], 3000000);
	assert_null(p.lane[0].lane);
	assert_int_equal(p.over, 0);
	puppet_finish(&p);
}

/* A peer that was stopped, whose kernel goes on: what it owes does not come. */
static void stop_the_peer(void)
{
	begin(true, 2);
	puppet_open(&p);
	puppet_say_ack(&p.lane[0], &p.lane[0]);
	puppet_say_ack(&p.lane[1], &p.lane[1]);
	puppet_write(&p.reader[0], 1000, false);
	assert_int_equal(p.suspects, 0);
	puppet_pass(&p, 2000000);
}

static void test_mute(void **state)
{
	struct lane_stats stats;

	stop_the_peer();
	assert_int_equal(p.suspects, 2);
	session_lane(p.lane[0].lane, &stats);
	assert_true(stats.suspect && stats.mute);
	/* Its kernel may acknowledge what it likes; a frame says that it lives. */
	puppet_pass(&p, 300000);
	assert_int_equal(p.recoveries, 0);
	puppet_say_ack(&p.lane[1], &p.lane[0]);
	assert_int_equal(p.recoveries, 2);
	puppet_write(&p.reader[0], 1000, false);
	puppet_pass(&p, 100000);
	puppet_say_ack(&p.lane[0], &p.lane[0]);
	puppet_say_ack(&p.lane[0], &p.lane[1]);
	puppet_pass(&p, 4000000); /* nothing is owed */
	assert_int_equal(p.suspects, 2);
	puppet_finish(&p);
}

/* Who only reads is owed nothing by a peer that stops, and asks. */
static void test_mute_in_a_download(void **state)
{
	static const uint8_t zeros[8192];
	struct wire_frame f;

	begin(true, 2);
	puppet_open(&p);
	puppet_say_ack(&p.lane[0], &p.lane[0]);
	puppet_say_ack(&p.lane[1], &p.lane[1]);
	for (unsigned i = 0; i < 12; i++)
		puppet_say_data(&p.lane[i % 2], 1, i * sizeof(zeros),
		                zeros, sizeof(zeros), false);
	puppet_pass(&p, 10000);
	puppet_say_ack(&p.lane[0], &p.lane[0]);
	puppet_say_ack(&p.lane[1], &p.lane[1]);
	puppet_pass(&p, 800000);
	assert_false(puppet_hear_type(&p.lane[0], WIRE_PING, &f));
	puppet_pass(&p, 2000000);
	assert_true(puppet_hear_type(&p.lane[0], WIRE_PING, &f));
	assert_int_equal(p.suspects, 2);
	puppet_finish(&p);
}

static void test_mute_is_given_up(void **state)
{
	stop_the_peer();
	puppet_pass(&p, 17000000);
	assert_non_null(strstr(p.lane[0].dropped, "only the peer's kernel"));
	puppet_finish(&p);
}

/* One frame in time is enough, on whichever lane. */
static void test_slow_is_not_mute(void **state)
{
	struct wire_frame ping = { .type = WIRE_PING };

	begin(true, 2);
	puppet_open(&p);
	for (int i = 0; i < 10; i++) {
		puppet_pass(&p, 1300000);
		assert_true(puppet_say(&p.lane[1], &ping) > 0);
	}
	assert_int_equal(p.suspects, 0);
	puppet_finish(&p);
}

/* After a sleep of our own the peer's answer may lie there unread. */
static void test_own_sleep_is_not_mute(void **state)
{
	begin(true, 2);
	puppet_say_ack(&p.lane[0], &p.lane[0]);
	puppet_pass(&p, 1000000);
	puppet_open(&p);
	puppet_pass(&p, 500000);
	p.now_us += 10000000;
	puppet_pass(&p, 0);
	assert_int_equal(p.suspects, 0);
	puppet_finish(&p);
}

/* What shares the path with a suspect lane proves itself before it is used. */
static void test_doubted(void **state)
{
	struct wire_hello hello = { .subflow_id = 50, .path = 0, .bundle = 1 };
	struct wire_frame f;
	bool asked = false;

	begin(true, 2);
	struct puppet_lane *l = puppet_attach_as(&p, 2, &hello);
	struct reader *r = puppet_open(&p);
	stream_set_class(r->stream, STREAM_BULK); /* by bundle 0 */
	pass_heard(&p.lane[1], 1000000);
	p.lane[0].stalled = l->stalled = true;
	puppet_write(r, 60000, false);
	pass_heard(&p.lane[1], 1000000);
	while (puppet_hear(l, &f)) {
		assert_int_not_equal(f.type, WIRE_DATA);
		asked |= f.type == WIRE_PING;
	}
	assert_true(asked);
	hear_data(&p.lane[1]);
	assert_true(has_all(60000));

	l->stalled = false; /* it answers */
	puppet_pass(&p, 300000);
	puppet_detach(&p.lane[1]);
	puppet_write(r, 1000, false);
	puppet_pass(&p, 100000);
	hear_data(l);
	assert_true(has_all(61000));
	puppet_finish(&p);
}

/* Silence --------------------------------------------------------------------- */

static void test_idle_lane_is_asked(void **state)
{
	struct wire_frame ping, pong = { .type = WIRE_PONG };

	begin(true, 1);
	puppet_say_ack(&p.lane[0], &p.lane[0]);
	puppet_pass(&p, PING_IDLE_US / 2);
	assert_false(puppet_hear_type(&p.lane[0], WIRE_PING, &ping));
	for (int i = 0; i < 20; i++) {
		puppet_pass(&p, PING_IDLE_US + 1);
		assert_true(puppet_hear_type(&p.lane[0], WIRE_PING, &ping));
		pong.ping = ping.ping;
		assert_true(puppet_say(&p.lane[0], &pong) > 0);
	}
	puppet_pass(&p, 60000000); /* no answer any more */
	assert_null(p.lane[0].lane);
	puppet_finish(&p);
}

/* Fullness ---------------------------------------------------------------------- */

/* A subflow that takes nothing (it may have died in this very turn), while
 * another has room: its bytes go there, now. */
static void test_full_lane(void **state)
{
	begin(true, 2);
	p.lane[0].full = true;
	puppet_write(puppet_open(&p), 20000, false);
	puppet_pass(&p, 50000);
	assert_int_equal(hear_data(&p.lane[1]), 20000);
	assert_true(p.lane[0].want_write);
	p.lane[0].full = false;
	session_writable(p.lane[0].lane);
	puppet_write(&p.reader[0], 20000, false);
	puppet_pass(&p, 50000);
	assert_true(hear_data(&p.lane[0]) > 0);
	puppet_finish(&p);
}

static void test_all_full(void **state)
{
	begin(true, 2);
	p.lane[0].full = p.lane[1].full = true;
	puppet_write(puppet_open(&p), 20000, true);
	puppet_pass(&p, 100000);
	assert_true(p.lane[0].want_write && p.lane[1].want_write);
	p.lane[1].full = false;
	session_writable(p.lane[1].lane);
	puppet_pass(&p, 100000);
	assert_int_equal(hear_data(&p.lane[1]), 20000);
	puppet_finish(&p);
}

/* Credit ---------------------------------------------------------------------------- */

static uint64_t send_all_that_may_go(void)
{
	uint64_t bytes = 0;

	for (int i = 0; i < 100; i++) {
		puppet_pass(&p, 10000);
		bytes += hear_data(&p.lane[0]);
	}
	return bytes;
}

static void test_peers_credit_is_kept(void **state)
{
	begin(true, 1);
	puppet_write(puppet_open(&p), 1 << 20, true);
	assert_int_equal(send_all_that_may_go(), FIRST_CREDIT);
	assert_true(puppet_say_credit(&p.lane[0], 1, FIRST_CREDIT + 1) > 0);
	assert_int_equal(send_all_that_may_go(), 1);
	assert_true(puppet_say_credit(&p.lane[0], 1, FIRST_CREDIT) > 0); /* late */
	assert_int_equal(send_all_that_may_go(), 0);
	assert_true(puppet_say_credit(&p.lane[0], 1, WIRE_OFFSET_MAX) > 0);
	assert_int_equal(send_all_that_may_go(), (1 << 20) - FIRST_CREDIT - 1);
	assert_true(has_all(1 << 20));
	puppet_finish(&p);
}

static void test_credit_of_settings(void **state)
{
	struct wire_frame s = { .type = WIRE_SETTINGS,
	                        .settings = { .serial = 1, .stream_credit = 5000 } };

	begin(true, 1);
	assert_true(puppet_say(&p.lane[0], &s) > 0);
	puppet_write(puppet_open(&p), 10000, true);
	assert_int_equal(send_all_that_may_go(), 5000);
	puppet_finish(&p);
}

/* The owner is slowed by what has not left, and is called when it has. */
static void test_owner_is_slowed(void **state)
{
	begin(true, 1);
	struct reader *r = puppet_open(&p);
	puppet_write(r, 1 << 20, true);
	puppet_pass(&p, 1000000);
	assert_true(r->written < 1 << 20);
	assert_true(r->written >= FIRST_CREDIT);
	puppet_say_credit(&p.lane[0], 1, 1 << 20);
	puppet_pass(&p, 1000000);
	assert_true(r->writable > 0);
	assert_int_equal(r->written, 1 << 20);
	puppet_finish(&p);
}

/* Several connections in one ----------------------------------------------------- */

/* What the others bring is progress, but not of all. */
static void test_stuck(void **state)
{
	begin(true, 3);
	session_set_reserve(p.session, 1u << 1 | 1u << 2);
	p.lane[2].stalled = true;
	struct reader *r = puppet_open(&p);
	puppet_say_credit(&p.lane[0], 1, 1u << 20);
	puppet_write(r, 20000, false);
	puppet_pass(&p, 10000);
	hear_data(&p.lane[0]);
	p.lane[0].stuck = true;
	puppet_write(r, 20000, false);
	puppet_pass(&p, 100000);
	assert_true(p.suspects > 0);
	unsigned recoveries = p.recoveries;
	/* Those in reserve are asked; one does not answer, and carries nothing. */
	assert_int_equal(hear_data(&p.lane[2]), 0);
	hear_data(&p.lane[0]);
	hear_data(&p.lane[1]);
	assert_true(has_all(40000));
	puppet_write(r, 20000, false);
	puppet_pass(&p, 300000);
	assert_int_equal(hear_data(&p.lane[0]), 0);
	assert_int_equal(p.recoveries, recoveries);
	p.lane[0].stuck = false;
	puppet_write(r, 20000, false);
	puppet_pass(&p, 100000);
	assert_true(p.recoveries > recoveries);
	puppet_finish(&p);
}

/* Given up sooner than one that is silent as a whole. */
static void test_stuck_is_given_up(void **state)
{
	for (int stuck = 0; stuck < 2; stuck++) {
		begin(true, 2);
		struct reader *r = puppet_open(&p);
		p.lane[0].stuck = stuck;
		p.lane[0].stalled = true;
		puppet_write(r, 20000, false);
		puppet_pass(&p, 3000000);
		assert_int_equal(*p.lane[0].dropped != 0, stuck);
		assert_false(*p.lane[1].dropped);
		puppet_finish(&p);
	}
}

/* What is small goes where the kernel will send it by the faster uplink. */
static void test_first_rtt(void **state)
{
	for (unsigned fast = 1; fast < 3; fast++) {
		begin(true, 0);
		for (unsigned i = 1; i < 3; i++) {
			struct wire_hello hello = { .path = WIRE_PATH_MPTCP4,
				.bundle = (uint8_t)i, .subflow_id = i };
			p.lane[i].first_rtt_us = i == fast ? 10000 : 60000;
			assert_non_null(puppet_attach_as(&p, i, &hello));
		}
		struct reader *r = puppet_open(&p);
		for (int i = 0; i < 5; i++) {
			puppet_pass(&p, 10000);
			puppet_write(r, 1000, false);
		}
		puppet_pass(&p, 10000);
		assert_int_equal(hear_data(&p.lane[fast]), 5000);
		assert_int_equal(hear_data(&p.lane[3 - fast]), 0);
		puppet_finish(&p);
	}
}

static void test_spread_backlog(void **state)
{
	size_t lowat[2];

	for (int i = 0; i < 2; i++) {
		begin(true, 1);
		p.lane[0].spread_us = i ? 100000 : 0;
		puppet_write(puppet_open(&p), 20000, false);
		puppet_pass(&p, 1000000);
		lowat[i] = p.lane[0].lowat;
		puppet_finish(&p);
	}
	/* 100 ms of 10 MB/s and a quarter, to a quarter; or what it is at most. */
	assert_in_range(lowat[1] - lowat[0], 900000, 1600000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acknowledges_whole_frames),
		cmocka_unit_test(test_ack_of_acks),
		cmocka_unit_test(test_acknowledged_is_forgotten),
		cmocka_unit_test(test_lost_subflow),
		cmocka_unit_test(test_lost_credit),
		cmocka_unit_test(test_lost_reset),
		cmocka_unit_test(test_suspect),
		cmocka_unit_test(test_suspect_recovers),
		cmocka_unit_test(test_suspect_while_busy),
		cmocka_unit_test(test_suspect_though_it_dies),
		cmocka_unit_test(test_suspect_despite_ack),
		cmocka_unit_test(test_suspect_is_given_up),
		cmocka_unit_test(test_mute),
		cmocka_unit_test(test_mute_in_a_download),
		cmocka_unit_test(test_mute_is_given_up),
		cmocka_unit_test(test_slow_is_not_mute),
		cmocka_unit_test(test_own_sleep_is_not_mute),
		cmocka_unit_test(test_doubted),
		cmocka_unit_test(test_idle_lane_is_asked),
		cmocka_unit_test(test_full_lane),
		cmocka_unit_test(test_all_full),
		cmocka_unit_test(test_peers_credit_is_kept),
		cmocka_unit_test(test_credit_of_settings),
		cmocka_unit_test(test_owner_is_slowed),
		cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_stuck_is_given_up),
		cmocka_unit_test(test_first_rtt),
		cmocka_unit_test(test_spread_backlog),
	};

	return cmocka_run_group_tests_name("transport/lane", tests, NULL, NULL);
}
