/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: sockets over loopback, both families; no privilege is needed.
 */
#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 10000

static struct addr addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 0), 0);
	return a;
}

static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
}

/* Whether the listener of connect_at keeps it, and what clients begin with. */
struct dscp {
	bool keep;
	int tos; /* the whole byte */
};

static void set_tos(int fd, sa_family_t family, int tos)
{
	int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;

	assert_int_equal(setsockopt(fd, level, family == AF_INET ? IP_TOS
	                            : IPV6_TCLASS, &tos, sizeof(tos)), 0);
}

/* Connects to a listener at text; gives the client and the accepted end. */
static void connect_dscp(const char *text, const struct addr *source,
                         const struct dscp *dscp, int *client, int *server)
{
	struct addr at = addr(text), peer, own;
	int listener = sockopt_tcp_listen(&at, NULL);

	assert_true(listener >= 0);
	if (dscp->keep)
		assert_int_equal(sockopt_keep_origin(listener, at.family), 0);
	assert_int_equal(sockopt_local(listener, &at), 0);
	assert_int_equal(sockopt_accept(listener, &peer), -EAGAIN);
	*client = sockopt_tcp_open(at.family, NULL, source);
	assert_true(*client >= 0);
	if (dscp->tos)
		set_tos(*client, at.family, dscp->tos);
	assert_int_equal(sockopt_connect(*client, &at), 0);
	wait_for(listener, POLLIN);
	*server = sockopt_accept(listener, &peer);
	assert_true(*server >= 0);
	wait_for(*client, POLLOUT);
	assert_int_equal(sockopt_error(*client), 0);
	assert_int_equal(sockopt_local(*client, &own), 0);
	assert_true(addr_equal(&own, &peer));
	assert_int_equal(sockopt_peer(*client, &own), 0);
	assert_true(addr_equal(&own, &at));
	close(listener);
}

static void connect_at(const char *text, const struct addr *source,
                       int *client, int *server)
{
	connect_dscp(text, source, &(struct dscp){ 0 }, client, server);
}

/* Loopback is the first device of every network namespace. */
static int take_dscp(int fd, sa_family_t family)
{
	struct sockopt_origin origin;

	sockopt_take_origin(fd, family, &origin);
	assert_true(origin.ifindex == 1 || origin.ifindex == -1);
	assert_true(origin.ifindex == 1 || origin.dscp == -1);
	return origin.dscp;
}

/* What a connection says of its DSCP. */
static int dscp_of(const char *text, const struct dscp *dscp)
{
	sa_family_t family = strchr(text, ':') ? AF_INET6 : AF_INET;
	int client, server, got;

	connect_dscp(text, NULL, dscp, &client, &server);
	got = take_dscp(server, family);
	if (got >= 0) /* once; the connection's own packets are as before */
		assert_int_equal(take_dscp(server, family), -1);
	close(client);
	close(server);
	return got;
}

static void connections_tell_their_dscp(void **state)
{
	static const char *const at[] = { "127.0.0.1", "::1" };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(dscp_of(at[i], &(struct dscp){ true, 46 << 2 }), 46);
		assert_int_equal(dscp_of(at[i], &(struct dscp){ true, 1 << 2 }), 1);
		assert_int_equal(dscp_of(at[i], &(struct dscp){ true, 63 << 2 }), 63);
		assert_int_equal(dscp_of(at[i], &(struct dscp){ true, 0 }), 0);
		assert_int_equal(dscp_of(at[i], &(struct dscp){ false, 46 << 2 }), -1);
	}
}

/* A client marks its packets from the first, or goes unmarked in IPv4. */
static void later_marks_do_not_count(void **state)
{
	int client, server;

	connect_dscp("127.0.0.1", NULL, &(struct dscp){ true, 10 << 2 }, &client,
	             &server);
	set_tos(client, AF_INET, 46 << 2);
	assert_int_equal(write(client, "x", 1), 1);
	wait_for(server, POLLIN);
	assert_int_equal(take_dscp(server, AF_INET), 10);
	close(client);
	close(server);
	assert_int_equal(take_dscp(server, AF_INET), -1);
}

static void both_families_connect(void **state)
{
	const struct addr from = addr("127.0.0.9");
	struct addr own;
	int client, server;

	connect_at("127.0.0.1", &from, &client, &server);
	assert_int_equal(sockopt_local(client, &own), 0);
	assert_true(addr_equal_ip(&own, &from));
	assert_true(fcntl(client, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(server, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(client, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(server, F_GETFD) & FD_CLOEXEC);
	close(client);
	close(server);
	connect_at("::1", NULL, &client, &server);
	close(client);
	close(server);
}

static void an_abort_is_a_reset(void **state)
{
	int client, server;
	char byte;

	connect_at("127.0.0.1", NULL, &client, &server);
	sockopt_abort(client);
	wait_for(server, POLLIN);
	assert_int_equal(read(server, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(server);
	sockopt_abort(-1);
}

static void a_refusal_is_told_once(void **state)
{
	struct addr at = addr("127.0.0.1");
	int listener = sockopt_tcp_listen(&at, NULL);

	assert_int_equal(sockopt_local(listener, &at), 0);
	close(listener); /* now a port that nobody listens on */
	int fd = sockopt_tcp_open(AF_INET, NULL, NULL);
	int rc = sockopt_connect(fd, &at);
	if (!rc) {
		wait_for(fd, POLLOUT);
		rc = sockopt_error(fd);
	}
	assert_int_equal(rc, -ECONNREFUSED);
	assert_int_equal(sockopt_error(fd), 0);
	close(fd);
}

static void wrong_wishes_are_refused(void **state)
{
	const struct addr v6 = addr("::1"), nowhere = addr("192.0.2.1");

	assert_int_equal(sockopt_tcp_open(AF_UNIX, NULL, NULL), -EAFNOSUPPORT);
	assert_int_equal(sockopt_tcp_open(AF_INET, NULL, &v6), -EAFNOSUPPORT);
	assert_int_equal(sockopt_tcp_open(AF_INET, NULL, &nowhere),
	                 -EADDRNOTAVAIL);
	assert_int_equal(sockopt_tcp_open(AF_INET, "a-name-much-too-long", NULL),
	                 -ENODEV);
	assert_int_equal(sockopt_tcp_open(AF_INET, "no-such-dev", NULL), -ENODEV);
}

static void both_families_share_a_port(void **state)
{
	struct addr v6 = addr("::"), v4 = addr("0.0.0.0");
	int six = sockopt_tcp_listen(&v6, NULL);

	assert_true(six >= 0);
	assert_int_equal(sockopt_local(six, &v6), 0);
	v4.port = v6.port;
	int four = sockopt_tcp_listen(&v4, NULL);
	assert_true(four >= 0);
	assert_int_equal(sockopt_tcp_listen(&v4, NULL), -EADDRINUSE);
	close(four);
	close(six);
}

static void congestion_control_says_what_is_in_use(void **state)
{
	char before[SOCKOPT_CC_NAME_MAX], in_use[SOCKOPT_CC_NAME_MAX];
	char available[512];
	int fd = sockopt_tcp_open(AF_INET, NULL, NULL);

	assert_int_equal(sockopt_set_congestion(fd, "reno", before), 0);
	assert_string_equal(before, "reno"); /* every kernel has it */
	assert_int_equal(sockopt_set_congestion(fd, "no-such-cc", in_use), -ENOENT);
	assert_string_equal(in_use, "reno");
	assert_int_equal(sockopt_congestion_available(available,
	                                              sizeof(available)), 0);
	assert_non_null(strstr(available, "reno"));
	assert_null(strchr(available, '\n'));
	assert_true(sockopt_congestion_has("reno"));
	assert_false(sockopt_congestion_has("ren"));
	assert_false(sockopt_congestion_has(""));
	close(fd);
}

/* As the kernel has it then. */
static uint64_t pace_max(int fd, uint64_t bps)
{
	uint64_t is = 0;
	socklen_t len = sizeof(is);

	assert_int_equal(sockopt_set_pace_max(fd, bps), 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &is, &len), 0);
	return is;
}

static void options_are_taken(void **state)
{
	int fd = sockopt_tcp_open(AF_INET6, NULL, NULL);

	assert_int_equal(sockopt_set_nodelay(fd), 0);
	assert_int_equal(sockopt_set_notsent_lowat(fd, 16384), 0);
	assert_int_equal(sockopt_set_user_timeout(fd, 10000), 0);
	assert_int_equal(pace_max(fd, 1250000), 1250000);
	assert_int_equal(pace_max(fd, 0), UINT64_MAX);
	assert_int_equal(sockopt_set_keepalive(fd, 10, 5, 3), 0);
	close(fd);
	assert_int_equal(sockopt_set_nodelay(fd), -EBADF);
	assert_int_equal(sockopt_set_keepalive(fd, 10, 5, 3), -EBADF);
}

static void own_addresses_are_local(void **state)
{
	static const char *const local[] = { "127.0.0.1", "127.0.0.53", "[::1]" };
	static const char *const others[] = { "192.0.2.1", "[2001:db8::1]" };

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		struct addr at = addr(local[i]);
		assert_true(sockopt_is_local(&at));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct addr at = addr(others[i]);
		assert_false(sockopt_is_local(&at));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families_connect),
		cmocka_unit_test(own_addresses_are_local),
		cmocka_unit_test(an_abort_is_a_reset),
		cmocka_unit_test(a_refusal_is_told_once),
		cmocka_unit_test(wrong_wishes_are_refused),
		cmocka_unit_test(both_families_share_a_port),
		cmocka_unit_test(congestion_control_says_what_is_in_use),
		cmocka_unit_test(options_are_taken),
		cmocka_unit_test(connections_tell_their_dscp),
		cmocka_unit_test(later_marks_do_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
