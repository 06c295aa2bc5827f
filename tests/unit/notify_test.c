/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TOLD_MAX 64

static void addresses(void **state)
{
	char text[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct sockaddr_un to;

	assert_int_equal(notify_address("/run/n", &to),
	                 offsetof(struct sockaddr_un, sun_path) + 6);
	assert_string_equal(to.sun_path, "/run/n");
	assert_int_equal(notify_address("@abc", &to),
	                 offsetof(struct sockaddr_un, sun_path) + 4);
	assert_memory_equal(to.sun_path, "\0abc", 4);
	assert_int_equal(notify_address(NULL, &to), 0);
	assert_int_equal(notify_address("", &to), 0);
	assert_int_equal(notify_address("/", &to), 0);
	assert_int_equal(notify_address("run/n", &to), 0);
	assert_int_equal(notify_address("vsock:2:1234", &to), 0);
	memset(text, 'x', sizeof(text));
	text[0] = '/';
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(notify_address(text, &to), 0); /* no place for its end */
}

static void half_of_what_is_allowed(void **state)
{
	assert_int_equal(notify_every_us("20000000", NULL, 7), 10000000);
	assert_int_equal(notify_every_us("20000000", "7", 7), 10000000);
	assert_int_equal(notify_every_us("20000000", "8", 7), 0);
	assert_int_equal(notify_every_us(NULL, NULL, 7), 0);
	assert_int_equal(notify_every_us("", NULL, 7), 0);
	assert_int_equal(notify_every_us("-1", NULL, 7), 0);
	assert_int_equal(notify_every_us("20s", NULL, 7), 0);
	assert_int_equal(notify_every_us("99999999999999999999", NULL, 7), 0);
}

static void hear(int fd, const char *text)
{
	char told[TOLD_MAX] = "";

	assert_true(recv(fd, told, sizeof(told) - 1, 0) > 0);
	assert_string_equal(told, text);
}

static void on_end(void *ctx)
{
	loop_stop(ctx);
}

/* Ready, alive twice within the time that is allowed, and the end. */
static void the_manager_is_told(void **state)
{
	struct notify n = { 0 };
	struct sockaddr_un at;
	char name[TOLD_MAX];
	struct loop *loop = loop_create();
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(name, sizeof(name), "@aggd-notify-test-%d", (int)getpid());
	assert_int_equal(bind(fd, (struct sockaddr *)&at,
	                      notify_address(name, &at)), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "2000", 1);
	notify_ready(&n, loop, false);
	hear(fd, "READY=1");
	hear(fd, "WATCHDOG=1");
	struct loop_timer *end = loop_timer_create(loop, on_end, loop);
	loop_timer_arm(end, loop_now_us(loop) + 5000);
	loop_run(loop);
	hear(fd, "WATCHDOG=1");
	notify_finish(&n);
	while (recv(fd, name, sizeof(name), MSG_DONTWAIT) > 0)
		;
	notify_ending(&n);
	hear(fd, "STOPPING=1");
	notify_successor(&n, 4711);
	hear(fd, "WATCHDOG=1\nMAINPID=4711");
	notify_ready(&n, loop, true); /* it is known to work */
	assert_true(recv(fd, name, sizeof(name), MSG_DONTWAIT) < 0);
	loop_timer_arm(end, loop_now_us(loop) + 5000);
	loop_run(loop);
	hear(fd, "WATCHDOG=1");
	notify_finish(&n);
	loop_timer_destroy(end);
	loop_destroy(loop);
	close(fd);
}

static void nobody_asked(void **state)
{
	struct notify n = { 0 };
	struct loop *loop = loop_create();

	unsetenv("NOTIFY_SOCKET");
	notify_ready(&n, loop, true);
	assert_null(n.timer);
	notify_ending(&n);
	notify_finish(&n);
	loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(half_of_what_is_allowed),
		cmocka_unit_test(the_manager_is_told),
		cmocka_unit_test(nobody_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
