/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: takes out of a text what is nobody's business: private keys go, pins are cut
 * short, public addresses become names that stay the same within the text, and of
 * hardware addresses the maker alone is left. Private addresses stay. Pure.
 */
#ifndef AGG_DOCTOR_REDACT_H
#define AGG_DOCTOR_REDACT_H

#include "agg/base/buf.h"

#define REDACT_ADDRESSES_MAX 256 /* of more, names are not told apart */
#define REDACT_PIN_LETTERS 6     /* of a pin are left */

/* Appends the text to out. 0, -ENOBUFS or -ENOMEM. */
int redact(const char *text, size_t len, struct buf *out);

#endif
