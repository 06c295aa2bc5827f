/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: pages of memory that a file has as well. What a library touched once, at
 * start, stays in memory until the system is short of it; on a small machine
 * that is what a resting daemon costs most.
 */
#ifndef AGG_BASE_PAGES_H
#define AGG_BASE_PAGES_H

#include <stddef.h>

/* Lets go of the code and the constants of the loaded libraries whose file's name
 * begins so: "libcrypto". What is needed again comes from the file, page by page.
 * How many bytes it was, resident or not. */
size_t pages_drop(const char *prefix);

#endif
