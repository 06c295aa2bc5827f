/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: dials to listeners on loopback, names from a server of the test's own.
 * One whose backlog is full drops what comes, as a dead host would.
 */
#include "dns_server.h"
#include "net.h"
#include "proxy/dial.h"

#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MUTE_CLIENTS 4 /* more than the backlog of 0 takes */

#define SILENT_MS 400 /* where the name server does not answer */
#define TRIES 5

static const struct dns_row rows[] = {
	{ "both.test", AF_INET6, .addrs = { "::1" } },
	{ "both.test", AF_INET, .addrs = { "127.0.0.1" } },
	{ "late6.test", AF_INET6, .delay_us = 1000, .addrs = { "::1" } },
	{ "late6.test", AF_INET, .addrs = { "127.0.0.1" } },
	{ "never6.test", AF_INET6, DNS_SILENT },
	{ "never6.test", AF_INET, .addrs = { "127.0.0.1" } },
	{ "only4.test", AF_INET6 },
	{ "only4.test", AF_INET, .addrs = { "127.0.0.1" } },
	{ "silent.test", AF_INET6, DNS_SILENT },
	{ "silent.test", AF_INET, DNS_SILENT },
	{ "broken.test", AF_INET6, DNS_SERVFAIL },
	{ "broken.test", AF_INET, DNS_SERVFAIL },
	{ "private.test", AF_INET6, .addrs = { "fd00::1" } },
	{ "private.test", AF_INET, .addrs = { "10.0.0.1" } },
	{ "half-private.test", AF_INET6, .addrs = { "fd00::1" } },
	{ "half-private.test", AF_INET, .addrs = { "127.0.0.1" } },
	/* Its last address is the ninth in turn. */
	{ "many.test", AF_INET6, .addrs = { "::1" } },
	{ "many.test", AF_INET, .addrs = { "127.0.0.1", "127.0.0.2", "127.0.0.3",
	  "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7", "127.0.0.8" } },
	{ "eight.test", AF_INET6 },
	{ "eight.test", AF_INET, .addrs = { "127.0.0.1", "127.0.0.2", "127.0.0.3",
	  "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7", "127.0.0.8" } },
};

struct scene {
	struct loop *loop;
	struct dns_server *dns;
	struct resolver *resolver;
	struct prefix allow[2];
	struct egress egress;
	unsigned done;
	struct dial_result result;
	struct dial_watch watch;
	unsigned answered, silent; /* addresses, as it was told */
	bool vain;
};

static bool is_vain(void *ctx, sa_family_t family)
{
	return ((struct scene *)ctx)->vain;
}

static void on_outcome(void *ctx, const struct addr *to, bool answered)
{
	struct scene *s = ctx;

	assert_int_not_equal(to->port, 0);
	s->answered += answered;
	s->silent += !answered;
}

static void on_done(void *ctx, const struct dial_result *result)
{
	struct scene *s = ctx;

	s->done++;
	s->result = *result;
}

static int setup(void **state)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.loop = loop_create();
	s.dns = dns_server_create(s.loop, rows, sizeof(rows) / sizeof(rows[0]));
	s.resolver = dns_server_resolver(s.dns, DNS_PATIENCE_MS);
	assert_int_equal(prefix_parse(&s.allow[0], "127.0.0.0/8"), 0);
	assert_int_equal(prefix_parse(&s.allow[1], "::1"), 0);
	s.egress.allow = s.allow;
	s.egress.allow_count = 2;
	s.watch = (struct dial_watch){ on_outcome, is_vain, &s };
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	resolver_destroy(s->resolver);
	dns_server_destroy(s->dns);
	loop_destroy(s->loop);
	return 0;
}

static bool is_done(void *ctx)
{
	return ((struct scene *)ctx)->done > 0;
}

static struct dial *start(struct scene *s, const char *where, uint16_t port,
                          uint64_t deadline_us)
{
	struct dest dest = { 0 };
	struct dial_args args = { .loop = s->loop, .egress = &s->egress,
	                          .resolver = s->resolver, .dest = &dest,
	                          .watch = &s->watch,
	                          .deadline_us = deadline_us,
	                          .on_done = on_done, .ctx = s };

	if (addr_parse(&dest.addr, where, port) < 0) {
		snprintf(dest.name, sizeof(dest.name), "%s", where);
		dest.addr = (struct addr){ .port = port };
	}
	s->done = 0;
	struct dial *d = dial_start(&args);
	assert_non_null(d);
	assert_int_equal(s->done, 0);
	return d;
}

/* Dials and says how it ended: FINISHED means connected. */
static enum stream_end dial(struct scene *s, const char *where, uint16_t port)
{
	start(s, where, port, 0);
	assert_true(net_run_until(s->loop, is_done, s));
	assert_int_equal(s->done, 1);
	if (s->result.fd >= 0)
		close(s->result.fd);
	return s->result.fd >= 0 ? STREAM_END_FINISHED : s->result.end;
}

/* A listener on that port of ::1 too, or -1 where there is no IPv6. */
static int listen_v6(uint16_t port, int backlog)
{
	char at[32];
	struct addr bound;

	snprintf(at, sizeof(at), "[::1]:%u", port);
	return net_listen(at, &bound, backlog);
}

/* Open on both families. */
static uint16_t open_port(int fds[2])
{
	struct addr at;

	do {
		fds[0] = net_listen("127.0.0.1", &at, 8);
		fds[1] = listen_v6(at.port, 8);
		if (fds[1] < 0)
			close(fds[0]);
	} while (fds[1] == -EADDRINUSE);
	assert_true(fds[1] >= 0);
	return at.port;
}

static void close_both(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static uint16_t closed_port(void)
{
	int fds[2];
	uint16_t port = open_port(fds);

	close_both(fds);
	return port;
}

static void an_address_is_connected_to_at_once(void **state)
{
	struct scene *s = *state;
	struct addr at, peer;
	int listener = net_listen("127.0.0.1", &at, 8);

	start(s, "127.0.0.1", at.port, 0);
	int fd = sockopt_accept(listener, &peer);
	assert_true(fd >= 0);
	assert_true(net_run_until(s->loop, is_done, s));
	assert_true(s->result.fd >= 0);
	assert_true(addr_equal(&s->result.bound, &peer));
	close(fd);
	close(s->result.fd);
	close(listener);
}

static void one_address_fails_as_it_does(void **state)
{
	struct scene *s = *state;

	assert_int_equal(dial(s, "127.0.0.1", closed_port()), STREAM_END_REFUSED);
	assert_int_equal(dial(s, "[::1]", closed_port()), STREAM_END_REFUSED);
}

/* The last descriptors are not for streams. */
static void a_dial_leaves_the_reserve_alone(void **state)
{
	struct net_few few;
	int fds[2];
	uint16_t port = open_port(fds);

	net_few_begin(&few);
	assert_int_equal(dial(*state, "127.0.0.1", port), STREAM_END_LIMIT);
	net_few_end(&few);
	assert_int_equal(dial(*state, "127.0.0.1", port), STREAM_END_FINISHED);
	close_both(fds);
}

static void the_rules_hold_for_addresses(void **state)
{
	struct scene *s = *state;
	int fds[2];
	uint16_t port = open_port(fds);

	assert_int_equal(dial(s, "127.0.0.1", port), STREAM_END_FINISHED);
	assert_int_equal(dial(s, "[::ffff:127.0.0.1]", port), STREAM_END_FINISHED);
	s->egress.allow_count = 0;
	assert_int_equal(dial(s, "127.0.0.1", port), STREAM_END_NOT_ALLOWED);
	assert_int_equal(dial(s, "[::ffff:127.0.0.1]", port),
	                 STREAM_END_NOT_ALLOWED);
	assert_int_equal(dial(s, "[::1]", port), STREAM_END_NOT_ALLOWED);
	assert_int_equal(sockopt_accept(fds[1], NULL), -EAGAIN);
	close_both(fds);
}

static void the_rules_hold_for_names(void **state)
{
	struct scene *s = *state;
	int fds[2];
	uint16_t port = open_port(fds);

	assert_int_equal(dial(s, "private.test", port), STREAM_END_NOT_ALLOWED);
	assert_int_equal(dial(s, "half-private.test", port), STREAM_END_FINISHED);
	assert_int_equal(s->result.bound.family, AF_INET);
	s->egress.allow_count = 0;
	assert_int_equal(dial(s, "both.test", port), STREAM_END_NOT_ALLOWED);
	close_both(fds);
}

static void ipv6_is_first(void **state)
{
	struct scene *s = *state;
	int fds[2];
	uint16_t port = open_port(fds);

	assert_int_equal(dial(s, "both.test", port), STREAM_END_FINISHED);
	assert_int_equal(s->result.bound.family, AF_INET6);
	assert_true(sockopt_accept(fds[1], NULL) >= 0);
	assert_int_equal(sockopt_accept(fds[0], NULL), -EAGAIN);
	/* Also where its answer comes a little later, if this process does not stand
	 * still just then. */
	for (int i = 0; i < TRIES; i++) {
		assert_int_equal(dial(s, "late6.test", port), STREAM_END_FINISHED);
		if (s->result.bound.family == AF_INET6)
			break;
	}
	assert_int_equal(s->result.bound.family, AF_INET6);
	close_both(fds);
}

static void ipv4_does_not_wait_for_ever(void **state)
{
	struct scene *s = *state;
	int fds[2];
	uint16_t port = open_port(fds);

	assert_int_equal(dial(s, "only4.test", port), STREAM_END_FINISHED);
	assert_int_equal(s->result.bound.family, AF_INET);
	uint64_t before_us = loop_now_us(s->loop);
	assert_int_equal(dial(s, "never6.test", port), STREAM_END_FINISHED);
	assert_int_equal(s->result.bound.family, AF_INET);
	assert_true(loop_now_us(s->loop) - before_us >= DIAL_RESOLUTION_DELAY_US);
	close_both(fds);
}

static void a_refused_family_is_followed_by_the_other(void **state)
{
	struct scene *s = *state;
	int fds[2];
	uint16_t port = open_port(fds);

	close(fds[1]);
	assert_int_equal(dial(s, "both.test", port), STREAM_END_FINISHED);
	assert_int_equal(s->result.bound.family, AF_INET);
	close(fds[0]);
	assert_int_equal(dial(s, "both.test", port), STREAM_END_REFUSED);
	assert_int_equal(dial(s, "half-private.test", port), STREAM_END_REFUSED);
}

/* IPv6 drops what comes: IPv4 is tried beside it, and wins. */
static void a_mute_family_is_overtaken(void **state)
{
	struct scene *s = *state;
	int fds[2], clients[MUTE_CLIENTS];
	uint16_t port = open_port(fds);
	struct addr mute;

	close(fds[1]);
	fds[1] = listen_v6(port, 0);
	sockopt_local(fds[1], &mute);
	for (int i = 0; i < MUTE_CLIENTS; i++)
		clients[i] = net_connect(&mute);
	uint64_t before_us = loop_now_us(s->loop);
	assert_int_equal(dial(s, "both.test", port), STREAM_END_FINISHED);
	assert_int_equal(s->result.bound.family, AF_INET);
	assert_true(loop_now_us(s->loop) - before_us >= DIAL_ATTEMPT_DELAY_US);

	start(s, "[::1]", port, 100000);
	assert_true(net_run_until(s->loop, is_done, s));
	assert_int_equal(s->result.fd, -1);
	assert_int_equal(s->result.end, STREAM_END_TIMED_OUT);
	for (int i = 0; i < MUTE_CLIENTS; i++)
		close(clients[i]);
	close_both(fds);
}

static bool is_silent(void *ctx)
{
	return ((struct scene *)ctx)->silent > 0;
}

/* Who watches hears that somebody is there, if only to refuse, and of silence
 * before the dial gives up, which it does at once where that is in vain. */
static void outcomes_are_told(void **state)
{
	struct scene *s = *state;
	int fds[2], clients[MUTE_CLIENTS];
	uint16_t port = open_port(fds);
	struct addr mute;

	assert_int_equal(dial(s, "127.0.0.1", port), STREAM_END_FINISHED);
	assert_int_equal(s->answered, 1);
	close(fds[0]);
	assert_int_equal(dial(s, "127.0.0.1", port), STREAM_END_REFUSED);
	assert_int_equal(s->answered, 2);
	fds[0] = net_listen("127.0.0.1", &mute, 0);
	for (int i = 0; i < MUTE_CLIENTS; i++)
		clients[i] = net_connect(&mute);
	uint64_t begun_us = loop_now_us(s->loop);
	start(s, "127.0.0.1", mute.port, 0);
	assert_true(net_run_until(s->loop, is_silent, s));
	assert_int_equal(s->done, 0);
	assert_int_equal(s->silent, 1);
	s->vain = true; /* as others have found meanwhile */
	assert_true(net_run_until(s->loop, is_done, s));
	assert_int_equal(s->result.end, STREAM_END_TIMED_OUT);
	assert_true(loop_now_us(s->loop) - begun_us < DIAL_DEADLINE_US / 2);
	for (int i = 0; i < MUTE_CLIENTS; i++)
		close(clients[i]);
	close_both(fds);
}

static void names_fail_as_they_do(void **state)
{
	struct scene *s = *state;

	assert_int_equal(dial(s, "nobody.test", 80), STREAM_END_NAME_NOT_FOUND);
	assert_int_equal(dial(s, "broken.test", 80), STREAM_END_NAME_NOT_FOUND);
	resolver_destroy(s->resolver);
	s->resolver = dns_server_resolver(s->dns, SILENT_MS);
	assert_int_equal(dial(s, "silent.test", 80), STREAM_END_TIMED_OUT);
}

static void eight_addresses_are_tried(void **state)
{
	struct scene *s = *state;
	struct addr at;
	int listener = net_listen("127.0.0.8", &at, 8);

	assert_int_equal(dial(s, "eight.test", at.port), STREAM_END_FINISHED);
	assert_int_equal(dial(s, "many.test", at.port), STREAM_END_REFUSED);
	close(listener);
}

static void a_dial_may_be_cancelled_at_any_time(void **state)
{
	struct scene *s = *state;
	int fds[2];
	uint16_t port = open_port(fds);

	dial_cancel(start(s, "127.0.0.1", port, 0));
	dial_cancel(start(s, "10.0.0.1", port, 0));
	dial_cancel(start(s, "both.test", port, 0));
	/* IPv4 is not dialled before DIAL_RESOLUTION_DELAY_US, but where this process
	 * stands still so long. */
	struct dial *d = start(s, "never6.test", port, 0);
	net_run_for(s->loop, 5000);
	if (!s->done)
		dial_cancel(d);
	else
		close(s->result.fd);
	s->done = 0;
	dial_cancel(NULL);
	net_run_for(s->loop, 100000);
	assert_int_equal(s->done, 0);
	close_both(fds);
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(an_address_is_connected_to_at_once),
		ROW(one_address_fails_as_it_does),
		ROW(a_dial_leaves_the_reserve_alone),
		ROW(the_rules_hold_for_addresses),
		ROW(the_rules_hold_for_names),
		ROW(ipv6_is_first),
		ROW(ipv4_does_not_wait_for_ever),
		ROW(a_refused_family_is_followed_by_the_other),
		ROW(a_mute_family_is_overtaken),
		ROW(outcomes_are_told),
		ROW(names_fail_as_they_do),
		ROW(eight_addresses_are_tried),
		ROW(a_dial_may_be_cancelled_at_any_time),
	};
#undef ROW
	return cmocka_run_group_tests(tests, NULL, NULL);
}
