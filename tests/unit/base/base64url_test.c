/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/base/base64url.h"

#include "agg/base/rand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4648, section 10, without the padding; the last two show - and _. */
static const struct {
	const char *bytes;
	const char *text;
} vectors[] = {
	{ "", "" },           { "f", "Zg" },          { "fo", "Zm8" },
	{ "foo", "Zm9v" },    { "foob", "Zm9vYg" },   { "fooba", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy" }, { "\xfb\xef\xbe", "----" },
	{ "\xff\xff\xff", "____" },
};

static void known_vectors(void **state)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		size_t n = strlen(vectors[i].bytes);
		uint8_t back[16];
		char text[32];

		base64url_encode(text, (const uint8_t *)vectors[i].bytes, n);
		assert_string_equal(text, vectors[i].text);
		assert_int_equal(base64url_decode(back, n, text), 0);
		assert_memory_equal(back, vectors[i].bytes, n);
	}
}

static void every_length_comes_back(void **state)
{
	struct rand rand = { 7 };
	uint8_t in[64], out[64];
	char text[BASE64URL_LEN(64) + 1];

	for (size_t n = 0; n <= sizeof(in); n++) {
		for (size_t i = 0; i < n; i++)
			in[i] = (uint8_t)rand_u64(&rand);
		base64url_encode(text, in, n);
		assert_int_equal(strlen(text), BASE64URL_LEN(n));
		assert_int_equal(base64url_decode(out, n, text), 0);
		assert_memory_equal(in, out, n);
	}
}

static void wrong_text_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t n;
	} wrong[] = {
		{ "Zg=", 1 }, { "Zg==", 1 }, /* padding */
		{ "Zh", 1 },                 /* a bit behind the last byte */
		{ "Z", 1 },   { "Zgg", 1 },  /* too short, too long */
		{ "Zm9v", 2 }, { "Zm+v", 3 }, { "Zm/v", 3 }, { "Zm v", 3 },
		{ "", 1 },     { "Z", 0 },
	};
	uint8_t out[8];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(base64url_decode(out, wrong[i].n, wrong[i].text),
		                 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_vectors),
		cmocka_unit_test(every_length_comes_back),
		cmocka_unit_test(wrong_text_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
