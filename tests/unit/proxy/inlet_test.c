/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: both ways in over real sockets on loopback. The transparent one needs
 * a privilege, and is left out without it; what the ruleset does is the
 * kernel room's.
 */
#include "net.h"
#include "proxy/inlet.h"

#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define REQUEST "\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb"

struct desk {
	struct loop *loop;
	struct inlet *inlet;
	struct addr at;
	int clients;
	struct inlet_client last;
	int refused_ifindex, seen_ifindex;
};

static bool admits(void *ctx, int ifindex)
{
	struct desk *d = ctx;

	d->seen_ifindex = ifindex;
	return ifindex != d->refused_ifindex;
}

static void on_client(void *ctx, const struct inlet_client *client)
{
	struct desk *d = ctx;

	d->clients++;
	d->last = *client;
}

static int open_desk(struct desk *d, const struct inlet_ops *ops,
                     const char *at, const char *username,
                     const char *password)
{
	struct inlet_args args = { .on_client = on_client, .ctx = d,
	                           .admits = admits,
	                           .username = username,
	                           .password = password };

	memset(d, 0, sizeof(*d));
	d->loop = args.loop = loop_create();
	addr_parse(&args.listen, at, 0);
	int err = ops->create(&d->inlet, &args);
	if (!err)
		ops->address(d->inlet, &d->at);
	else
		loop_destroy(d->loop);
	return err;
}

static void close_desk(struct desk *d)
{
	inlet_destroy(d->inlet);
	loop_destroy(d->loop);
}

static bool has_client(void *ctx)
{
	return ((struct desk *)ctx)->clients > 0;
}

struct expected {
	struct net_reader reader;
	size_t n;
};

static bool has_read(void *ctx)
{
	struct expected *e = ctx;

	net_read(&e->reader);
	return e->reader.n >= e->n || e->reader.end != NET_OPEN;
}

/* Says p and waits for n bytes in all. */
static void talk(struct desk *d, struct expected *e, const char *p, size_t len,
                 size_t n)
{
	net_run_for(d->loop, 5000); /* until it is connected */
	assert_int_equal(send(e->reader.fd, p, len, MSG_NOSIGNAL), len);
	e->n = n;
	assert_true(net_run_until(d->loop, has_read, e));
}

static void a_socks_client_is_handed_over(void **state)
{
	struct desk d;
	char byte[8];

	assert_int_equal(open_desk(&d, &inlet_socks5, "127.0.0.1", NULL, NULL), 0);
	struct expected e = { .reader.fd = net_connect(&d.at) };
	talk(&d, &e, "\x05\x01\x00", 3, 2);
	assert_memory_equal(e.reader.bytes, "\x05\x00", 2);
	assert_int_equal(d.clients, 0);
	send(e.reader.fd, REQUEST "GET", sizeof(REQUEST "GET") - 1, 0);
	assert_true(net_run_until(d.loop, has_client, &d));
	assert_int_equal(d.last.dest.addr.port, 443);
	assert_int_equal(d.last.dscp, 0); /* unmarked, and known to be */
	assert_non_null(d.last.greeter);
	/* The data behind the request is still in the socket. */
	assert_int_equal(recv(d.last.fd, byte, sizeof(byte), 0), 3);
	assert_memory_equal(byte, "GET", 3);
	uint8_t out[RELAY_ANSWER_MAX];
	assert_int_equal(d.last.greeter->opened(out, &d.at), 10);
	assert_memory_equal(out, "\x05\x00\x00\x01\x7f\x00\x00\x01", 8);
	assert_int_equal(d.last.greeter->failed(out, STREAM_END_REFUSED), 10);
	assert_int_equal(out[1], 5);
	close(d.last.fd);
	close(e.reader.fd);
	close_desk(&d);
}

static void a_refused_client_reads_why(void **state)
{
	struct desk d;
	static const char bind_request[] =
		"\x05\x01\x00" "\x05\x02\x00\x01\xc0\x00\x02\x01\x01\xbb"
		"and much more that is never read";

	assert_int_equal(open_desk(&d, &inlet_socks5, "127.0.0.1", "", ""), 0);
	struct expected e = { .reader.fd = net_connect(&d.at) };
	talk(&d, &e, bind_request, sizeof(bind_request) - 1, 13);
	assert_int_equal(e.reader.n, 12);
	assert_int_equal(e.reader.bytes[3], 7);
	assert_int_equal(e.reader.end, NET_EOF);
	assert_int_equal(d.clients, 0);
	close(e.reader.fd);
	close_desk(&d);
}

static void a_password_is_asked_for(void **state)
{
	struct desk d;

	assert_int_equal(open_desk(&d, &inlet_socks5, "0.0.0.0", "jo", "x"), 0);
	addr_parse(&d.at, "127.0.0.1", d.at.port);
	struct expected e = { .reader.fd = net_connect(&d.at) };
	talk(&d, &e, "\x05\x02\x00\x02", 4, 2);
	talk(&d, &e, "\x01\x02jo\x01y", 6, 5);
	assert_int_equal(e.reader.n, 4);
	assert_memory_equal(e.reader.bytes, "\x05\x02\x01\x01", 4);
	assert_int_equal(e.reader.end, NET_EOF);
	close(e.reader.fd);
	close_desk(&d);
}

static void an_open_door_to_everywhere_is_refused(void **state)
{
	struct desk d;

	assert_int_equal(open_desk(&d, &inlet_socks5, "0.0.0.0", NULL, NULL),
	                 -EACCES);
	assert_int_equal(open_desk(&d, &inlet_socks5, "[::]", "", ""), -EACCES);
	assert_int_not_equal(open_desk(&d, &inlet_socks5, "[::ffff:0.0.0.0]", "",
	                               ""), 0);
	assert_int_equal(open_desk(&d, &inlet_socks5, "127.0.0.1", "jo", ""),
	                 -EINVAL);
}

static void a_silent_client_is_dropped_with_its_inlet(void **state)
{
	struct desk d;

	assert_int_equal(open_desk(&d, &inlet_socks5, "127.0.0.1", "", ""), 0);
	struct expected e = { .reader.fd = net_connect(&d.at), .n = 1 };
	net_run_for(d.loop, 10000);
	inlet_destroy(d.inlet);
	assert_true(net_run_until(d.loop, has_read, &e));
	assert_int_not_equal(e.reader.end, NET_OPEN);
	close(e.reader.fd);
	loop_destroy(d.loop);
}

/* Loopback is device 1: what the kernel says of a connection's device. */
static void only_admitted_devices_are_served(void **state)
{
	static const char *const families[] = { "127.0.0.1", "[::1]" };

	for (int i = 0; i < 2; i++) {
		struct desk d;
		assert_int_equal(open_desk(&d, &inlet_socks5, families[i], "", ""), 0);
		struct expected e = { .reader.fd = net_connect(&d.at) };
		talk(&d, &e, "\x05\x01\x00", 3, 2);
		assert_int_equal(e.reader.n, 2);
		assert_int_equal(d.seen_ifindex, 1);
		d.refused_ifindex = 1;
		struct expected f = { .reader.fd = net_connect(&d.at), .n = 1 };
		assert_true(net_run_until(d.loop, has_read, &f));
		assert_int_equal(f.reader.end, NET_RESET);
		assert_int_equal(f.reader.n, 0);
		close(e.reader.fd);
		close(f.reader.fd);
		close_desk(&d);
	}
}

static void an_address_may_come_later(void **state)
{
	struct desk d;

	assert_int_equal(open_desk(&d, &inlet_socks5, "192.0.2.77", "", ""), 0);
	close_desk(&d);
	assert_int_equal(open_desk(&d, &inlet_socks5, "[2001:db8::77]", "", ""), 0);
	close_desk(&d);
}

/* With no descriptor left the listener rests; the client is served when there
 * is one. */
static void running_out_of_descriptors_passes(void **state)
{
	struct rlimit old, few;
	struct desk d;

	assert_int_equal(open_desk(&d, &inlet_socks5, "127.0.0.1", "", ""), 0);
	struct expected e = { .reader.fd = net_connect(&d.at) };
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = (rlim_t)e.reader.fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	net_run_for(d.loop, 250000);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	long cpu_us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec +
	               after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 +
	              after.ru_utime.tv_usec - before.ru_utime.tv_usec +
	              after.ru_stime.tv_usec - before.ru_stime.tv_usec;
	assert_true(cpu_us < 125000);
	talk(&d, &e, "\x05\x01\x00", 3, 2);
	assert_int_equal(e.reader.n, 2);
	close(e.reader.fd);
	close_desk(&d);
}

/* The last descriptors are not for clients: who comes is reset at once, those
 * who are there stay, and control, netlink and subflows still find some. */
static void the_reserve_is_not_for_clients(void **state)
{
	struct net_few few;
	struct desk d;

	assert_int_equal(open_desk(&d, &inlet_socks5, "127.0.0.1", "", ""), 0);
	struct expected early = { .reader.fd = net_connect(&d.at) };
	talk(&d, &early, "\x05", 1, 0);
	net_few_begin(&few);
	struct expected late = { .reader.fd = net_connect(&d.at), .n = 1 };
	assert_true(net_run_until(d.loop, has_read, &late));
	assert_int_equal(late.reader.end, NET_RESET);
	int spare = dup(late.reader.fd);
	assert_true(spare >= 0);
	close(spare);
	talk(&d, &early, "\x01\x00", 2, 2);
	net_few_end(&few);
	close(early.reader.fd);
	close(late.reader.fd);
	close_desk(&d);
}

/* The listener is on loopback, so only one who connects to it by its own
 * address gets there without the ruleset. */
static void tproxy_turns_direct_clients_away(void **state)
{
	static const char *const families[] = { "127.0.0.1", "[::1]" };

	for (int i = 0; i < 2; i++) {
		struct desk d;
		int err = open_desk(&d, &inlet_tproxy, families[i], NULL, NULL);
		if (err == -EPERM)
			skip();
		assert_int_equal(err, 0);
		struct expected e = { .reader.fd = net_connect(&d.at), .n = 1 };
		assert_true(net_run_until(d.loop, has_read, &e));
		assert_int_equal(e.reader.end, NET_RESET);
		assert_int_equal(d.clients, 0);
		close(e.reader.fd);
		close_desk(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socks_client_is_handed_over),
		cmocka_unit_test(a_refused_client_reads_why),
		cmocka_unit_test(a_password_is_asked_for),
		cmocka_unit_test(an_open_door_to_everywhere_is_refused),
		cmocka_unit_test(only_admitted_devices_are_served),
		cmocka_unit_test(an_address_may_come_later),
		cmocka_unit_test(a_silent_client_is_dropped_with_its_inlet),
		cmocka_unit_test(running_out_of_descriptors_passes),
		cmocka_unit_test(the_reserve_is_not_for_clients),
		cmocka_unit_test(tproxy_turns_direct_clients_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
