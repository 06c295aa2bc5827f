/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a session's policy decides, seen by a peer that is played by hand
 * (puppet.h): which stream comes next, what is bulk, what is sent again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "puppet.h"

#include <string.h>

#define FIRST_CREDIT 131072u /* that a session counts on before SETTINGS */
#define TURNS_MAX 256
#define BULK_AFTER 262144u
#define LEARNT_TIMES 8
#define LEARNT_BYTES (LEARNT_TIMES * 40000u) /* sent until the paths are known */

static struct puppet p; /* of one test; large */

static void begin(const char *scheduler, const char *order,
                  enum reinject_policy reinjection, unsigned lanes)
{
	struct puppet_args args = { .opens = true, .scheduler = scheduler };
	struct session_policy policy;

	puppet_init(&p, &args);
	session_policy_init(&policy, sched_find(scheduler));
	policy.order = order_find(order);
	policy.reinjection = reinjection;
	policy.bulk_after_bytes = BULK_AFTER;
	assert_non_null(policy.order);
	session_set_policy(p.session, &policy);
	for (unsigned i = 0; i < lanes; i++)
		assert_non_null(puppet_attach(&p, i));
}

/* Order ---------------------------------------------------------------------- */

/* The streams in the order in which their pieces come; a row is one. */
static unsigned hear_turns(struct puppet_lane *l, uint32_t turns[TURNS_MAX])
{
	struct wire_frame f;
	unsigned n = 0;

	while (puppet_hear(l, &f))
		if ((f.type == WIRE_DATA || f.type == WIRE_DATA_FIN) &&
		    (!n || turns[n - 1] != f.data.stream)) {
			assert_true(n < TURNS_MAX);
			turns[n++] = f.data.stream;
		}
	return n;
}

/* Streams 1, 3 and 5, of 90, 9 and 50 KB, written while nothing could leave. */
static unsigned three_streams(const char *order, enum stream_class first,
                              uint32_t turns[TURNS_MAX])
{
	static const uint64_t sizes[] = { 90000, 9000, 50000 };
	struct wire_frame settings = { .type = WIRE_SETTINGS,
		.settings = { .serial = 1, .stream_credit = 4 << 20 } };

	begin("lowrtt", order, REINJECT_SUSPECT, 1);
	struct puppet_lane *l = &p.lane[0];
	assert_true(puppet_say(l, &settings) > 0);
	for (int i = 0; i < 3; i++)
		puppet_open(&p);
	if (first == STREAM_BULK)
		stream_set_class(p.reader[0].stream, first);
	l->full = true;
	for (int i = 0; i < 3; i++)
		puppet_write(&p.reader[i], sizes[i], true);
	l->full = false;
	session_writable(l->lane);
	puppet_pass(&p, 500000);
	unsigned n = hear_turns(l, turns);
	puppet_finish(&p);
	return n;
}

static void test_fifo(void **state)
{
	uint32_t turns[TURNS_MAX];

	assert_int_equal(three_streams("fifo", STREAM_INTERACTIVE, turns), 3);
	assert_int_equal(turns[0], 1);
	assert_int_equal(turns[1], 3);
	assert_int_equal(turns[2], 5);
}

static void test_srpt(void **state)
{
	uint32_t turns[TURNS_MAX];

	assert_int_equal(three_streams("srpt", STREAM_INTERACTIVE, turns), 3);
	assert_int_equal(turns[0], 3);
	assert_int_equal(turns[1], 5);
	assert_int_equal(turns[2], 1);
}

static void test_roundrobin(void **state)
{
	uint32_t turns[TURNS_MAX];

	assert_true(three_streams("roundrobin", STREAM_INTERACTIVE, turns) > 4);
	assert_int_equal(turns[0], 1);
	assert_int_equal(turns[1], 3);
	assert_int_equal(turns[2], 5);
	assert_int_equal(turns[3], 1);
}

static void test_priority(void **state)
{
	uint32_t turns[TURNS_MAX];
	unsigned n = three_streams("priority", STREAM_BULK, turns);
	unsigned last_interactive = 0, bulk_before = 0;

	for (unsigned i = 0; i < n; i++)
		if (turns[i] != 1)
			last_interactive = i;
	for (unsigned i = 0; i < last_interactive; i++)
		bulk_before += turns[i] == 1;
	assert_true(n >= 3);
	assert_int_not_equal(turns[0], 1);
	assert_true(bulk_before <= 1); /* its share: an eighth */
	assert_int_equal(turns[n - 1], 1);
}

/* Bulk keeps its share though there is always something interactive. */
static void test_bulk_share(void **state)
{
	uint64_t bytes[2] = { 0, 0 };
	struct wire_frame f;

	begin("lowrtt", "priority", REINJECT_SUSPECT, 1);
	struct puppet_lane *l = &p.lane[0];
	for (int i = 0; i < 2; i++)
		puppet_say_credit(l, puppet_open(&p)->stream ?
		                  (uint32_t)(2 * i + 1) : 0, 64u << 20);
	stream_set_class(p.reader[0].stream, STREAM_BULK);
	stream_set_class(p.reader[1].stream, STREAM_INTERACTIVE);
	for (int i = 0; i < 2; i++)
		puppet_write(&p.reader[i], 8u << 20, false);
	for (int i = 0; i < 400; i++) {
		puppet_pass(&p, 5000);
		session_writable(l->lane);
		while (puppet_hear(l, &f))
			if (f.type == WIRE_DATA && bytes[1] < 4u << 20)
				bytes[f.data.stream / 2] += f.data.len;
		puppet_say_ack(l, l);
	}
	assert_true(bytes[1] >= 4u << 20);
	assert_true(bytes[0] >= bytes[1] / 16);
	assert_true(bytes[0] <= bytes[1] / 4);
	puppet_finish(&p);
}

/* Classes -------------------------------------------------------------------- */

static enum stream_class class_now;

static void note_class(void *ctx, const struct stream_stats *stats)
{
	class_now = stats->class;
}

static enum stream_class class_of_stream(void)
{
	session_each_stream(p.session, note_class, NULL);
	return class_now;
}

static void test_class_is_told(void **state)
{
	struct wire_frame f;

	begin("lowrtt", "roundrobin", REINJECT_SUSPECT, 1);
	puppet_open(&p);
	assert_false(puppet_hear_type(&p.lane[0], WIRE_CLASS, &f));
	stream_set_class(p.reader[0].stream, STREAM_BULK);
	assert_true(puppet_hear_type(&p.lane[0], WIRE_CLASS, &f));
	assert_int_equal(f.class.stream, 1);
	assert_int_equal(f.class.class, STREAM_BULK);
	assert_int_equal(class_of_stream(), STREAM_BULK);
	puppet_detach(&p.lane[0]); /* lost: said again */
	assert_true(puppet_hear_type(puppet_attach(&p, 1), WIRE_CLASS, &f));
	puppet_finish(&p);
}

static void test_class_is_heard(void **state)
{
	struct puppet_args args = { .opens = false };
	struct wire_frame f = { .type = WIRE_CLASS, .class = { 1, STREAM_BULK } };

	puppet_init(&p, &args);
	struct puppet_lane *l = puppet_attach(&p, 0);
	assert_true(puppet_say_open(l, 1) > 0);
	assert_int_equal(class_of_stream(), STREAM_INTERACTIVE);
	assert_true(puppet_say(l, &f) > 0);
	assert_int_equal(class_of_stream(), STREAM_BULK);
	puppet_finish(&p);
}

static void test_burst_becomes_bulk(void **state)
{
	begin("lowrtt", "roundrobin", REINJECT_SUSPECT, 1);
	puppet_open(&p);
	puppet_say_credit(&p.lane[0], 1, 4u << 20);
	puppet_write(&p.reader[0], BULK_AFTER / 2, false);
	puppet_pass(&p, 100000);
	assert_int_equal(class_of_stream(), STREAM_INTERACTIVE);
	puppet_write(&p.reader[0], BULK_AFTER, false);
	puppet_pass(&p, 100000);
	assert_int_equal(class_of_stream(), STREAM_BULK);
	puppet_pass(&p, 2 * BURST_GAP_US);
	puppet_write(&p.reader[0], 1000, false);
	assert_int_equal(class_of_stream(), STREAM_INTERACTIVE);
	puppet_finish(&p);
}

/* Writes so much, which is taken and acknowledged. */
static void pass_bytes(uint64_t n)
{
	struct wire_frame f;

	puppet_write(&p.reader[0], n, false);
	puppet_pass(&p, 50000);
	while (puppet_hear(&p.lane[0], &f))
		;
	assert_true(puppet_say_ack(&p.lane[0], &p.lane[0]) > 0);
}

/* A game, a shell: little each way, all the time, and never quiet for long. */
static void test_little_by_little_is_no_burst(void **state)
{
	begin("lowrtt", "roundrobin", REINJECT_SUSPECT, 1);
	puppet_open(&p);
	puppet_say_credit(&p.lane[0], 1, 16u << 20);
	for (unsigned i = 0; i < 100; i++) { /* 2.5 times BULK_AFTER, in 5 s */
		pass_bytes(BULK_AFTER / 40);
		assert_int_equal(class_of_stream(), STREAM_INTERACTIVE);
	}
	for (unsigned i = 0; i < 6; i++)
		pass_bytes(BULK_AFTER / 4);
	assert_int_equal(class_of_stream(), STREAM_BULK);
	for (unsigned i = 0; i < 60; i++) /* and is little again */
		pass_bytes(BULK_AFTER / 40);
	assert_int_equal(class_of_stream(), STREAM_INTERACTIVE);
	puppet_finish(&p);
}

/* Events --------------------------------------------------------------------- */

static struct {
	uint64_t sent[2];
	unsigned blocked, blocked_path;
} told;

static void note_event(void *instance, const struct sched_event *event)
{
	if (event->type == SCHED_EV_SENT) {
		told.sent[event->path] += event->bytes;
		return;
	}
	assert_int_equal(event->type, SCHED_EV_HOL_BLOCKED);
	assert_true(event->bytes > 0);
	told.blocked++;
	told.blocked_path = event->path;
}

/* Round robin, and hears what happens. */
static void test_events(void **state)
{
	struct sched_ops listener = *sched_find("roundrobin");
	struct session_policy policy;

	memset(&told, 0, sizeof(told));
	listener.event = note_event;
	begin("roundrobin", "roundrobin", REINJECT_OFF, 2);
	session_policy_init(&policy, &listener);
	session_set_policy(p.session, &policy);
	struct reader *r = puppet_open(&p);
	puppet_write(r, FIRST_CREDIT + 50000, false);
	puppet_pass(&p, 10000);
	assert_int_equal(told.sent[0] + told.sent[1], FIRST_CREDIT);
	assert_true(told.sent[0] > 0 && told.sent[1] > 0);
	assert_int_equal(told.blocked, 0); /* nothing is known to be late */
	puppet_say_ack(&p.lane[1], &p.lane[1]);
	assert_int_equal(told.blocked, 1);
	assert_int_equal(told.blocked_path, 0);
	puppet_say_credit(&p.lane[1], 1, FIRST_CREDIT + 20000);
	puppet_pass(&p, 10000);
	puppet_say_ack(&p.lane[1], &p.lane[1]);
	assert_int_equal(told.blocked, 2); /* again, after new credit */
	puppet_say_ack(&p.lane[0], &p.lane[0]);
	assert_int_equal(told.blocked, 2);
	puppet_finish(&p);
}

/* Reinjection ---------------------------------------------------------------- */

static uint64_t hear_bytes(struct puppet_lane *l)
{
	struct wire_frame f;
	uint64_t bytes = 0;

	while (puppet_hear(l, &f))
		if (f.type == WIRE_DATA || f.type == WIRE_DATA_FIN)
			bytes += f.data.len;
	return bytes;
}

/* Now both paths are known, and nothing is in flight. */
static struct reader *learn(uint64_t credit)
{
	struct reader *r = puppet_open(&p);
	puppet_say_credit(&p.lane[0], 1, LEARNT_BYTES + credit);
	for (int i = 0; i < LEARNT_TIMES; i++) {
		puppet_write(r, 40000, false);
		hear_bytes(&p.lane[0]);
		puppet_say_ack(&p.lane[0], &p.lane[0]);
		puppet_pass(&p, 400000);
		hear_bytes(&p.lane[0]);
		hear_bytes(&p.lane[1]);
		puppet_say_ack(&p.lane[0], &p.lane[0]);
		puppet_say_ack(&p.lane[0], &p.lane[1]);
	}
	return r;
}

/* Round robin over a path whose pieces are acknowledged at once, and one where
 * they take 400 ms. */
static struct reader *two_paths(enum reinject_policy reinjection,
                                uint64_t credit)
{
	begin("roundrobin", "roundrobin", reinjection, 2);
	return learn(credit);
}

static uint64_t again_bytes(enum reinject_policy why)
{
	struct session_stats stats;

	session_stats(p.session, &stats);
	return stats.again_bytes[why];
}

static void test_suspect_only(void **state)
{
	struct reader *r = two_paths(REINJECT_SUSPECT, 40000);
	uint64_t before = again_bytes(REINJECT_TAIL) +
	                  again_bytes(REINJECT_DEADLINE);

	puppet_write(r, 40000, true);
	puppet_pass(&p, 3000000);
	assert_int_equal(hear_bytes(&p.lane[0]) + hear_bytes(&p.lane[1]), 40000);
	assert_int_equal(before, 0);
	assert_int_equal(again_bytes(REINJECT_TAIL), 0);
	assert_int_equal(again_bytes(REINJECT_DEADLINE), 0);
	puppet_finish(&p);
}

static void test_tail(void **state)
{
	struct reader *r = two_paths(REINJECT_TAIL, 40000);
	uint64_t before = again_bytes(REINJECT_TAIL);

	puppet_write(r, 40000, true);
	puppet_pass(&p, 30000); /* before anything is late */
	uint64_t slow = hear_bytes(&p.lane[1]);
	assert_true(slow > 0);
	/* What the slow path has, the fast one brings too, and no more. */
	assert_int_equal(hear_bytes(&p.lane[0]), 40000);
	assert_int_equal(again_bytes(REINJECT_TAIL) - before, slow);
	puppet_pass(&p, 3000000);
	assert_int_equal(hear_bytes(&p.lane[1]), 0); /* once is enough */
	assert_int_equal(again_bytes(REINJECT_DEADLINE), 0);
	puppet_finish(&p);
}

static void test_deadline(void **state)
{
	struct reader *r = two_paths(REINJECT_DEADLINE, 40000);
	uint64_t before = again_bytes(REINJECT_DEADLINE);

	puppet_write(r, 60000, false); /* more than credit: it is not the end */
	hear_bytes(&p.lane[0]);
	puppet_say_ack(&p.lane[0], &p.lane[0]);
	uint64_t slow = hear_bytes(&p.lane[1]);
	assert_true(slow > 0);
	puppet_pass(&p, 300000);
	assert_int_equal(hear_bytes(&p.lane[0]), 0); /* it may take so long */
	puppet_pass(&p, 3000000); /* the slow one never acknowledges */
	assert_int_equal(again_bytes(REINJECT_DEADLINE) - before, slow);
	assert_int_equal(hear_bytes(&p.lane[0]), slow);
	puppet_finish(&p);
}

/* However much is overdue, most of it waits for its own path. */
static void test_budget(void **state)
{
	struct reader *r = two_paths(REINJECT_DEADLINE, 64u << 20);
	uint64_t sent = 0;

	for (int i = 0; i < 200; i++) {
		puppet_write(r, 60000, false);
		puppet_pass(&p, 20000);
		sent += hear_bytes(&p.lane[0]) + hear_bytes(&p.lane[1]);
		puppet_say_ack(&p.lane[0], &p.lane[0]);
	}
	uint64_t again = again_bytes(REINJECT_DEADLINE) +
	                 again_bytes(REINJECT_TAIL);
	assert_true(again > 0);
	assert_true(again <= REINJECT_SAVED_MAX +
	                     (sent + LEARNT_BYTES) / REINJECT_SHARE + 60000);
	puppet_finish(&p);
}

/* Two paths with bytes on both, of which the second hears nothing from now on.
 * Returns how many it has. */
static uint64_t cut_second(void)
{
	struct wire_frame settings = { .type = WIRE_SETTINGS,
		.settings = { .serial = 1, .stream_credit = 4 << 20 } };

	struct session_policy policy;

	begin("roundrobin", "roundrobin", REINJECT_TAIL, 2);
	session_policy_init(&policy, sched_find("roundrobin"));
	policy.deep = false;
	session_set_policy(p.session, &policy);
	puppet_say(&p.lane[0], &settings);
	struct reader *r = puppet_open(&p);
	p.lane[1].stalled = true;
	puppet_write(r, FIRST_CREDIT + 400000, false); /* the end is not near */
	hear_bytes(&p.lane[0]);
	puppet_say_ack(&p.lane[0], &p.lane[0]);
	return hear_bytes(&p.lane[1]);
}

/* Passes so long in steps, the second one silent. */
static void pass_quiet(uint64_t us)
{
	for (; us; us -= 10000) {
		p.lane[1].quiet_us += 10000;
		puppet_pass(&p, 10000);
	}
}

static void test_silent(void **state)
{
	uint64_t held = cut_second();

	assert_true(held > 0);
	pass_quiet(90000);
	assert_int_equal(again_bytes(REINJECT_OVERDUE), 0);
	pass_quiet(20000);
	held += hear_bytes(&p.lane[1]); /* until then it was given some */
	assert_int_equal(again_bytes(REINJECT_OVERDUE), held);
	assert_true(hear_bytes(&p.lane[0]) >= held);
	assert_int_equal(p.suspects, 0); /* it may live */
	puppet_write(&p.reader[0], 30000, false);
	pass_quiet(20000);
	assert_int_equal(hear_bytes(&p.lane[1]), 0); /* but has enough to show it */
	pass_quiet(100000);
	assert_int_equal(p.suspects, 1);
	assert_int_equal(again_bytes(REINJECT_SUSPECT), 0); /* once is enough */
	puppet_finish(&p);
}

/* What the peer's kernel has is not sent again: it is there. */
static void test_silent_has_what_is_there(void **state)
{
	uint64_t there = cut_second();

	p.lane[1].stalled = false;
	puppet_pass(&p, 10000);
	there += hear_bytes(&p.lane[1]);
	puppet_pass(&p, 10000); /* seen by its kernel, and not told by its session */
	assert_true(there > 0);
	p.lane[1].stalled = true;
	puppet_write(&p.reader[0], 100000, false);
	pass_quiet(10000);
	uint64_t held = hear_bytes(&p.lane[1]);
	pass_quiet(110000);
	held += hear_bytes(&p.lane[1]);
	assert_true(held > 0);
	assert_int_equal(again_bytes(REINJECT_OVERDUE), held);
	puppet_finish(&p);
}

/* A window that closed: what the kernel has not sent goes again, at once. */
static void test_closed_window(void **state)
{
	struct session_policy policy;
	uint64_t held = cut_second();

	session_policy_init(&policy, sched_find("roundrobin"));
	session_set_policy(p.session, &policy);
	puppet_pass(&p, 10000);
	held += hear_bytes(&p.lane[1]);
	assert_int_equal(again_bytes(REINJECT_OVERDUE), 0);
	p.lane[1].window_bytes = 5600;
	puppet_pass(&p, 10000);
	uint64_t again = again_bytes(REINJECT_OVERDUE);
	assert_true(again > 0 && again <= held);
	assert_true(again + 5600 + WIRE_PIECE_BYTES_MAX >= held);
	assert_true(hear_bytes(&p.lane[0]) >= again);
	puppet_pass(&p, 20000);
	assert_int_equal(again_bytes(REINJECT_OVERDUE), again); /* once */
	puppet_finish(&p);
}

/* What a thin path got of what is next is late: it goes again, though the end is
 * not near and nothing behind it was taken before. */
static void test_thin_path(void **state)
{
	begin("roundrobin", "roundrobin", REINJECT_TAIL, 1);
	p.lane[1].rate_bps = 100000;
	assert_non_null(puppet_attach(&p, 1));
	struct reader *r = learn(4 << 20);
	for (int i = 0; i < 60; i++) {
		puppet_write(r, 40000, false);
		puppet_pass(&p, 10000);
		hear_bytes(&p.lane[0]);
		puppet_say_ack(&p.lane[0], &p.lane[0]);
	}
	assert_true(hear_bytes(&p.lane[1]) > 0);
	assert_true(again_bytes(REINJECT_OVERDUE) > 0);
	puppet_finish(&p);
}

static unsigned hear_opens(struct puppet_lane *l)
{
	struct wire_frame f;
	unsigned opens = 0;

	while (puppet_hear_type(l, WIRE_OPEN, &f))
		opens++;
	return opens;
}

/* What opens a stream and is late is said again, once, by another path. */
static void test_late_control(void **state)
{
	struct reader *r = two_paths(REINJECT_TAIL, 40000);
	puppet_write(r, 40000, false);
	puppet_pass(&p, 10000); /* it takes so long */
	puppet_say_ack(&p.lane[0], &p.lane[0]);
	puppet_say_ack(&p.lane[0], &p.lane[1]);
	uint64_t before = again_bytes(REINJECT_OVERDUE);
	puppet_open(&p);
	assert_int_equal(hear_opens(&p.lane[0]), 1);
	assert_int_equal(hear_opens(&p.lane[1]), 0);
	uint64_t sent = p.lane[1].sent_bytes;
	puppet_pass(&p, 300000);
	sent = p.lane[1].sent_bytes - sent;
	assert_int_equal(hear_opens(&p.lane[1]), 1);
	assert_int_equal(hear_opens(&p.lane[0]), 0);
	assert_int_equal(again_bytes(REINJECT_OVERDUE) - before, sent);
	puppet_finish(&p);
}

/* Who hears something, though no progress, is not silent; and who makes progress
 * is not silent any more. */
static void test_not_silent(void **state)
{
	cut_second();
	for (int i = 0; i < 18; i++) {
		p.lane[1].quiet_us = 5000;
		puppet_pass(&p, 10000);
	}
	assert_int_equal(again_bytes(REINJECT_OVERDUE), 0);
	puppet_finish(&p);
	cut_second();
	pass_quiet(110000);
	assert_true(again_bytes(REINJECT_OVERDUE) > 0);
	p.lane[1].stalled = false;
	p.lane[1].quiet_us = 0;
	puppet_pass(&p, 60000);
	hear_bytes(&p.lane[1]);
	puppet_write(&p.reader[0], 200000, false);
	puppet_pass(&p, 10000);
	assert_true(hear_bytes(&p.lane[1]) > 0);
	assert_int_equal(p.suspects, 0);
	puppet_finish(&p);
}

/* Paths in reserve ------------------------------------------------------------ */

static void pass_and_ack(unsigned lanes)
{
	puppet_pass(&p, 20000);
	for (unsigned i = 0; i < lanes; i++)
		if (p.lane[i].lane && !p.lane[i].stalled)
			puppet_say_ack(&p.lane[i], &p.lane[i]);
}

static void write_some(struct reader *r)
{
	for (int i = 0; i < 5; i++) {
		puppet_write(r, 20000, false);
		pass_and_ack(2);
	}
}

/* A path in reserve carries nothing, but while no other works. */
static void test_reserve(void **state)
{
	struct wire_frame f;

	begin("roundrobin", "roundrobin", REINJECT_TAIL, 2);
	session_set_reserve(p.session, 1u << 1);
	assert_true(puppet_hear_type(&p.lane[0], WIRE_SETTINGS, &f) &&
	            puppet_hear_type(&p.lane[0], WIRE_SETTINGS, &f));
	assert_int_equal(f.settings.reserve, 1u << 1);
	struct reader *r = puppet_open(&p);
	puppet_say_credit(&p.lane[0], 1, 4u << 20);
	write_some(r);
	assert_int_equal(hear_bytes(&p.lane[1]), 0);
	assert_int_equal(hear_bytes(&p.lane[0]), 100000);

	p.lane[0].stalled = true; /* suspect in a while: then the other holds */
	puppet_write(r, 20000, false);
	puppet_pass(&p, 2 * SUSPECT_MIN_US);
	assert_true(p.suspects > 0);
	assert_int_equal(hear_bytes(&p.lane[0]), 20000);
	assert_int_equal(hear_bytes(&p.lane[1]), 20000);

	p.lane[0].stalled = false;
	puppet_pass(&p, 100000);
	assert_true(p.recoveries > 0);
	pass_and_ack(2);
	write_some(r);
	assert_int_equal(hear_bytes(&p.lane[1]), 0);
	assert_int_equal(hear_bytes(&p.lane[0]), 100000);

	session_set_reserve(p.session, 1u << 0); /* under way */
	write_some(r);
	assert_int_equal(hear_bytes(&p.lane[0]), 0);
	assert_int_equal(hear_bytes(&p.lane[1]), 100000);
	puppet_finish(&p);
}

static struct path_load load_of(unsigned path, uint64_t beside_bps)
{
	struct path_load load;

	session_path_load(p.session, path, beside_bps, &load);
	return load;
}

/* Who shares a path with streams is told what they take, and how many they are. */
static void test_load(void **state)
{
	begin("lowrtt", "roundrobin", REINJECT_TAIL, 1);
	assert_int_equal(load_of(0, 0).taken_bps, 0);
	for (unsigned i = 0; i < 20; i++) {
		struct reader *r = puppet_open(&p);
		puppet_say_credit(&p.lane[0], r->stream ? 2 * i + 1 : 0, 64u << 20);
		stream_set_class(r->stream, STREAM_BULK);
	}
	puppet_write(&p.reader[0], 4u << 20, false);
	uint64_t from_us = p.now_us;
	for (unsigned i = 0; i < 10; i++)
		pass_and_ack(1);
	uint64_t all = hear_bytes(&p.lane[0]) * 1000000 / (p.now_us - from_us);
	struct path_load load = load_of(0, 0);
	assert_in_range(load.taken_bps, all * 2 / 3, all * 3 / 2);
	assert_in_range(load.rate_bps, all * 2 / 3, all * 3 / 2);
	assert_int_equal(load.streams, 1);
	for (unsigned i = 1; i < 20; i++)
		puppet_write(&p.reader[i], 4u << 20, false);
	for (unsigned i = 0; i < 10; i++)
		pass_and_ack(1);
	assert_in_range(load_of(0, 0).taken_bps, all / 2, all * 2);
	assert_int_equal(load_of(0, 0).streams, 20);
	for (unsigned i = 0; i < 20; i++)
		p.reader[i].to_write = p.reader[i].written;
	puppet_pass(&p, 1);
	p.now_us += 3000000; /* nobody asks any more */
	assert_int_equal(load_of(0, 0).taken_bps, 0);
	puppet_finish(&p);
}

/* What they take by the kernel's MPTCP counts as what they take by the path's own lanes. */
static void test_load_beside_mptcp(void **state)
{
	begin("lowrtt", "roundrobin", REINJECT_TAIL, 1);
	p.now_us += 3000000; /* the path's own rest */
	struct path_load load = load_of(1, 600000);
	assert_int_equal(load.taken_bps, 600000);
	assert_int_equal(load.rate_bps, 600000);
	assert_int_equal(load.streams, 1);
	puppet_finish(&p);
}

/* A path that carries nothing looks as slow as it was found when it carried little,
 * and another is fast enough for all: it is tried all the same. */
static void test_slow_by_hearsay(void **state)
{
	begin("srpt_ecf", "srpt", REINJECT_TAIL, 0);
	p.lane[0].rate_bps = 80000;
	for (unsigned i = 0; i < 2; i++)
		assert_non_null(puppet_attach(&p, i));
	struct reader *r = puppet_open(&p);
	puppet_say_credit(&p.lane[0], 1, 64u << 20);
	for (unsigned i = 0; i < 100; i++) {
		puppet_write(r, 2000, false);
		pass_and_ack(2);
	}
	assert_true(hear_bytes(&p.lane[0]) > 50000);
	puppet_finish(&p);
}

/* The concentrator does as the gateway says; the gateway, as itself. */
static void test_reserve_is_the_gateways(void **state)
{
	struct wire_frame f = { .type = WIRE_SETTINGS,
	                        .settings = { .serial = 9, .reserve = 1u << 0,
	                                      .stream_credit = 1u << 20 } };

	for (int opens = 0; opens < 2; opens++) {
		struct puppet_args args = { .opens = opens };
		puppet_init(&p, &args);
		puppet_attach(&p, 0);
		puppet_attach(&p, 1);
		assert_true(puppet_say(&p.lane[0], &f) > 0);
		if (opens)
			puppet_open(&p);
		else
			assert_true(puppet_say_open(&p.lane[0], 1) > 0);
		puppet_say_credit(&p.lane[0], 1, 4u << 20);
		write_some(&p.reader[0]);
		if (opens)
			assert_true(hear_bytes(&p.lane[0]) > 0);
		else
			assert_int_equal(hear_bytes(&p.lane[0]), 0);
		assert_true(opens || hear_bytes(&p.lane[1]) == 100000);
		puppet_finish(&p);
	}
}

static void test_probe(void **state)
{
	struct session_stats stats;
	struct wire_frame f, other;

	begin("lowrtt", "roundrobin", REINJECT_TAIL, 1);
	struct puppet_lane *l = &p.lane[0];
	session_probe(p.session);
	assert_true(puppet_hear_type(l, WIRE_PING, &f));
	puppet_pass(&p, 30000);
	session_probe(p.session); /* one is awaited */
	assert_false(puppet_hear_type(l, WIRE_PING, &other));
	f.type = WIRE_PONG;
	f.ping.stamp++;
	puppet_say(l, &f); /* another's */
	f.ping.stamp--;
	for (int i = 0; i < 2; i++)
		assert_true(puppet_say(l, &f) > 0);
	session_stats(p.session, &stats);
	assert_int_equal(stats.echoes, 1);
	assert_int_equal(stats.echo_us, 30000);
	session_probe(p.session);
	assert_true(puppet_hear_type(l, WIRE_PING, &f));
	puppet_detach(l); /* it went with its subflow */
	l = puppet_attach(&p, 1);
	session_probe(p.session);
	assert_true(puppet_hear_type(l, WIRE_PING, &f));
	puppet_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_srpt),
		cmocka_unit_test(test_roundrobin),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_bulk_share),
		cmocka_unit_test(test_class_is_told),
		cmocka_unit_test(test_class_is_heard),
		cmocka_unit_test(test_burst_becomes_bulk),
		cmocka_unit_test(test_little_by_little_is_no_burst),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_suspect_only),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_silent_has_what_is_there),
		cmocka_unit_test(test_not_silent),
		cmocka_unit_test(test_closed_window),
		cmocka_unit_test(test_thin_path),
		cmocka_unit_test(test_late_control),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_beside_mptcp),
		cmocka_unit_test(test_slow_by_hearsay),
		cmocka_unit_test(test_reserve_is_the_gateways),
	};

	return cmocka_run_group_tests_name("transport/session_policy", tests, NULL, NULL);
}
