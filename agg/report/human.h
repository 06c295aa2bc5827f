/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: numbers as a person reads them: three digits and a unit. The text is
 * in buf, which is returned.
 */
#ifndef AGG_REPORT_HUMAN_H
#define AGG_REPORT_HUMAN_H

#include <stdint.h>

#define HUMAN_MAX 32

const char *human_bytes(uint64_t bytes, char buf[HUMAN_MAX]);    /* "1.20 GB" */
const char *human_rate(uint64_t bytes_per_s, char buf[HUMAN_MAX]); /* Mbit/s: "47.1" */
const char *human_ms(uint64_t us, char buf[HUMAN_MAX]);          /* "12.3 ms" */
const char *human_age(uint64_t us, char buf[HUMAN_MAX]);         /* "3 h 12 min" */

#endif
