/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how long to wait before trying again what failed: twice as long each
 * time, up to a limit. Pure.
 */
#ifndef AGG_BASE_BACKOFF_H
#define AGG_BASE_BACKOFF_H

#include <stdint.h>

/* The pause after so many failures in a row: first_us after one, doubled with
 * each further one, most_us at most. */
uint64_t backoff_us(uint64_t first_us, unsigned failures, uint64_t most_us);

#endif
