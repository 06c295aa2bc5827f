/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: golden files: what a program wrote, kept beside its test. With
 * GOLDEN_WRITE=1 in the environment the file is written instead of compared,
 * to be looked at in the diff.
 */
#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H

#include "agg/base/buf.h"

/* Fails the running test where the file's bytes are not those in text. */
void golden_check(const char *path, const struct buf *text);
/* The whole file into out (to be finished); fails the test if it cannot. */
void golden_read(const char *path, struct buf *out);

#endif
