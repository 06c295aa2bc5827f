/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the page's server with a report of eight uplinks behind it, asked over
 * loopback: whoever asks however often leaves memory as it was, and a page that is
 * open costs next to nothing.
 */
#include "web/server.h"

#include "tests/unit/proxy/net.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "abcdefghijklmnopqrstuvwxyz012345"
#define TRIES 10
#define UPLINKS 8
#define SCRAPES 1000
#define COMERS 200   /* each with a connection of its own */
#define ONCE_BYTES 4096
#define LOOK_US 3000000
#define PART 100     /* of a core */
#define ANSWER_MAX 65536

static struct loop *loop;
static struct server *server;
static struct addr at;
static struct report report;

static int on_status(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	return ctl_render(&report, REPORT_PART_SESSIONS | REPORT_PART_UPLINKS, argc, argv,
	                  out);
}

static const struct ctl_verb verbs[] = {
	{ "status", "[--json|--metrics]", "", on_status, true },
	{ NULL, NULL, NULL, NULL },
};

static void fill(void)
{
	report_init(&report);
	report.head = (struct report_head){ .role = "gateway", .version = "1" };
	*report_add_session(&report) = (struct report_session){ .concentrator = "vps",
		.state = REPORT_SESSION_UP, .down = { "ecf", "ecf", "srpt", "tail" } };
	for (unsigned i = 0; i < UPLINKS; i++) {
		struct report_uplink *u = report_add_uplink(&report);
		*u = (struct report_uplink){ .device = "wan", .cost = "normal",
			.state = REPORT_PATH_UP, .srtt_us = 10000, .down_bps = 1000000,
			.subflows_alive = 2, .subflows_total = 2 };
		snprintf(u->name, sizeof(u->name), "uplink%u", i);
	}
}

static void on_wrong_secret(const struct addr *from)
{
}

static int begin(void **state)
{
	const struct server_args args = { .loop = loop = loop_create(), .addresses = &at,
		.count = 1, .secret = SECRET, .verbs = verbs,
		.on_wrong_secret = on_wrong_secret };
	unsigned which;

	fill();
	/* A port that was free a moment ago. */
	for (int i = 0; i < TRIES && !server; i++) {
		close(net_listen("127.0.0.1", &at, 1));
		server = server_create(&args, &which);
	}
	assert_non_null(server);
	return 0;
}

static int finish(void **state)
{
	server_destroy(server);
	server = NULL;
	loop_destroy(loop);
	report_finish(&report);
	return 0;
}

struct client {
	int fd;
	bool events;         /* it is told more and more, and asks no more */
	size_t n;            /* bytes of the answer at hand */
	char answer[ANSWER_MAX + 1];
};

static bool is_connected(void *ctx)
{
	return !send(((struct client *)ctx)->fd, "", 0, MSG_NOSIGNAL);
}

static void client_open(struct client *c)
{
	*c = (struct client){ .fd = net_connect(&at) };
	assert_true(c->fd >= 0);
	assert_true(net_run_until(loop, is_connected, c));
}

static bool is_answered(void *ctx)
{
	struct client *c = ctx;
	ssize_t n;

	while ((n = recv(c->fd, c->answer + c->n, ANSWER_MAX - c->n, 0)) > 0)
		c->n += (size_t)n;
	c->answer[c->n] = '\0';
	const char *body = strstr(c->answer, "\r\n\r\n");
	const char *length = strstr(c->answer, "Content-Length: ");
	if (c->events && body && strstr(body, "data: "))
		return true;
	return body && length &&
	       c->n >= (size_t)(body + 4 - c->answer) + strtoul(length + 16, NULL, 10);
}

/* The status of the answer. */
static unsigned ask(struct client *c, const char *url)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	                 "Authorization: Bearer " SECRET "\r\n\r\n", url);

	c->n = 0;
	assert_int_equal(send(c->fd, text, (size_t)n, MSG_NOSIGNAL), n);
	assert_true(net_run_until(loop, is_answered, c));
	return (unsigned)strtoul(c->answer + strlen("HTTP/1.1 "), NULL, 10);
}

/* What is allocated now is what was before, when half was asked: what is made once,
 * sooner or later, is there by then. */
static void check_memory(size_t before)
{
	assert_true(mallinfo2().uordblks < before + ONCE_BYTES);
}

static void scrapes_leave_nothing(void **state)
{
	static struct client c;
	size_t before = 0;

	client_open(&c);
	for (unsigned i = 0; i < SCRAPES; i++) {
		assert_int_equal(ask(&c, i % 2 ? "/metrics" : "/api/status"), 200);
		assert_non_null(strstr(c.answer, "uplink7"));
		if (i == SCRAPES / 2)
			before = mallinfo2().uordblks;
	}
	check_memory(before);
	close(c.fd);
}

static void who_comes_and_goes_leaves_nothing(void **state)
{
	static struct client c;
	size_t before = 0;

	for (unsigned i = 0; i < COMERS; i++) {
		client_open(&c);
		assert_int_equal(ask(&c, "/metrics"), 200);
		close(c.fd);
		if (i == COMERS / 2)
			before = mallinfo2().uordblks;
	}
	check_memory(before);
}

static void listen_to_events(struct client *c)
{
	for (unsigned i = 0; i < TRIES; i++) {
		client_open(c);
		c->events = true;
		unsigned status = ask(c, "/api/events");
		if (status == 200)
			return;
		/* Those before are gone when they are told the next time. */
		assert_int_equal(status, 503);
		close(c->fd);
		net_run_for(loop, SERVER_EVENT_US);
	}
	fail();
}

static void listeners_leave_nothing(void **state)
{
	static struct client c[SERVER_LISTENERS_MAX];
	size_t before = 0;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < SERVER_LISTENERS_MAX; i++)
			listen_to_events(&c[i]);
		if (!round)
			before = mallinfo2().uordblks;
		else
			check_memory(before);
		for (unsigned i = 0; i < SERVER_LISTENERS_MAX; i++)
			close(c[i].fd);
	}
}

static void on_rested(void *ctx)
{
	loop_stop(loop);
}

/* The loop as it is in the daemon: it wakes when there is something. */
static void rest(uint64_t us)
{
	struct loop_timer *timer = loop_timer_create(loop, on_rested, NULL);

	loop_timer_arm(timer, loop_now_us(loop) + us);
	loop_run(loop);
	loop_timer_destroy(timer);
}

/* What the daemon's thread does for a page that shows what is: the verb, the text,
 * sending it. */
static void an_open_page_costs_little(void **state)
{
	static struct client c;

	listen_to_events(&c);
	uint64_t from_us = loop_now_us(loop), cpu_us = loop_cpu_us(loop);
	rest(LOOK_US);
	cpu_us = loop_cpu_us(loop) - cpu_us;
	uint64_t us = loop_now_us(loop) - from_us;
	c.n = 0;
	assert_true(is_answered(&c) || c.n > UPLINKS * 100); /* events */
	print_message("%.3f %% of a core\n", 100.0 * (double)cpu_us / (double)us);
	assert_true(cpu_us * PART < us);
	close(c.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(scrapes_leave_nothing, begin, finish),
		cmocka_unit_test_setup_teardown(who_comes_and_goes_leaves_nothing, begin,
		                                finish),
		cmocka_unit_test_setup_teardown(listeners_leave_nothing, begin, finish),
		cmocka_unit_test_setup_teardown(an_open_page_costs_little, begin, finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
