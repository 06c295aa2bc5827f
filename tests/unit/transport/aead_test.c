/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/transport/aead.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const enum aead_suite suites[] = {
	AEAD_AES_128_GCM_SHA256, AEAD_AES_256_GCM_SHA384,
	AEAD_CHACHA20_POLY1305_SHA256,
};
#define SUITES (sizeof(suites) / sizeof(suites[0]))

/* RFC 8439, 2.8.2. */
static const uint8_t chacha_key[] = {
	0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a,
	0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95,
	0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f,
};
static const uint8_t chacha_ad[] = { 0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1,
                                     0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7 };
static const char chacha_plain[] =
	"Ladies and Gentlemen of the class of '99: If I could offer you only one "
	"tip for the future, sunscreen would be it.";
static const uint8_t chacha_begin[] = { 0xd3, 0x1a, 0x8d, 0x34,
                                        0x64, 0x8e, 0x60, 0xdb };
static const uint8_t chacha_tag[] = {
	0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a,
	0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91,
};

static void test_chacha20_poly1305_of_the_rfc(void **state)
{
	struct aead *aead = aead_create(AEAD_CHACHA20_POLY1305_SHA256, AEAD_SEAL);
	uint8_t p[sizeof(chacha_plain) - 1 + AEAD_TAG_BYTES];
	struct aead_text text = {
		.nonce = { 7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46,
		           0x47 },
		.ad = chacha_ad, .ad_len = sizeof(chacha_ad),
		.p = p, .n = sizeof(chacha_plain) - 1,
	};

	memcpy(p, chacha_plain, text.n);
	assert_int_equal(aead_set_key(aead, chacha_key), 0);
	assert_int_equal(aead_seal(aead, &text), 0);
	assert_memory_equal(p, chacha_begin, sizeof(chacha_begin));
	assert_memory_equal(p + text.n, chacha_tag, sizeof(chacha_tag));
	aead_destroy(aead);
}

/* RFC 4231, 4.3: key "Jefe". */
static void test_hmac_of_the_rfc(void **state)
{
	static const uint8_t sha256[] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60,
	                                  0x75, 0x4e };
	static const uint8_t sha384[] = { 0xaf, 0x45, 0xd2, 0xe3, 0x76, 0x48,
	                                  0x40, 0x31 };
	const uint8_t *key = (const uint8_t *)"Jefe";
	const uint8_t *p = (const uint8_t *)"what do ya want for nothing?";
	uint8_t out[AEAD_HASH_BYTES_MAX];

	assert_int_equal(aead_hmac(AEAD_AES_128_GCM_SHA256, key, 4, p, 28, out), 0);
	assert_memory_equal(out, sha256, sizeof(sha256));
	assert_int_equal(aead_hmac(AEAD_CHACHA20_POLY1305_SHA256, key, 4, p, 28,
	                           out), 0);
	assert_memory_equal(out, sha256, sizeof(sha256));
	assert_int_equal(aead_hmac(AEAD_AES_256_GCM_SHA384, key, 4, p, 28, out), 0);
	assert_memory_equal(out, sha384, sizeof(sha384));
}

/* A datagram as the packet tunnel will have it: a counter in the nonce, its
 * header as additional data, any order. */
static void test_datagrams_in_any_order(void **state)
{
	for (size_t i = 0; i < SUITES; i++) {
		struct aead *seal = aead_create(suites[i], AEAD_SEAL);
		struct aead *open = aead_create(suites[i], AEAD_OPEN);
		uint8_t p[8][4 + 100 + AEAD_TAG_BYTES];
		assert_int_equal(aead_set_key(seal, chacha_key), 0);
		assert_int_equal(aead_set_key(open, chacha_key), 0);
		for (uint8_t k = 0; k < 8; k++) {
			struct aead_text text = { .nonce = { [11] = k }, .ad = p[k],
			                          .ad_len = 4, .p = p[k] + 4,
			                          .n = 100 };
			memset(p[k], k, sizeof(p[k]));
			assert_int_equal(aead_seal(seal, &text), 0);
			assert_int_not_equal(p[k][4], k);
		}
		for (uint8_t j = 0; j < 8; j++) {
			uint8_t k = (uint8_t)(j * 5 % 8);
			struct aead_text text = { .nonce = { [11] = k }, .ad = p[k],
			                          .ad_len = 4, .p = p[k] + 4,
			                          .n = 100 };
			assert_int_equal(aead_open(open, &text), 0);
			for (unsigned at = 0; at < 104; at++)
				assert_int_equal(p[k][at], k);
		}
		aead_destroy(seal);
		aead_destroy(open);
	}
}

enum lie { NONCE, AD, TEXT, TAG, KEY, LIES };

static void change(enum lie lie, struct aead *open, struct aead_text *text,
                   uint8_t *ad)
{
	switch (lie) {
	case NONCE:
		text->nonce[0] ^= 1;
		break;
	case AD:
		ad[0] ^= 1;
		break;
	case TEXT:
		text->p[text->n - 1] ^= 1;
		break;
	case TAG:
		text->p[text->n] ^= 1;
		break;
	case KEY:
		assert_int_equal(aead_set_key(open, chacha_key), 0);
		break;
	case LIES:
		break;
	}
}

/* And nothing of it is left to be seen by mistake. */
static void test_a_forgery_is_refused_and_wiped(void **state)
{
	static const uint8_t zeros[64];

	for (size_t i = 0; i < SUITES * LIES; i++) {
		struct aead *seal = aead_create(suites[i / LIES], AEAD_SEAL);
		struct aead *open = aead_create(suites[i / LIES], AEAD_OPEN);
		uint8_t p[64 + AEAD_TAG_BYTES], ad[4] = { 0 }, key[32] = { 9 };
		struct aead_text text = { .ad = ad, .ad_len = 4, .p = p, .n = 64 };
		memset(p, 'x', 64);
		assert_int_equal(aead_set_key(seal, key), 0);
		assert_int_equal(aead_set_key(open, key), 0);
		assert_int_equal(aead_seal(seal, &text), 0);
		change((enum lie)(i % LIES), open, &text, ad);
		assert_int_equal(aead_open(open, &text), -EBADMSG);
		assert_memory_equal(p, zeros, 64);
		aead_destroy(seal);
		aead_destroy(open);
	}
}

/* After a forgery the same context opens what is right. */
static void test_a_forgery_harms_no_other(void **state)
{
	for (size_t i = 0; i < SUITES; i++) {
		struct aead *seal = aead_create(suites[i], AEAD_SEAL);
		struct aead *open = aead_create(suites[i], AEAD_OPEN);
		uint8_t p[8 + AEAD_TAG_BYTES] = "eight...", bad[8 + AEAD_TAG_BYTES];
		struct aead_text text = { .p = p, .n = 8 };
		struct aead_text forged = { .p = bad, .n = 8 };
		assert_int_equal(aead_set_key(seal, chacha_key), 0);
		assert_int_equal(aead_set_key(open, chacha_key), 0);
		assert_int_equal(aead_seal(seal, &text), 0);
		memcpy(bad, p, sizeof(bad));
		bad[8] ^= 0x80;
		assert_int_equal(aead_open(open, &forged), -EBADMSG);
		assert_int_equal(aead_open(open, &text), 0);
		assert_memory_equal(p, "eight...", 8);
		aead_destroy(seal);
		aead_destroy(open);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chacha20_poly1305_of_the_rfc),
		cmocka_unit_test(test_hmac_of_the_rfc),
		cmocka_unit_test(test_datagrams_in_any_order),
		cmocka_unit_test(test_a_forgery_is_refused_and_wiped),
		cmocka_unit_test(test_a_forgery_harms_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
