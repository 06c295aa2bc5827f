/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: subflows over real TCP on 127.0.0.1, both ends in one loop: greeting,
 * two sessions that move bytes, and strangers. A stranger is a `raw`: TLS on a
 * socket that says what the test wants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/kernel/sockopt.h"
#include "agg/transport/subflow.h"
#include "tests/unit/proxy/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRANSFER_BYTES 10000000u
#define SUBFLOWS 4
#define INCARNATION 0x1234567890abcdef

enum policy { JOIN, REFUSE, IGNORE, MOVE };

struct party;

/* What a subflow told. */
struct told {
	struct party *party;
	struct subflow *sf; /* NULL: ended */
	unsigned ready, ended;
	bool joined;
	struct tls_pin pin;
	struct wire_hello hello;
	struct wire_welcome welcome;
	struct wire_invite invite;
	unsigned invited;
	enum subflow_end end;
	char why[192];
};

/* One end's stream of a transfer. */
struct mover {
	struct stream *stream;
	uint64_t sent, received, wrong;
	bool finished, closed;
	enum stream_end end;
};

struct party {
	struct test *test;
	enum tls_side side;
	char dir[64];
	struct tls_pin pin;
	struct tls_context *tls;
	struct session *session;
	struct loop_timer *timer;
	struct loop_task turn;
	struct told told[SUBFLOWS];
	unsigned count;
	enum policy policy;
	struct mover mover;
	uint64_t stream_costs_us; /* that many, of each that is opened */
	uint64_t turn_seen;       /* in which the last one was, the how-manieth */
	unsigned in_turn, in_turn_most, streams;
	char over[128];
};

struct test {
	struct loop *loop;
	struct party gw, vps;
	int listener;
	struct addr at;
	struct loop_io *io;
};

static uint8_t pattern(enum tls_side from, uint64_t offset)
{
	return (uint8_t)((offset + from) * 0x9e3779b97f4a7c15u >> 56);
}

/* Streams ---------------------------------------------------------------- */

static void move_more(struct party *p)
{
	struct mover *m = &p->mover;

	while (m->stream && m->sent < TRANSFER_BYTES) {
		size_t n;
		uint8_t *to = stream_reserve(m->stream, &n);
		if (!to)
			return;
		if (n > TRANSFER_BYTES - m->sent)
			n = TRANSFER_BYTES - m->sent;
		for (size_t i = 0; i < n; i++)
			to[i] = pattern(p->side, m->sent + i);
		m->sent += n;
		stream_commit(m->stream, n);
	}
	if (m->stream)
		stream_finish(m->stream);
}

static void on_opened(void *ctx, const struct addr *bound)
{
}

static size_t on_data(void *ctx, struct iovec *parts, int count)
{
	struct party *p = ctx;
	struct mover *m = &p->mover;
	uint64_t before = m->received;

	for (int part = 0; part < count; part++) {
		const uint8_t *bytes = parts[part].iov_base;
		for (size_t i = 0; i < parts[part].iov_len; i++, m->received++)
			m->wrong += bytes[i] != pattern(!p->side, m->received);
	}
	return (size_t)(m->received - before);
}

static void on_finished(void *ctx)
{
	struct party *p = ctx;

	p->mover.finished = true;
}

static void on_writable(void *ctx)
{
	move_more(ctx);
}

static void on_closed(void *ctx, enum stream_end end)
{
	struct party *p = ctx;

	p->mover.stream = NULL;
	p->mover.closed = true;
	p->mover.end = end;
}

static const struct stream_events mover_events = {
	.on_opened = on_opened, .on_data = on_data, .on_finished = on_finished,
	.on_writable = on_writable, .on_closed = on_closed,
};

/* Sessions ------------------------------------------------------------------ */

static uint64_t on_now_us(void *ctx)
{
	struct party *p = ctx;

	return loop_now_us(p->test->loop);
}

static void on_deadline(void *ctx, uint64_t at_us)
{
	struct party *p = ctx;

	if (at_us == UINT64_MAX)
		loop_timer_disarm(p->timer);
	else
		loop_timer_arm(p->timer, at_us);
}

static void on_work(void *ctx)
{
	struct party *p = ctx;

	loop_task_post(&p->turn);
}

static void on_turn(void *ctx)
{
	struct party *p = ctx;

	session_turn(p->session);
}

/* Time, on a stream that is refused then. */
static enum stream_end spend(struct party *p)
{
	uint64_t until = on_now_us(p) + p->stream_costs_us;
	uint64_t turn = loop_turn(p->test->loop);

	p->in_turn = turn == p->turn_seen ? p->in_turn + 1 : 1;
	p->turn_seen = turn;
	if (p->in_turn > p->in_turn_most)
		p->in_turn_most = p->in_turn;
	p->streams++;
	while (on_now_us(p) < until)
		;
	return STREAM_END_REFUSED;
}

static enum stream_end on_stream(void *ctx, struct stream *stream,
                                 const struct dest *dest,
                                 const struct addr *client,
                                 const struct stream_events **events,
                                 void **stream_ctx)
{
	struct party *p = ctx;

	if (p->stream_costs_us)
		return spend(p);
	p->mover.stream = stream;
	*events = &mover_events;
	*stream_ctx = p;
	return STREAM_END_FINISHED;
}

static void on_settings(void *ctx, const struct wire_settings *settings)
{
}

static void on_over(void *ctx, const char *why)
{
	struct party *p = ctx;

	snprintf(p->over, sizeof(p->over), "%s", why);
}

static const struct session_events session_events = {
	.now_us = on_now_us, .on_work = on_work, .on_deadline = on_deadline,
	.on_stream = on_stream,
	.on_settings = on_settings, .on_over = on_over,
};

/* Subflows ------------------------------------------------------------------- */

static struct told *told_of(struct party *p, const struct subflow *sf)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->told[i].sf == sf)
			return &p->told[i];
	fail_msg("an event of a subflow that is not there");
	return NULL;
}

static void on_ready(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                     const struct wire_hello *hello,
                     const struct wire_welcome *welcome)
{
	struct party *p = ctx;
	struct told *t = told_of(p, sf);

	t->ready++;
	t->pin = *pin;
	assert_true((p->side == TLS_SERVER) == (hello != NULL));
	assert_true((p->side == TLS_CLIENT) == (welcome != NULL));
	if (hello)
		t->hello = *hello;
	else
		t->welcome = *welcome;
	if (p->policy == JOIN)
		assert_int_equal(subflow_join(sf, p->session, INCARNATION), 0);
	else if (p->policy == REFUSE)
		subflow_fail(sf, "site not known");
	else if (p->policy == MOVE)
		subflow_park(sf);
}

static void on_invite(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                      const struct wire_invite *invite)
{
	const struct wire_redeemed answer = {
		.version = WIRE_VERSION, .result = WIRE_REDEEM_USED,
		.site = "home",
	};
	struct told *t = told_of(ctx, sf);

	t->invited++;
	t->pin = *pin;
	t->invite = *invite;
	subflow_answer(sf, &answer);
}

static void on_end(void *ctx, struct subflow *sf, bool joined, const char *why)
{
	struct told *t = told_of(ctx, sf);

	t->ended++;
	t->joined = joined;
	t->end = subflow_end_kind(sf);
	t->sf = NULL;
	snprintf(t->why, sizeof(t->why), "%s", why);
}

static const struct subflow_events subflow_events = {
	.on_ready = on_ready, .on_end = on_end, .on_invite = on_invite,
};

static char congestion[16] = "reno";

static struct subflow_args args_of(struct party *p)
{
	return (struct subflow_args){ p->test->loop, p->tls, congestion,
	                              false, &subflow_events, p,
	                              &p->test->vps.pin };
}

static void on_listener(void *ctx, unsigned events)
{
	struct test *t = ctx;
	struct subflow_args args = args_of(&t->vps);
	struct addr peer;
	int fd = sockopt_accept(t->listener, &peer);

	if (fd < 0)
		return;
	assert_true(t->vps.count < SUBFLOWS);
	struct subflow *sf = subflow_accept(&args, fd, &peer);
	assert_non_null(sf);
	assert_true(addr_equal(subflow_peer(sf), &peer));
	t->vps.told[t->vps.count++] = (struct told){ &t->vps, sf };
}

/* The gateway's next subflow, to that address. */
static struct told *dial(struct test *t, const struct addr *to)
{
	struct subflow_args args = args_of(&t->gw);
	struct told *told = &t->gw.told[t->gw.count++];
	struct wire_hello hello = {
		.version = WIRE_VERSION, .subflow_id = t->gw.count,
		.path = (uint8_t)(t->gw.count - 1), .name = "dsl",
	};

	*told = (struct told){ &t->gw, NULL };
	told->sf = subflow_connect(&args, to, "", NULL, &hello);
	assert_non_null(told->sf);
	return told;
}

/* Begin and end --------------------------------------------------------------- */

static void party_init(struct party *p, struct test *t, enum tls_side side)
{
	struct session_args args = {
		.opens = side == TLS_CLIENT,
		.memory_max = SESSION_MEMORY_MIN,
		.linger_us = SESSION_LINGER_DEFAULT_US, .give_up_us = 15000000,
		.events = &session_events, .ctx = p,
	};

	session_policy_init(&args.policy, sched_find("lowrtt"));
	p->test = t;
	p->side = side;
	snprintf(p->dir, sizeof(p->dir), "/tmp/subflow_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	assert_int_equal(tls_identity_generate(p->dir), 0);
	assert_int_equal(tls_identity_pin(p->dir, &p->pin), 0);
	p->tls = tls_context_create(side, p->dir);
	assert_non_null(p->tls);
	p->timer = loop_timer_create(t->loop, on_turn, p);
	loop_task_init(&p->turn, t->loop, on_turn, p);
	p->session = session_create(&args);
	assert_non_null(p->session);
}

static void party_finish(struct party *p)
{
	char path[128];

	session_destroy(p->session);
	loop_task_cancel(&p->turn);
	loop_timer_disarm(p->timer);
	net_run_for(p->test->loop, 1000); /* those that it dropped */
	for (unsigned i = 0; i < p->count; i++)
		subflow_destroy(p->told[i].sf);
	loop_timer_destroy(p->timer);
	tls_context_destroy(p->tls);
	snprintf(path, sizeof(path), "%s/identity.pem", p->dir);
	unlink(path);
	rmdir(p->dir);
}

static void begin(struct test *t)
{
	memset(t, 0, sizeof(*t));
	t->loop = loop_create();
	assert_non_null(t->loop);
	party_init(&t->gw, t, TLS_CLIENT);
	party_init(&t->vps, t, TLS_SERVER);
	t->listener = net_listen("127.0.0.1", &t->at, 16);
	t->io = loop_io_create(t->loop, t->listener, LOOP_READ, on_listener, t);
}

static void finish(struct test *t)
{
	party_finish(&t->gw);
	party_finish(&t->vps);
	loop_io_destroy(t->io);
	close(t->listener);
	loop_destroy(t->loop);
}

static bool is_set(void *ctx)
{
	const unsigned *count = ctx;

	return *count > 0;
}

static void wait_for(struct test *t, unsigned *count)
{
	assert_true(net_run_until(t->loop, is_set, count));
}

static bool is_over(void *ctx)
{
	const struct party *p = ctx;

	return p->over[0];
}

static void join_pair(struct test *t)
{
	struct told *told = dial(t, &t->at);

	wait_for(t, &told->ready);
}

#define COSTLY 60u
#define COST_US 1000u
#define COSTLY_IN_TURN 6u /* 2 ms, and what both lanes have begun then */

static size_t take_nothing(void *ctx, struct iovec *parts, int count)
{
	return 0;
}

static void on_nothing(void *ctx)
{
}

static void on_refused(void *ctx, enum stream_end end)
{
	++*(unsigned *)ctx;
}

static bool all_refused(void *ctx)
{
	return *(const unsigned *)ctx == COSTLY;
}

/* What a session's frames cost is spread over turns of the loop, over all of its
 * lanes together, and nothing of it is lost. */
static void costly_frames_are_spread_over_turns(void **state)
{
	static const struct stream_events refused = {
		.on_opened = on_opened, .on_data = take_nothing,
		.on_finished = on_nothing, .on_writable = on_nothing,
		.on_closed = on_refused,
	};
	struct dest dest = { .addr = { .family = AF_INET, .port = 80 } };
	struct addr client = { .family = AF_UNSPEC };
	struct test t;
	unsigned over = 0;

	begin(&t);
	join_pair(&t);
	join_pair(&t);
	t.vps.stream_costs_us = COST_US;
	for (unsigned i = 0; i < COSTLY; i++) { /* a record each */
		assert_non_null(session_open(t.gw.session, &dest, &client,
		                             &refused, &over));
		session_turn(t.gw.session);
	}
	assert_true(net_run_until(t.loop, all_refused, &over));
	assert_int_equal(t.vps.streams, COSTLY);
	assert_in_range(t.vps.in_turn_most, 1, COSTLY_IN_TURN);
	finish(&t);
}

/* Strangers --------------------------------------------------------------------- */

struct raw {
	struct loop_io *io;
	int fd;
	struct tls *tls;
	struct buf in, out, heard;
	int shaken;
	unsigned done, eof; /* shaken; the peer closed */
};

static void raw_flush(struct raw *r)
{
	if (!r->out.len)
		return;
	ssize_t n = send(r->fd, buf_head(&r->out), r->out.len, MSG_NOSIGNAL);
	if (n > 0)
		buf_take(&r->out, (size_t)n);
}

static void on_raw(void *ctx, unsigned events)
{
	struct raw *r = ctx;
	uint8_t bytes[16384];
	ssize_t n = recv(r->fd, bytes, sizeof(bytes), 0);

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		r->eof = 1;
		loop_io_want(r->io, 0);
	}
	if (n > 0)
		assert_int_equal(buf_put(&r->in, bytes, (size_t)n), 0);
	if (r->shaken == 0)
		r->shaken = tls_handshake(r->tls);
	r->done = r->shaken == 1;
	uint8_t *p;
	while (r->shaken == 1 && (n = tls_open(r->tls, &p)) > 0)
		assert_int_equal(buf_put(&r->heard, p, (size_t)n), 0);
	if (r->shaken == 1)
		tls_taken(r->tls);
	raw_flush(r);
}

static void raw_init(struct raw *r, struct party *as, int fd)
{
	memset(r, 0, sizeof(*r));
	r->fd = fd;
	buf_init(&r->in, 1 << 20);
	buf_init(&r->out, 1 << 20);
	buf_init(&r->heard, 1 << 20);
	r->tls = tls_create(as->tls, &r->in, &r->out);
	assert_non_null(r->tls);
	r->io = loop_io_create(as->test->loop, fd, LOOP_READ, on_raw, r);
	r->shaken = tls_handshake(r->tls);
	raw_flush(r);
}

static void raw_finish(struct raw *r)
{
	loop_io_destroy(r->io);
	tls_destroy(r->tls);
	buf_finish(&r->in);
	buf_finish(&r->out);
	buf_finish(&r->heard);
	close(r->fd);
}

static int connect_now(struct test *t)
{
	int fd = net_connect(&t->at);

	assert_true(fd >= 0);
	net_run_for(t->loop, 1000);
	return fd;
}

static void raw_say(struct raw *r, const struct wire_frame *frame)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];

	assert_int_equal(tls_write(r->tls, bytes, wire_encode(bytes, frame)), 0);
	raw_flush(r);
}

/* A stranger at the concentrator's door, shaken. */
static void raw_client(struct test *t, struct raw *r)
{
	raw_init(r, &t->gw, connect_now(t));
	wait_for(t, &r->done);
}

/* A stranger in the concentrator's place, shaken with `told`. */
static struct told *raw_server(struct test *t, struct raw *r)
{
	struct addr at;
	int listener = net_listen("127.0.0.1", &at, 1);
	struct told *told = dial(t, &at);
	int fd;

	while ((fd = sockopt_accept(listener, NULL)) < 0)
		net_run_for(t->loop, 1000);
	close(listener);
	raw_init(r, &t->vps, fd);
	wait_for(t, &r->done);
	return told;
}

/* The frame of that type among what the stranger heard. */
static bool raw_heard(const struct raw *r, uint8_t type, struct wire_frame *out)
{
	size_t left = r->heard.len;
	const uint8_t *p = left ? buf_head(&r->heard) : NULL;
	const char *why;
	ssize_t n;

	while (left && (n = wire_decode(out, p, left, &why)) > 0) {
		if (out->type == type)
			return true;
		p += n;
		left -= (size_t)n;
	}
	return false;
}

static bool has_pong(void *ctx)
{
	struct wire_frame pong;

	return raw_heard(ctx, WIRE_PONG, &pong);
}

static void check_end(const struct told *told, const char *why)
{
	assert_int_equal(told->ended, 1);
	if (!strstr(told->why, why))
		fail_msg("\"%s\", not \"%s\"", told->why, why);
}

/* Tests ----------------------------------------------------------------------------- */

/* Whoever he is, he hears an answer, and no more. */
static void test_an_invitation_is_answered(void **state)
{
	const struct wire_frame invite = { .type = WIRE_INVITE,
		.invite = { WIRE_VERSION, { 1, 2, 3 } } };
	const struct wire_frame hello = { .type = WIRE_HELLO,
		.hello = { .version = WIRE_VERSION, .subflow_id = 1 } };
	struct wire_frame frame;
	struct raw client;
	struct test t;

	begin(&t);
	raw_client(&t, &client);
	raw_say(&client, &invite);
	raw_say(&client, &hello); /* it is too late for that */
	wait_for(&t, &client.eof);
	assert_true(raw_heard(&client, WIRE_REDEEMED, &frame));
	assert_int_equal(frame.redeemed.result, WIRE_REDEEM_USED);
	assert_string_equal(frame.redeemed.site, "home");
	assert_false(raw_heard(&client, WIRE_WELCOME, &frame));
	raw_finish(&client);
	const struct told *told = &t.vps.told[0];
	wait_for(&t, &t.vps.told[0].ended);
	assert_int_equal(told->invited, 1);
	assert_int_equal(told->ready, 0);
	assert_memory_equal(&told->invite, &invite.invite, sizeof(told->invite));
	assert_true(tls_pin_equal(&told->pin, &t.gw.pin));
	assert_false(told->joined);
	finish(&t);
}

static void test_greeting(void **state)
{
	struct test t;

	begin(&t);
	t.gw.policy = t.vps.policy = JOIN;
	join_pair(&t);
	const struct told *gw = &t.gw.told[0], *vps = &t.vps.told[0];
	assert_int_equal(vps->ready, 1);
	assert_true(tls_pin_equal(&gw->pin, &t.vps.pin));
	assert_true(tls_pin_equal(&vps->pin, &t.gw.pin));
	assert_int_equal(vps->hello.subflow_id, 1);
	assert_string_equal(vps->hello.name, "dsl");
	assert_int_equal(gw->welcome.incarnation, INCARNATION);
	assert_int_equal(subflow_id(vps->sf), 1);
	assert_true(addr_equal(subflow_peer(gw->sf), &t.at));
	struct addr local;
	subflow_local(gw->sf, &local);
	assert_true(addr_equal(subflow_peer(vps->sf), &local));
	assert_non_null(strstr(subflow_cipher(gw->sf), "TLS_"));
	assert_string_equal(subflow_congestion(gw->sf), "reno");
	finish(&t);
}

static bool both_closed(void *ctx)
{
	struct test *t = ctx;

	return t->gw.mover.closed && t->vps.mover.closed;
}

static void start_transfer(struct test *t)
{
	struct dest dest = { .addr = { .family = AF_INET, .port = 80 } };
	struct addr client = { 0 };

	t->gw.mover.stream = session_open(t->gw.session, &dest, &client,
	                                  &mover_events, &t->gw);
	assert_non_null(t->gw.mover.stream);
	move_more(&t->gw);
}

static bool has_stream(void *ctx)
{
	struct test *t = ctx;

	return t->vps.mover.stream != NULL;
}

static void check_moved(const struct party *p)
{
	assert_int_equal(p->mover.received, TRANSFER_BYTES);
	assert_int_equal(p->mover.wrong, 0);
	assert_true(p->mover.finished);
	assert_int_equal(p->mover.end, STREAM_END_FINISHED);
}

static void transfer(struct test *t)
{
	struct session_stats stats;

	t->gw.policy = t->vps.policy = JOIN;
	join_pair(t);
	join_pair(t);
	start_transfer(t);
	assert_true(net_run_until(t->loop, has_stream, t));
	move_more(&t->vps);
	assert_true(net_run_until(t->loop, both_closed, t));
	check_moved(&t->gw);
	check_moved(&t->vps);
	session_stats(t->gw.session, &stats);
	assert_int_equal(stats.lanes, 2);
	assert_int_equal(stats.streams, 0);
}

static void test_transfer(void **state)
{
	struct test t;

	begin(&t);
	transfer(&t);
	finish(&t);
}

/* As where a library gives no secrets: at one end, then at both. */
static void test_transfer_by_the_librarys_records(void **state)
{
	for (int both = 0; both < 2; both++) {
		struct test t;
		begin(&t);
		tls_context_leave_records(t.vps.tls);
		if (both)
			tls_context_leave_records(t.gw.tls);
		transfer(&t);
		finish(&t);
	}
}

/* One of two is gone in the middle: what it carried goes by the other. */
static void test_transfer_survives_a_loss(void **state)
{
	struct test t;

	begin(&t);
	t.gw.policy = t.vps.policy = JOIN;
	join_pair(&t);
	join_pair(&t);
	start_transfer(&t);
	assert_true(net_run_until(t.loop, has_stream, &t));
	move_more(&t.vps);
	subflow_destroy(t.vps.told[0].sf);
	t.vps.told[0].sf = NULL;
	wait_for(&t, &t.gw.told[0].ended);
	assert_true(t.gw.told[0].joined);
	assert_true(net_run_until(t.loop, both_closed, &t));
	check_moved(&t.gw);
	check_moved(&t.vps);
	finish(&t);
}

static void test_peer_closes(void **state)
{
	struct session_stats stats;
	struct test t;

	begin(&t);
	t.gw.policy = t.vps.policy = JOIN;
	join_pair(&t);
	subflow_destroy(t.vps.told[0].sf);
	t.vps.told[0].sf = NULL;
	wait_for(&t, &t.gw.told[0].ended);
	assert_true(t.gw.told[0].joined);
	session_stats(t.gw.session, &stats);
	assert_int_equal(stats.lanes, 0);
	assert_string_equal(t.gw.over, ""); /* it lingers */
	finish(&t);
}

/* The session's reason reaches the other side's session. */
static void test_session_close(void **state)
{
	struct test t;

	begin(&t);
	t.gw.policy = t.vps.policy = JOIN;
	join_pair(&t);
	session_close(t.vps.session, "site removed");
	wait_for(&t, &t.gw.told[0].ended);
	wait_for(&t, &t.vps.told[0].ended);
	assert_true(net_run_until(t.loop, is_over, &t.gw));
	assert_true(net_run_until(t.loop, is_over, &t.vps));
	assert_non_null(strstr(t.gw.over, "site removed"));
	assert_non_null(strstr(t.vps.over, "site removed"));
	finish(&t);
}

/* Whatever waits before it, and whatever comes unread meanwhile. */
static void test_session_close_in_a_transfer(void **state)
{
	for (unsigned us = 0; us < 10000; us += 500) {
		struct test t;
		begin(&t);
		t.gw.policy = t.vps.policy = JOIN;
		join_pair(&t);
		start_transfer(&t);
		assert_true(net_run_until(t.loop, has_stream, &t));
		move_more(&t.vps);
		net_run_for(t.loop, us);
		session_close(t.gw.session, "the gateway ends");
		assert_true(net_run_until(t.loop, is_over, &t.vps));
		assert_non_null(strstr(t.vps.over, "the gateway ends"));
		wait_for(&t, &t.gw.told[0].ended);
		finish(&t);
	}
}

static void test_refused_by_the_role(void **state)
{
	struct test t;

	begin(&t);
	t.vps.policy = REFUSE;
	struct told *told = dial(&t, &t.at);
	wait_for(&t, &told->ended);
	check_end(told, "site not known");
	assert_int_equal(told->end, SUBFLOW_END_REFUSED);
	assert_false(told->joined);
	assert_int_equal(told->ready, 0);
	wait_for(&t, &t.vps.told[0].ended);
	finish(&t);
}

static void test_nobody_listens(void **state)
{
	struct test t;
	struct addr at;

	begin(&t);
	close(net_listen("127.0.0.1", &at, 1));
	struct told *told = dial(&t, &at);
	wait_for(&t, &told->ended);
	check_end(told, "refused");
	assert_int_equal(told->end, SUBFLOW_END_OTHER);
	finish(&t);
}

/* Who takes the concentrator's place hears nothing of the gateway. */
static void test_wrong_pin(void **state)
{
	char text[TLS_PIN_TEXT_LEN + 1];
	struct test t;

	begin(&t);
	struct tls_pin right = t.vps.pin;
	t.vps.pin = t.gw.pin; /* what the gateway expects */
	struct told *told = dial(&t, &t.at);
	t.vps.pin = right;
	wait_for(&t, &told->ended);
	assert_int_equal(told->end, SUBFLOW_END_WRONG_PIN);
	assert_int_equal(told->ready, 0);
	check_end(told, "wrong pin: shown ");
	check_end(told, tls_pin_format(&t.vps.pin, text));
	check_end(told, tls_pin_format(&t.gw.pin, text));
	wait_for(&t, &t.vps.told[0].ended);
	check_end(&t.vps.told[0], "the peer rejects our certificate");
	assert_int_equal(t.vps.told[0].ready, 0);
	finish(&t);
}

static void test_wrong_greetings(void **state)
{
	struct wire_frame ping = { .type = WIRE_PING };
	struct wire_frame hello = { .type = WIRE_HELLO,
	                            .hello.version = WIRE_VERSION };
	struct raw client, server;
	struct test t;

	begin(&t);
	raw_client(&t, &client);
	raw_say(&client, &ping);
	wait_for(&t, &t.vps.told[0].ended);
	check_end(&t.vps.told[0], "no greeting");
	assert_int_equal(t.vps.told[0].ready, 0);
	struct told *told = raw_server(&t, &server);
	raw_say(&server, &hello);
	wait_for(&t, &told->ended);
	check_end(told, "no greeting");
	raw_finish(&client);
	raw_finish(&server);
	finish(&t);
}

static bool is_welcomed(void *ctx)
{
	struct wire_frame welcome;

	return raw_heard(ctx, WIRE_WELCOME, &welcome);
}

/* A gateway of the next release is welcomed, in the version that we speak. */
static void test_later_version(void **state)
{
	struct wire_frame hello = { .type = WIRE_HELLO,
	                            .hello.version = WIRE_VERSION + 1 };
	struct wire_frame welcome;
	struct raw client;
	struct test t;

	begin(&t);
	raw_client(&t, &client);
	raw_say(&client, &hello);
	assert_true(net_run_until(t.loop, is_welcomed, &client));
	assert_true(raw_heard(&client, WIRE_WELCOME, &welcome));
	assert_int_equal(welcome.welcome.version, WIRE_VERSION);
	raw_finish(&client);
	finish(&t);
}

/* One that is not spoken is told so, in a frame that every version has. */
static void test_wrong_version(void **state)
{
	struct wire_frame hello = { .type = WIRE_HELLO,
	                            .hello.version = WIRE_VERSION_OLDEST - 1 };
	struct wire_frame welcome = { .type = WIRE_WELCOME,
	                              .welcome.version = WIRE_VERSION + 1 };
	struct wire_frame close;
	struct raw client, server;
	struct test t;

	begin(&t);
	raw_client(&t, &client);
	raw_say(&client, &hello);
	wait_for(&t, &client.eof);
	assert_true(raw_heard(&client, WIRE_CLOSE, &close));
	assert_non_null(strstr(close.close.reason, "version"));
	wait_for(&t, &t.vps.told[0].ended);
	check_end(&t.vps.told[0], "version");
	struct told *told = raw_server(&t, &server);
	raw_say(&server, &welcome);
	wait_for(&t, &told->ended);
	check_end(told, "version");
	raw_finish(&client);
	raw_finish(&server);
	finish(&t);
}

static void test_garbage_for_tls(void **state)
{
	static const char garbage[] = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";
	struct test t;

	begin(&t);
	int fd = connect_now(&t);
	assert_true(send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL) > 0);
	wait_for(&t, &t.vps.count);
	wait_for(&t, &t.vps.told[0].ended);
	assert_int_equal(t.vps.told[0].ready, 0);
	assert_true(t.vps.told[0].why[0]);
	close(fd);
	finish(&t);
}

/* Also one that has shaken hands well: it is told by what it is refused. */
static void test_a_forged_record(void **state)
{
	static const uint8_t forged[5 + 40] = { 23, 3, 3, 0, 40 };
	struct raw client;
	struct test t;
	uint8_t *p;

	begin(&t);
	raw_client(&t, &client);
	assert_true(send(client.fd, forged, sizeof(forged), MSG_NOSIGNAL) > 0);
	wait_for(&t, &t.vps.told[0].ended);
	check_end(&t.vps.told[0], "a forged record");
	wait_for(&t, &client.eof);
	assert_int_equal(tls_open(client.tls, &p), -EPROTO);
	assert_string_equal(tls_error(client.tls),
	                    "the peer's alert: bad_record_mac");
	raw_finish(&client);
	finish(&t);
}

static void test_garbage_for_frames(void **state)
{
	struct wire_frame hello = { .type = WIRE_HELLO,
		.hello = { .version = WIRE_VERSION, .subflow_id = 9 } };
	static const uint8_t garbage[4] = { 0x7f, 0, 0, 0 };
	struct wire_frame frame;
	struct raw client;
	struct test t;

	begin(&t);
	raw_client(&t, &client); /* before the greeting */
	assert_int_equal(tls_write(client.tls, garbage, 4), 0);
	raw_flush(&client);
	wait_for(&t, &t.vps.told[0].ended);
	check_end(&t.vps.told[0], "unknown type");
	raw_finish(&client);

	t.vps.policy = JOIN;
	raw_client(&t, &client); /* and after it */
	raw_say(&client, &hello);
	assert_int_equal(tls_write(client.tls, garbage, 4), 0);
	raw_flush(&client);
	wait_for(&t, &client.eof);
	assert_true(raw_heard(&client, WIRE_WELCOME, &frame));
	assert_true(raw_heard(&client, WIRE_CLOSE, &frame));
	assert_non_null(strstr(frame.close.reason, "unknown type"));
	assert_true(net_run_until(t.loop, is_over, &t.vps));
	assert_non_null(strstr(t.vps.over, "unknown type"));
	raw_finish(&client);
	finish(&t);
}

/* HELLO and a frame behind it, cut anywhere. */
static void greet_and_ping(struct test *t, struct raw *client)
{
	struct wire_frame hello = { .type = WIRE_HELLO,
		.hello = { .version = WIRE_VERSION, .subflow_id = 9 } };
	struct wire_frame ping = { .type = WIRE_PING, .ping = { 77 } };
	uint8_t bytes[2 * WIRE_CONTROL_BYTES_MAX];

	raw_client(t, client);
	size_t n = wire_encode(bytes, &hello);
	n += wire_encode(bytes + n, &ping);
	for (size_t at = 0; at < n; at += 5) {
		size_t part = n - at < 5 ? n - at : 5;
		assert_int_equal(tls_write(client->tls, bytes + at, part), 0);
	}
	raw_flush(client);
}

/* Who changed loops before it was welcomed is heard all the same, and has what
 * it was made with, though the maker's own is another by then. */
static void test_frames_of_who_moves(void **state)
{
	struct raw client;
	struct test t;

	begin(&t);
	t.vps.policy = MOVE;
	greet_and_ping(&t, &client);
	struct told *told = &t.vps.told[0];
	wait_for(&t, &told->ready);
	snprintf(congestion, sizeof(congestion), "none");
	assert_true(subflow_lift(told->sf));
	net_run_for(t.loop, 1000);
	assert_int_equal(subflow_land(told->sf, t.loop), 0);
	assert_int_equal(subflow_join(told->sf, t.vps.session, INCARNATION), 0);
	assert_string_equal(subflow_congestion(told->sf), "reno");
	snprintf(congestion, sizeof(congestion), "reno");
	assert_true(net_run_until(t.loop, has_pong, &client));
	raw_finish(&client);
	finish(&t);
}

static void test_frames_behind_the_greeting(void **state)
{
	struct wire_frame pong;
	struct raw client;
	struct test t;

	begin(&t);
	t.vps.policy = JOIN;
	greet_and_ping(&t, &client);
	assert_true(net_run_until(t.loop, has_pong, &client));
	assert_true(raw_heard(&client, WIRE_PONG, &pong));
	assert_int_equal(pong.ping.stamp, 77);
	raw_finish(&client);
	finish(&t);
}

/* The descriptor at the other end of the stranger's connection. */
static int fd_towards(const struct raw *r)
{
	struct addr own, peer;

	assert_int_equal(sockopt_local(r->fd, &own), 0);
	for (int fd = 0; fd < 256; fd++)
		if (!sockopt_peer(fd, &peer) && addr_equal(&peer, &own))
			return fd;
	fail_msg("nobody at the other end");
	return -1;
}

/* The subflow at a descriptor, as the kernel sees it. */
struct sleeper {
	int fd;
	int lowat, unread; /* waited for */
};

static bool sleeps_so(void *ctx)
{
	const struct sleeper *s = ctx;
	socklen_t len = sizeof(int);
	int lowat = -1, unread = -1;

	assert_int_equal(getsockopt(s->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, &len),
	                 0);
	assert_int_equal(ioctl(s->fd, FIONREAD, &unread), 0);
	return lowat == s->lowat && unread == s->unread;
}

/* Seals a PING without sending it; how long its record is. */
static size_t seal_ping(struct raw *r, uint8_t record[WIRE_CONTROL_BYTES_MAX])
{
	struct wire_frame ping = { .type = WIRE_PING };
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];

	assert_int_equal(r->out.len, 0);
	assert_int_equal(tls_write(r->tls, bytes, wire_encode(bytes, &ping)), 0);
	size_t n = r->out.len;
	memcpy(record, buf_head(&r->out), n);
	buf_take(&r->out, n);
	return n;
}

static void send_bytes(struct raw *r, const uint8_t *p, size_t n)
{
	assert_int_equal(send(r->fd, p, n, MSG_NOSIGNAL), n);
}

/* A joined subflow sleeps until the record at hand is whole. */
static void test_is_woken_by_whole_records(void **state)
{
	struct wire_frame hello = { .type = WIRE_HELLO,
		.hello = { .version = WIRE_VERSION, .subflow_id = 9 } };
	uint8_t record[WIRE_CONTROL_BYTES_MAX];
	struct raw client;
	struct test t;

	begin(&t);
	t.vps.policy = JOIN;
	raw_client(&t, &client);
	raw_say(&client, &hello);
	wait_for(&t, &t.vps.told[0].ready);
	assert_int_equal(sockopt_set_nodelay(client.fd), 0);
	struct sleeper sleeper = { .fd = fd_towards(&client) };
	size_t n = seal_ping(&client, record);
	send_bytes(&client, record, 8);
	sleeper.lowat = (int)n - 8;
	assert_true(net_run_until(t.loop, sleeps_so, &sleeper));
	for (size_t at = 8; at + 1 < n; at++)
		send_bytes(&client, record + at, 1);
	sleeper.unread = (int)n - 9;
	assert_true(net_run_until(t.loop, sleeps_so, &sleeper));
	net_run_for(t.loop, 20000);
	assert_true(sleeps_so(&sleeper));
	send_bytes(&client, record + n - 1, 1);
	assert_true(net_run_until(t.loop, has_pong, &client));
	seal_ping(&client, record);
	send_bytes(&client, record, 4); /* its length is not known yet */
	sleeper.lowat = 1;
	sleeper.unread = 0;
	assert_true(net_run_until(t.loop, sleeps_so, &sleeper));
	send_bytes(&client, record + 4, 7);
	sleeper.lowat = (int)n - 11;
	assert_true(net_run_until(t.loop, sleeps_so, &sleeper));
	raw_finish(&client);
	wait_for(&t, &t.vps.told[0].ended); /* an end needs no record */
	finish(&t);
}

/* Everybody who dawdles, at the same time: silent before TLS on either side,
 * and silent after it. */
static void test_handshake_deadline(void **state)
{
	struct raw client, server;
	struct test t;
	struct addr at;

	begin(&t);
	uint64_t start = loop_now_us(t.loop);
	int fd = connect_now(&t);
	wait_for(&t, &t.vps.count);
	raw_client(&t, &client);
	int silent = net_listen("127.0.0.1", &at, 1);
	struct told *unheard = dial(&t, &at);
	struct told *ungreeted = raw_server(&t, &server);
	wait_for(&t, &ungreeted->ended);
	uint64_t took = loop_now_us(t.loop) - start;
	assert_true(took >= SUBFLOW_HANDSHAKE_US - 100000);
	check_end(&t.vps.told[0], "too slow");
	check_end(&t.vps.told[1], "too slow");
	check_end(unheard, "only the peer's kernel answers");
	check_end(ungreeted, "too slow");
	close(fd);
	close(silent);
	raw_finish(&client);
	raw_finish(&server);
	finish(&t);
}

/* Whoever destroys it hears nothing more, in whatever state it is. */
static void test_destroy(void **state)
{
	struct test t;

	for (unsigned us = 0; us < 6000; us += 500) {
		begin(&t);
		t.vps.policy = JOIN;
		struct told *told = dial(&t, &t.at);
		if (us)
			net_run_for(t.loop, us);
		subflow_destroy(told->sf);
		told->sf = NULL;
		net_run_for(t.loop, 2000);
		assert_int_equal(told->ended, 0);
		finish(&t);
	}
	subflow_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting),
		cmocka_unit_test(test_an_invitation_is_answered),
		cmocka_unit_test(costly_frames_are_spread_over_turns),
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_transfer_by_the_librarys_records),
		cmocka_unit_test(test_transfer_survives_a_loss),
		cmocka_unit_test(test_peer_closes),
		cmocka_unit_test(test_session_close),
		cmocka_unit_test(test_session_close_in_a_transfer),
		cmocka_unit_test(test_refused_by_the_role),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_wrong_pin),
		cmocka_unit_test(test_wrong_greetings),
		cmocka_unit_test(test_later_version),
		cmocka_unit_test(test_wrong_version),
		cmocka_unit_test(test_garbage_for_tls),
		cmocka_unit_test(test_a_forged_record),
		cmocka_unit_test(test_garbage_for_frames),
		cmocka_unit_test(test_frames_behind_the_greeting),
		cmocka_unit_test(test_frames_of_who_moves),
		cmocka_unit_test(test_is_woken_by_whole_records),
		cmocka_unit_test(test_handshake_deadline),
		cmocka_unit_test(test_destroy),
	};

	return cmocka_run_group_tests_name("transport/subflow", tests, NULL, NULL);
}
