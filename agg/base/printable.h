/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: text of others, made fit for a line that a person or a terminal reads.
 * Pure.
 */
#ifndef AGG_BASE_PRINTABLE_H
#define AGG_BASE_PRINTABLE_H

#include <stddef.h>

/* Copies text to out and returns the length, below size: a backslash stays,
 * but what would end the line, move the cursor or turn the order of reading is
 * escaped byte by byte as \xNN: control characters (C0, DEL, C1, line and
 * paragraph separators, the marks of direction), and bytes that are no UTF-8.
 * What does not fit is left out, whole characters only. */
size_t printable(char *out, size_t size, const char *text);
/* The same for columns, where a byte is as wide as another: what is not
 * printable ASCII becomes '?', what does not fit is cut. Returns out. */
char *printable_ascii(char *out, size_t size, const char *text);

#endif
