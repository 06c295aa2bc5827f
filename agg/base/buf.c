/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the byte queue. The bytes stand in one piece; they are moved to the
 * front only when there is no room behind them.
 */
#include "agg/base/buf.h"

#include "agg/base/budget.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAP_MIN 512

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max, .keep = BUF_KEEP_DEFAULT };
}

void buf_finish(struct buf *b)
{
	free(b->data);
	budget_give(b->budget, b->cap);
	*b = (struct buf){ .max = b->max, .keep = b->keep, .budget = b->budget };
}

void buf_set_budget(struct buf *b, struct budget *budget)
{
	budget_give(b->budget, b->cap);
	budget_force(budget, b->cap);
	b->budget = budget;
}

void buf_borrow(struct buf *b, struct buf_spares *spares)
{
	if (b->data || !spares->count)
		return;
	size_t cap = spares->of[spares->count - 1].cap;
	if (budget_left(b->budget) < cap)
		return;
	spares->count--;
	budget_force(b->budget, cap);
	b->data = spares->of[spares->count].data;
	b->cap = cap;
}

void buf_return(struct buf *b, struct buf_spares *spares)
{
	if (b->len)
		return;
	if (b->data && spares->count < BUF_SPARES_MAX) {
		spares->of[spares->count].data = b->data;
		spares->of[spares->count++].cap = b->cap;
		b->data = NULL;
	}
	buf_finish(b);
}

void buf_spares_finish(struct buf_spares *spares)
{
	while (spares->count)
		free(spares->of[--spares->count].data);
}

static bool grow(struct buf *b, size_t cap)
{
	size_t more = cap - b->cap;

	if (budget_left(b->budget) < more)
		return false;
	uint8_t *data = realloc(b->data, cap);
	if (!data)
		return false;
	budget_force(b->budget, more);
	b->data = data;
	b->cap = cap;
	return true;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	if (n > b->max - b->len)
		return NULL;
	if (b->off + b->len + n > b->cap && b->off) {
		memmove(b->data, b->data + b->off, b->len);
		b->off = 0;
	}
	if (b->len + n > b->cap || !b->data) {
		size_t cap = b->cap ? b->cap : CAP_MIN;
		while (cap < b->len + n)
			cap *= 2;
		if (!grow(b, cap))
			return NULL;
	}
	return b->data + b->off + b->len;
}

void buf_added(struct buf *b, size_t n)
{
	assert(b->off + b->len + n <= b->cap);
	b->len += n;
}

int buf_put(struct buf *b, const void *p, size_t n)
{
	if (!n)
		return 0;
	uint8_t *to = buf_reserve(b, n);
	if (!to)
		return -ENOBUFS;
	memcpy(to, p, n);
	b->len += n;
	return 0;
}

void buf_take(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->off += n;
	b->len -= n;
	if (b->len)
		return;
	b->off = 0;
	if (b->cap > b->keep)
		buf_finish(b);
}

/* Most of what is printed fits behind what is there, and is printed once then. */
int buf_printf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->cap - b->off - b->len;
	va_list args;

	if (room > buf_space(b))
		room = buf_space(b);
	va_start(args, fmt);
	int n = vsnprintf(room ? (char *)b->data + b->off + b->len : NULL, room, fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < room) {
		b->len += (size_t)n;
		return 0;
	}
	uint8_t *to = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
	if (!to)
		return -ENOBUFS;
	va_start(args, fmt);
	vsnprintf((char *)to, (size_t)n + 1, fmt, args);
	va_end(args);
	b->len += (size_t)n;
	return 0;
}
