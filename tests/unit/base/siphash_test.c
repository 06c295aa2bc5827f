/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/siphash.h"

/* Of the authors' reference: key 00 01 .. 0f, input 00 01 .. n-1. */
static void known_values(void **state)
{
	static const struct {
		size_t n;
		uint64_t value;
	} known[] = {
		{ 0, 0x726fdb47dd0e0e31u }, { 1, 0x74f839c593dc67fdu },
		{ 2, 0x0d6c8009d9a94f5au }, { 7, 0xab0200f58b01d137u },
		{ 8, 0x93f5f5799a932462u }, { 15, 0xa129ca6149be45e5u },
	};
	uint8_t key[SIPHASH_KEY_BYTES], in[16];

	for (unsigned i = 0; i < 16; i++)
		key[i] = in[i] = (uint8_t)i;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_true(siphash(key, in, known[i].n) == known[i].value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
