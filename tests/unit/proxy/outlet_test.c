/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream that arrives, is dialled, and joined with its socket.
 */
#include "dns_server.h"
#include "fake_stream.h"
#include "net.h"
#include "proxy/outlet.h"

#include "agg/kernel/sockopt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WINDOW 65536

static const struct dns_row rows[] = {
	{ "silent.test", AF_INET6, DNS_SILENT },
	{ "silent.test", AF_INET, DNS_SILENT },
};

/* The gateway's end of the stream. */
struct scene {
	struct loop *loop;
	struct dns_server *dns;
	struct resolver *resolver;
	struct relays *relays;
	struct prefix allow;
	struct egress egress;
	struct outlet *outlet;
	struct stream *ends[2];
	bool opened, finished, closed;
	struct addr bound;
	enum stream_end end;
	size_t n;
	char data[32];
};

static void on_opened(void *ctx, const struct addr *bound)
{
	struct scene *s = ctx;

	s->opened = true;
	s->bound = *bound;
}

static size_t on_data(void *ctx, struct iovec *parts, int count)
{
	struct scene *s = ctx;
	size_t before = s->n;

	for (int i = 0; i < count; i++) {
		assert_true(s->n + parts[i].iov_len <= sizeof(s->data));
		memcpy(s->data + s->n, parts[i].iov_base, parts[i].iov_len);
		s->n += parts[i].iov_len;
	}
	return s->n - before;
}

static void on_finished(void *ctx)
{
	((struct scene *)ctx)->finished = true;
}

static void on_writable(void *ctx)
{
}

static void on_closed(void *ctx, enum stream_end end)
{
	struct scene *s = ctx;

	s->closed = true;
	s->end = end;
}

static const struct stream_events events = {
	on_opened, on_data, on_finished, on_writable, on_closed,
};

static int setup(void **state)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.loop = loop_create();
	s.dns = dns_server_create(s.loop, rows, sizeof(rows) / sizeof(rows[0]));
	s.resolver = dns_server_resolver(s.dns, DNS_PATIENCE_MS);
	s.relays = relays_create(s.loop);
	prefix_parse(&s.allow, "127.0.0.1");
	s.egress = (struct egress){ .allow = &s.allow, .allow_count = 1 };
	struct outlet_args args = { s.loop, &s.egress, s.resolver, s.relays };
	s.outlet = outlet_create(&args);
	assert_non_null(s.outlet);
	fake_streams(s.loop, WINDOW, s.ends);
	fake_attach(s.ends[0], &events, &s);
	*state = &s;
	return 0;
}

static bool is_closed(void *ctx)
{
	struct scene *s = ctx;

	return s->closed && relays_count(s->relays) == 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	assert_true(net_run_until(s->loop, is_closed, s));
	outlet_destroy(s->outlet);
	relays_destroy(s->relays);
	resolver_destroy(s->resolver);
	dns_server_destroy(s->dns);
	loop_destroy(s->loop);
	return 0;
}

static void take_as(struct scene *s, struct share *share,
                    const struct dest *dest)
{
	const struct stream_events *taken = NULL;
	void *ctx;

	assert_int_equal(outlet_take(s->outlet, share, s->ends[1], dest, &taken,
	                             &ctx), STREAM_END_FINISHED);
	assert_non_null(taken);
	fake_attach(s->ends[1], taken, ctx);
}

static void take(struct scene *s, const struct dest *dest)
{
	take_as(s, NULL, dest);
}

static void say(struct scene *s, const char *text)
{
	size_t n = strlen(text);
	uint8_t *p = stream_reserve(s->ends[0], &n);

	memcpy(p, text, n);
	stream_commit(s->ends[0], n);
}

static bool has_answer(void *ctx)
{
	return ((struct scene *)ctx)->finished;
}

static void a_stream_reaches_its_destination(void **state)
{
	struct scene *s = *state;
	struct dest dest = { 0 };
	struct addr peer;
	int listener = net_listen("127.0.0.1", &dest.addr, 8);

	take(s, &dest);
	say(s, "question"); /* before the dial is through */
	int fd = sockopt_accept(listener, &peer);
	assert_true(fd >= 0);
	assert_int_equal(send(fd, "answer", 6, 0), 6);
	shutdown(fd, SHUT_WR);
	assert_true(net_run_until(s->loop, has_answer, s));
	assert_true(s->opened);
	assert_true(addr_equal(&s->bound, &peer));
	assert_int_equal(s->n, 6);
	assert_memory_equal(s->data, "answer", 6);
	stream_finish(s->ends[0]);
	assert_true(net_run_until(s->loop, is_closed, s));
	assert_int_equal(s->end, STREAM_END_FINISHED);
	struct net_reader reader = { .fd = fd };
	net_read(&reader);
	assert_int_equal(reader.end, NET_EOF);
	assert_int_equal(reader.n, 8);
	assert_memory_equal(reader.bytes, "question", 8);
	close(fd);
	close(listener);
}

static void a_failed_dial_is_told(void **state)
{
	struct scene *s = *state;
	struct dest dest = { 0 };

	close(net_listen("127.0.0.1", &dest.addr, 8));
	take(s, &dest);
	assert_true(net_run_until(s->loop, is_closed, s));
	assert_false(s->opened);
	assert_int_equal(s->end, STREAM_END_REFUSED);
}

static void a_forbidden_destination_is_told(void **state)
{
	struct scene *s = *state;
	struct dest dest = { 0 };

	addr_parse(&dest.addr, "10.0.0.1:80", -1);
	take(s, &dest);
	assert_true(net_run_until(s->loop, is_closed, s));
	assert_int_equal(s->end, STREAM_END_NOT_ALLOWED);
}

static void a_stream_may_end_before_its_dial(void **state)
{
	struct scene *s = *state;
	struct dest dest = { .addr.port = 80, .name = "silent.test" };

	take(s, &dest);
	say(s, "question");
	net_run_for(s->loop, 5000);
	stream_reset(s->ends[0], STREAM_END_RESET);
	assert_true(net_run_until(s->loop, is_closed, s));
}

static void an_outlet_may_go_before_a_dial(void **state)
{
	struct scene *s = *state;
	struct dest dest = { .addr.port = 80, .name = "silent.test" };

	take(s, &dest);
	stream_reset(s->ends[0], STREAM_END_SESSION_LOST);
}

/* Each thing that a stream takes of the way out is its site's, is given back
 * with it, and refused where the site has its part: the stream is then nobody's,
 * and to be reset by who asked. A name counts until its answer, though its stream
 * is gone: c-ares cannot take a question back. */
static void a_stream_is_on_the_account_of_its_site(void **state)
{
	struct scene *s = *state;
	struct dest dest = { .addr.port = 80, .name = "silent.test" };
	struct share_pool pool = { .max = { 2, 2, 2 } };
	struct share *share = share_create(&pool, "site home");
	const struct stream_events *taken;
	void *ctx;

	take_as(s, share, &dest);
	for (int i = 0; i < SHARE_COUNT; i++)
		assert_int_equal(pool.used[i], 1);
	for (int i = 0; i < SHARE_COUNT; i++) {
		pool.max[i] = 1;
		assert_int_equal(outlet_take(s->outlet, share, s->ends[1], &dest,
		                             &taken, &ctx), STREAM_END_LIMIT);
		pool.max[i] = 2;
		assert_int_equal(pool.used[SHARE_DIALS], 1);
		assert_int_equal(pool.used[SHARE_RELAYS], 1);
	}
	stream_reset(s->ends[0], STREAM_END_RESET);
	assert_true(net_run_until(s->loop, is_closed, s));
	assert_int_equal(pool.used[SHARE_DIALS], 0);
	assert_int_equal(pool.used[SHARE_RELAYS], 0);
	assert_in_range(pool.used[SHARE_NAMES], 1, 2);
	share_destroy(share);
	resolver_destroy(s->resolver); /* which ends every question */
	assert_int_equal(pool.used[SHARE_NAMES], 0);
	s->resolver = NULL;
}

#define MANY 40

/* The other ends of many streams, which say nothing. */
static void on_silence(void *ctx)
{
}

static void on_silent_opened(void *ctx, const struct addr *bound)
{
}

static void on_silent_end(void *ctx, enum stream_end end)
{
	++*(int *)ctx;
}

static const struct stream_events silent = {
	on_silent_opened, on_data, on_silence, on_silence, on_silent_end,
};

static int accept_all(int listener, int *fds)
{
	struct addr peer;
	int n = 0;

	while ((fds[n] = sockopt_accept(listener, &peer)) >= 0)
		n++;
	return n;
}

static bool all_ended(void *ctx)
{
	return *(int *)ctx == MANY;
}

/* What a site asks for at once begins over several turns of the loop; another
 * site's begins at once. */
static void many_dials_are_spread_over_turns(void **state)
{
	struct scene *s = *state;
	struct dest dest = { 0 };
	struct share_pool pool = { .max = { 1000, 1000, 1000 } };
	struct share *many = share_create(&pool, "site many");
	struct share *one = share_create(&pool, "site one");
	struct stream *ends[MANY][2];
	int fds[MANY + 2], ended = 0;
	int listener = net_listen("127.0.0.1", &dest.addr, MANY + 1);

	for (int i = 0; i < MANY; i++) {
		fake_streams(s->loop, WINDOW, ends[i]);
		fake_attach(ends[i][0], &silent, &ended);
		struct stream *own = s->ends[1];
		s->ends[1] = ends[i][1];
		take_as(s, many, &dest);
		s->ends[1] = own;
	}
	take_as(s, one, &dest);
	int n = accept_all(listener, fds);
	assert_int_equal(n, SHARE_BEGINS_MAX + 1);
	net_run_for(s->loop, 50000);
	n += accept_all(listener, fds + n);
	assert_int_equal(n, MANY + 1);
	for (int i = 0; i < MANY; i++)
		stream_reset(ends[i][0], STREAM_END_RESET);
	stream_reset(s->ends[0], STREAM_END_RESET);
	assert_true(net_run_until(s->loop, all_ended, &ended));
	while (n)
		close(fds[--n]);
	close(listener);
	share_destroy(many);
	share_destroy(one);
}

/* And those that wait may go before. */
static void who_waits_for_a_dial_may_go(void **state)
{
	struct scene *s = *state;
	struct dest dest = { 0 };
	struct share_pool pool = { .max = { 1000, 1000, 1000 } };
	struct share *share = share_create(&pool, "site");
	int listener = net_listen("127.0.0.1", &dest.addr, 1);

	for (int i = 0; i < SHARE_BEGINS_MAX; i++)
		assert_true(share_begins(share, loop_turn(s->loop)));
	take_as(s, share, &dest);
	stream_reset(s->ends[0], STREAM_END_RESET);
	assert_true(net_run_until(s->loop, is_closed, s));
	assert_int_equal(pool.used[SHARE_DIALS], 0);
	close(listener);
	share_destroy(share);
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(a_stream_reaches_its_destination),
		ROW(a_failed_dial_is_told),
		ROW(a_forbidden_destination_is_told),
		ROW(a_stream_may_end_before_its_dial),
		ROW(a_stream_is_on_the_account_of_its_site),
		ROW(an_outlet_may_go_before_a_dial),
		ROW(many_dials_are_spread_over_turns),
		ROW(who_waits_for_a_dial_may_go),
	};
#undef ROW
	return cmocka_run_group_tests(tests, NULL, NULL);
}
