/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: word lists in messages: what is allowed, and which of it was probably
 * meant.
 */
#ifndef AGG_BASE_WORDS_H
#define AGG_BASE_WORDS_H

#include <getopt.h>
#include <stddef.h>

/* The word of the NULL-ended list that is a slip away, in whatever case; NULL:
 * none is near. */
const char *words_near(const char *const *words, const char *word);
/* The same of a program's options (getopt_long(3)), for "--wrod". */
const char *words_near_option(const struct option *options, const char *word);
/* The word before next (optind), at which getopt(3) stopped: the last one where it
 * wants a value that is not there, which musl counts as well. */
const char *words_stopped_at(int argc, char *const *argv, int next);
/* "a, b, c" into text, cut at size. */
const char *words_list(const char *const *words, char *text, size_t size);

#endif
