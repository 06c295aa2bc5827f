/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see columns.h. Cells are kept as text behind text, so that thousands
 * of rows cost their bytes and nothing else.
 */
#include "agg/base/columns.h"

#include "agg/base/printable.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP "  "
#define GAP_LEN strlen(GAP)
#define BELOW_INDENT 4
#define WIDTH_USUAL 80 /* of a terminal that does not say */
#define BELOW_MAX (COLUMNS_MAX * (COLUMNS_CELL_MAX + 64)) /* with headings */
#define CUT "..."
#define TIED '\x1f'  /* a blank that does not break a line */
#define LEFT_MAX 21u /* "255.255.255.255:65535" */

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
	char cell[COLUMNS_CELL_MAX];
	size_t n = strlen(printable_ascii(cell, sizeof(cell), text));

	if (strlen(text) > n)
		strcpy(cell + n - strlen(CUT), CUT);
	if (n > c->width[column])
		c->width[column] = n;
	if (buf_put(&c->cells, cell, n + 1) < 0)
		c->failed = true;
}

/* Lines -------------------------------------------------------------------- */

/* An empty last cell leaves no blanks behind. */
static int end_line(struct buf *out)
{
	while (out->len && buf_head(out)[out->len - 1] == ' ')
		out->len--;
	return buf_put(out, "\n", 1);
}

static int put_word(struct buf *out, const char *word, size_t n)
{
	uint8_t *to = buf_reserve(out, n);

	if (!to)
		return -ENOBUFS;
	for (size_t i = 0; i < n; i++)
		to[i] = word[i] == TIED ? ' ' : (uint8_t)word[i];
	buf_added(out, n);
	return 0;
}

int columns_wrap(const char *text, unsigned indent, unsigned line_max,
                 struct buf *out)
{
	size_t used = indent;
	int err = buf_printf(out, "%*s", (int)indent, "");

	for (bool first = true; !err && *text; first = false) {
		size_t word = strcspn(text, " ");
		if (!first && line_max && used + 1 + word > line_max) {
			used = indent + 2;
			err = buf_printf(out, "\n%*s", (int)used, "");
		} else if (!first) {
			used++;
			err = buf_put(out, " ", 1);
		}
		if (!err)
			err = put_word(out, text, word);
		used += word;
		text += word + strspn(text + word, " ");
	}
	return err ? err : end_line(out);
}

/* Tables -------------------------------------------------------------------- */

struct layout {
	const struct columns *c;
	size_t count;            /* of columns */
	size_t line_max;         /* 0: no limit */
	bool beside[COLUMNS_MAX]; /* it stands in the row's own line */
	size_t width[COLUMNS_MAX], at[COLUMNS_MAX]; /* where it begins */
	size_t used;             /* of that line, without a note */
	const char *heading[COLUMNS_MAX];
	const char *cell[COLUMNS_MAX]; /* of the row at hand */
};

static bool is_note(const struct layout *l, size_t column)
{
	return l->c->align[column] == 'n';
}

static size_t sum_of_widths(const struct layout *l)
{
	size_t sum = 0;

	for (size_t i = 0; i < l->count; i++)
		sum += is_note(l, i) ? 0 : l->width[i] + (i ? GAP_LEN : 0);
	return sum;
}

static void lay_out(struct layout *l)
{
	bool full = false;

	memcpy(l->width, l->c->width, sizeof(l->width));
	bool narrow = l->line_max && sum_of_widths(l) > l->line_max;
	for (size_t i = 0; i < l->count; i++) {
		/* Few are longer than that: those have a line to themselves. */
		if (narrow && l->c->align[i] == 'l' && l->width[i] > LEFT_MAX)
			l->width[i] = LEFT_MAX;
		size_t more = l->width[i] + (i ? GAP_LEN : 0);
		full |= narrow && i && l->used + more > l->line_max;
		l->beside[i] = !full && !is_note(l, i);
		l->at[i] = l->used + (i ? GAP_LEN : 0);
		l->used += l->beside[i] ? more : 0;
	}
}

/* This row's cell does; an overlong one that is not the first must end in the
 * line, too. */
static bool fits_beside(const struct layout *l, size_t i)
{
	size_t len = strlen(l->cell[i]);

	if (is_note(l, i))
		return !l->line_max || l->at[i] + len <= l->line_max;
	return l->beside[i] && (!i || len <= l->width[i] ||
	                        l->at[i] + len <= l->line_max);
}

/* Where the next column goes on after a cell that is longer than its own. */
static int begin_again(size_t at, struct buf *out)
{
	int err = buf_put(out, "\n", 1);

	return err ? err : buf_printf(out, "%*s", (int)at, "");
}

static int print_line(const struct layout *l, struct buf *out)
{
	int err = 0;

	for (size_t i = 0; !err && i < l->count; i++) {
		bool fits = fits_beside(l, i);
		size_t width = is_note(l, i) ? 0 : l->width[i];
		const char *cell = fits ? l->cell[i] : "";
		if (!fits && !l->beside[i])
			continue;
		err = buf_printf(out, l->c->align[i] == 'r' ? "%s%*s" : "%s%-*s",
		                 i ? GAP : "", (int)width, cell);
		if (!err && !is_note(l, i) && strlen(cell) > width)
			err = begin_again(l->at[i] + width, out);
	}
	return err ? err : end_line(out);
}

static bool says_something(const char *cell)
{
	return *cell && strcmp(cell, "-");
}

/* Appends, with its blanks tied where tie says so. */
static size_t append(char text[BELOW_MAX], size_t used, const char *more,
                     bool tie)
{
	for (; *more && used + 1 < BELOW_MAX; more++)
		text[used++] = tie && *more == ' ' ? TIED : *more;
	text[used] = 0;
	return used;
}

/* "up Mbit/s 18.9 of 20.0, device wan1; metered" */
static int print_below(const struct layout *l, struct buf *out)
{
	char text[BELOW_MAX] = "";
	size_t used = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (fits_beside(l, i) || !says_something(l->cell[i]))
			continue;
		bool note = is_note(l, i);
		if (used)
			used = append(text, used, note ? "; " : ", ", false);
		if (!note)
			used = append(text, used, l->heading[i], true);
		if (!note)
			used = append(text, used, " ", true);
		used = append(text, used, l->cell[i], !note);
	}
	return used ? columns_wrap(text, BELOW_INDENT, (unsigned)l->line_max, out)
	            : 0;
}

int columns_print(const struct columns *c, unsigned line_max, struct buf *out)
{
	struct layout l = { .c = c, .count = strlen(c->align),
	                    .line_max = line_max };
	const char *cell = (const char *)buf_head(&c->cells);
	int err = c->failed ? -ENOBUFS : 0;

	lay_out(&l);
	for (size_t row = 0; !err && row < c->cell_count / l.count; row++) {
		for (size_t i = 0; i < l.count; i++) {
			l.cell[i] = cell;
			cell += strlen(cell) + 1;
		}
		if (row == 0)
			memcpy(l.heading, l.cell, sizeof(l.heading));
		err = print_line(&l, out);
		if (!err && row)
			err = print_below(&l, out);
	}
	return err;
}

/* Terminals ------------------------------------------------------------------ */

unsigned columns_of_terminal(void)
{
	const char *wish = getenv("COLUMNS");
	int columns = wish ? atoi(wish) : 0;
	struct winsize size;

	if (columns > 0)
		return columns < COLUMNS_LINE_MAX ? (unsigned)columns
		                                  : COLUMNS_LINE_MAX;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col ? size.ws_col : WIDTH_USUAL;
}
