/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see ceiling.h. Pure.
 */
#include "agg/selftest/ceiling.h"

#define NS_A_BYTE_OF_1_MB_PER_S 1000.0
#define MBIT_OF_NS_A_BYTE 8000.0 /* of one nanosecond a byte */

double ceiling_ns_of_rate(double mb_per_s)
{
	return mb_per_s > 0 ? NS_A_BYTE_OF_1_MB_PER_S / mb_per_s : 0;
}

double ceiling_rate(double bytes, double ns)
{
	return ns > 0 ? bytes * NS_A_BYTE_OF_1_MB_PER_S / ns : 0;
}

static double whole_ns(const struct ceiling_cost *cost)
{
	if (cost->cipher_ns <= 0 || cost->system_ns <= 0)
		return 0;
	return cost->cipher_ns + cost->system_ns;
}

double ceiling_mbit(const struct ceiling_cost *cost)
{
	double ns = whole_ns(cost);

	return ns > 0 ? MBIT_OF_NS_A_BYTE / ns : 0;
}

double ceiling_cipher_part(const struct ceiling_cost *cost)
{
	double ns = whole_ns(cost);

	return ns > 0 ? cost->cipher_ns / ns : 0;
}
