/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a client and a server on loopback, joined without a session.
 */
#include "net.h"
#include "proxy/direct.h"

#include "agg/kernel/sockopt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TOTAL (3u << 20) /* more than two sockets hold */

struct scene {
	struct loop *loop;
	struct prefix allow;
	struct egress egress;
	struct relays *relays;
	struct tally *hosts;
	struct directs *directs;
	struct addr at;      /* the listener's */
	int listener, server, client;
	bool took;
};

static size_t say_opened(uint8_t out[RELAY_ANSWER_MAX], const struct addr *bound)
{
	memcpy(out, "ok", 2);
	return 2;
}

static size_t say_failed(uint8_t out[RELAY_ANSWER_MAX], enum stream_end end)
{
	out[0] = (uint8_t)('0' + end);
	return 1;
}

static const struct relay_greeter greeter = { say_opened, say_failed };

static void build(struct scene *s, unsigned places)
{
	memset(s, 0, sizeof(*s));
	s->server = s->client = -1;
	s->loop = loop_create();
	assert_int_equal(prefix_parse(&s->allow, "127.0.0.0/8"), 0);
	s->egress.allow = &s->allow;
	s->egress.allow_count = 1;
	s->relays = relays_create(s->loop);
	s->hosts = tally_create(places);
	struct directs_args args = { s->loop, &s->egress, NULL, s->relays,
	                             s->hosts };
	s->directs = directs_create(&args);
	s->listener = net_listen("127.0.0.1", &s->at, 8);
}

static bool take(struct scene *s, const struct dest *dest,
                 const struct relay_greeter *g)
{
	int pair[2];
	struct inlet_client client = { .dest = *dest, .greeter = g };

	net_tcp_pair(pair);
	s->client = pair[0];
	client.fd = pair[1];
	addr_parse(&client.from, "192.0.2.7", 5);
	return directs_take(s->directs, &client, "");
}

static bool has_server(void *ctx)
{
	struct scene *s = ctx;

	s->server = sockopt_accept(s->listener, NULL);
	return s->server >= 0;
}

static void join(struct scene *s, const struct relay_greeter *g)
{
	struct dest dest = { .addr = s->at };

	assert_true(take(s, &dest, g));
	assert_true(net_run_until(s->loop, has_server, s));
}

static bool is_over(void *ctx)
{
	struct scene *s = ctx;

	return !directs_count(s->directs) && !relays_count(s->relays);
}

static void tear_down(struct scene *s)
{
	assert_true(net_run_until(s->loop, is_over, s));
	assert_int_equal(tally_used(s->hosts), 0);
	directs_destroy(s->directs);
	relays_destroy(s->relays);
	tally_destroy(s->hosts);
	loop_destroy(s->loop);
	if (s->client >= 0)
		close(s->client);
	if (s->listener >= 0)
		close(s->listener);
	if (s->server >= 0)
		close(s->server);
}

struct transfer {
	struct net_reader reader;
	int to;
	size_t sent;
	uint64_t sum;
};

static bool step(void *ctx)
{
	struct transfer *t = ctx;
	uint8_t bytes[30000];

	while (t->sent < TOTAL) {
		size_t n = TOTAL - t->sent < sizeof(bytes) ? TOTAL - t->sent
		                                           : sizeof(bytes);
		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)((t->sent + i) * 31 + (t->sent >> 11));
		ssize_t put = send(t->to, bytes, n, MSG_NOSIGNAL);
		if (put < 0)
			break;
		t->sum = net_sum(t->sum, t->sent, bytes, (size_t)put);
		t->sent += (size_t)put;
		if (t->sent == TOTAL)
			shutdown(t->to, SHUT_WR);
	}
	if (t->sent > TOTAL / 2 || t->reader.n) /* the reader begins late */
		net_read(&t->reader);
	return t->reader.end != NET_OPEN;
}

static void bytes_and_ends_go_both_ways(void **state)
{
	struct scene s;

	build(&s, 8);
	join(&s, NULL);
	int fds[2] = { s.client, s.server };
	for (int i = 0; i < 2; i++) {
		struct transfer t = { .reader.fd = fds[!i], .to = fds[i] };
		assert_true(net_run_until(s.loop, step, &t));
		assert_int_equal(t.reader.end, NET_EOF);
		assert_int_equal(t.reader.n, TOTAL);
		assert_int_equal(t.reader.sum, t.sum);
	}
	tear_down(&s);
}

static bool has_end(void *ctx)
{
	struct net_reader *reader = ctx;

	net_read(reader);
	return reader->end != NET_OPEN;
}

static void a_reset_crosses(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct scene s;
		build(&s, 8);
		join(&s, NULL);
		int fds[2] = { s.client, s.server };
		struct net_reader reader = { .fd = fds[!i] };
		net_run_for(s.loop, 5000);
		sockopt_abort(fds[i]);
		*(i ? &s.server : &s.client) = -1;
		assert_true(net_run_until(s.loop, has_end, &reader));
		assert_int_equal(reader.end, NET_RESET);
		tear_down(&s);
	}
}

static void a_client_is_told_how_it_went(void **state)
{
	struct scene s;
	struct dest refused, denied = { .addr.family = AF_INET }, name = { 0 };

	build(&s, 8);
	join(&s, &greeter);
	struct net_reader reader = { .fd = s.client };
	shutdown(s.server, SHUT_WR);
	assert_true(net_run_until(s.loop, has_end, &reader));
	assert_int_equal(reader.n, 2);
	assert_memory_equal(reader.bytes, "ok", 2);
	shutdown(s.client, SHUT_WR);
	tear_down(&s);

	addr_parse(&denied.addr, "127.0.0.1", 9);
	denied.addr.ip[0] = 10;
	strcpy(name.name, "some.where.test");
	refused = (struct dest){ .addr = s.at };
	const struct { const struct dest *dest; char code; } rows[] = {
		{ &refused, '0' + STREAM_END_REFUSED },
		{ &denied, '0' + STREAM_END_NOT_ALLOWED },
		{ &name, '0' + STREAM_END_NAME_NOT_FOUND },
	};
	for (int i = 0; i < 3; i++) {
		build(&s, 8);
		close(s.listener);
		refused.addr = s.at;
		assert_true(take(&s, rows[i].dest, &greeter));
		reader = (struct net_reader){ .fd = s.client };
		assert_true(net_run_until(s.loop, has_end, &reader));
		assert_int_equal(reader.n, 1);
		assert_int_equal(reader.bytes[0], rows[i].code);
		assert_int_equal(reader.end, NET_EOF);
		s.listener = -1;
		tear_down(&s);
	}
}

static void a_host_has_its_share(void **state)
{
	struct scene s;
	struct dest dest;

	build(&s, 2);
	join(&s, NULL);
	int first = s.client;
	dest = (struct dest){ .addr = s.at };
	assert_false(take(&s, &dest, &greeter));
	struct net_reader reader = { .fd = s.client };
	assert_true(net_run_until(s.loop, has_end, &reader));
	assert_int_equal(reader.bytes[0], '0' + STREAM_END_LIMIT);
	close(s.client);
	s.client = first;
	shutdown(s.client, SHUT_WR);
	shutdown(s.server, SHUT_WR);
	tear_down(&s);
}

static void the_end_resets_what_is_open(void **state)
{
	struct scene s;

	build(&s, 8);
	join(&s, NULL);
	net_run_for(s.loop, 5000);
	directs_destroy(s.directs);
	struct directs_args args = { s.loop, &s.egress, NULL, s.relays, s.hosts };
	s.directs = directs_create(&args);
	struct net_reader reader = { .fd = s.client };
	assert_true(net_run_until(s.loop, has_end, &reader));
	assert_int_equal(reader.end, NET_RESET);
	tear_down(&s);
}

/* By a device that its connections left by; others stay. */
static void those_of_a_dead_device_are_reset(void **state)
{
	struct scene s;

	build(&s, 8);
	join(&s, NULL);
	net_run_for(s.loop, 5000);
	directs_reset(s.directs, "wan1");
	assert_int_equal(directs_count(s.directs), 1);
	directs_reset(s.directs, "");
	struct net_reader reader = { .fd = s.client };
	assert_true(net_run_until(s.loop, has_end, &reader));
	assert_int_equal(reader.end, NET_RESET);
	tear_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_and_ends_go_both_ways),
		cmocka_unit_test(a_reset_crosses),
		cmocka_unit_test(a_client_is_told_how_it_went),
		cmocka_unit_test(a_host_has_its_share),
		cmocka_unit_test(the_end_resets_what_is_open),
		cmocka_unit_test(those_of_a_dead_device_are_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
