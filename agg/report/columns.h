/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside agg/report, and for aggctl's own tables: rows of cells, printed
 * in columns as wide as their widest cell.
 */
#ifndef AGG_REPORT_COLUMNS_H
#define AGG_REPORT_COLUMNS_H

#include "agg/base/buf.h"

#include <stdbool.h>

#define COLUMNS_MAX 16
#define COLUMNS_BYTES_MAX (4 * 1024 * 1024)

struct columns {
	struct buf cells; /* texts with their NULs, row by row */
	const char *align; /* a letter a column: 'l'eft or 'r'ight; borrowed */
	size_t width[COLUMNS_MAX];
	size_t cell_count;
	bool failed; /* a cell found no memory */
};

void columns_init(struct columns *c, const char *align);
void columns_finish(struct columns *c);
/* The next cell, made fit for a terminal. A row ends by itself. */
void columns_add(struct columns *c, const char *text);
/* 0 or -ENOBUFS. */
int columns_print(const struct columns *c, struct buf *out);

#endif
