/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a process hands over to another, which is this program once more: what is its
 * configuration for aggd says here what it does, and where it listens.
 */
#include "agg/handover.h"

#include "agg/kernel/inherit.h"
#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROLE 1
#define WORD 7
#define PATIENCE_US 60000000u
#define WHAT_MAX 64

static const char *self; /* this program */

struct story {
	struct loop *loop;
	struct handover *h;
	unsigned ready, taken, failed;
	char why[128];
};

static void on_ready(void *ctx, uint8_t role)
{
	struct story *s = ctx;

	assert_int_equal(role, ROLE);
	s->ready++;
	handover_go(s->h, WORD);
}

static void on_taken(void *ctx, pid_t next)
{
	struct story *s = ctx;

	assert_true(next > 0 && next != getpid());
	s->taken++;
	loop_stop(s->loop);
}

static void on_failed(void *ctx, const char *why)
{
	struct story *s = ctx;

	s->failed++;
	snprintf(s->why, sizeof(s->why), "%s", why);
	loop_stop(s->loop);
}

static const struct handover_events events = { on_ready, on_taken, on_failed };

static void on_late(void *ctx)
{
	loop_stop(ctx);
}

static void tell(struct story *s, const char *program, const char *what)
{
	*s = (struct story){ .loop = loop_create() };
	struct loop_timer *late = loop_timer_create(s->loop, on_late, s->loop);

	loop_timer_arm(late, loop_now_us(s->loop) + PATIENCE_US);
	s->h = handover_begin(s->loop, program, what, &events, s);
	assert_non_null(s->h);
	loop_run(s->loop);
	handover_destroy(s->h);
	loop_timer_destroy(late);
	loop_destroy(s->loop);
}

/* Who connects before the next one is there is served by it. */
static void a_listener_goes_on(void **state)
{
	struct addr at = { .family = AF_INET, .ip = { 127, 0, 0, 1 } };
	char what[WHAT_MAX], answer[16] = "";
	struct story s;

	int listener = sockopt_tcp_listen(&at, NULL);
	assert_true(listener >= 0);
	assert_int_equal(sockopt_local(listener, &at), 0);
	int client = sockopt_tcp_open(AF_INET, NULL, NULL);
	assert_int_equal(sockopt_connect(client, &at), 0);
	snprintf(what, sizeof(what), "good %u", at.port);
	setenv("WATCHDOG_PID", "1", 1);
	tell(&s, self, what);
	assert_int_equal(s.ready, 1);
	assert_int_equal(s.taken, 1);
	assert_int_equal(s.failed, 0);
	close(listener);
	for (int i = 0; i < 1000 && recv(client, answer, sizeof(answer), 0) < 0; i++)
		usleep(10000);
	assert_string_equal(answer, "welcome");
	close(client);
}

static void one_that_does_not_start(void **state)
{
	struct story s;

	tell(&s, "/bin/false", "");
	assert_int_equal(s.ready, 0);
	assert_int_equal(s.failed, 1);
	assert_string_equal(s.why, "the next process has ended; what it said is above");
	tell(&s, "/nowhere/aggd", "");
	assert_int_equal(s.failed, 1);
}

static void one_that_ends_later(void **state)
{
	struct story s;

	tell(&s, self, "ends");
	assert_int_equal(s.ready, 1);
	assert_int_equal(s.taken, 0);
	assert_int_equal(s.failed, 1);
}

/* What a process was not started with is not taken. */
static void own_listeners_are_not_inherited(void **state)
{
	struct addr at = { .family = AF_INET6 };
	int fds[INHERIT_MAX];

	at.ip[15] = 1;
	unsigned before = inherit_find(fds);
	int fd = sockopt_tcp_listen(&at, NULL);
	assert_true(fd >= 0);
	assert_int_equal(sockopt_local(fd, &at), 0);
	assert_int_equal(inherit_find(fds), before + 1);
	assert_int_equal(inherit_take(&at, IPPROTO_TCP, false), -ENOENT);
	inherit_close();
	assert_int_equal(sockopt_local(fd, &at), 0);
	close(fd);
}

/* The next process --------------------------------------------------------------- */

static int serve(const struct addr *at)
{
	struct addr other = *at, any = *at;
	int fd = -1;

	other.ip[3]++;
	any.port = 0;
	if (inherit_take(&other, IPPROTO_TCP, false) != -ENOENT ||
	    inherit_take(at, IPPROTO_TCP, true) != -ENOENT)
		return -1;
	int listener = inherit_take(&any, IPPROTO_TCP, false);
	if (listener < 0 || inherit_take(at, IPPROTO_TCP, false) != -ENOENT)
		return -1;
	while ((fd = sockopt_accept(listener, NULL)) == -EAGAIN)
		usleep(1000);
	return fd < 0 || write(fd, "welcome", 8) != 8 ? -1 : 0;
}

static int be_next(const char *what, int fd)
{
	struct addr at = { .family = AF_INET, .ip = { 127, 0, 0, 1 } };
	uint8_t word;
	unsigned port;

	if (handover_wait(fd, ROLE, &word) || word != WORD || getenv("WATCHDOG_PID"))
		return 1;
	if (sscanf(what, "good %u", &port) != 1)
		return 1;
	at.port = (uint16_t)port;
	return handover_taken(fd) || serve(&at) ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listener_goes_on),
		cmocka_unit_test(one_that_does_not_start),
		cmocka_unit_test(one_that_ends_later),
		cmocka_unit_test(own_listeners_are_not_inherited),
	};

	if (argc == 5 && !strcmp(argv[3], "--take-over"))
		return be_next(argv[2], atoi(argv[4]));
	self = argv[0];
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
