/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: UDP sockets over loopback, both families; no privilege is needed.
 */
#include "agg/kernel/udp.h"

#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 10000
#define SIZE 1000u

static const char *const hosts[] = { "127.0.0.1", "::1" };

static struct addr addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 0), 0);
	return a;
}

static uint8_t out[64 * SIZE], in[8][65536];

/* What comes, of one recvmmsg. */
static int receive(int fd, struct udp_message *messages)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	for (int i = 0; i < 8; i++)
		messages[i] = (struct udp_message){ .p = in[i], .n = sizeof(in[i]) };
	return udp_receive(fd, messages, 8);
}

static void listen_one(const char *text, int *fd, struct addr *at)
{
	*at = addr(text);
	assert_int_equal(udp_listen(at, NULL, fd, 1), 0);
	assert_int_equal(sockopt_local(*fd, at), 0);
}

/* Several as one message; the answer goes to where it came from, from where it arrived. */
static void there_and_back(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct udp_message messages[8], m = { .p = out, .n = 10 * SIZE - 1,
		                                      .segment = SIZE };
		struct addr at;
		int listener, client, got = 0;
		listen_one(hosts[i], &listener, &at);
		client = udp_connect("", NULL, &at);
		assert_true(client >= 0);
		assert_int_equal(udp_send(client, &m, 1), 1);
		for (size_t bytes = 0; bytes < m.n;) {
			got = receive(listener, messages);
			assert_true(got > 0);
			for (int k = 0; k < got; k++)
				bytes += messages[k].n;
			assert_true(messages[0].segment == SIZE || messages[0].n <= SIZE);
		}
		assert_true(messages[0].addressed);
		assert_true(addr_equal_ip(&messages[0].local, &at));
		assert_false(messages[0].ce);
		struct udp_message back = { .p = out, .n = 5, .addressed = true,
		                            .peer = messages[0].peer,
		                            .local = messages[0].local };
		assert_int_equal(udp_send(listener, &back, 1), 1);
		assert_int_equal(receive(client, messages), 1);
		assert_int_equal(messages[0].n, 5);
		assert_true(addr_equal(&messages[0].peer, &at));
		close(client);
		close(listener);
	}
}

static void a_mark_is_seen(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct udp_message messages[8], m = { .p = out, .n = 5 };
		struct addr at;
		int listener, client, ce = 3;
		listen_one(hosts[i], &listener, &at);
		client = udp_connect(NULL, NULL, &at);
		assert_int_equal(setsockopt(client, i ? IPPROTO_IPV6 : IPPROTO_IP,
		                            i ? IPV6_TCLASS : IP_TOS, &ce, sizeof(ce)), 0);
		assert_int_equal(udp_send(client, &m, 1), 1);
		assert_int_equal(receive(listener, messages), 1);
		assert_true(messages[0].ce);
		close(client);
		close(listener);
	}
}

/* That of a socket which is gone again, unless another program was quicker. */
static void listen_at_a_free_port(const char *host, struct addr *at, int fds[3])
{
	int one, rc = -EADDRINUSE;

	for (int i = 0; i < 20 && rc == -EADDRINUSE; i++) {
		listen_one(host, &one, at);
		close(one);
		rc = udp_listen(at, NULL, fds, 3);
	}
	assert_int_equal(rc, 0);
}

/* By the number in bytes 2 to 5. */
static void each_goes_to_its_socket(void **state)
{
	for (int i = 0; i < 2; i++) {
		int fds[3];
		struct udp_message messages[8];
		struct addr at;
		listen_at_a_free_port(hosts[i], &at, fds);
		int client = udp_connect(NULL, NULL, &at);
		for (uint32_t index = 0xfffffff0; index != 9; index++) {
			uint8_t p[29] = { 0x10, 0, (uint8_t)(index >> 24),
				(uint8_t)(index >> 16), (uint8_t)(index >> 8), (uint8_t)index };
			struct udp_message m = { .p = p, .n = sizeof(p) };
			assert_int_equal(udp_send(client, &m, 1), 1);
			assert_int_equal(receive(fds[index % 3], messages), 1);
			assert_memory_equal(messages[0].p, p, sizeof(p));
		}
		close(client);
		for (int k = 0; k < 3; k++)
			close(fds[k]);
	}
}

/* That nobody listens is said by the network, of what was sent before. */
static void who_does_not_listen_is_no_error(void **state)
{
	struct udp_message messages[8] = { { .p = in[0], .n = sizeof(in[0]) } };
	struct udp_message m = { .p = out, .n = 5 };
	struct addr at;
	int listener;

	listen_one(hosts[0], &listener, &at);
	close(listener);
	int client = udp_connect("lo", NULL, &at);
	if (client == -EPERM) /* needs CAP_NET_RAW on older kernels */
		client = udp_connect(NULL, NULL, &at);
	assert_true(client >= 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(udp_send(client, &m, 1), 1);
	assert_int_equal(udp_receive(client, messages, 1), -EAGAIN);
	close(client);
}

/* It does not go in fragments. */
static void what_is_too_long_is_refused(void **state)
{
	struct udp_message m = { .p = in[0], .n = 65536 };
	struct addr at;
	int listener;

	listen_one(hosts[0], &listener, &at);
	int client = udp_connect(NULL, NULL, &at);
	assert_int_equal(udp_send(client, &m, 1), -EMSGSIZE);
	close(client);
	close(listener);
}

static void a_source_is_of_the_same_family(void **state)
{
	struct addr at = addr("127.0.0.1:9"), six = addr("::1");
	struct addr none = { .family = AF_UNSPEC };
	int fds[1];

	assert_int_equal(udp_connect(NULL, &six, &at), -EAFNOSUPPORT);
	assert_int_equal(udp_connect(NULL, NULL, &none), -EAFNOSUPPORT);
	assert_int_equal(udp_connect("nosuchdevice0", NULL, &at), -ENODEV);
	assert_int_equal(udp_listen(&at, NULL, fds, 0), -EINVAL);
}

/* Since when it lies there is known, however late it is fetched. */
static void it_is_known_how_long_it_waited(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct udp_message messages[8], m = { .p = out, .n = SIZE };
		struct addr at;
		int listener, client;
		listen_one(hosts[i], &listener, &at);
		client = udp_connect("", NULL, &at);
		assert_true(client >= 0);
		assert_int_equal(udp_send(client, &m, 1), 1);
		usleep(30000);
		assert_int_equal(receive(listener, messages), 1);
		/* 0: the machine stood still for longer than is believed. */
		assert_true(!messages[0].waited_us || messages[0].waited_us >= 25000);
		assert_true(messages[0].waited_us < 1000000);
		close(client);
		close(listener);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(it_is_known_how_long_it_waited),
		cmocka_unit_test(a_mark_is_seen),
		cmocka_unit_test(each_goes_to_its_socket),
		cmocka_unit_test(who_does_not_listen_is_no_error),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(a_source_is_of_the_same_family),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
