/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a client on loopback whose first bytes are looked at, and stay.
 */
#include "net.h"
#include "proxy/look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TRIES 5 /* of what a pause of this process can make late */
#define SAID "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"

struct scene {
	struct loop *loop;
	struct tally *hosts;
	struct looks *looks;
	int client, fd; /* the other end; -1: not done */
	char name[256];
};

static void on_done(void *ctx, const struct inlet_client *client,
                    const char *name)
{
	struct scene *s = ctx;

	assert_int_equal(s->fd, -1);
	s->fd = client->fd;
	strcpy(s->name, name);
}

static void build(struct scene *s, unsigned places)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->loop = loop_create();
	s->hosts = tally_create(places);
	s->looks = looks_create(s->loop, s->hosts, on_done, s);
}

static void take(struct scene *s, const char *said)
{
	struct inlet_client client = { .dscp = -1 };
	int pair[2];

	net_tcp_pair(pair);
	s->client = pair[0];
	client.fd = pair[1];
	addr_parse(&client.from, "192.0.2.7", 5);
	assert_int_equal(send(s->client, said, strlen(said), 0), strlen(said));
	looks_take(s->looks, &client);
}

static bool is_done(void *ctx)
{
	return ((struct scene *)ctx)->fd >= 0;
}

static void finish(struct scene *s)
{
	assert_int_equal(looks_count(s->looks), 0);
	looks_destroy(s->looks);
	assert_int_equal(tally_used(s->hosts), 0);
	tally_destroy(s->hosts);
	loop_destroy(s->loop);
	close(s->client);
	if (s->fd >= 0)
		close(s->fd);
}

/* All that was sent is still to be read, and wakes a reader at one byte. */
static void expect_bytes(struct scene *s, const char *said)
{
	char bytes[256] = "";
	int lowat = 0;
	socklen_t len = sizeof(lowat);

	assert_int_equal(recv(s->fd, bytes, sizeof(bytes), 0), strlen(said));
	assert_string_equal(bytes, said);
	assert_int_equal(getsockopt(s->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, &len), 0);
	assert_int_equal(lowat, 1);
}

static void a_name_is_found_and_stays(void **state)
{
	struct scene s;

	build(&s, 8);
	take(&s, SAID);
	assert_true(net_run_until(s.loop, is_done, &s));
	assert_string_equal(s.name, "example.com");
	expect_bytes(&s, SAID);
	finish(&s);
}

/* The name that was found of what came in parts. */
static bool is_found_in_parts(void)
{
	struct scene s;

	build(&s, 8);
	take(&s, "");
	for (size_t i = 0; i < strlen(SAID); i += 9) {
		size_t n = strlen(SAID) - i < 9 ? strlen(SAID) - i : 9;
		assert_int_equal(send(s.client, &SAID[i], n, 0), n);
		net_run_for(s.loop, 2000);
	}
	assert_true(net_run_until(s.loop, is_done, &s));
	bool found = !strcmp(s.name, "example.com");
	expect_bytes(&s, SAID);
	finish(&s);
	return found;
}

/* A process that stands still for the time of a look finds none. */
static void it_may_come_in_parts(void **state)
{
	bool found = false;

	for (int i = 0; i < TRIES && !found; i++)
		found = is_found_in_parts();
	assert_true(found);
}

static void who_says_nothing_or_half_is_not_waited_for(void **state)
{
	static const char *const said[] = { "", "GET / HT" };

	for (int i = 0; i < 2; i++) {
		struct scene s;
		build(&s, 8);
		take(&s, said[i]);
		assert_int_equal(s.fd, -1);
		assert_true(net_run_until(s.loop, is_done, &s));
		assert_string_equal(s.name, "");
		finish(&s);
	}
}

static uint64_t end_and_look_us(void)
{
	struct scene s;

	build(&s, 8);
	take(&s, "GET / HT");
	assert_int_equal(looks_count(s.looks), 1);
	shutdown(s.client, SHUT_WR);
	uint64_t start_us = loop_now_us(s.loop);
	assert_true(net_run_until(s.loop, is_done, &s));
	uint64_t took_us = loop_now_us(s.loop) - start_us;
	assert_string_equal(s.name, "");
	expect_bytes(&s, "GET / HT");
	finish(&s);
	return took_us;
}

/* Nothing more will come, and the loop does not spin until a deadline. */
static void an_end_ends_the_look(void **state)
{
	uint64_t took_us = UINT64_MAX;

	for (int i = 0; i < TRIES && took_us >= LOOK_WHOLE_US; i++)
		took_us = end_and_look_us();
	assert_true(took_us < LOOK_WHOLE_US);
}

static void without_a_place_it_is_not_looked_at(void **state)
{
	struct scene s;

	build(&s, 0);
	take(&s, SAID);
	assert_true(s.fd >= 0);
	assert_string_equal(s.name, "");
	finish(&s);
}

static void who_is_looked_at_is_reset_at_the_end(void **state)
{
	struct net_reader reader = { 0 };
	struct scene s;

	build(&s, 8);
	take(&s, "GET");
	looks_destroy(s.looks);
	reader.fd = s.client;
	net_read(&reader);
	assert_int_equal(reader.end, NET_RESET);
	s.looks = looks_create(s.loop, s.hosts, on_done, &s);
	finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_found_and_stays),
		cmocka_unit_test(it_may_come_in_parts),
		cmocka_unit_test(who_says_nothing_or_half_is_not_waited_for),
		cmocka_unit_test(an_end_ends_the_look),
		cmocka_unit_test(without_a_place_it_is_not_looked_at),
		cmocka_unit_test(who_is_looked_at_is_reset_at_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
