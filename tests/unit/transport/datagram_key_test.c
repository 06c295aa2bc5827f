/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: keys of datagrams: golden bytes for each suite, what is refused, limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/transport/datagram_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BODY 5 /* bytes of plaintext */
#define N (DATAGRAM_SEAL_BYTES + BODY)

static struct datagram_key_args args_of(uint8_t suite, enum aead_use use)
{
	struct datagram_key_args args = {
		.key = { .epoch = 1, .index = 0x01020304, .suite = suite },
		.from_gateway = true, .use = use,
	};

	for (uint8_t i = 0; i < sizeof(args.session_id); i++)
		args.session_id[i] = i;
	for (uint8_t i = 0; i < sizeof(args.key.random); i++)
		args.key.random[i] = (uint8_t)(0x80 + i);
	return args;
}

static struct datagram_key *make(uint8_t suite, enum aead_use use)
{
	struct datagram_key_args args = args_of(suite, use);
	struct datagram_key *key = datagram_key_create(&args);

	assert_non_null(key);
	return key;
}

static uint64_t seal(struct datagram_key *key, uint8_t path, uint8_t p[N])
{
	uint64_t counter;

	memcpy(p + DATAGRAM_HEADER_BYTES, "hello", BODY);
	assert_int_equal(datagram_key_seal(key, path, p, N, &counter), 0);
	return counter;
}

static int open_one(struct datagram_key *key, const uint8_t p[N], uint64_t *counter)
{
	struct datagram_header header;
	uint8_t copy[N];
	bool highest;

	memcpy(copy, p, N);
	assert_int_equal(datagram_read_header(&header, copy, N), 0);
	int err = datagram_key_open(key, &header, copy, N, counter, &highest);
	if (!err)
		assert_memory_equal(copy + DATAGRAM_HEADER_BYTES, "hello", BODY);
	return err;
}

static void hex(const uint8_t *p, size_t n, char *to)
{
	for (size_t i = 0; i < n; i++)
		sprintf(to + 2 * i, "%02x", p[i]);
}

/* Made once with another program (HKDF and AEAD of Python's cryptography). */
static const char *const golden[] = {
	[AEAD_AES_128_GCM_SHA256] =
		"1003010203040000000127a087143627aeaa8f7c3eba97df7461ad3ccf18"
		"d0",
	[AEAD_AES_256_GCM_SHA384] =
		"1003010203040000000196c8e054570bf2773af541d414bf6d86d38f2220"
		"57",
	[AEAD_CHACHA20_POLY1305_SHA256] =
		"10030102030400000001cffd803945607c15ca2c44ef54a6f1ceeca283ab"
		"c6",
};

/* The second on path 3, so that path and counter are in the nonce. */
static void bytes_are_golden(void **state)
{
	for (uint8_t suite = 0; suite < 3; suite++) {
		struct datagram_key *key = make(suite, AEAD_SEAL);
		uint8_t p[N];
		char text[2 * N + 1];
		seal(key, 3, p);
		assert_int_equal(seal(key, 3, p), 1);
		hex(p, N, text);
		assert_string_equal(text, golden[suite]);
		datagram_key_destroy(key);
	}
}

static void each_is_opened_once(void **state)
{
	for (uint8_t suite = 0; suite < 3; suite++) {
		struct datagram_key *out = make(suite, AEAD_SEAL);
		struct datagram_key *in = make(suite, AEAD_OPEN);
		uint8_t p[8][N];
		uint64_t counter;
		for (uint8_t i = 0; i < 8; i++)
			assert_int_equal(seal(out, i % 2, p[i]), i / 2);
		for (int i = 7; i >= 0; i--) { /* in whatever order */
			assert_int_equal(open_one(in, p[i], &counter), 0);
			assert_int_equal(counter, i / 2);
			assert_int_equal(open_one(in, p[i], &counter), -EALREADY);
		}
		datagram_key_destroy(out);
		datagram_key_destroy(in);
	}
}

/* Whatever byte is changed; and it does not shut out the genuine one. */
static void forged_ones_are_refused(void **state)
{
	struct datagram_key *out = make(0, AEAD_SEAL), *in = make(0, AEAD_OPEN);
	uint8_t p[N];
	uint64_t counter;

	seal(out, 1, p);
	for (size_t i = 1; i < N; i++) {
		uint8_t bad[N];
		memcpy(bad, p, N);
		bad[i] ^= 1;
		assert_int_equal(open_one(in, bad, &counter), -EBADMSG);
	}
	assert_int_equal(in->forged, N - 1);
	assert_int_equal(in->packets, 0);
	assert_int_equal(open_one(in, p, &counter), 0);
	assert_int_equal(in->packets, 1);
	datagram_key_destroy(out);
	datagram_key_destroy(in);
}

/* Of another direction, epoch, session or secret it is another key. */
static void all_of_it_is_in_the_key(void **state)
{
	struct datagram_key *out = make(0, AEAD_SEAL);
	uint8_t p[N];
	uint64_t counter;

	seal(out, 0, p);
	for (int what = 0; what < 4; what++) {
		struct datagram_key_args args = args_of(0, AEAD_OPEN);
		args.from_gateway = what != 0;
		args.key.epoch += what == 1;
		args.session_id[15] ^= what == 2;
		args.key.random[31] ^= what == 3;
		struct datagram_key *in = datagram_key_create(&args);
		assert_non_null(in);
		assert_int_equal(open_one(in, p, &counter), -EBADMSG);
		datagram_key_destroy(in);
	}
	datagram_key_destroy(out);
}

static void the_low_half_of_the_counter_wraps(void **state)
{
	struct datagram_key *out = make(0, AEAD_SEAL), *in = make(0, AEAD_OPEN);
	uint64_t first = (UINT64_C(1) << 32) - 100, counter;
	uint8_t p[N];

	out->next[5] = first;
	in->seen[5].next = first;
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(seal(out, 5, p), first + i);
		assert_int_equal(open_one(in, p, &counter), 0);
		assert_int_equal(counter, first + i);
	}
	datagram_key_destroy(out);
	datagram_key_destroy(in);
}

static void a_key_wears_out(void **state)
{
	struct datagram_key *out = make(0, AEAD_SEAL);
	uint8_t p[N] = { 0 };
	uint64_t counter;

	out->packets = DATAGRAM_KEY_PACKETS_MAX - 1;
	assert_int_equal(seal(out, 0, p), 0);
	assert_int_equal(datagram_key_seal(out, 0, p, N, &counter), -EKEYEXPIRED);
	datagram_key_destroy(out);
}

static void an_unknown_suite_is_none(void **state)
{
	struct datagram_key_args args = args_of(3, AEAD_SEAL);

	assert_null(datagram_key_create(&args));
	assert_int_equal(errno, EINVAL);
	datagram_key_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_golden),
		cmocka_unit_test(each_is_opened_once),
		cmocka_unit_test(forged_ones_are_refused),
		cmocka_unit_test(all_of_it_is_in_the_key),
		cmocka_unit_test(the_low_half_of_the_counter_wraps),
		cmocka_unit_test(a_key_wears_out),
		cmocka_unit_test(an_unknown_suite_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
