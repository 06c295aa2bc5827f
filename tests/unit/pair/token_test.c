/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/pair/token.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a version that was shipped has written. */
#define GOLDEN "aggd1_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyCgoaKjpKWmp6" \
	"ipqqusra6vAGrNhEoEaG9tZQMEywBxCgG7BiABDbgA_wAAAAAAAAAAABABuwAPdnBzLmV4" \
	"YW1wbGUubmV0IPtvVooi"

static void fill(struct token *t)
{
	*t = (struct token){ .until_s = 1791853642, .endpoint_count = 3 };
	for (uint8_t i = 0; i < 32; i++)
		t->pin.sha256[i] = (uint8_t)(i + 1);
	for (uint8_t i = 0; i < WIRE_SECRET_BYTES; i++)
		t->secret[i] = (uint8_t)(0xa0 + i);
	strcpy(t->site, "home");
	conf_endpoint_read("203.0.113.10:443", -1, &t->endpoints[0]);
	conf_endpoint_read("[2001:db8:ff::10]:443", -1, &t->endpoints[1]);
	conf_endpoint_read("vps.example.net:8443", -1, &t->endpoints[2]);
}

static void assert_same(const struct token *a, const struct token *b)
{
	assert_memory_equal(&a->pin, &b->pin, sizeof(a->pin));
	assert_memory_equal(a->secret, b->secret, sizeof(a->secret));
	assert_int_equal(a->until_s, b->until_s);
	assert_string_equal(a->site, b->site);
	assert_int_equal(a->endpoint_count, b->endpoint_count);
	for (unsigned i = 0; i < a->endpoint_count; i++) {
		assert_string_equal(a->endpoints[i].host, b->endpoints[i].host);
		assert_true(addr_equal(&a->endpoints[i].addr,
		                       &b->endpoints[i].addr));
	}
}

static void what_is_encoded_is_decoded(void **state)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	char text[TOKEN_TEXT_MAX];
	struct token t, again;
	const char *why = NULL;

	fill(&t);
	assert_int_equal(token_encode(&t, text), 0);
	assert_int_equal(strspn(text, safe), strlen(text)); /* in any URL */
	assert_int_equal(token_decode(&again, text, &why), 0);
	assert_same(&t, &again);
}

static void the_format_stays(void **state)
{
	char text[TOKEN_TEXT_MAX];
	struct token t, again;
	const char *why = NULL;

	fill(&t);
	assert_int_equal(token_encode(&t, text), 0);
	assert_string_equal(text, GOLDEN);
	assert_int_equal(token_decode(&again, GOLDEN, &why), 0);
	assert_same(&t, &again);
}

/* As mail wraps it. */
static void blanks_do_not_matter(void **state)
{
	char text[TOKEN_TEXT_MAX], wrapped[TOKEN_TEXT_MAX + 16];
	struct token t, again;
	const char *why = NULL;

	fill(&t);
	token_encode(&t, text);
	snprintf(wrapped, sizeof(wrapped), "\r\n %.20s\r\n\t%s \n", text,
	         text + 20);
	assert_int_equal(token_decode(&again, wrapped, &why), 0);
	assert_same(&t, &again);
}

/* Any letter that is another, missing or too much is found. */
static void a_slip_is_found(void **state)
{
	char text[TOKEN_TEXT_MAX], bad[TOKEN_TEXT_MAX + 1];
	struct token t, again;
	const char *why;

	fill(&t);
	token_encode(&t, text);
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		why = NULL;
		strcpy(bad, text);
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		assert_int_equal(token_decode(&again, bad, &why), -EINVAL);
		assert_non_null(why);
		assert_int_equal(again.endpoint_count, 0);
		snprintf(bad, sizeof(bad), "%.*s%s", (int)i, text, text + i + 1);
		assert_int_equal(token_decode(&again, bad, &why), -EINVAL);
		snprintf(bad, sizeof(bad), "%.*s", (int)i, text);
		assert_int_equal(token_decode(&again, bad, &why), -EINVAL);
	}
	snprintf(bad, sizeof(bad), "%sA", text);
	assert_int_equal(token_decode(&again, bad, &why), -EINVAL);
	assert_int_equal(token_decode(&again, "", &why), -EINVAL);
	assert_string_equal(why, "an invitation begins with aggd1_");
}

static void names_that_are_too_long_do_not_fit(void **state)
{
	char text[TOKEN_TEXT_MAX];
	struct token t;

	fill(&t);
	t.endpoint_count = TOKEN_ENDPOINTS_MAX;
	for (unsigned i = 0; i < TOKEN_ENDPOINTS_MAX; i++) {
		memset(t.endpoints[i].host, 'a', CONF_HOST_MAX);
		t.endpoints[i].host[CONF_HOST_MAX] = 0;
	}
	assert_int_equal(token_encode(&t, text), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_encoded_is_decoded),
		cmocka_unit_test(the_format_stays),
		cmocka_unit_test(blanks_do_not_matter),
		cmocka_unit_test(a_slip_is_found),
		cmocka_unit_test(names_that_are_too_long_do_not_fit),
	};

	return cmocka_run_group_tests_name("pair/token", tests, NULL, NULL);
}
