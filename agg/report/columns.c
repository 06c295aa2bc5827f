/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see columns.h. Cells are kept as text behind text, so that thousands
 * of rows cost their bytes and nothing else.
 */
#include "agg/report/columns.h"

#include "agg/report/human.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define CELL_MAX 512 /* bytes; more are cut */
#define GAP "  "

void columns_init(struct columns *c, const char *align)
{
	assert(strlen(align) <= COLUMNS_MAX);
	*c = (struct columns){ .align = align };
	buf_init(&c->cells, COLUMNS_BYTES_MAX);
}

void columns_finish(struct columns *c)
{
	buf_finish(&c->cells);
}

void columns_add(struct columns *c, const char *text)
{
	size_t column = c->cell_count++ % strlen(c->align);
	char cell[CELL_MAX];
	size_t n = strlen(human_clean(cell, sizeof(cell), text));

	if (n > c->width[column])
		c->width[column] = n;
	if (buf_put(&c->cells, cell, n + 1) < 0)
		c->failed = true;
}

/* An empty last cell leaves no blanks behind. */
static int end_line(struct buf *out)
{
	while (out->len && buf_head(out)[out->len - 1] == ' ')
		out->len--;
	return buf_put(out, "\n", 1);
}

int columns_print(const struct columns *c, struct buf *out)
{
	const char *cell = (const char *)buf_head(&c->cells);
	size_t last = strlen(c->align) - 1;
	int err = c->failed ? -ENOBUFS : 0;

	for (size_t i = 0; !err && i < c->cell_count; i++) {
		size_t column = i % (last + 1);
		int width = (int)c->width[column];
		if (c->align[column] == 'r')
			err = buf_printf(out, "%*s", width, cell);
		else
			err = buf_printf(out, "%-*s", width, cell);
		if (!err)
			err = column == last ? end_line(out)
			                     : buf_put(out, GAP, strlen(GAP));
		cell += strlen(cell) + 1;
	}
	return err;
}
