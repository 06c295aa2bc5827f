/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: SipHash-2-4 (Aumasson, Bernstein, INDOCRYPT 2012): a keyed hash for tables
 * whose keys strangers choose. Who does not know the key finds no collisions.
 */
#ifndef AGG_BASE_SIPHASH_H
#define AGG_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16

uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *p, size_t n);

#endif
