/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * The small build's own functions on uthash's tables (base/router) beside a plain array:
 * what is there, and in which order it is walked.
 */
#include "agg/base/rand.h"

#include <uthash.h> /* base/router's */

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEYS 2000u
#define STEPS 40000u

struct thing {
	char before[3]; /* the handle is not the first in it */
	uint32_t key;
	UT_hash_handle hh;
};

struct world {
	struct thing *head;
	struct thing *by_key[KEYS]; /* NULL: not there */
	uint32_t order[KEYS];       /* keys, as they came */
	unsigned count;
};

static void add(struct world *w, uint32_t key)
{
	struct thing *thing = calloc(1, sizeof(*thing));

	thing->key = key;
	HASH_ADD(hh, w->head, key, sizeof(thing->key), thing);
	w->by_key[key] = thing;
	w->order[w->count++] = key;
}

static void delete(struct world *w, uint32_t key)
{
	unsigned i = 0;

	HASH_DEL(w->head, w->by_key[key]);
	free(w->by_key[key]);
	w->by_key[key] = NULL;
	while (w->order[i] != key)
		i++;
	w->count--;
	memmove(w->order + i, w->order + i + 1, (w->count - i) * sizeof(*w->order));
}

static void is_as_told(struct world *w)
{
	struct thing *thing, *tmp;
	unsigned i = 0;

	assert_int_equal(HASH_COUNT(w->head), w->count);
	HASH_ITER(hh, w->head, thing, tmp)
		assert_int_equal(thing->key, w->order[i++]);
	assert_int_equal(i, w->count);
}

static void as_a_plain_array(void **state)
{
	struct world w = { .head = NULL };
	struct thing *found;
	struct rand rand = { 2506 };
	uint32_t i, key;

	for (i = 0; i < STEPS; i++) {
		key = rand_below(&rand, i / 100 % 2 ? KEYS : 20);
		HASH_FIND(hh, w.head, &key, sizeof(key), found);
		assert_ptr_equal(found, w.by_key[key]);
		if (found)
			delete(&w, key);
		else
			add(&w, key);
		if (i % 500 == 0)
			is_as_told(&w);
	}
	while (w.count)
		delete(&w, w.order[w.count / 2]);
	assert_null(w.head);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_a_plain_array) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
