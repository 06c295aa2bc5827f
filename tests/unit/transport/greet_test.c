/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what is taken for a greeting, how long a PAD is, and when it is looked
 * whether a greeting was too long for its way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/transport/greet.h"

#include <string.h>

#define END_US 5000000u

static const struct wire_frame hello = {
	.type = WIRE_HELLO, .hello = { .version = WIRE_VERSION, .name = "dsl" },
};
static const struct wire_frame welcome = {
	.type = WIRE_WELCOME, .welcome = { WIRE_VERSION, 7 },
};

/* What the answer is to a frame, and that it was taken whole. */
static enum greet_answer answer(enum wire_type wanted,
                                const struct wire_frame *said,
                                struct wire_frame *frame, const char **why)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];
	size_t len = wire_encode(bytes, said), used = 0;

	enum greet_answer got = greet_hear(wanted, bytes, len, &used, frame, why);
	assert_int_equal(used, len);
	return got;
}

static void test_heard(void **state)
{
	struct wire_frame frame;
	const char *why = NULL;

	assert_int_equal(answer(WIRE_HELLO, &hello, &frame, &why), GREET_HEARD);
	assert_string_equal(frame.hello.name, "dsl");
	assert_int_equal(answer(WIRE_WELCOME, &welcome, &frame, &why),
	                 GREET_HEARD);
	assert_int_equal(frame.welcome.incarnation, 7);
}

/* An INVITE stands for a HELLO, and for nothing else. */
static void test_invited(void **state)
{
	const struct wire_frame invite = {
		.type = WIRE_INVITE, .invite = { WIRE_VERSION, { 1, 2, 3 } },
	};
	const struct wire_frame redeemed = {
		.type = WIRE_REDEEMED, .redeemed = { .version = WIRE_VERSION },
	};
	struct wire_frame frame, other = invite;
	const char *why = NULL;

	assert_int_equal(answer(WIRE_HELLO, &invite, &frame, &why),
	                 GREET_INVITED);
	assert_memory_equal(frame.invite.secret, invite.invite.secret,
	                    WIRE_SECRET_BYTES);
	assert_int_equal(answer(WIRE_WELCOME, &invite, &frame, &why),
	                 GREET_NONE);
	assert_int_equal(answer(WIRE_REDEEMED, &redeemed, &frame, &why),
	                 GREET_HEARD);
	assert_int_equal(answer(WIRE_WELCOME, &redeemed, &frame, &why),
	                 GREET_NONE);
	other.invite.version = WIRE_VERSION + 1;
	assert_int_equal(answer(WIRE_HELLO, &other, &frame, &why),
	                 GREET_INVITED);
	other.invite.version = WIRE_VERSION_OLDEST - 1;
	assert_int_equal(answer(WIRE_HELLO, &other, &frame, &why),
	                 GREET_FOREIGN);
}

static void test_not_whole(void **state)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];
	size_t len = wire_encode(bytes, &hello), used;
	struct wire_frame frame;
	const char *why = NULL;

	for (size_t n = 0; n < len; n++) {
		used = 1;
		assert_int_equal(greet_hear(WIRE_HELLO, bytes, n, &used, &frame,
		                            &why), GREET_MORE);
		assert_int_equal(used, 0);
	}
}

static void test_refused(void **state)
{
	const struct wire_frame close = {
		.type = WIRE_CLOSE, .close = { "not today" },
	};
	struct wire_frame frame;
	const char *why = NULL;

	assert_int_equal(answer(WIRE_WELCOME, &close, &frame, &why),
	                 GREET_REFUSED);
	assert_string_equal(frame.close.reason, "not today");
}

static void test_other(void **state)
{
	static const uint8_t rubbish[] = { WIRE_HELLO, 0, 0, 0 };
	struct wire_frame other = hello, frame;
	const char *why = NULL;
	size_t used = 1;

	assert_int_equal(answer(WIRE_WELCOME, &hello, &frame, &why), GREET_NONE);
	assert_string_equal(why, "no greeting");
	other.hello.version = WIRE_VERSION_OLDEST - 1;
	assert_int_equal(answer(WIRE_HELLO, &other, &frame, &why),
	                 GREET_FOREIGN);
	assert_string_equal(why, "protocol version not supported");
	why = NULL;
	assert_int_equal(greet_hear(WIRE_HELLO, rubbish, sizeof(rubbish), &used,
	                            &frame, &why), GREET_NONE);
	assert_int_equal(used, 0);
	assert_non_null(why);
}

/* A gateway of a later release says more, and is understood; a concentrator that
 * answers with more than was offered is not. */
static void test_later(void **state)
{
	struct wire_frame offer = hello, choice = welcome, frame;
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];
	const char *why = NULL;
	size_t used;

	offer.hello.version = WIRE_VERSION + 1;
	size_t n = wire_encode(bytes, &offer);
	memcpy(bytes + n, "more", 4);
	bytes[3] = (uint8_t)(bytes[3] + 4); /* the length's last byte */
	assert_int_equal(greet_hear(WIRE_HELLO, bytes, n + 4, &used, &frame, &why),
	                 GREET_HEARD);
	assert_int_equal(used, n + 4);
	assert_string_equal(frame.hello.name, "dsl");
	choice.welcome.version = WIRE_VERSION + 1;
	assert_int_equal(answer(WIRE_WELCOME, &choice, &frame, &why),
	                 GREET_FOREIGN);
	choice.welcome.version = 0;
	assert_int_equal(answer(WIRE_WELCOME, &choice, &frame, &why),
	                 GREET_FOREIGN);
}

/* Two ends, a release apart and two: what they speak. */
static void test_agreement(void **state)
{
	static const struct {
		struct wire_versions gateway, concentrator;
		uint16_t spoken; /* 0: they part */
	} cases[] = {
		{ { 1, 1 }, { 1, 1 }, 1 }, { { 1, 2 }, { 1, 1 }, 1 },
		{ { 1, 1 }, { 1, 2 }, 1 }, { { 1, 2 }, { 1, 2 }, 2 },
		{ { 2, 3 }, { 1, 2 }, 2 }, { { 1, 2 }, { 2, 3 }, 2 },
		{ { 2, 3 }, { 1, 1 }, 0 }, { { 1, 1 }, { 2, 3 }, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint16_t chosen = wire_agree(cases[i].concentrator,
		                             cases[i].gateway.newest);
		bool taken = chosen &&
			wire_agree(cases[i].gateway, chosen) == chosen;
		assert_int_equal(taken ? chosen : 0, cases[i].spoken);
	}
}

static void test_pad(void **state)
{
	static const struct { uint32_t mss; size_t len; } cases[] = {
		{ 1400, 2800 }, { 65483, GREET_PAD_MAX }, { UINT32_MAX, GREET_PAD_MAX },
		{ 2, 0 }, { 0, 0 },
	};
	struct wire_frame frame;
	const char *why = NULL;
	uint8_t bytes[GREET_PAD_MAX];
	size_t used;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t n = greet_pad_bytes(cases[i].mss);
		assert_int_equal(n, cases[i].len);
		if (n)
			wire_encode_pad(bytes, n);
		assert_int_equal(greet_hear(WIRE_HELLO, bytes, n, &used, &frame,
		                            &why), GREET_MORE);
		assert_int_equal(used, n); /* passed over */
	}
}

static void test_look(void **state)
{
	assert_int_equal(greet_look_at_us(1000, 0, END_US), 1000 + GREET_LOOK_US);
	assert_int_equal(greet_look_at_us(1000, 600000, END_US),
	                 1000 + GREET_LOOK_US + 2400000);
	assert_int_equal(greet_look_at_us(END_US - 1, 0, END_US), END_US);
	assert_int_equal(greet_look_at_us(0, UINT32_MAX, END_US), END_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heard),
		cmocka_unit_test(test_invited),
		cmocka_unit_test(test_not_whole),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_agreement),
		cmocka_unit_test(test_pad),
		cmocka_unit_test(test_look),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
