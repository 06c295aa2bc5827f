/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the send queue against the plainest reference: the byte at an offset is
 * a function of it. Random appends, copies of what is held and releases, over
 * the change from small blocks to large ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/budget.h"
#include "agg/base/rand.h"
#include "agg/transport/sendq.h"

#include <stdlib.h>
#include <string.h>

#define COPY_MAX 200000
#define SEEDS 200
#define STEPS 400

static uint8_t pattern(uint64_t offset)
{
	return (uint8_t)(offset * 0x9e3779b97f4a7c15u >> 56);
}

#define PARTS_MAX 7

/* Reserves; how many bytes there are, in `parts` parts. */
static size_t reserve(struct sendq *q, struct iovec *parts, int max,
                      size_t most)
{
	int count = sendq_reserve(q, parts, max, most);
	size_t room = 0;

	assert_true(count >= 1 && count <= max);
	for (int i = 0; i < count; i++) {
		assert_true(parts[i].iov_len >= 1);
		room += parts[i].iov_len;
	}
	return room;
}

static size_t reserve_one(struct sendq *q)
{
	struct iovec part;

	return reserve(q, &part, 1, SIZE_MAX);
}

/* Appends up to n bytes; what one reservation had room for. */
static size_t append(struct sendq *q, size_t n)
{
	struct iovec parts[PARTS_MAX];
	uint64_t end = q->end, at = end;
	size_t room = reserve(q, parts, 1 + (int)(n % PARTS_MAX), n + n % 3000);

	if (n > room)
		n = room;
	for (int part = 0; at < end + n; part++) {
		uint8_t *to = parts[part].iov_base;
		for (size_t i = 0; i < parts[part].iov_len && at < end + n; i++)
			to[i] = pattern(at++);
	}
	sendq_commit(q, n);
	assert_int_equal(q->end, end + n);
	return n;
}

static void append_all(struct sendq *q, size_t n)
{
	while (n)
		n -= append(q, n);
}

static void check_copy(struct sendq *q, uint64_t offset, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	sendq_copy(q, (unsigned)(offset % SENDQ_CURSORS), offset, copy, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(copy[i], pattern(offset + i));
	free(copy);
}

static void test_empty(void **state)
{
	struct sendq q = { 0 };

	sendq_release(&q, 0);
	sendq_copy(&q, 0, 0, NULL, 0);
	sendq_finish(&q);
	assert_null(q.head);
}

static void test_says_little_costs_little(void **state)
{
	struct iovec parts[PARTS_MAX];
	struct sendq q = { 0 };

	assert_true(reserve(&q, parts, PARTS_MAX, SIZE_MAX) <= 4096);
	append_all(&q, 1 << 20);
	append(&q, 1);
	assert_true(reserve_one(&q) > 4096); /* and a download is not cut in crumbs */
	assert_true(reserve(&q, parts, PARTS_MAX, SIZE_MAX) > 65536);
	assert_true(reserve(&q, parts, PARTS_MAX, 40000) < 65536);
	sendq_finish(&q);
}

/* A reservation that is used in parts, and one that is not used. */
static void test_partial_commits(void **state)
{
	struct sendq q = { 0 };
	size_t room = reserve_one(&q);

	sendq_commit(&q, 0);
	append(&q, 1);
	assert_int_equal(reserve_one(&q), room - 1);
	append(&q, 2);
	check_copy(&q, 0, 3);
	check_copy(&q, 1, 2);
	sendq_finish(&q);
}

/* What goes round costs the budget what is in use, and the pool keeps a part. */
static void test_pool(void **state)
{
	struct sendq_pool pool = { 0 };
	struct budget budget;
	struct iovec parts[PARTS_MAX];

	budget_init(&budget, 64 << 20, NULL);
	struct sendq q = { .budget = &budget, .pool = &pool };
	append_all(&q, 4 << 20);
	assert_true(budget.used > 4 << 20);
	sendq_release(&q, q.end);
	assert_int_equal(budget.used, 0);
	assert_int_equal(pool.count, SENDQ_POOL_MAX);
	reserve(&q, parts, PARTS_MAX, SIZE_MAX);
	assert_int_equal(pool.count, SENDQ_POOL_MAX - PARTS_MAX);
	sendq_commit(&q, 1);
	assert_int_equal(pool.count, SENDQ_POOL_MAX - 1);
	reserve(&q, parts, PARTS_MAX, SIZE_MAX);
	sendq_finish(&q); /* what is reserved too */
	assert_int_equal(budget.used, 0);
	assert_int_equal(pool.count, SENDQ_POOL_MAX);
	sendq_pool_finish(&pool);
}

/* All is acknowledged, then it goes on: at the same offset, in new memory or
 * old. */
static void test_runs_empty(void **state)
{
	struct sendq q = { 0 };

	for (size_t n = 1; n < 40000; n = n * 3 + 1) {
		append_all(&q, n);
		check_copy(&q, q.base, n);
		sendq_release(&q, q.end);
		assert_int_equal(q.base, q.end);
		assert_null(q.head); /* an idle stream keeps nothing */
	}
	sendq_finish(&q);
}

static void test_release_keeps_the_rest(void **state)
{
	struct sendq q = { 0 };

	append_all(&q, 300000);
	for (uint64_t base = 0; base < 300000; base += 997) {
		sendq_release(&q, base);
		check_copy(&q, base, 300000 - base < 1000 ? 300000 - base : 1000);
	}
	sendq_release(&q, 300000);
	assert_null(q.head);
	sendq_finish(&q);
}

static void random_step(struct sendq *q, struct rand *r)
{
	uint64_t held = q->end - q->base, offset;
	size_t n;

	switch (rand_below(r, 4)) {
	case 0:
	case 1:
		append(q, 1 + rand_below(r, rand_below(r, 4) ? 2000 : 70000));
		break;
	case 2:
		offset = rand_below(r, held + 1);
		n = rand_below(r, held - offset + 1);
		check_copy(q, q->base + offset, n < COPY_MAX ? n : COPY_MAX);
		break;
	case 3:
		sendq_release(q, rand_below(r, 8) ? q->base + rand_below(r, held + 1)
		                                  : q->end);
		break;
	}
}

static void test_random(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct rand r = { seed };
		struct sendq q = { 0 };
		for (int i = 0; i < STEPS; i++)
			random_step(&q, &r);
		check_copy(&q, q.base, q.end - q.base);
		sendq_finish(&q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_says_little_costs_little),
		cmocka_unit_test(test_partial_commits),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_runs_empty),
		cmocka_unit_test(test_release_keeps_the_rest),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("transport/sendq", tests, NULL, NULL);
}
