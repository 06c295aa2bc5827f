/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: two gateways and their sites, each on another worker, over real sockets on the
 * loopback: a path of IPv4 and one of IPv6 each. What their sessions would say is handed
 * over at the end of a turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/loop.h"
#include "agg/kernel/sockopt.h"
#include "agg/kernel/udp.h"
#include "agg/transport/tunnel_shell.h"

#include <string.h>
#include <unistd.h>

#define SITES 2
#define WAIT_US 20000000u
#define STEP_US 1000u
#define LEN 1200u
#define PACKETS 2000u
#define BATCH 20u

struct end {
	struct tunnel_shell *shell;
	struct packet_pool *pool;
	struct end *other;
	struct wire_frame heard;  /* of the other's session, not handed over yet */
	struct loop_task hand;
	unsigned sent, received;
};

static struct loop *loop;
static struct dgram *gateways, *workers[SITES];
static struct end gateway[SITES], site[SITES];
static struct addr at[2];
static struct loop_timer *timer;
static uint64_t end_us;
static bool (*step)(void); /* true: done */

static void deliver(void *ctx, struct packet *p, const struct inspection *in)
{
	struct end *e = ctx;

	assert_int_equal(p->len, LEN);
	assert_int_equal(packet_data(p)[LEN - 1], 0x5a);
	e->received++;
	packet_put(p);
}

static void say(void *ctx, const struct wire_frame *frame)
{
	struct end *e = ctx;

	e->other->heard = *frame;
	loop_task_post(&e->other->hand);
}

static void hand(void *ctx)
{
	struct end *e = ctx;

	assert_int_equal(tunnel_frame(tunnel_shell_tunnel(e->shell), &e->heard), 0);
}

static const struct tunnel_shell_events events = { .deliver = deliver, .say = say };

static void make(struct end *e, struct end *other, struct dgram *dgram, bool is_gateway,
                 uint8_t id)
{
	*e = (struct end){ .other = other, .pool = packet_pool_create(4096, NULL) };
	struct tunnel_shell_args args = {
		.loop = loop, .dgram = dgram, .is_gateway = is_gateway, .session_id = { id },
		.suite = dgram_suite(dgram), .pool = e->pool,
		.queue_bytes_max = 8u << 20, .events = &events, .ctx = e,
	};

	assert_non_null(e->pool);
	loop_task_init(&e->hand, loop, hand, e);
	e->shell = tunnel_shell_create(&args);
	assert_non_null(e->shell);
}

static void free_end(struct end *e)
{
	tunnel_shell_destroy(e->shell);
	loop_task_cancel(&e->hand);
	assert_int_equal(packet_pool_used(e->pool), 0);
	packet_pool_destroy(e->pool);
}

static void put(struct end *e)
{
	struct packet *p = packet_get(e->pool);

	if (!p)
		return;
	uint8_t *b = packet_data(p);
	p->len = LEN;
	memset(b, 0, LEN);
	memcpy(b, (uint8_t[]){ 0x45, 0, LEN >> 8, LEN & 255, 0, 0, 0, 0, 64, 17, 0, 0,
	                       192, 168, 1, 2, 203, 0, 113, 1, 1, 2, 3, 4,
	                       (LEN - 20) >> 8, (LEN - 20) & 255 }, 26);
	b[LEN - 1] = 0x5a;
	e->sent++;
	tunnel_put(tunnel_shell_tunnel(e->shell), p);
}

static void on_timer(void *ctx)
{
	if (step() || loop_now_us(loop) >= end_us) {
		loop_stop(loop);
		return;
	}
	loop_timer_arm(timer, loop_now_us(loop) + STEP_US);
}

/* Until it says so; false: it took too long. */
static bool run_until(bool (*fn)(void))
{
	step = fn;
	end_us = loop_now_us(loop) + WAIT_US;
	loop_timer_arm(timer, 0);
	loop_run(loop);
	loop_timer_disarm(timer);
	return loop_now_us(loop) < end_us;
}

static void listen_on(unsigned family, const char *text)
{
	int fds[SITES], one;

	assert_int_equal(addr_parse(&at[family], text, 0), 0);
	assert_int_equal(udp_listen(&at[family], NULL, &one, 1), 0);
	assert_int_equal(sockopt_local(one, &at[family]), 0);
	close(one);
	assert_int_equal(udp_listen(&at[family], NULL, fds, SITES), 0);
	for (unsigned i = 0; i < SITES; i++)
		assert_non_null(dgram_adopt(workers[i], fds[i]));
}

static void connect_paths(struct end *e)
{
	for (unsigned path = 0; path < 2; path++) {
		struct tunnel_way way = { .peer = at[path] };
		assert_int_equal(tunnel_shell_connect(e->shell, path, &way, 0), 0);
	}
}

static bool all_up(void)
{
	bool up = true;

	for (unsigned i = 0; i < SITES; i++)
		for (unsigned path = 0; path < 2; path++) {
			struct tunnel_stats a, b;
			tunnel_stats(tunnel_shell_tunnel(gateway[i].shell), &a);
			tunnel_stats(tunnel_shell_tunnel(site[i].shell), &b);
			up &= a.path[path].usable && b.path[path].usable;
		}
	return up;
}

static void begin(void)
{
	loop = loop_create();
	assert_non_null(loop);
	timer = loop_timer_create(loop, on_timer, NULL);
	gateways = dgram_create(loop, 0, 1);
	for (unsigned i = 0; i < SITES; i++)
		workers[i] = dgram_create(loop, i, SITES);
	listen_on(0, "127.0.0.1");
	listen_on(1, "::1");
	for (unsigned i = 0; i < SITES; i++) {
		make(&gateway[i], &site[i], gateways, true, (uint8_t)i);
		make(&site[i], &gateway[i], workers[i], false, (uint8_t)i);
		connect_paths(&gateway[i]);
	}
	assert_true(run_until(all_up));
}

static void finish(void)
{
	for (unsigned i = 0; i < SITES; i++) {
		free_end(&gateway[i]);
		free_end(&site[i]);
		dgram_destroy(workers[i]);
	}
	dgram_destroy(gateways);
	loop_timer_destroy(timer);
	loop_destroy(loop);
}

/* A batch each, when the one before has arrived. */
static bool carry(void)
{
	bool done = true;

	for (unsigned i = 0; i < SITES; i++) {
		struct end *ends[2] = { &gateway[i], &site[i] };
		for (unsigned k = 0; k < 2; k++) {
			struct end *e = ends[k];
			bool idle = e->other->received == e->sent;
			for (unsigned n = 0; idle && e->sent < PACKETS && n < BATCH; n++)
				put(e);
			done &= e->other->received == PACKETS;
		}
	}
	return done;
}

static void they_carry_both_ways(void **state)
{
	struct dgram_stats s;

	begin();
	assert_true(run_until(carry));
	for (unsigned i = 0; i < SITES; i++) {
		dgram_stats(workers[i], &s);
		assert_int_equal(s.strange, 0);
		assert_true(s.sent >= PACKETS);
		assert_true(s.calls_out < s.sent);
	}
	dgram_stats(gateways, &s);
	assert_int_equal(s.strange, 0);
	assert_int_equal(s.lost, 0);
	finish();
}

static unsigned port_of(unsigned path)
{
	struct tunnel_stats s;

	tunnel_stats(tunnel_shell_tunnel(site[0].shell), &s);
	return s.path[path].ends.peer.port;
}

static unsigned port_before;
static bool has_moved(void)
{
	return port_of(0) != port_before && all_up();
}

/* As when the uplink's address changed: another socket, the same counters. */
static void a_path_gets_another_socket(void **state)
{
	begin();
	port_before = port_of(0);
	assert_true(port_before != 0);
	tunnel_shell_disconnect(gateway[0].shell, 0);
	connect_paths(&gateway[0]); /* and the other one stays as it was */
	unsigned other = port_of(1);
	assert_true(run_until(has_moved));
	assert_int_equal(port_of(1), other);
	assert_true(run_until(carry));
	finish();
}

static bool moved(void)
{
	put(&gateway[0]); /* which is not answered */
	return port_of(0) != port_before;
}

/* Of a path on which nothing comes back: here, as the site forgets that it is there. */
static void a_dead_path_gets_another_port(void **state)
{
	begin();
	port_before = port_of(0);
	for (unsigned path = 0; path < 2; path++)
		tunnel_path(tunnel_shell_tunnel(site[0].shell), path, TUNNEL_PATH_DOWN, 0);
	assert_true(run_until(moved));
	for (unsigned path = 0; path < 2; path++)
		tunnel_path(tunnel_shell_tunnel(site[0].shell), path, TUNNEL_PATH_UP, 0);
	assert_true(run_until(all_up));
	finish();
}

static void what_cannot_be_opened_is_down(void **state)
{
	begin();
	struct tunnel_way way = { .device = "nosuchdevice0", .peer = at[0] };
	assert_true(tunnel_shell_connect(gateway[0].shell, 0, &way, 0) < 0);
	struct tunnel_stats s;
	tunnel_stats(tunnel_shell_tunnel(gateway[0].shell), &s);
	assert_int_equal(s.path[0].state, TUNNEL_PATH_DOWN);
	assert_true(tunnel_is_up(tunnel_shell_tunnel(gateway[0].shell)));
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_carry_both_ways),
		cmocka_unit_test(a_path_gets_another_socket),
		cmocka_unit_test(a_dead_path_gets_another_port),
		cmocka_unit_test(what_cannot_be_opened_is_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
