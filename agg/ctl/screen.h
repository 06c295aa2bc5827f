/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside of the program aggctl: a report on a terminal, in colour, or again
 * and again in one place.
 */
#ifndef AGG_CTL_SCREEN_H
#define AGG_CTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Is standard output a terminal that is to have colours: none where NO_COLOR is
 * set and not empty (no-color.org), or TERM is dumb. */
bool screen_has_colours(void);
/* The text with the words of states in colour. */
void screen_paint(FILE *to, const char *text, size_t len);

/* From here on until screen_end() each screen_draw() takes the place of the one
 * before; SIGINT and SIGTERM do not end the program, but screen_wait(). */
void screen_begin(void);
/* As many lines as there are rows. */
void screen_draw(const char *text, size_t len, bool colours);
/* So many seconds; false: that is enough. */
bool screen_wait(unsigned seconds);
void screen_end(void);

#endif
