/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"
#include "tun/codel.h"

#include <math.h>
#include <string.h>

#define PACKETS 4000u
#define BYTES 1400u

/* A queue with the algorithm in its usual form: one call drops several, and gives
 * the next (RFC 8289, 5.5, with the memory of the pace that Linux has). */
struct plain {
	uint64_t put_us[PACKETS];
	bool ect[PACKETS];
	unsigned head, tail;
	uint64_t first_above, drop_next;
	uint32_t count, last_count;
	bool dropping;
};

static const struct codel_rule rule = { 5000, 100000, 1500 };

static uint64_t law(const struct plain *q, uint64_t t)
{
	return t + (uint64_t)(rule.interval_us / sqrt(q->count));
}

static bool should_drop(struct plain *q, int i, uint64_t now)
{
	if (i < 0 || now - q->put_us[i] < rule.target_us ||
	    (q->tail - q->head) * BYTES <= rule.mtu) {
		q->first_above = 0;
		return false;
	}
	if (!q->first_above)
		q->first_above = now + rule.interval_us;
	else
		return now > q->first_above;
	return false;
}

static int shift(struct plain *q)
{
	return q->head < q->tail ? (int)q->head++ : -1;
}

static int plain_dequeue(struct plain *q, uint64_t now, char *fate)
{
	int i = shift(q);
	bool drop = should_drop(q, i, now);

	if (i < 0) {
		q->dropping = false;
		return -1;
	}
	if (q->dropping) {
		if (!drop)
			q->dropping = false;
		while (q->dropping && now >= q->drop_next) {
			q->count++;
			if (q->ect[i]) {
				fate[i] = 'm';
				q->drop_next = law(q, q->drop_next);
				return i;
			}
			fate[i] = 'd';
			i = shift(q);
			if (!should_drop(q, i, now))
				q->dropping = false;
			else
				q->drop_next = law(q, q->drop_next);
		}
	} else if (drop) {
		uint32_t delta = q->count - q->last_count;
		if (q->ect[i]) {
			fate[i] = 'm';
		} else {
			fate[i] = 'd';
			i = shift(q);
			should_drop(q, i, now);
		}
		q->dropping = true;
		q->count = delta > 1 && (int64_t)(now - q->drop_next) < 16 * rule.interval_us
			? delta : 1;
		q->last_count = q->count;
		q->drop_next = law(q, now);
	}
	if (i >= 0 && !fate[i])
		fate[i] = 's';
	return i;
}

static void ours_dequeue(struct codel *c, struct plain *q, uint64_t now, char *fate)
{
	for (;;) {
		int i = shift(q);
		if (i < 0) {
			codel_emptied(c);
			return;
		}
		if (!codel_hits(c, &rule, now - q->put_us[i], (q->tail - q->head) * BYTES,
		                now)) {
			fate[i] = 's';
			return;
		}
		if (q->ect[i]) {
			codel_marked(c, &rule);
			fate[i] = 'm';
			return;
		}
		codel_dropped(c);
		fate[i] = 'd';
	}
}

/* Arrivals that overload, rest and come again, with and without ECT. */
static void it_decides_as_the_published_form_does(void **state)
{
	static struct plain plain, ours;
	static char one[PACKETS], two[PACKETS];
	unsigned dropped = 0, marked = 0;

	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct rand r = { seed };
		struct codel c = { 0 };
		uint64_t now = 1000000, every = 1000;

		memset(&plain, 0, sizeof(plain));
		memset(&ours, 0, sizeof(ours));
		memset(one, 0, sizeof(one));
		memset(two, 0, sizeof(two));
		while (plain.tail < PACKETS) {
			if (!rand_below(&r, 300))
				every = 200 + rand_below(&r, 2500);
			now += rand_below(&r, 2 * every);
			plain.put_us[plain.tail] = ours.put_us[ours.tail] = now;
			plain.ect[plain.tail] = ours.ect[ours.tail] =
				seed % 3 == 0 || (seed % 3 == 1 && !rand_below(&r, 4));
			plain.tail++;
			ours.tail++;
			if (rand_below(&r, 100) < 60) {
				plain_dequeue(&plain, now, one);
				ours_dequeue(&c, &ours, now, two);
			}
		}
		assert_memory_equal(one, two, PACKETS);
		for (unsigned i = 0; i < PACKETS; i++) {
			dropped += one[i] == 'd';
			marked += one[i] == 'm';
		}
	}
	assert_true(dropped > 1000 && marked > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_decides_as_the_published_form_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
