/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * One path under virtual time: a sender that always has something, a drop-tail
 * link, a receiver with its feedback, which comes back after the way's delay.
 */
#include "agg/transport/feedback.h"
#include "scheduler/sim/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define MBIT 125000.0
#define BYTES 1457u        /* of a datagram, with IPv4 and UDP */
#define RIVAL_BYTES 1500u  /* by which it is known */
#define SAMPLES 100000u
#define BACK_MAX 512u
#define CLOCK_US 77777777u    /* the receiver's is ahead */

struct way {
	struct events events;
	struct link link;
	struct event tick, tell, back_event, change;
	struct tunnel_rate rate;
	struct feedback feedback;
	struct feedback_heard heard;
	struct { uint64_t at_ns; struct datagram_feedback f; } back[BACK_MAX];
	unsigned back_first, back_end;
	uint64_t back_ns, counter;
	uint16_t sent[1u << 17];   /* by counter */
	unsigned feedback_loss;    /* percent */
	struct rand rand;
	/* what is measured */
	uint64_t from_ns, got_bytes, sent_packets, lost_packets;
	uint16_t queues[SAMPLES];  /* ms/10 */
	unsigned samples;
	uint64_t offer_bps;        /* 0: always something */
	uint64_t offered;
	uint32_t rival_bytes, rival_out; /* somebody else has so much under way; and has */
	bool trains;
};

static uint64_t now_us(const struct way *w) { return w->events.now_ns / 1000; }

static void send_some(void *ctx);

static void tell(void *ctx)
{
	struct way *w = ctx;
	uint64_t due_us = feedback_due_us(&w->feedback, w->rate.srtt_us, 0);

	if (due_us == UINT64_MAX)
		return;
	if (due_us > now_us(w) + CLOCK_US) {
		event_set(&w->events, &w->tell, (due_us - CLOCK_US) * 1000);
		return;
	}
	struct datagram_feedback f = { 0 };
	feedback_tell(&w->feedback, &f, now_us(w) + CLOCK_US); /* another clock */
	if (rand_below(&w->rand, 100) < w->feedback_loss)
		return;
	w->back[w->back_end % BACK_MAX].f = f;
	w->back[w->back_end++ % BACK_MAX].at_ns = w->events.now_ns + w->back_ns;
	assert_true(w->back_end - w->back_first <= BACK_MAX);
	if (!event_is_set(&w->back_event))
		event_set(&w->events, &w->back_event, w->events.now_ns + w->back_ns);
}

static void on_back(void *ctx)
{
	struct way *w = ctx;
	struct rate_news news;

	if (feedback_hear(&w->heard, &w->back[w->back_first++ % BACK_MAX].f,
	                  0, w->counter, &news))
		tunnel_rate_heard(&w->rate, &news, now_us(w));
	if (w->back_first != w->back_end)
		event_set(&w->events, &w->back_event,
		          w->back[w->back_first % BACK_MAX].at_ns);
	send_some(w);
}

static void send_rival(struct way *w)
{
	while (w->rival_out + RIVAL_BYTES <= w->rival_bytes) {
		struct link_frame frame = { .to = w, .bytes = RIVAL_BYTES };
		uint64_t lost = w->link.lost_frames;
		link_push(&w->link, &frame);
		if (w->link.lost_frames != lost)
			return;
		w->rival_out += RIVAL_BYTES;
	}
}

static void on_frame(const struct link_frame *frame)
{
	struct way *w = frame->to;

	if (frame->bytes == RIVAL_BYTES) {
		w->rival_out -= RIVAL_BYTES;
		send_rival(w);
		return;
	}
	if (w->events.now_ns >= w->from_ns)
		w->got_bytes += frame->bytes;
	struct feedback_came came = {
		.counter = frame->segment, .bytes = frame->bytes, .asks = true,
		.sent = w->sent[frame->segment % (1u << 17)],
	};
	feedback_note(&w->feedback, &came, now_us(w) + CLOCK_US);
	tell(w);
}

static void sample(struct way *w)
{
	struct world_link_state state;

	if (w->events.now_ns < w->from_ns || w->samples == SAMPLES)
		return;
	link_state(&w->link, &state);
	w->queues[w->samples++] = (uint16_t)(state.queue_bytes * 10000 /
		(state.rate_bps ? state.rate_bps : 1));
}

static void send_one(struct way *w, bool asks)
{
	struct link_frame frame = { .to = w, .segment = (uint32_t)++w->counter,
	                            .bytes = BYTES };

	w->sent[w->counter % (1u << 17)] = datagram_time(now_us(w));
	tunnel_rate_sent(&w->rate, w->counter, BYTES, asks, now_us(w));
	link_push(&w->link, &frame);
}

static void send_train(struct way *w)
{
	unsigned count = tunnel_rate_train(&w->rate, true, now_us(w));
	uint64_t first = w->counter + 1;

	if (!count)
		return;
	while (count-- > 0)
		send_one(w, false);
	tunnel_rate_trained(&w->rate, first, w->counter, BYTES, now_us(w));
}

static void send_some(void *ctx)
{
	struct way *w = ctx;
	uint64_t room, next_us;

	if (w->trains)
		send_train(w);
	while ((room = tunnel_rate_room(&w->rate, now_us(w))) > 0) {
		if (w->offer_bps && w->offered + BYTES >
		    w->offer_bps * (w->events.now_ns / 1000) / 1000000) {
			tunnel_rate_idle(&w->rate, now_us(w));
			break;
		}
		w->offered += BYTES;
		uint64_t lost = w->link.lost_frames;
		send_one(w, true);
		if (w->events.now_ns >= w->from_ns) {
			w->sent_packets++;
			w->lost_packets += w->link.lost_frames - lost;
		}
	}
	sample(w);
	next_us = tunnel_rate_next_us(&w->rate, now_us(w));
	if (next_us == UINT64_MAX)
		next_us = now_us(w) + 1000;
	if (next_us < now_us(w) + 200)
		next_us = now_us(w) + 200;
	event_set(&w->events, &w->tick, next_us * 1000);
}

static struct way *begin(const struct world_link *line)
{
	struct way *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	events_init(&w->events, 0);
	assert_int_equal(events_reserve(&w->events, 8), 0);
	event_init(&w->tick, send_some, w);
	event_init(&w->tell, tell, w);
	event_init(&w->back_event, on_back, w);
	assert_int_equal(link_init(&w->link, line, &w->events, 7, 0, on_frame), 0);
	w->back_ns = line->delay_us * 1000;
	w->rand.state = 5;
	tunnel_rate_init(&w->rate, 0);
	event_set(&w->events, &w->tick, 0);
	return w;
}

static void run_to(struct way *w, uint64_t ns)
{
	while (events_next_ns(&w->events) <= ns)
		events_step(&w->events);
}

static void end(struct way *w)
{
	link_finish(&w->link);
	events_finish(&w->events);
	free(w);
}

static int compare(const void *a, const void *b)
{
	const uint16_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double queue_ms(struct way *w, double q)
{
	qsort(w->queues, w->samples, sizeof(*w->queues), compare);
	return w->queues[(unsigned)((w->samples - 1) * q)] / 10.0;
}

static struct world_link line(double mbit, double rtt_ms, double queue)
{
	return (struct world_link){
		.rate_bps = (uint64_t)(mbit * MBIT), .delay_us = (uint64_t)(rtt_ms * 500),
		.queue_bytes = (uint64_t)(mbit * MBIT * queue / 1000),
	};
}

struct used { double share, p50_ms, p99_ms, loss; };

static struct used used_of(struct way *w, double from_s, double to_s)
{
	w->from_ns = (uint64_t)(from_s * 1e9);
	run_to(w, (uint64_t)(to_s * 1e9));
	return (struct used){
		.share = (double)w->got_bytes /
		         ((to_s - from_s) * (double)w->link.args.rate_bps),
		.p50_ms = queue_ms(w, 0.5), .p99_ms = queue_ms(w, 0.99),
		.loss = (double)w->lost_packets / (double)w->sent_packets,
	};
}

static struct used use(const struct world_link *l, double from_s, double to_s)
{
	struct way *w = begin(l);
	struct used used = used_of(w, from_s, to_s);

	print_message("of %.0f Mbit/s, round trip %.0f ms: %.3f, queue %.1f, %.1f ms\n",
	              (double)l->rate_bps / MBIT, (double)l->delay_us / 500, used.share,
	              used.p50_ms, used.p99_ms);
	end(w);
	return used;
}

/* What the path has is used, and no queue stands. */
static void expect(const struct world_link *l, double share, double p50_ms,
                   double p99_ms)
{
	struct used used = use(l, 1, 20);

	assert_true(used.share >= share);
	assert_true(used.p50_ms <= p50_ms);
	assert_true(used.p99_ms <= p99_ms);
}

static void test_uses_a_clean_path(void **state)
{
	struct world_link l = line(60, 30, 300);

	expect(&l, 0.95, 3, 18);
	l = line(2, 40, 300); /* a packet is 6 ms */
	expect(&l, 0.93, 20, 47);
	l = line(500, 10, 300);
	expect(&l, 0.96, 3, 16);
}

static void test_loss_is_not_its_business(void **state)
{
	struct world_link l = line(60, 30, 300);

	l.loss_ppm = 20000;
	expect(&l, 0.93, 8, 18);
}

static void test_jitter_is_no_queue(void **state)
{
	struct world_link l = line(60, 30, 300);

	l.loss_ppm = 2000;
	l.jitter_us = 8000;
	expect(&l, 0.93, 9, 25);
	l = line(60, 50, 300);
	l.loss_ppm = 10000;
	l.jitter_us = 15000;
	expect(&l, 0.86, 9, 25);
}

static void test_uses_a_satellite(void **state)
{
	struct world_link l = line(20, 600, 300);
	struct used used = use(&l, 10, 60);

	assert_true(used.share >= 0.93);
	assert_true(used.p50_ms <= 20);
	assert_true(used.p99_ms <= 80);
}

/* 60, 6, 60 Mbit/s: how long the queue stood above 100 ms after the drop, and when
 * 80 % was used again after the rise, s. */
struct change { double above_s, back_s, share; };

static double stands_s(struct way *w)
{
	struct world_link_state state;
	double above_s = 0;

	for (uint64_t t = 10 * S; t < 20 * S; t += MS) {
		run_to(w, t);
		link_state(&w->link, &state);
		if ((double)state.queue_bytes > 0.1 * 6 * MBIT)
			above_s = (double)(t - 10 * S) / 1e9;
	}
	return above_s;
}

static double returns_s(struct way *w)
{
	uint64_t got = w->got_bytes;

	for (uint64_t t = 20 * S; t < 30 * S; t += 50 * MS, got = w->got_bytes) {
		run_to(w, t + 50 * MS);
		if ((double)(w->got_bytes - got) > 0.8 * 0.05 * 60 * MBIT)
			return (double)(t + 50 * MS - 20 * S) / 1e9;
	}
	return 10;
}

static struct change change(struct world_link *l)
{
	const struct world_rate rates[] = { { 0, l->rate_bps },
		{ 10000000, l->rate_bps / 10 }, { 20000000, l->rate_bps } };
	l->trace = (struct world_trace){ rates, 3, 100000000 };
	struct way *w = begin(l);
	struct change change;

	run_to(w, 10 * S);
	change.above_s = stands_s(w);
	change.back_s = returns_s(w);
	run_to(w, 30 * S);
	change.share = (double)w->got_bytes / (21 * 10 * 6 * MBIT);
	print_message("a tenth: above 100 ms for %.2f s, back after %.2f s; %.3f used\n",
	              change.above_s, change.back_s, change.share);
	end(w);
	return change;
}

static void test_follows_a_rate(void **state)
{
	struct world_link l = line(60, 30, 300);
	struct change clean = change(&l);

	assert_true(clean.above_s <= 0.5);
	assert_true(clean.back_s <= 1.0);
	assert_true(clean.share >= 0.92);
	l = line(60, 50, 300);
	l.jitter_us = 8000;
	l.loss_ppm = 2000;
	struct change shaky = change(&l);
	assert_true(shaky.above_s <= 1.0);
	assert_true(shaky.back_s <= 1.5);
	assert_true(shaky.share >= 0.88);
}

/* Its flow goes by another path as soon as this one is late: what is under way still tells
 * what it carries. */
static void test_a_fall_is_seen_by_what_is_under_way(void **state)
{
	struct world_link l = line(50, 20, 2000);
	const struct world_rate rates[] = { { 0, l.rate_bps }, { 10000000, l.rate_bps / 10 } };

	l.trace = (struct world_trace){ rates, 2, 100000000 };
	struct way *w = begin(&l);
	run_to(w, 10 * S + 50 * MS);
	w->offer_bps = 1; /* the total passed that long ago */
	run_to(w, 12 * S);
	assert_true(w->rate.bw_bps < 10 * MBIT);
	end(w);
}

/* It drops above 10 Mbit/s, and keeps no queue. */
static void test_yields_to_a_policer(void **state)
{
	struct world_link l = line(10, 30, 0);
	struct used used = use(&l, 2, 20);

	assert_true(used.share >= 0.85);
	assert_true(used.loss < 0.04);
}

/* A radio that loses 15 % is not taken for a policer. */
static void test_is_not_fooled_by_a_bad_radio(void **state)
{
	struct world_link l = line(20, 30, 300);

	l.loss_ppm = 150000;
	struct way *w = begin(&l);
	struct used used = used_of(w, 5, 20);
	assert_true(used.share >= 0.85 * 0.85);
	assert_in_range(tunnel_rate_loss_ppm(&w->rate), 120000, 160000);
	end(w);
}

/* What a queue that is shorter than its start loses is not lost by the path. */
static void test_an_overflow_is_no_loss_of_the_path(void **state)
{
	for (unsigned mbit = 5; mbit <= 90; mbit += 17) {
		struct world_link l = line(mbit, 66, 50);
		struct way *w = begin(&l);
		run_to(w, 4 * S);
		print_message("%u Mbit/s: %u of a million\n", mbit,
		              tunnel_rate_loss_ppm(&w->rate));
		assert_in_range(tunnel_rate_loss_ppm(&w->rate), 0, 200);
		end(w);
	}
}

static void test_bears_lost_feedback(void **state)
{
	struct world_link l = line(60, 30, 300);
	struct way *w = begin(&l);

	w->feedback_loss = 50;
	struct used used = used_of(w, 1, 10);
	print_message("half of the feedback lost: %.3f, queue p99 %.1f ms\n",
	              used.share, used.p99_ms);
	assert_true(used.share >= 0.9);
	assert_true(used.p99_ms <= 30);
	end(w);
}

/* Who offers little learns nothing, and forgets nothing. */
static void test_little_offered_is_no_slow_path(void **state)
{
	struct world_link l = line(60, 30, 300);
	struct way *w = begin(&l);

	run_to(w, 3 * S);
	assert_true(w->rate.bw_bps > 55 * MBIT);
	w->offer_bps = 1; /* the total passed that long ago */
	run_to(w, 4 * S);
	w->offer_bps = 1000000; /* 8 Mbit/s */
	w->offered = w->offer_bps * 4;
	run_to(w, 14 * S);
	assert_true(w->rate.bw_bps > 55 * MBIT);
	w->offer_bps = 0;
	struct used used = used_of(w, 14, 15);
	assert_true(used.share > 0.85);
	end(w);
}

static void test_starts_within_what_little_is_offered(void **state)
{
	struct world_link l = line(60, 30, 300);
	struct way *w = begin(&l);

	w->offer_bps = 50000;
	run_to(w, 5 * S);
	assert_true(w->rate.bw_bps >= RATE_FIRST_BPS);
	w->offer_bps = 0;
	struct used used = used_of(w, 6, 8);
	assert_true(used.share > 0.9);
	end(w);
}

static void test_silence_is_suspect(void **state)
{
	struct world_link l = line(60, 30, 300);
	struct way *w = begin(&l);

	run_to(w, 2 * S);
	assert_true(tunnel_rate_suspect_us(&w->rate) > now_us(w));
	link_cut(&w->link, true);
	run_to(w, 2 * S + 200 * MS);
	assert_true(tunnel_rate_suspect_us(&w->rate) <= now_us(w));
	assert_true(tunnel_rate_in_flight(&w->rate) < 60 * MBIT / 10); /* capped */
	link_cut(&w->link, false);
	tunnel_rate_restart(&w->rate, false, now_us(w));
	assert_int_equal(tunnel_rate_in_flight(&w->rate), 0);
	struct used used = used_of(w, 3, 5);
	assert_true(used.share > 0.9);
	end(w);
}

/* It begins with what streams found there, and finds out that it is less by now. */
static void test_begins_with_what_others_found(void **state)
{
	double shares[2];

	for (unsigned i = 0; i < 2; i++) {
		struct world_link l = line(60, 30, 300);
		struct way *w = begin(&l);
		if (i)
			tunnel_rate_hint(&w->rate, 60 * MBIT);
		shares[i] = used_of(w, 0, 0.3).share;
		end(w);
	}
	print_message("0.3 s: share %.2f, with a hint %.2f\n", shares[0], shares[1]);
	assert_true(shares[1] > shares[0] + 0.1);

	struct world_link l = line(6, 30, 300);
	struct way *w = begin(&l);
	tunnel_rate_hint(&w->rate, 60 * MBIT);
	struct used used = used_of(w, 1, 4);
	assert_true(used.share > 0.8);
	assert_true(used.p50_ms < 60);
	tunnel_rate_hint(&w->rate, 60 * MBIT); /* it knows by itself */
	assert_true(w->rate.bw_bps < 10 * MBIT);
	end(w);
}

/* After a round trip, or two where ten packets are through too soon to tell. */
static void test_a_train_tells_of_a_path(void **state)
{
	const double mbit[] = { 2, 20, 50, 100 }, rtt_ms[] = { 40, 60, 10, 140 };

	for (unsigned i = 0; i < 4; i++) {
		struct world_link l = line(mbit[i], rtt_ms[i], 100);
		struct way *w = begin(&l);
		w->trains = true;
		w->offer_bps = 1;
		double promised = 0;
		for (uint64_t t = 0; t <= (uint64_t)(2 * rtt_ms[i] + 80) * MS; t += MS) {
			run_to(w, t);
			if (w->rate.promised_bps)
				promised = (double)w->rate.promised_bps / MBIT;
		}
		print_message("%.0f Mbit/s: a train promised %.1f\n", mbit[i], promised);
		if (mbit[i] > RATE_FIRST_BPS / MBIT) /* else its queue says it all */
			assert_true(promised > 0.85 * mbit[i] && promised < 1.15 * mbit[i]);
		w->offer_bps = 0;
		uint64_t from_ns = w->events.now_ns;
		struct used used = used_of(w, (double)from_ns / 1e9 + rtt_ms[i] / 1e3,
		                           (double)from_ns / 1e9 + 0.5);
		print_message("then %.2f, queue %.0f ms\n", used.share, used.p99_ms);
		assert_true(used.share > 0.85);
		assert_true(used.p99_ms < (mbit[i] < 10 ? 80 : 40));
		end(w);
	}
}

/* A promise that was kept is over: that a link is slower later belies no train. */
static void test_a_promise_ends_when_it_is_kept(void **state)
{
	const struct world_rate rates[] = { { 0, (uint64_t)(60 * MBIT) },
	                                    { 2000000, (uint64_t)(10 * MBIT) },
	                                    { 5000000, (uint64_t)(20 * MBIT) } };
	struct world_link l = line(60, 30, 300);

	l.trace = (struct world_trace){ rates, 3, 1000000000 };
	struct way *w = begin(&l);
	w->trains = true;
	run_to(w, S);
	assert_true(w->rate.state != RATE_START);
	assert_int_equal(w->rate.promised_bps, 0);
	bool restarted = false;
	for (unsigned ms = 1000; ms < 12000; ms += 10) {
		run_to(w, ms * MS);
		restarted |= w->rate.state == RATE_RESTART;
	}
	assert_true(restarted); /* and ended by a queue */
	assert_int_equal(w->rate.deceived, 0);
	end(w);
}

/* A link that is quick for some packets and slow then. */
static void test_a_train_that_promised_too_much(void **state)
{
	const struct world_rate rates[] = { { 0, (uint64_t)(60 * MBIT) },
	                                    { 60000, (uint64_t)(6 * MBIT) } };
	struct world_link l = line(60, 30, 300);

	l.trace = (struct world_trace){ rates, 2, 1000000000 };
	struct way *w = begin(&l);
	w->trains = true;
	run_to(w, 2 * S);
	assert_int_equal(w->rate.deceived, 1);
	struct used used = used_of(w, 2, 10);
	assert_true(used.share * 10 > 0.85);
	assert_true(used.p50_ms < 60);
	end(w);
}

/* What nobody uses may have become better; nobody's traffic tells. */
static void test_what_is_known_of_old_is_asked_again(void **state)
{
	const struct world_rate rates[] = { { 0, (uint64_t)(3 * MBIT) },
	                                    { 10000000, (uint64_t)(30 * MBIT) } };
	struct world_link l = line(30, 140, 100);

	l.trace = (struct world_trace){ rates, 2, 1000000000 };
	struct way *w = begin(&l);
	w->trains = true;
	run_to(w, 5 * S);
	assert_true(w->rate.bw_bps < 3.3 * MBIT);
	w->offer_bps = 1;
	run_to(w, 60 * S);
	assert_int_equal(w->rate.state, RATE_CRUISE);
	run_to(w, 70 * S);
	assert_true(w->rate.promised_bps > 25 * MBIT);
	assert_int_equal(w->rate.state, RATE_START);
	end(w);
}

/* Beside who keeps a queue in the link whatever happens, as BBR's two round trips in
 * flight do, it yields until nothing is left; but for its share. */
static void test_keeps_its_share_beside_our_streams(void **state)
{
	struct world_link l = line(60, 30, 200);
	double shares[2];

	for (unsigned i = 0; i < 2; i++) {
		struct way *w = begin(&l);
		w->rival_bytes = (uint32_t)(60 * MBIT * 0.09);
		for (unsigned ms = 2000; ms <= 12000; ms += 100) {
			run_to(w, ms * MS);
			if (ms == 4000)
				send_rival(w);
			if (i && ms > 4000)
				tunnel_rate_share(&w->rate, &(struct path_load){
					(uint64_t)(60 * MBIT), 0, 20 }, 0, 0);
		}
		w->got_bytes = w->samples = 0;
		shares[i] = used_of(w, 12, 20).share;
		print_message("share %.3f, queue %.0f ms\n", shares[i], queue_ms(w, 0.5));
		end(w);
	}
	assert_true(shares[0] < 0.04);
	assert_true(shares[1] > 0.08 && shares[1] < 0.2);
}

/* Two links of so many Mbit/s, whose streams take what we leave; we go by the first, or by
 * both. Ours, of what one of them gets in the end. */
static double part_of(double mbit0, double mbit1, unsigned streams, bool both)
{
	double all[2] = { mbit0 * MBIT, mbit1 * MBIT }, own[2] = { 0 }, taken[2];
	struct tunnel_rate rates[2] = { 0 };

	for (unsigned i = 0; i < 200; i++) {
		for (unsigned k = 0; k < 2; k++)
			taken[k] = all[k] - own[k];
		double fair = (taken[0] + taken[1]) / streams;
		for (unsigned k = 0; k < 1u + both; k++) {
			double rest = fair - own[!k];
			tunnel_rate_share(&rates[k], &(struct path_load){
				(uint64_t)taken[k], 0, streams }, (uint64_t)own[k],
				rest > 0 ? (uint64_t)rest : 0);
			own[k] = (double)rates[k].share_bps;
		}
	}
	assert_true(own[0] < 0.91 * all[0]);
	return (own[0] + own[1]) / ((taken[0] + taken[1]) / streams);
}

/* Who goes by one of several links has as much of it as a stream has of all; streams keep a
 * tenth of each. */
static void test_its_share_is_of_all_paths(void **state)
{
	assert_in_range(100 * part_of(50, 50, 1, true), 97, 103);
	assert_in_range(100 * part_of(50, 20, 1, true), 97, 103);
	assert_in_range(100 * part_of(50, 50, 1, false), 78, 100);
	assert_in_range(100 * part_of(28, 72, 1, false), 32, 36); /* nine tenths of it */
	assert_in_range(100 * part_of(28, 72, 4, false), 97, 103);
	/* And of one what a stream has, or a tenth. */
	assert_in_range(100 * part_of(50, 0, 1, false), 97, 103);
	assert_in_range(100 * part_of(50, 0, 20, false), 190, 210);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uses_a_clean_path),
		cmocka_unit_test(test_loss_is_not_its_business),
		cmocka_unit_test(test_jitter_is_no_queue),
		cmocka_unit_test(test_uses_a_satellite),
		cmocka_unit_test(test_follows_a_rate),
		cmocka_unit_test(test_a_fall_is_seen_by_what_is_under_way),
		cmocka_unit_test(test_yields_to_a_policer),
		cmocka_unit_test(test_is_not_fooled_by_a_bad_radio),
		cmocka_unit_test(test_an_overflow_is_no_loss_of_the_path),
		cmocka_unit_test(test_bears_lost_feedback),
		cmocka_unit_test(test_little_offered_is_no_slow_path),
		cmocka_unit_test(test_starts_within_what_little_is_offered),
		cmocka_unit_test(test_silence_is_suspect),
		cmocka_unit_test(test_begins_with_what_others_found),
		cmocka_unit_test(test_a_train_tells_of_a_path),
		cmocka_unit_test(test_a_promise_ends_when_it_is_kept),
		cmocka_unit_test(test_a_train_that_promised_too_much),
		cmocka_unit_test(test_what_is_known_of_old_is_asked_again),
		cmocka_unit_test(test_keeps_its_share_beside_our_streams),
		cmocka_unit_test(test_its_share_is_of_all_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
