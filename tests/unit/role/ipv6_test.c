/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: who says what of IPv6 behind the concentrator, where several workers of
 * one host find out each for itself. Dials are played.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/role/ipv6.h"

#include "agg/base/log.h"

#include <stdio.h>
#include <string.h>

static struct {
	char said[256];   /* the last line */
	unsigned lines, changes;
	struct dial_args dialled;
	bool dials;
} t;

static void say(const char *fmt, va_list args)
	__attribute__((format(printf, 1, 0)));

static void say(const char *fmt, va_list args)
{
	vsnprintf(t.said, sizeof(t.said), fmt, args);
	t.lines++;
}

#define SAYS(name)                                 \
	void __wrap_##name(const char *fmt, ...) LOG_PRINTF; \
	void __wrap_##name(const char *fmt, ...)   \
	{                                          \
		va_list args;                      \
		va_start(args, fmt);               \
		say(fmt, args);                    \
		va_end(args);                      \
	}
SAYS(log_info)
SAYS(log_sys)

struct dial *dial_start(const struct dial_args *args)
{
	t.dialled = *args;
	t.dials = true;
	return (struct dial *)&t;
}

void dial_cancel(struct dial *dial)
{
	if (dial)
		t.dials = false;
}

static void on_change(void *ctx)
{
	t.changes++;
}

static void begin(struct ipv6 *six, struct loop *loop, bool quiet)
{
	struct ipv6_args args = { .loop = loop, .on_change = on_change,
	                          .quiet = quiet };

	memset(&t, 0, sizeof(t));
	assert_int_equal(ipv6_init(six, &args), 0);
	ipv6_set_ready(six, true);
	assert_true(ipv6_works(six));
}

static void stop(void *loop)
{
	loop_stop(loop);
}

/* What was posted is done; timers are not waited for. */
static void turn(struct loop *loop)
{
	struct loop_task end;

	loop_task_init(&end, loop, stop, loop);
	loop_task_post(&end);
	assert_int_equal(loop_run(loop), 0);
}

static void nobody_answers(struct ipv6 *six, struct loop *loop)
{
	for (unsigned net = 0; net < REACH_NETS; net++) {
		struct addr to = { .family = AF_INET6, .port = 443,
			.ip = { 0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)net } };
		six->watch.on_outcome(six->watch.ctx, &to, false);
	}
	turn(loop);
}

static void who_finds_it_says_it(void **state)
{
	for (int quiet = 0; quiet < 2; quiet++) {
		struct loop *loop = loop_create();
		struct ipv6 six;

		begin(&six, loop, quiet);
		assert_int_equal(t.lines, quiet ? 0 : 1); /* of the device */
		nobody_answers(&six, loop);
		assert_true(ipv6_is_broken(&six));
		assert_false(ipv6_works(&six));
		assert_string_equal(t.said, "egress: no IPv6: nobody answers; "
		                            "it is tried again");
		assert_int_equal(t.lines, quiet ? 1 : 2);
		/* Whoever answers mends it, and that is said as well. */
		struct addr good = { .family = AF_INET6, .port = 443,
			.ip = { 0x20, 0x01 } };
		six.watch.on_outcome(six.watch.ctx, &good, true);
		turn(loop);
		assert_true(ipv6_works(&six));
		assert_int_equal(t.lines, quiet ? 2 : 3);
		assert_int_equal(t.changes, 3);
		ipv6_finish(&six);
		loop_destroy(loop);
	}
}

static void the_device_is_one_s_to_tell(void **state)
{
	for (int quiet = 0; quiet < 2; quiet++) {
		struct loop *loop = loop_create();
		struct ipv6 six;

		begin(&six, loop, quiet);
		ipv6_set_ready(&six, false);
		assert_int_equal(t.lines, quiet ? 0 : 2);
		ipv6_set_ready(&six, true);
		assert_int_equal(t.lines, quiet ? 0 : 3);
		assert_int_equal(t.changes, 3);
		ipv6_finish(&six);
		loop_destroy(loop);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_finds_it_says_it),
		cmocka_unit_test(the_device_is_one_s_to_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
