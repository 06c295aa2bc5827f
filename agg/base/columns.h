/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: tables for a person: rows of cells, printed in columns as wide as
 * their widest cell, and lines that fit their terminal.
 *
 * Nothing is cut but a cell past COLUMNS_CELL_MAX. Where the terminal is
 * narrower than the table, the columns that do not fit follow on a line below
 * their row, each with its heading; so does a note that is too long for the rest
 * of its line. A name that is much longer than others has a line to itself.
 */
#ifndef AGG_BASE_COLUMNS_H
#define AGG_BASE_COLUMNS_H

#include "agg/base/buf.h"

#include <stdbool.h>

#define COLUMNS_MAX 32
#define COLUMNS_BYTES_MAX (4 * 1024 * 1024)
#define COLUMNS_CELL_MAX 1024 /* bytes; a longer cell ends in "..." */
#define COLUMNS_LINE_MAX 10000 /* of what a terminal says */

struct columns {
	struct buf cells; /* texts with their NULs, row by row */
	/* A letter a column: 'l'eft, 'r'ight; the last may be 'n', a note, which
	 * speaks for itself without its heading. Borrowed. */
	const char *align;
	size_t width[COLUMNS_MAX];
	size_t cell_count;
	bool failed; /* a cell found no memory */
};

void columns_init(struct columns *c, const char *align);
void columns_finish(struct columns *c);
/* The next cell, made fit for a terminal. A row ends by itself; the first row
 * is the heading. "-" is not known. */
void columns_add(struct columns *c, const char *text);
/* Lines of at most line_max characters, where words allow; 0: of any length.
 * 0 or -ENOBUFS. */
int columns_print(const struct columns *c, unsigned line_max, struct buf *out);

/* One sentence in lines of at most line_max; the first is indented by so much,
 * those that follow by two more. 0 or -ENOBUFS. */
int columns_wrap(const char *text, unsigned indent, unsigned line_max,
                 struct buf *out);

/* How wide the terminal on stdout is, or what COLUMNS wishes (as watch(1) does);
 * 0: a pipe or a file, where lines are as long as they are. */
unsigned columns_of_terminal(void);

#endif
