/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a client's socket, two relays with a stream between them, a server's
 * socket: what one end does to its socket, the other end sees on its own.
 *
 *     fds[0] client -- near relay == stream == far relay -- server fds[1]
 */
#include "proxy/relay.h"

#include "fake_stream.h"
#include "net.h"

#include "agg/kernel/sockopt.h"
#include "proxy/tally.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WINDOW 65536
#define MANY 1000
#define LIMITED_BPS 2000000u
#define LIMITED_BYTES 600000u
#define LIMITED_AT_ONCE (LIMITED_BPS / 1000000 * THROTTLE_DEPTH_US + THROTTLE_PIECE_BYTES)

struct road {
	struct loop *loop;
	struct relays *relays;
	struct stream *streams[2];
	int fds[2];
};

static size_t say_opened(uint8_t out[RELAY_ANSWER_MAX], const struct addr *bound)
{
	memcpy(out, "opened", 6);
	out[6] = (uint8_t)('0' + bound->port);
	return 7;
}

static size_t say_failed(uint8_t out[RELAY_ANSWER_MAX], enum stream_end end)
{
	memcpy(out, "failed", 6);
	out[6] = (uint8_t)('0' + end);
	return 7;
}

static const struct relay_greeter greeter = { say_opened, say_failed };

static void never_abandoned(void *ctx)
{
	fail_msg("abandoned");
}

static void begin(struct road *r)
{
	r->loop = loop_create();
	r->relays = relays_create(r->loop);
	assert_non_null(r->relays);
}

/* The near relay and its stream; the far end of the stream is the test's. */
static void lay_near(struct road *r, const struct relay_greeter *g)
{
	int pair[2];

	fake_streams(r->loop, WINDOW, r->streams);
	net_tcp_pair(pair);
	r->fds[0] = pair[0];
	r->fds[1] = -1;
	struct relay *near = relay_create(r->relays, pair[1], g);
	assert_non_null(near);
	fake_attach(r->streams[0], &relay_events, near);
	relay_start(near, r->streams[0]);
}

static void build_near(struct road *r, const struct relay_greeter *g)
{
	begin(r);
	lay_near(r, g);
}

/* The far relay is of that share; NULL: of none. */
static void lay(struct road *r, struct share *share)
{
	int pair[2];

	lay_near(r, NULL);
	net_tcp_pair(pair);
	r->fds[1] = pair[0];
	struct relay *far = relay_expect(r->relays, share, r->streams[1],
	                                 never_abandoned, NULL);
	fake_attach(r->streams[1], &relay_events, far);
	relay_attach(far, pair[1]);
}

static void build(struct road *r)
{
	begin(r);
	lay(r, NULL);
}

static bool no_relay_left(void *ctx)
{
	return relays_count(((struct road *)ctx)->relays) == 0;
}

/* Every relay must have ended by itself. */
static void tear_down(struct road *r)
{
	assert_true(net_run_until(r->loop, no_relay_left, r));
	relays_destroy(r->relays);
	loop_destroy(r->loop);
	for (int i = 0; i < 2; i++)
		if (r->fds[i] >= 0)
			close(r->fds[i]);
}

static bool is_ended(void *ctx)
{
	struct net_reader *reader = ctx;

	net_read(reader);
	return reader->end != NET_OPEN;
}

static enum net_end end_seen_by(struct road *r, int fd)
{
	struct net_reader reader = { .fd = fd };

	assert_true(net_run_until(r->loop, is_ended, &reader));
	return reader.end;
}

struct transfer {
	struct net_reader reader;
	int to;
	size_t sent, total;
	uint64_t sum;
	uint64_t seed;
};

/* Sends what the socket takes, then FIN; reads what has arrived. */
static bool transfer_step(void *ctx)
{
	struct transfer *t = ctx;
	uint8_t bytes[40000];

	while (t->sent < t->total) {
		size_t n = t->total - t->sent;
		if (n > sizeof(bytes))
			n = sizeof(bytes);
		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)((t->sent + i) * 31 + (t->sent >> 13) +
			                     t->seed);
		ssize_t put = send(t->to, bytes, n, MSG_NOSIGNAL);
		if (put < 0)
			break;
		t->sum = net_sum(t->sum, t->sent, bytes, (size_t)put);
		t->sent += (size_t)put;
		if (t->sent == t->total)
			shutdown(t->to, SHUT_WR);
	}
	net_read(&t->reader);
	return t->reader.end != NET_OPEN;
}

static bool both_transfers(void *ctx)
{
	struct transfer *t = ctx;
	bool a = transfer_step(&t[0]), b = transfer_step(&t[1]);

	return a && b;
}

static void bytes_go_both_ways_exact(void **state)
{
	struct road r;

	build(&r);
	struct transfer t[2] = {
		{ .reader.fd = r.fds[1], .to = r.fds[0], .total = 3000001 },
		{ .reader.fd = r.fds[0], .to = r.fds[1], .total = 5000000,
		  .seed = 7 },
	};
	assert_true(net_run_until(r.loop, both_transfers, t));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(t[i].reader.end, NET_EOF);
		assert_int_equal(t[i].reader.n, t[i].total);
		assert_int_equal(t[i].reader.sum, t[i].sum);
	}
	tear_down(&r);
}

static void an_end_leaves_the_other_direction_open(void **state)
{
	struct road r;

	build(&r);
	shutdown(r.fds[0], SHUT_WR);
	assert_int_equal(end_seen_by(&r, r.fds[1]), NET_EOF);
	struct transfer t = { .reader.fd = r.fds[0], .to = r.fds[1],
	                      .total = 300000 };
	assert_true(net_run_until(r.loop, transfer_step, &t));
	assert_int_equal(t.reader.end, NET_EOF);
	assert_int_equal(t.reader.sum, t.sum);
	tear_down(&r);
}

static void abort_at(struct road *r, int which)
{
	sockopt_abort(r->fds[which]);
	r->fds[which] = -1;
}

static void a_reset_crosses_from_either_side(void **state)
{
	for (int side = 0; side < 2; side++) {
		struct road r;
		build(&r);
		abort_at(&r, side);
		assert_int_equal(end_seen_by(&r, r.fds[!side]), NET_RESET);
		tear_down(&r);
	}
}

/* The socket is not read any more then, and nothing is written to it. */
static void a_reset_behind_a_fin_crosses(void **state)
{
	for (int side = 0; side < 2; side++) {
		struct road r;
		build(&r);
		shutdown(r.fds[side], SHUT_WR);
		assert_int_equal(end_seen_by(&r, r.fds[!side]), NET_EOF);
		abort_at(&r, side);
		struct net_reader reader = { .fd = r.fds[!side] };
		/* After its FIN a socket reads EOF for ever; the reset shows
		 * in what is written. */
		assert_true(net_run_until(r.loop, no_relay_left, &r));
		net_read(&reader);
		assert_int_equal(send(r.fds[!side], "x", 1, MSG_NOSIGNAL), -1);
		tear_down(&r);
	}
}

static void bytes_before_a_reset_arrive(void **state)
{
	struct road r;
	uint8_t bytes[20000];

	memset(bytes, 'b', sizeof(bytes));
	build(&r);
	assert_int_equal(send(r.fds[1], bytes, sizeof(bytes), 0), sizeof(bytes));
	net_run_for(r.loop, 20000);
	abort_at(&r, 1);
	struct net_reader reader = { .fd = r.fds[0] };
	assert_true(net_run_until(r.loop, is_ended, &reader));
	assert_int_equal(reader.n, sizeof(bytes));
	assert_int_equal(reader.end, NET_RESET);
	tear_down(&r);
}

/* A server that answers early and goes, its request unread: the answer must
 * get through although writing to it fails. */
static void an_early_answer_arrives_before_the_reset(void **state)
{
	struct road r;
	uint8_t request[4000] = { 0 };

	build(&r);
	assert_int_equal(send(r.fds[0], request, sizeof(request), 0),
	                 sizeof(request));
	net_run_for(r.loop, 20000);
	assert_int_equal(send(r.fds[1], "too large", 9, 0), 9);
	close(r.fds[1]);
	r.fds[1] = -1;
	assert_int_equal(send(r.fds[0], request, sizeof(request), 0),
	                 sizeof(request));
	struct net_reader reader = { .fd = r.fds[0] };
	assert_true(net_run_until(r.loop, is_ended, &reader));
	assert_int_equal(reader.n, 9);
	assert_int_equal(reader.end, NET_RESET);
	tear_down(&r);
}

/* The far end of the stream, in the hands of a test. */
struct far {
	struct stream *s;
	bool opened, closed, finished;
	enum stream_end end;
	size_t n;
};

static void far_opened(void *ctx, const struct addr *bound)
{
	((struct far *)ctx)->opened = true;
}

static size_t far_data(void *ctx, struct iovec *parts, int count)
{
	return 0; /* it never reads */
}

static void far_finished(void *ctx)
{
	((struct far *)ctx)->finished = true;
}

static void far_writable(void *ctx)
{
}

static void far_closed(void *ctx, enum stream_end end)
{
	struct far *f = ctx;

	f->closed = true;
	f->end = end;
}

static const struct stream_events far_events = {
	far_opened, far_data, far_finished, far_writable, far_closed,
};

static size_t fill(struct stream *s)
{
	size_t n = WINDOW;
	uint8_t *p = stream_reserve(s, &n);

	if (!p)
		return 0;
	memset(p, 'f', n);
	stream_commit(s, n);
	return n;
}

struct filling {
	struct stream *s;
	size_t n;
	unsigned idle;
};

/* Until nothing more goes in: socket buffers and window are full. */
static bool is_full(void *ctx)
{
	struct filling *f = ctx;
	size_t n = fill(f->s);

	f->n += n;
	f->idle = n ? 0 : f->idle + 1;
	return f->idle > 50;
}

static void a_reset_waits_for_what_the_socket_took(void **state)
{
	struct road r;
	struct far far = { 0 };

	build_near(&r, NULL);
	fake_attach(r.streams[1], &far_events, &far);
	struct filling f = { .s = r.streams[1] };
	assert_true(net_run_until(r.loop, is_full, &f));
	size_t taken = f.n - (WINDOW - stream_space(r.streams[1]));
	stream_reset(r.streams[1], STREAM_END_RESET);
	net_run_for(r.loop, 20000);
	assert_true(far.closed);
	struct net_reader reader = { .fd = r.fds[0] };
	assert_true(net_run_until(r.loop, is_ended, &reader));
	assert_int_equal(reader.end, NET_RESET);
	assert_true(reader.n >= taken);
	tear_down(&r);
}

static void a_stalled_relay_sleeps(void **state)
{
	struct road r;
	struct far far = { 0 };
	uint8_t bytes[65536] = { 0 };

	build_near(&r, NULL);
	fake_attach(r.streams[1], &far_events, &far);
	for (int i = 0; i < 4; i++)
		send(r.fds[0], bytes, sizeof(bytes), 0);
	net_run_for(r.loop, 50000);
	unsigned before = fake_reserves(r.streams[0]);
	assert_int_equal(stream_space(r.streams[0]), 0);
	net_run_for(r.loop, 50000);
	assert_int_equal(fake_reserves(r.streams[0]), before);
	stream_reset(r.streams[1], STREAM_END_RESET);
	tear_down(&r);
}

static void a_client_is_greeted_before_the_data(void **state)
{
	struct road r;
	struct far far = { 0 };
	struct addr bound = { .family = AF_INET, .port = 4 };

	build_near(&r, &greeter);
	fake_attach(r.streams[1], &far_events, &far);
	uint8_t *p = stream_reserve(r.streams[1], &(size_t){ 4 });
	memcpy(p, "data", 4);
	stream_commit(r.streams[1], 4);
	net_run_for(r.loop, 10000);
	struct net_reader reader = { .fd = r.fds[0] };
	net_read(&reader);
	assert_int_equal(reader.n, 0);
	stream_accept(r.streams[1], &bound);
	net_run_for(r.loop, 10000);
	net_read(&reader);
	assert_int_equal(reader.n, 11);
	assert_memory_equal(reader.bytes, "opened4data", 11);
	stream_reset(r.streams[1], STREAM_END_RESET);
	tear_down(&r);
}

static void a_greeted_client_is_told_of_the_failure(void **state)
{
	struct road r;
	struct far far = { 0 };

	build_near(&r, &greeter);
	fake_attach(r.streams[1], &far_events, &far);
	stream_reset(r.streams[1], STREAM_END_REFUSED);
	struct net_reader reader = { .fd = r.fds[0] };
	assert_true(net_run_until(r.loop, is_ended, &reader));
	assert_int_equal(reader.end, NET_EOF);
	assert_int_equal(reader.n, 7);
	assert_memory_equal(reader.bytes, "failed2", 7);
	tear_down(&r);
}

static void without_a_stream_the_client_is_turned_away(void **state)
{
	struct road r = { .loop = loop_create(), .fds = { -1, -1 } };
	int pair[2];

	r.relays = relays_create(r.loop);
	for (int i = 0; i < 2; i++) {
		net_tcp_pair(pair);
		relay_start(relay_create(r.relays, pair[1], i ? &greeter : NULL),
		            NULL);
		assert_int_equal(end_seen_by(&r, pair[0]), i ? NET_EOF : NET_RESET);
		close(pair[0]);
	}
	tear_down(&r);
}

static void count_call(void *ctx)
{
	++*(int *)ctx;
}

static void an_expected_socket_may_be_abandoned(void **state)
{
	struct road r = { .loop = loop_create(), .fds = { -1, -1 } };
	struct far far = { 0 };
	int abandoned = 0;

	r.relays = relays_create(r.loop);
	fake_streams(r.loop, WINDOW, r.streams);
	fake_attach(r.streams[0], &far_events, &far);
	fake_attach(r.streams[1], &relay_events,
	            relay_expect(r.relays, NULL, r.streams[1], count_call, &abandoned));
	fill(r.streams[0]);
	stream_reset(r.streams[0], STREAM_END_RESET);
	tear_down(&r);
	assert_int_equal(abandoned, 1);
}

static void bytes_wait_for_the_expected_socket(void **state)
{
	struct road r = { .loop = loop_create(), .fds = { -1, -1 } };
	struct far far = { 0 };
	int pair[2];

	r.relays = relays_create(r.loop);
	fake_streams(r.loop, WINDOW, r.streams);
	fake_attach(r.streams[0], &far_events, &far);
	struct relay *relay = relay_expect(r.relays, NULL, r.streams[1],
	                                   never_abandoned, NULL);
	fake_attach(r.streams[1], &relay_events, relay);
	fill(r.streams[0]);
	stream_finish(r.streams[0]);
	net_run_for(r.loop, 10000);
	net_tcp_pair(pair);
	relay_attach(relay, pair[1]);
	struct net_reader reader = { .fd = pair[0] };
	assert_true(net_run_until(r.loop, is_ended, &reader));
	assert_int_equal(reader.n, WINDOW);
	assert_int_equal(reader.end, NET_EOF);
	close(pair[0]);
	tear_down(&r);
	assert_true(far.finished);
	assert_int_equal(far.end, STREAM_END_FINISHED);
}

static void a_thousand_relays_are_small(void **state)
{
	struct road r = { .loop = loop_create(), .fds = { -1, -1 } };
	static struct stream *ends[MANY][2];
	static struct far far[MANY];
	int client[MANY], pair[2];
	size_t used = 0;

	r.relays = relays_create(r.loop);
	for (int i = 0; i < MANY; i++) {
		net_tcp_pair(pair);
		client[i] = pair[0];
		fake_streams(r.loop, WINDOW, ends[i]);
		fake_attach(ends[i][1], &far_events, &far[i]);
		size_t before = mallinfo2().uordblks;
		struct relay *relay = relay_create(r.relays, pair[1], NULL);
		relay_start(relay, ends[i][0]);
		used += mallinfo2().uordblks - before;
		fake_attach(ends[i][0], &relay_events, relay);
	}
	assert_true(used < 500000);
	for (int i = 0; i < MANY; i++)
		close(client[i]);
	net_run_for(r.loop, 10000);
	for (int i = 0; i < MANY; i++)
		stream_finish(ends[i][1]);
	tear_down(&r);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(far[i].end, STREAM_END_FINISHED);
}

static bool has_three(void *ctx)
{
	struct net_reader *reader = ctx;

	net_read(reader);
	return reader->n >= 3 || reader->end != NET_OPEN;
}

static void the_urgent_byte_is_kept_in_its_place(void **state)
{
	for (int from = 0; from < 2; from++) {
		struct road r;
		build(&r);
		struct net_reader reader = { .fd = r.fds[!from] };
		assert_int_equal(send(r.fds[from], "a", 1, 0), 1);
		assert_int_equal(send(r.fds[from], "!", 1, MSG_OOB), 1);
		assert_int_equal(send(r.fds[from], "b", 1, 0), 1);
		assert_true(net_run_until(r.loop, has_three, &reader));
		assert_int_equal(reader.n, 3);
		assert_memory_equal(reader.bytes, "a!b", 3);
		shutdown(r.fds[0], SHUT_WR);
		shutdown(r.fds[1], SHUT_WR);
		tear_down(&r);
	}
}

/* The kernel closes the sockets of a process that is killed. */
static void who_is_cut_off_by_a_kill_sees_a_reset(void **state)
{
	int near[2], far[2], status;

	net_tcp_pair(near);
	net_tcp_pair(far);
	pid_t pid = fork();
	if (!pid) {
		struct road r = { .loop = loop_create() };
		r.relays = relays_create(r.loop);
		fake_streams(r.loop, WINDOW, r.streams);
		struct relay *a = relay_create(r.relays, near[1], NULL);
		fake_attach(r.streams[0], &relay_events, a);
		relay_start(a, r.streams[0]);
		struct relay *b = relay_expect(r.relays, NULL, r.streams[1],
		                               never_abandoned, NULL);
		fake_attach(r.streams[1], &relay_events, b);
		relay_attach(b, far[1]);
		raise(SIGKILL);
	}
	close(near[1]);
	close(far[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	struct road r = { .loop = loop_create() };
	assert_int_equal(end_seen_by(&r, near[0]), NET_RESET);
	assert_int_equal(end_seen_by(&r, far[0]), NET_RESET);
	loop_destroy(r.loop);
	close(near[0]);
	close(far[0]);
}

/* Its place is free again when the relay is. */
static void a_host_has_a_share_of_the_relays(void **state)
{
	struct tally *tally = tally_create(3);
	struct addr host, other;
	struct road r = { .fds = { -1, -1 } };
	struct relay *relays[3];
	int pair[3][2];

	addr_parse(&host, "192.168.1.2:1000", 0);
	addr_parse(&other, "192.168.1.3:1000", 0);
	r.loop = loop_create();
	r.relays = relays_create(r.loop);
	for (int i = 0; i < 3; i++) {
		net_tcp_pair(pair[i]);
		relays[i] = relay_create(r.relays, pair[i][1], NULL);
	}
	assert_true(relay_charge(relays[0], tally, &host));
	assert_true(relay_charge(relays[1], tally, &other));
	assert_false(relay_charge(relays[2], tally, &host));
	for (int i = 0; i < 3; i++)
		relay_refuse(relays[i], STREAM_END_LIMIT);
	assert_true(net_run_until(r.loop, no_relay_left, &r));
	assert_int_equal(tally_used(tally), 0);
	for (int i = 0; i < 3; i++)
		close(pair[i][0]);
	tear_down(&r);
	tally_destroy(tally);
}

/* Of a site that may have so much each way. */
struct limited {
	struct share_pool pool;
	struct share *share;
	struct throttle *throttle;
	struct road roads[2];
	struct transfer t[2];
};

static void limited_begin(struct limited *l, unsigned roads)
{
	*l = (struct limited){ .pool.max = { 100, 100, 100 } };
	l->share = share_create(&l->pool, "home");
	assert_non_null(l->share);
	l->throttle = share_throttle(l->share);
	begin(&l->roads[0]);
	throttle_set(l->throttle, LIMITED_BPS, loop_now_us(l->roads[0].loop));
	for (unsigned i = 0; i < roads; i++) {
		l->roads[i].loop = l->roads[0].loop;
		l->roads[i].relays = l->roads[0].relays;
		lay(&l->roads[i], l->share);
	}
}

static void limited_end(struct limited *l)
{
	tear_down(&l->roads[0]);
	assert_int_equal(share_used(l->share, SHARE_RELAYS), 0);
	share_destroy(l->share);
}

/* Nothing is lost, and it is no sooner there than the rate lets it be; that it is not
 * much later is the throttle's own test. */
static void a_rate_holds_each_way(void **state)
{
	struct limited l;

	limited_begin(&l, 1);
	struct road *r = &l.roads[0];
	uint64_t from_us = loop_now_us(r->loop), turn = loop_turn(r->loop);
	struct transfer t[2] = {
		{ .reader.fd = r->fds[1], .to = r->fds[0], .total = LIMITED_BYTES },
		{ .reader.fd = r->fds[0], .to = r->fds[1], .total = LIMITED_BYTES,
		  .seed = 7 },
	};
	assert_true(net_run_until(r->loop, both_transfers, t));
	uint64_t us = loop_now_us(r->loop) - from_us;
	assert_true(us >= (LIMITED_BYTES - LIMITED_AT_ONCE) * UINT64_C(1000000) /
	            LIMITED_BPS);
	/* Between two looks it sleeps; the test has a turn each millisecond. */
	assert_true(loop_turn(r->loop) - turn < 1000 + 4 * us / 1000);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(t[i].reader.sum, t[i].sum);
		assert_int_equal(l.throttle->taken[i], LIMITED_BYTES);
	}
	limited_end(&l);
}

static bool one_is_through(void *ctx)
{
	struct limited *l = ctx;
	bool a = transfer_step(&l->t[0]), b = transfer_step(&l->t[1]);

	return a || b;
}

static bool both_are_through(void *ctx)
{
	struct limited *l = ctx;

	return both_transfers(l->t);
}

/* Of two streams none has it all, either way. */
static void streams_of_a_rate_take_turns(void **state)
{
	for (int way = 0; way < 2; way++) {
		struct limited l;
		limited_begin(&l, 2);
		for (int i = 0; i < 2; i++)
			l.t[i] = (struct transfer){ .total = LIMITED_BYTES,
				.reader.fd = l.roads[i].fds[way],
				.to = l.roads[i].fds[!way] };
		assert_true(net_run_until(l.roads[0].loop, one_is_through, &l));
		for (int i = 0; i < 2; i++)
			assert_true(l.t[i].reader.n > LIMITED_BYTES / 2);
		assert_true(net_run_until(l.roads[0].loop, both_are_through, &l));
		for (int i = 0; i < 2; i++) {
			assert_int_equal(l.t[i].reader.sum, l.t[i].sum);
			shutdown(l.roads[i].fds[!way], SHUT_WR);
			shutdown(l.roads[i].fds[way], SHUT_WR);
		}
		assert_true(net_run_until(l.roads[0].loop, no_relay_left, &l.roads[0]));
		for (int i = 0; i < 2; i++)
			close(l.roads[1].fds[i]);
		limited_end(&l);
	}
}

struct call {
	struct limited *l;
	uint64_t next_us;
	unsigned asked, had;
};

/* A packet each 10 ms, while a stream takes all that it gets. */
static bool call_beside_streams(void *ctx)
{
	struct call *c = ctx;
	uint64_t now_us = loop_now_us(c->l->roads[0].loop);

	if (now_us >= c->next_us) {
		c->next_us = now_us + 10000;
		c->asked++;
		if (throttle_lets_packet(c->l->throttle, THROTTLE_UP, now_us)) {
			throttle_take_packet(c->l->throttle, THROTTLE_UP, 200);
			c->had++;
		}
	}
	return transfer_step(&c->l->t[0]);
}

static void streams_leave_packets_their_part(void **state)
{
	struct limited l;

	limited_begin(&l, 1);
	struct road *r = &l.roads[0];
	l.t[0] = (struct transfer){ .reader.fd = r->fds[1], .to = r->fds[0],
	                            .total = LIMITED_BYTES };
	struct call call = { .l = &l };
	assert_true(net_run_until(r->loop, call_beside_streams, &call));
	assert_true(call.asked > 10);
	assert_int_equal(call.had, call.asked);
	shutdown(r->fds[1], SHUT_WR);
	limited_end(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_both_ways_exact),
		cmocka_unit_test(an_end_leaves_the_other_direction_open),
		cmocka_unit_test(a_reset_crosses_from_either_side),
		cmocka_unit_test(a_reset_behind_a_fin_crosses),
		cmocka_unit_test(bytes_before_a_reset_arrive),
		cmocka_unit_test(an_early_answer_arrives_before_the_reset),
		cmocka_unit_test(a_reset_waits_for_what_the_socket_took),
		cmocka_unit_test(a_stalled_relay_sleeps),
		cmocka_unit_test(a_client_is_greeted_before_the_data),
		cmocka_unit_test(a_greeted_client_is_told_of_the_failure),
		cmocka_unit_test(without_a_stream_the_client_is_turned_away),
		cmocka_unit_test(an_expected_socket_may_be_abandoned),
		cmocka_unit_test(bytes_wait_for_the_expected_socket),
		cmocka_unit_test(the_urgent_byte_is_kept_in_its_place),
		cmocka_unit_test(who_is_cut_off_by_a_kill_sees_a_reset),
		cmocka_unit_test(a_host_has_a_share_of_the_relays),
		cmocka_unit_test(a_rate_holds_each_way),
		cmocka_unit_test(streams_of_a_rate_take_turns),
		cmocka_unit_test(streams_leave_packets_their_part),
		cmocka_unit_test(a_thousand_relays_are_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
