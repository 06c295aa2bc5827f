/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * What is cut is put together again, by a plain way to do that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"
#include "made.h"
#include "tun/fragment.h"

#include <string.h>

struct joined {
	uint8_t bytes[2048];
	bool has[2048];
	unsigned n, pieces; /* n: 0 until the last piece came */
};

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void join(struct joined *j, const uint8_t *p, size_t n)
{
	unsigned header = (p[0] & 15u) * 4, at = (get16(p + 6) & 0x1fff) * 8;

	assert_true(made_is_right(p, n));
	for (unsigned i = header; i < n; i++, at++) {
		assert_false(j->has[at]);
		j->has[at] = true;
		j->bytes[at] = p[i];
	}
	if (!(p[6] & 0x20))
		j->n = at;
	else
		assert_int_equal((n - header) % 8, 0);
	j->pieces++;
}

/* Some pieces are cut again, for a smaller link. */
static void cut(struct rand *r, struct joined *j, const uint8_t *p, size_t n, uint16_t mtu)
{
	struct inspection in;
	struct fragment f;
	uint8_t out[2048];
	size_t len;

	assert_int_equal(inspect_packet(&in, p, n), 0);
	fragment_begin(&f, &in, p, mtu);
	while ((len = fragment_next(&f, out))) {
		assert_true(len <= mtu);
		if (mtu > 200 && !rand_below(r, 4))
			cut(r, j, out, len, (uint16_t)(68 + rand_below(r, 100)));
		else
			join(j, out, len);
	}
}

static void pieces_are_what_the_packet_was(void **state)
{
	struct rand r = { 1 };

	for (unsigned i = 0; i < 20000; i++) {
		struct made m = { AF_INET, 99, 1, 2, 0, 0, 0,
		                  (uint16_t)(1 + rand_below(&r, 1480)),
		                  .id = (uint16_t)i, .may_fragment = true };
		struct joined j = { .n = 0 };
		uint8_t p[2048];
		size_t n = made_write(&m, p);

		for (size_t k = 20; k < n; k++)
			p[k] = (uint8_t)rand_u64(&r);
		cut(&r, &j, p, n, (uint16_t)(68 + rand_below(&r, 1440)));
		assert_int_equal(j.n, m.payload);
		for (unsigned k = 0; k < j.n; k++)
			assert_true(j.has[k]);
		assert_memory_equal(j.bytes, p + 20, j.n);
	}
}

static void only_the_first_has_options_that_are_not_copied(void **state)
{
	/* Record route, and a router alert, which is copied. */
	static const uint8_t options[12] = { 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0 };
	static const uint8_t later[12] = { 1, 1, 1, 1, 1, 1, 1, 148, 4, 0, 0, 0 };
	struct made m = { AF_INET, 99, 1, 2, 0, 0, 0, 112, .may_fragment = true };
	struct inspection in;
	struct fragment f;
	uint8_t p[256], out[256];

	made_write(&m, p);
	p[0] = 0x48;
	memcpy(p + 20, options, 12);
	assert_int_equal(inspect_packet(&in, p, 132), 0);
	fragment_begin(&f, &in, p, 100);
	assert_int_equal(fragment_next(&f, out), 96);
	assert_memory_equal(out + 20, options, 12);
	assert_int_equal(fragment_next(&f, out), 32 + 36);
	assert_memory_equal(out + 20, later, 12);
	assert_true(made_is_right(out, 68));
	assert_int_equal(fragment_next(&f, out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_what_the_packet_was),
		cmocka_unit_test(only_the_first_has_options_that_are_not_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
