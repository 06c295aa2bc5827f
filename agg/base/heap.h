/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what C does not say of its heap; a file for each library.
 */
#ifndef AGG_BASE_HEAP_H
#define AGG_BASE_HEAP_H

/* Before threads: freed memory shall go back to the system by itself. */
void heap_init(void);
/* Gives free memory back to the system, where the library can be asked to. */
void heap_trim(void);

#endif
