/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a client's datagrams on loopback, to a server and back.
 */
#include "dns_server.h"
#include "net.h"
#include "proxy/associate.h"

#include "agg/kernel/sockopt.h"
#include "proxy/relay.h"
#include "proxy/socks5.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define QUIET_US 20000 /* for what must not come */

struct scene {
	struct loop *loop;
	struct relays *relays;
	struct tally *hosts;
	struct dns_server *dns;
	struct resolver *resolver;
	struct associates *associates;
	int tcp;               /* the client's end */
	int udp, server;       /* the client's socket, and somebody's in the Net */
	struct addr relay, at; /* the association's, the server's */
	bool closed;           /* to all */
	char asked[256];       /* the last name of a way */
	uint8_t bytes[2048];   /* the last datagram, */
	ssize_t n;
	struct addr from;      /* and whence */
	int waits;             /* on that socket */
};

static size_t say_opened(uint8_t out[RELAY_ANSWER_MAX], const struct addr *bound)
{
	return socks5_reply(out, SOCKS5_SUCCEEDED, bound);
}

static size_t say_failed(uint8_t out[RELAY_ANSWER_MAX], enum stream_end end)
{
	return socks5_reply(out, socks5_code_of(end), NULL);
}

static const struct relay_greeter greeter = { say_opened, say_failed };

static bool way(void *ctx, const struct addr *client, const struct addr *to,
                const char *name, char device[IFNAMSIZ])
{
	struct scene *s = ctx;

	*device = 0;
	strcpy(s->asked, name);
	return !s->closed;
}

static int open_at(const char *text, struct addr *bound)
{
	assert_int_equal(addr_parse(bound, text, 0), 0);
	int fd = sockopt_udp_open(bound, NULL);
	assert_true(fd >= 0);
	assert_int_equal(sockopt_local(fd, bound), 0);
	return fd;
}

static bool take(struct scene *s)
{
	struct inlet_client client = { .greeter = &greeter, .associate = true };
	int pair[2];

	net_tcp_pair(pair);
	s->tcp = pair[0];
	client.fd = pair[1];
	assert_int_equal(addr_parse(&client.from, "127.0.0.1", 5), 0);
	return associates_take(s->associates, &client);
}

static void build(struct scene *s, unsigned places)
{
	static const struct dns_row rows[] = {
		{ "www.test", AF_INET, DNS_OK, 3000, { "127.0.0.1" } },
	};
	struct addr any;

	memset(s, 0, sizeof(*s));
	s->loop = loop_create();
	s->relays = relays_create(s->loop);
	s->hosts = tally_create(places);
	s->dns = dns_server_create(s->loop, rows, 1);
	s->resolver = dns_server_resolver(s->dns, DNS_PATIENCE_MS);
	struct associates_args args = { s->loop, s->resolver, s->relays, s->hosts,
	                                way, s };
	s->associates = associates_create(&args);
	s->udp = open_at("127.0.0.1", &any);
	s->server = open_at("127.0.0.1", &s->at);
}

static bool has_reply(void *ctx)
{
	struct scene *s = ctx;

	s->n = recv(s->tcp, s->bytes, sizeof(s->bytes), MSG_DONTWAIT);
	return s->n > 0;
}

static void join(struct scene *s)
{
	assert_true(take(s));
	assert_true(net_run_until(s->loop, has_reply, s));
	assert_int_equal(s->n, 10);
	assert_int_equal(s->bytes[1], SOCKS5_SUCCEEDED);
	s->relay = (struct addr){ .family = AF_INET,
		.port = (uint16_t)(s->bytes[8] << 8 | s->bytes[9]) };
	memcpy(s->relay.ip, s->bytes + 4, 4);
	assert_true(s->relay.port);
}

static bool is_over(void *ctx)
{
	struct scene *s = ctx;

	return !associates_count(s->associates) && !relays_count(s->relays);
}

/* The association ends with its connection. */
static void tear_down(struct scene *s)
{
	close(s->tcp);
	assert_true(net_run_until(s->loop, is_over, s));
	assert_int_equal(tally_used(s->hosts), 0);
	associates_destroy(s->associates);
	resolver_destroy(s->resolver);
	dns_server_destroy(s->dns);
	relays_destroy(s->relays);
	tally_destroy(s->hosts);
	close(s->udp);
	close(s->server);
	loop_destroy(s->loop);
}

static bool has_datagram(void *ctx)
{
	struct scene *s = ctx;

	s->n = sockopt_receive_from(s->waits, s->bytes, sizeof(s->bytes), &s->from);
	return s->n >= 0;
}

static void expect(struct scene *s, int fd, const char *text, size_t head)
{
	s->waits = fd;
	assert_true(net_run_until(s->loop, has_datagram, s));
	assert_int_equal(s->n, head + strlen(text));
	assert_memory_equal(s->bytes + head, text, strlen(text));
}

static void expect_none(struct scene *s, int fd)
{
	net_run_for(s->loop, QUIET_US);
	s->waits = fd;
	assert_false(has_datagram(s));
}

/* From the client to the server; name NULL: by its address. */
static void send_by(struct scene *s, int fd, const char *name, uint8_t frag,
                    const char *text)
{
	uint8_t bytes[512] = { 0 };
	size_t n = socks5_udp_write(bytes, &s->at);

	if (name) {
		bytes[3] = 3;
		bytes[4] = (uint8_t)strlen(name);
		memcpy(bytes + 5, name, strlen(name));
		n = 5 + strlen(name);
		bytes[n++] = (uint8_t)(s->at.port >> 8);
		bytes[n++] = (uint8_t)s->at.port;
	}
	bytes[2] = frag;
	memcpy(bytes + n, text, strlen(text));
	n += strlen(text);
	assert_int_equal(sockopt_send_to(fd, bytes, n, &s->relay), n);
}

static void datagrams_go_and_come(void **state)
{
	struct dest dest;
	struct scene s;

	build(&s, 8);
	join(&s);
	send_by(&s, s.udp, NULL, 0, "one");
	expect(&s, s.server, "one", 0);
	assert_string_equal(s.asked, "");
	struct addr exit = s.from;
	assert_int_equal(sockopt_send_to(s.server, "two", 3, &exit), 3);
	expect(&s, s.udp, "two", 10);
	assert_int_equal(socks5_udp_read(s.bytes, (size_t)s.n, &dest), 10);
	assert_true(addr_equal(&dest.addr, &s.at));
	send_by(&s, s.udp, NULL, 0, "three");
	expect(&s, s.server, "three", 0);
	assert_true(addr_equal(&s.from, &exit)); /* one mapping for a client */
	tear_down(&s);
}

static void names_are_found_and_wait_for_that(void **state)
{
	struct scene s;

	build(&s, 8);
	join(&s);
	send_by(&s, s.udp, "www.test", 0, "one");
	send_by(&s, s.udp, "www.test", 0, "two");
	expect(&s, s.server, "one", 0);
	expect(&s, s.server, "two", 0);
	assert_string_equal(s.asked, "www.test");
	unsigned asked = dns_server_questions(s.dns);
	send_by(&s, s.udp, "www.test", 0, "three");
	expect(&s, s.server, "three", 0);
	assert_int_equal(dns_server_questions(s.dns), asked);
	send_by(&s, s.udp, "nobody.test", 0, "four");
	expect_none(&s, s.server);
	tear_down(&s);
}

static void fragments_and_strangers_are_dropped(void **state)
{
	struct scene s;
	struct addr any;

	build(&s, 8);
	join(&s);
	send_by(&s, s.udp, NULL, 1, "a part");
	assert_int_equal(sockopt_send_to(s.udp, "\0\0\0\1\1", 5, &s.relay), 5);
	expect_none(&s, s.server);
	int other = open_at("127.0.0.2", &any);
	send_by(&s, other, NULL, 0, "another host");
	expect_none(&s, s.server);
	send_by(&s, s.udp, NULL, 0, "mine");
	expect(&s, s.server, "mine", 0);
	int second = open_at("127.0.0.1", &any);
	send_by(&s, second, NULL, 0, "another port");
	expect_none(&s, s.server);
	close(other);
	close(second);
	tear_down(&s);
}

static void where_there_is_no_way_nothing_leaves(void **state)
{
	struct scene s;

	build(&s, 8);
	join(&s);
	s.closed = true;
	send_by(&s, s.udp, NULL, 0, "one");
	expect_none(&s, s.server);
	s.closed = false;
	send_by(&s, s.udp, NULL, 0, "two");
	expect(&s, s.server, "two", 0);
	tear_down(&s);
}

static void a_host_has_its_share(void **state)
{
	struct scene s;

	build(&s, 0);
	assert_false(take(&s));
	assert_true(net_run_until(s.loop, has_reply, &s));
	assert_int_equal(s.bytes[1], SOCKS5_FAILURE);
	tear_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_go_and_come),
		cmocka_unit_test(names_are_found_and_wait_for_that),
		cmocka_unit_test(fragments_and_strangers_are_dropped),
		cmocka_unit_test(where_there_is_no_way_nothing_leaves),
		cmocka_unit_test(a_host_has_its_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
