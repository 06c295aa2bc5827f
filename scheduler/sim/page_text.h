/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the page as embed.py puts it together: what is before a trace, what is
 * after it. No strings: not ended by a zero.
 */
#ifndef SCHEDULER_SIM_PAGE_TEXT_H
#define SCHEDULER_SIM_PAGE_TEXT_H

#include <stddef.h>

extern const unsigned char page_before[];
extern const size_t page_before_size;
extern const unsigned char page_after[];
extern const size_t page_after_size;

#endif
