/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tun/packet.h"

#include <string.h>

static void a_pool_has_so_many_and_no_more(void **state)
{
	struct packet_pool *pool = packet_pool_create(70, NULL);
	struct packet *all[70];

	for (unsigned i = 0; i < 70; i++) {
		all[i] = packet_get(pool);
		assert_non_null(all[i]);
		assert_int_equal(all[i]->head, PACKET_HEADROOM);
		memset(packet_data(all[i]), (int)i, PACKET_LEN_MAX + PACKET_TAILROOM);
	}
	assert_null(packet_get(pool));
	assert_int_equal(packet_pool_used(pool), 70);
	for (unsigned i = 0; i < 70; i++)
		assert_int_equal(packet_data(all[i])[PACKET_LEN_MAX - 1], i);
	packet_put(all[3]);
	assert_ptr_equal(packet_get(pool), all[3]);
	for (unsigned i = 0; i < 70; i++)
		packet_put(all[i]);
	packet_put(NULL);
	assert_int_equal(packet_pool_used(pool), 0);
	packet_pool_destroy(pool);
}

static void its_memory_is_of_the_budget(void **state)
{
	struct budget budget;
	struct packet_pool *pool;
	struct packet *one, *p = NULL, *last = NULL;
	unsigned n = 0;

	budget_init(&budget, 5 * 33 * PACKET_SIZE, NULL); /* five slabs */
	pool = packet_pool_create(1000, &budget);
	assert_int_equal(budget.used, 0);
	one = packet_get(pool);
	assert_in_range(budget.used, PACKET_SIZE, 40 * PACKET_SIZE);
	while ((p = packet_get(pool))) {
		p->next = last;
		last = p;
		n++;
	}
	assert_int_equal(n, 159);
	while (last) {
		p = last->next;
		packet_put(last);
		last = p;
	}
	packet_put(one);
	assert_true(budget.used > 4 * 32 * sizeof(struct packet)); /* there may be more soon */
	for (n = 0; n < 20; n++)
		packet_put(packet_get(pool));
	assert_in_range(budget.used, 64 * sizeof(struct packet), 80 * sizeof(struct packet));
	for (n = 0; n < 160; n++) { /* and again */
		p = packet_get(pool);
		assert_non_null(p);
		p->next = last;
		last = p;
	}
	for (; last; last = p) {
		p = last->next;
		packet_put(last);
	}
	packet_pool_destroy(pool);
	assert_int_equal(budget.used, 0);
}

/* A load is over, and nothing comes after it. */
static void a_pool_that_nobody_uses_gives_back(void **state)
{
	struct budget budget;
	struct packet *all[1000];

	budget_init(&budget, UINT64_MAX, NULL);
	struct packet_pool *pool = packet_pool_create(1000, &budget);
	for (unsigned i = 0; i < 1000; i++)
		all[i] = packet_get(pool);
	packet_pool_rest(pool); /* they are used */
	for (unsigned i = 0; i < 1000; i++)
		packet_put(all[i]);
	assert_true(budget.used > 1000 * PACKET_SIZE);
	for (unsigned i = 0; i < 30; i++)
		packet_pool_rest(pool);
	assert_in_range(budget.used, 1, 160 * PACKET_SIZE);
	packet_pool_destroy(pool);
	assert_int_equal(budget.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_has_so_many_and_no_more),
		cmocka_unit_test(its_memory_is_of_the_budget),
		cmocka_unit_test(a_pool_that_nobody_uses_gives_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
